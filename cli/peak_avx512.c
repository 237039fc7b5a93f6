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
