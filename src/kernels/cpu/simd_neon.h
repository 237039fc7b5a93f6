/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CPU_SIMD_NEON_H
#define TSKIP_KERNELS_CPU_SIMD_NEON_H

/* Vectors of f32 with Advanced SIMD as every AArch64 has it; the names are explained in simd_c.h.
 */

#include <arm_neon.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define VL 4
/* 4 x 4 accumulators, 4 row vectors and a broadcast fill 21 of 32 registers. */
#define STEP        4
#define STEP_REST   4
#define ROW_VECTORS 4

#define ACCUMULATORS 16

typedef float32x4_t vf;
typedef uint32x4_t vmask;

#define vf_load(p)            vld1q_f32(p)
#define vf_store(p, a)        vst1q_f32(p, a)
#define vf_set(x)             vdupq_n_f32(x)
#define vf_add(a, b)          vaddq_f32(a, b)
#define vf_sub(a, b)          vsubq_f32(a, b)
#define vf_mul(a, b)          vmulq_f32(a, b)
#define vf_div(a, b)          vdivq_f32(a, b)
#define vf_fma(a, b, c)       vfmaq_f32(c, a, b)
#define vf_max(a, b)          vbslq_f32(vcgtq_f32(a, b), a, b) /* fmax would keep a NaN of a */
#define vf_less(a, b)         vcltq_f32(a, b)
#define vf_less_equal(a, b)   vcleq_f32(a, b)
#define vf_equal(a, b)        vceqq_f32(a, b)
#define vm_and(a, b)          vandq_u32(a, b)
#define vm_or(a, b)           vorrq_u32(a, b)
#define vf_select(m, yes, no) vbslq_f32(m, yes, no)
#define vf_round(a)           vrndnq_f32(a)

static inline vf vf_power(int32x4_t exponent)
{
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(exponent, vdupq_n_s32(127)), 23));
}

/* In two steps, so that neither factor is subnormal and the product underflows gradually. */
static inline vf vf_scale(vf a, vf n)
{
    const int32x4_t whole = vcvtq_s32_f32(n), half = vshrq_n_s32(whole, 1);
    return vmulq_f32(vmulq_f32(a, vf_power(half)), vf_power(vsubq_s32(whole, half)));
}

static inline uint16x4_t vh_load(const uint16_t *p) /* any alignment */
{
    uint16x4_t bits;
    memcpy(&bits, p, sizeof bits);
    return bits;
}

static inline vf vf_load_bf16(const uint16_t *p)
{
    return vreinterpretq_f32_u32(vshll_n_u16(vh_load(p), 16));
}

static inline vf vf_load_f16(const uint16_t *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vh_load(p)));
}

static inline vf vf_load_bool(const uint8_t *p)
{
    const float cells[VL] = {p[0] ? 0.0f : -INFINITY, p[1] ? 0.0f : -INFINITY,
                             p[2] ? 0.0f : -INFINITY, p[3] ? 0.0f : -INFINITY};
    return vld1q_f32(cells);
}

/* To the nearest, ties to even. */
static inline void vf_store_bf16(uint16_t *p, vf a)
{
    const uint32x4_t bits = vreinterpretq_u32_f32(a);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    const uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7FFF)));
    const uint32x4_t is_nan = vmvnq_u32(vceqq_f32(a, a));
    const uint16x4_t half = vshrn_n_u32(vbslq_u32(is_nan, bits, rounded), 16);
    memcpy(p, &half, sizeof half);
}

static inline void vf_store_f16(uint16_t *p, vf a)
{
    const uint16x4_t half = vreinterpret_u16_f16(vcvt_f16_f32(a));
    memcpy(p, &half, sizeof half);
}

#define vf_highest(a)   vmaxvq_f32(a)
#define vf_join_sums(s) ((s)[0])

static inline vf vf_sum4(const vf m[4])
{
    return vpaddq_f32(vpaddq_f32(m[0], m[1]), vpaddq_f32(m[2], m[3]));
}

static inline void vf_transpose(vf m[VL])
{
    const float32x4x2_t low = vtrnq_f32(m[0], m[1]), high = vtrnq_f32(m[2], m[3]);
    m[0] = vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0]));
    m[1] = vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1]));
    m[2] = vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0]));
    m[3] = vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1]));
}

#endif
