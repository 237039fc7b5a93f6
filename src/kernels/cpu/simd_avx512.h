/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CPU_SIMD_AVX512_H
#define TSKIP_KERNELS_CPU_SIMD_AVX512_H

/* Vectors of f32 with AVX-512 F, BW, DQ, VL; the names are explained in simd_c.h. */

#include <immintrin.h>
#include <stdint.h>

#define VL 16
/* 8 x 2 accumulators and 2 row vectors; the broadcast is folded into the product. */
#define STEP        8
#define STEP_REST   4
#define ROW_VECTORS 2

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

#endif
