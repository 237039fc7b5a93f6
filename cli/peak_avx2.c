/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <immintrin.h>

#include "peak.h"

double peak_loop_avx2(uint64_t rounds)
{
    enum { CHAINS = 12 };
    __m256 sum[CHAINS], a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
    for (int i = 0; i < CHAINS; i++)
        sum[i] = _mm256_set1_ps((float)i);
    for (uint64_t r = 0; r < rounds; r++) {
        _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) sum[i] =
            _mm256_fmadd_ps(sum[i], a, b);
    }
    for (int i = 1; i < CHAINS; i++)
        sum[0] = _mm256_add_ps(sum[0], sum[i]);
    volatile float keep = _mm256_cvtss_f32(sum[0]);
    (void)keep;
    return (double)rounds * CHAINS * 8 * 2;
}

uint64_t peak_sum_avx2(const uint64_t *words, size_t n_words)
{
    __m256i sum[4];
    for (int k = 0; k < 4; k++)
        sum[k] = _mm256_setzero_si256();
    for (size_t i = 0; i + 16 <= n_words; i += 16) {
        const __m256i *from = (const __m256i *)(const void *)(words + i);
        for (int k = 0; k < 4; k++)
            sum[k] = _mm256_xor_si256(sum[k], _mm256_loadu_si256(from + k));
    }
    sum[0] = _mm256_xor_si256(_mm256_xor_si256(sum[0], sum[1]), _mm256_xor_si256(sum[2], sum[3]));
    const __m128i half =
        _mm_xor_si128(_mm256_castsi256_si128(sum[0]), _mm256_extracti128_si256(sum[0], 1));
    return (uint64_t)_mm_cvtsi128_si64(half) ^ (uint64_t)_mm_extract_epi64(half, 1);
}
