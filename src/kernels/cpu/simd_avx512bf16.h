/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CPU_SIMD_AVX512BF16_H
#define TSKIP_KERNELS_CPU_SIMD_AVX512BF16_H

/* What AVX512_BF16 adds to simd_avx512.h: words that hold a pair of bf16 terms. The dot product
 * ignores the floating-point mode: it rounds to nearest and flushes subnormals to zero. */

#include "simd_avx512.h"

#define TERMS 2

/* c + a0 · b0 + a1 · b1 in each lane. */
#define vs_mac(a, b, c) _mm512_dpbf16_ps(c, (__m512bh)(a), (__m512bh)(b))

/* Of 16 words of 16 bits and 16 more: one of the first, one of the second, and so on. */
static inline __m512i interleave(__m512i both)
{
    const __m512i first = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(16));
    return _mm512_permutexvar_epi16(_mm512_or_si512(first, _mm512_slli_epi32(second, 16)), both);
}

/* Lane i: the pair (a[i], b[i]), of 16-bit values in memory. */
static inline vf vf_pair_rows(const uint16_t *a, const uint16_t *b)
{
    __m512i first = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)a));
    __m256i second = _mm256_loadu_si256((const __m256i *)b);
    return _mm512_castsi512_ps(interleave(_mm512_inserti64x4(first, second, 1)));
}

/* The same of 32 values each, in two vectors. */
static inline void vf_pair_long_rows(const uint16_t *a, const uint16_t *b, vf out[2])
{
    const __m512i first = _mm512_loadu_si512(a), second = _mm512_loadu_si512(b);
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i low = _mm512_or_si512(
        lanes, _mm512_slli_epi32(_mm512_add_epi32(lanes, _mm512_set1_epi32(32)), 16));
    const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(16 << 16 | 16));
    out[0] = _mm512_castsi512_ps(_mm512_permutex2var_epi16(first, low, second));
    out[1] = _mm512_castsi512_ps(_mm512_permutex2var_epi16(first, high, second));
}

/* Lanes 2i and 2i + 1 of a, then of b, as a pair, rounded to bf16. */
static inline vf vf_pair_lanes(vf a, vf b)
{
    return _mm512_castsi512_ps((__m512i)_mm512_cvtne2ps_pbh(b, a));
}

/* Lane i: the pair (a[i], b[i]), rounded to bf16. */
static inline vf vf_pair(vf a, vf b)
{
    return _mm512_castsi512_ps(interleave((__m512i)_mm512_cvtne2ps_pbh(b, a)));
}

#endif
