/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <immintrin.h>

#include "peak.h"

enum { CHAINS = 16 };

static void keep(__m512 *sum)
{
    for (int i = 1; i < CHAINS; i++)
        sum[0] = _mm512_add_ps(sum[0], sum[i]);
    volatile float value = _mm512_cvtss_f32(sum[0]);
    (void)value;
}

double peak_loop_avx512(uint64_t rounds)
{
    __m512 sum[CHAINS], a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f);
    for (int i = 0; i < CHAINS; i++)
        sum[i] = _mm512_set1_ps((float)i);
    for (uint64_t r = 0; r < rounds; r++) {
        _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; i++) sum[i] =
            _mm512_fmadd_ps(sum[i], a, b);
    }
    keep(sum);
    return (double)rounds * CHAINS * 16 * 2;
}

double peak_loop_bf16(uint64_t rounds)
{
    __m512 sum[CHAINS];
    __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.01f), _mm512_set1_ps(0.02f));
    for (int i = 0; i < CHAINS; i++)
        sum[i] = _mm512_set1_ps((float)i);
    for (uint64_t r = 0; r < rounds; r++) {
        _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; i++) sum[i] =
            _mm512_dpbf16_ps(sum[i], a, a);
    }
    keep(sum);
    return (double)rounds * CHAINS * 32 * 2;
}

uint64_t peak_sum_avx512(const uint64_t *words, size_t n_words)
{
    __m512i sum[4];
    for (int k = 0; k < 4; k++)
        sum[k] = _mm512_setzero_si512();
    for (size_t i = 0; i + 32 <= n_words; i += 32) {
        for (int k = 0; k < 4; k++)
            sum[k] = _mm512_xor_si512(sum[k], _mm512_loadu_si512(words + i + (size_t)k * 8));
    }
    sum[0] = _mm512_xor_si512(_mm512_xor_si512(sum[0], sum[1]), _mm512_xor_si512(sum[2], sum[3]));
    return (uint64_t)_mm512_reduce_add_epi64(sum[0]);
}
