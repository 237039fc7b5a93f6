/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CPU_SIMD_AVX2_H
#define TSKIP_KERNELS_CPU_SIMD_AVX2_H

/* Vectors of f32 with AVX2, FMA and F16C; the names are explained in simd_c.h. */

#include <immintrin.h>
#include <math.h>
#include <stdint.h>

#define VL 8
/* 6 x 2 accumulators, 2 row vectors and a broadcast fill 15 of 16 registers. */
#define STEP        6
#define STEP_REST   4
#define ROW_VECTORS 2

#define ACCUMULATORS 8

typedef __m256 vf;
typedef __m256 vmask;

#define vf_load(p)            _mm256_loadu_ps(p)
#define vf_store(p, a)        _mm256_storeu_ps(p, a)
#define vf_set(x)             _mm256_set1_ps(x)
#define vf_add(a, b)          _mm256_add_ps(a, b)
#define vf_sub(a, b)          _mm256_sub_ps(a, b)
#define vf_mul(a, b)          _mm256_mul_ps(a, b)
#define vf_div(a, b)          _mm256_div_ps(a, b)
#define vf_fma(a, b, c)       _mm256_fmadd_ps(a, b, c)
#define vf_max(a, b)          _mm256_max_ps(a, b)
#define vf_less(a, b)         _mm256_cmp_ps(a, b, _CMP_LT_OQ)
#define vf_less_equal(a, b)   _mm256_cmp_ps(a, b, _CMP_LE_OQ)
#define vf_equal(a, b)        _mm256_cmp_ps(a, b, _CMP_EQ_OQ)
#define vm_and(a, b)          _mm256_and_ps(a, b)
#define vm_or(a, b)           _mm256_or_ps(a, b)
#define vf_select(m, yes, no) _mm256_blendv_ps(no, yes, m)
#define vf_round(a)           _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

static inline __m256 vf_power(__m256i exponent)
{
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_add_epi32(exponent, _mm256_set1_epi32(127)), 23));
}

/* In two steps, so that neither factor is subnormal and the product underflows gradually. */
static inline vf vf_scale(vf a, vf n)
{
    __m256i whole = _mm256_cvtps_epi32(n);
    __m256i half = _mm256_srai_epi32(whole, 1);
    vf once = _mm256_mul_ps(a, vf_power(half));
    return _mm256_mul_ps(once, vf_power(_mm256_sub_epi32(whole, half)));
}

static inline vf vf_load_bf16(const uint16_t *p)
{
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

static inline vf vf_load_f16(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

static inline vf vf_load_bool(const uint8_t *p)
{
    __m256i wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
    __m256i unseen = _mm256_cmpeq_epi32(wide, _mm256_setzero_si256());
    return _mm256_and_ps(_mm256_castsi256_ps(unseen), _mm256_set1_ps(-INFINITY));
}

static inline void vf_store_bf16(uint16_t *p, vf a)
{
    __m256i bits = _mm256_castps_si256(a);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i sum = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    __m256i half = _mm256_srli_epi32(sum, 16);
    half = _mm256_permute4x64_epi64(_mm256_packus_epi32(half, half), 0x88);
    _mm_storeu_si128((__m128i *)p, _mm256_castsi256_si128(half));
}

static inline void vf_store_f16(uint16_t *p, vf a)
{
    __m128i half = _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm_storeu_si128((__m128i *)p, half);
}

static inline float vf_highest(vf a)
{
    __m128 top = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    top = _mm_max_ps(top, _mm_movehl_ps(top, top));
    return _mm_cvtss_f32(_mm_max_ss(top, _mm_movehdup_ps(top)));
}

static inline vf vf_sum4(const vf m[4])
{
    return _mm256_hadd_ps(_mm256_hadd_ps(m[0], m[1]), _mm256_hadd_ps(m[2], m[3]));
}

static inline vf vf_join_sums(const vf s[2])
{
    return _mm256_add_ps(_mm256_permute2f128_ps(s[0], s[1], 0x20),
                         _mm256_permute2f128_ps(s[0], s[1], 0x31));
}

/* Within halves of 4 lanes, then the halves themselves. */
static inline void vf_transpose(vf m[VL])
{
    __m256 t[VL];
    for (int i = 0; i < VL; i += 4) {
        __m256d low01 = _mm256_castps_pd(_mm256_unpacklo_ps(m[i], m[i + 1]));
        __m256d high01 = _mm256_castps_pd(_mm256_unpackhi_ps(m[i], m[i + 1]));
        __m256d low23 = _mm256_castps_pd(_mm256_unpacklo_ps(m[i + 2], m[i + 3]));
        __m256d high23 = _mm256_castps_pd(_mm256_unpackhi_ps(m[i + 2], m[i + 3]));
        t[i] = _mm256_castpd_ps(_mm256_unpacklo_pd(low01, low23));
        t[i + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(low01, low23));
        t[i + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(high01, high23));
        t[i + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(high01, high23));
    }
    for (int i = 0; i < 4; i++) {
        m[i] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x20);
        m[i + 4] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x31);
    }
}

#endif
