/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CPU_SIMD_NEONBF16_H
#define TSKIP_KERNELS_CPU_SIMD_NEONBF16_H

/* What FEAT_BF16 adds to simd_neon.h: words that hold a pair of bf16 terms; the names are explained
 * in simd_avx512bf16.h. The dot product rounds to odd and flushes subnormals to zero. */

#include "simd_neon.h"

#define TERMS 2

#define vs_mac(a, b, c) vbfdotq_f32(c, vreinterpretq_bf16_f32(a), vreinterpretq_bf16_f32(b))

static inline vf vf_zip(uint16x4_t a, uint16x4_t b)
{
    return vreinterpretq_f32_u16(vcombine_u16(vzip1_u16(a, b), vzip2_u16(a, b)));
}

static inline vf vf_pair_rows(const uint16_t *a, const uint16_t *b)
{
    return vf_zip(vh_load(a), vh_load(b));
}

static inline void vf_pair_long_rows(const uint16_t *a, const uint16_t *b, vf out[2])
{
    out[0] = vf_pair_rows(a, b);
    out[1] = vf_pair_rows(a + VL, b + VL);
}

static inline vf vf_pair_lanes(vf a, vf b)
{
    return vreinterpretq_f32_bf16(vcvtq_high_bf16_f32(vcvtq_low_bf16_f32(a), b));
}

static inline vf vf_pair(vf a, vf b)
{
    return vf_zip(vreinterpret_u16_bf16(vcvt_bf16_f32(a)), vreinterpret_u16_bf16(vcvt_bf16_f32(b)));
}

#endif
