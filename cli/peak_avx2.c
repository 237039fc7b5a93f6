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
