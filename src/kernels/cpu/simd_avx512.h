/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CPU_SIMD_AVX512_H
#define TSKIP_KERNELS_CPU_SIMD_AVX512_H

/* Vectors of f32 with AVX-512 F, BW, DQ, VL; the names are explained in simd_c.h. */

#include <immintrin.h>
#include <math.h>
#include <stdint.h>

#define VL 16
/* 8 x 2 accumulators and 2 row vectors; the broadcast is folded into the product. */
#define STEP        8
#define STEP_REST   4
#define ROW_VECTORS 2

#define ACCUMULATORS 16

typedef __m512 vf;
typedef __mmask16 vmask;

#define vf_load(p)            _mm512_loadu_ps(p)
#define vf_store(p, a)        _mm512_storeu_ps(p, a)
#define vf_set(x)             _mm512_set1_ps(x)
#define vf_add(a, b)          _mm512_add_ps(a, b)
#define vf_sub(a, b)          _mm512_sub_ps(a, b)
#define vf_mul(a, b)          _mm512_mul_ps(a, b)
#define vf_div(a, b)          _mm512_div_ps(a, b)
#define vf_fma(a, b, c)       _mm512_fmadd_ps(a, b, c)
#define vf_max(a, b)          _mm512_max_ps(a, b)
#define vf_less(a, b)         _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ)
#define vf_less_equal(a, b)   _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ)
#define vf_equal(a, b)        _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ)
#define vm_and(a, b)          ((__mmask16)((a) & (b)))
#define vm_or(a, b)           ((__mmask16)((a) | (b)))
#define vf_select(m, yes, no) _mm512_mask_blend_ps(m, no, yes)
#define vf_round(a)           _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define vf_scale(a, n)        _mm512_scalef_ps(a, n)

static inline vf vf_load_bf16(const uint16_t *p)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

static inline vf vf_load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

static inline vf vf_load_bool(const uint8_t *p)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)p);
    __mmask16 seen = _mm_test_epi8_mask(bytes, bytes);
    return _mm512_mask_blend_ps(seen, _mm512_set1_ps(-INFINITY), _mm512_setzero_ps());
}

static inline void vf_store_bf16(uint16_t *p, vf a)
{
    __m512i bits = _mm512_castps_si512(a);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i sum = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtepi32_epi16(_mm512_srli_epi32(sum, 16)));
}

static inline void vf_store_f16(uint16_t *p, vf a)
{
    __m256i half = _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm256_storeu_si256((__m256i *)p, half);
}

#define vf_highest(a) _mm512_reduce_max_ps(a)

static inline vf vf_sum4(const vf m[4])
{
    const vf first = vf_add(_mm512_unpacklo_ps(m[0], m[1]), _mm512_unpackhi_ps(m[0], m[1]));
    const vf second = vf_add(_mm512_unpacklo_ps(m[2], m[3]), _mm512_unpackhi_ps(m[2], m[3]));
    const __m512d a = _mm512_castps_pd(first), b = _mm512_castps_pd(second);
    return vf_add(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)),
                  _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
}

static inline vf vf_join_sums(const vf s[4])
{
    const vf first =
        vf_add(_mm512_shuffle_f32x4(s[0], s[1], 0x88), _mm512_shuffle_f32x4(s[0], s[1], 0xdd));
    const vf second =
        vf_add(_mm512_shuffle_f32x4(s[2], s[3], 0x88), _mm512_shuffle_f32x4(s[2], s[3], 0xdd));
    return vf_add(_mm512_shuffle_f32x4(first, second, 0x88),
                  _mm512_shuffle_f32x4(first, second, 0xdd));
}

/* Within quarters of 4 lanes, then the quarters themselves. */
static inline void vf_transpose(vf m[VL])
{
    __m512 t[VL];
    for (int i = 0; i < VL; i += 4) {
        __m512d low01 = _mm512_castps_pd(_mm512_unpacklo_ps(m[i], m[i + 1]));
        __m512d high01 = _mm512_castps_pd(_mm512_unpackhi_ps(m[i], m[i + 1]));
        __m512d low23 = _mm512_castps_pd(_mm512_unpacklo_ps(m[i + 2], m[i + 3]));
        __m512d high23 = _mm512_castps_pd(_mm512_unpackhi_ps(m[i + 2], m[i + 3]));
        t[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(low01, low23));
        t[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low01, low23));
        t[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high01, high23));
        t[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high01, high23));
    }
    for (int i = 0; i < 4; i++) {
        __m512 even0 = _mm512_shuffle_f32x4(t[i], t[i + 4], 0x88);
        __m512 odd0 = _mm512_shuffle_f32x4(t[i], t[i + 4], 0xdd);
        __m512 even1 = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0x88);
        __m512 odd1 = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0xdd);
        m[i] = _mm512_shuffle_f32x4(even0, even1, 0x88);
        m[i + 4] = _mm512_shuffle_f32x4(odd0, odd1, 0x88);
        m[i + 8] = _mm512_shuffle_f32x4(even0, even1, 0xdd);
        m[i + 12] = _mm512_shuffle_f32x4(odd0, odd1, 0xdd);
    }
}

#endif
