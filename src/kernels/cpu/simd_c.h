/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CPU_SIMD_C_H
#define TSKIP_KERNELS_CPU_SIMD_C_H

/* Vectors of f32 in portable C: arrays that a compiler may turn into whatever it has. What each
 * name means is said here once; the other rungs' headers have the same names. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/half.h"

#define VL 4 /* lanes */

/* Keys (or value columns) of a register block: runs of STEP, then runs of STEP_REST; and row
 * vectors. */
#define STEP        4
#define STEP_REST   4
#define ROW_VECTORS 2

/* Vectors that sums may take while rows are multiplied in place: half of the registers. */
#define ACCUMULATORS 16

typedef struct vf {
    float lane[VL];
} vf;

typedef struct vmask {
    int lane[VL];
} vmask;

#define LANES(expression)                                                                          \
    vf r;                                                                                          \
    for (int i = 0; i < VL; i++)                                                                   \
        r.lane[i] = (expression);                                                                  \
    return r

#define MASK_LANES(expression)                                                                     \
    vmask r;                                                                                       \
    for (int i = 0; i < VL; i++)                                                                   \
        r.lane[i] = (expression);                                                                  \
    return r

static inline vf vf_load(const float *p) /* any alignment */
{
    vf r;
    memcpy(&r, p, sizeof r);
    return r;
}

static inline void vf_store(float *p, vf a)
{
    memcpy(p, &a, sizeof a);
}

static inline vf vf_set(float x)
{
    LANES(x);
}

static inline vf vf_add(vf a, vf b)
{
    LANES(a.lane[i] + b.lane[i]);
}

static inline vf vf_sub(vf a, vf b)
{
    LANES(a.lane[i] - b.lane[i]);
}

static inline vf vf_mul(vf a, vf b)
{
    LANES(a.lane[i] * b.lane[i]);
}

static inline vf vf_div(vf a, vf b)
{
    LANES(a.lane[i] / b.lane[i]);
}

/* What a product of two matrices is summed in. In double here: speed is not what this rung is for,
 * and its sums then err less than any other's. */
typedef struct vsum {
    double lane[VL];
} vsum;

static inline vsum vs_set(vf a)
{
    vsum r;
    for (int i = 0; i < VL; i++)
        r.lane[i] = (double)a.lane[i];
    return r;
}

static inline vsum vs_mac(vf a, vf b, vsum c) /* c + a · b */
{
    for (int i = 0; i < VL; i++)
        c.lane[i] += (double)a.lane[i] * (double)b.lane[i];
    return c;
}

static inline vf vs_value(vsum a)
{
    LANES((float)a.lane[i]);
}

/* Of each run of 4 lanes (here there is one) the sums within the four vectors, side by side. The
 * other rungs, whose sums are vectors, call it vf_sum4. */
static inline vf vs_sum4(const vsum m[4])
{
    LANES((float)((m[i].lane[0] + m[i].lane[1]) + (m[i].lane[2] + m[i].lane[3])));
}

#define TERMS 1
#define PIECE 512 /* sums in double need no pieces */

/* a · b + c; rounded once where the rung has it, twice here, but the same in every tile class. */
static inline vf vf_fma(vf a, vf b, vf c)
{
    LANES(a.lane[i] * b.lane[i] + c.lane[i]);
}

/* The larger; where either is NaN, b. */
static inline vf vf_max(vf a, vf b)
{
    LANES(a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]);
}

static inline vmask vf_less(vf a, vf b) /* false for NaN */
{
    MASK_LANES(a.lane[i] < b.lane[i]);
}

static inline vmask vf_less_equal(vf a, vf b)
{
    MASK_LANES(a.lane[i] <= b.lane[i]);
}

static inline vmask vf_equal(vf a, vf b)
{
    MASK_LANES(a.lane[i] == b.lane[i]);
}

static inline vmask vm_and(vmask a, vmask b)
{
    MASK_LANES(a.lane[i] & b.lane[i]);
}

static inline vmask vm_or(vmask a, vmask b)
{
    MASK_LANES(a.lane[i] | b.lane[i]);
}

static inline vf vf_select(vmask m, vf yes, vf no)
{
    LANES(m.lane[i] ? yes.lane[i] : no.lane[i]);
}

static inline vf vf_round(vf a) /* to the nearest integer, ties to even; |a| < 2^22 */
{
    LANES((a.lane[i] + 12582912.0f) - 12582912.0f);
}

/* a · 2^n for an integral n in [-252, 252]; underflow is gradual. */
static inline vf vf_scale(vf a, vf n)
{
    vf r;
    for (int i = 0; i < VL; i++) {
        int32_t whole = (int32_t)n.lane[i], half = whole / 2;
        float first = tskip__f32_from_bits((uint32_t)(half + 127) << 23);
        float second = tskip__f32_from_bits((uint32_t)(whole - half + 127) << 23);
        r.lane[i] = a.lane[i] * first * second;
    }
    return r;
}

/* VL values of 16 bits, widened. */
static inline vf vf_load_bf16(const uint16_t *p)
{
    uint16_t bits[VL];
    memcpy(bits, p, sizeof bits);
    LANES(tskip__f32_from_bits((uint32_t)bits[i] << 16));
}

static inline vf vf_load_f16(const uint16_t *p)
{
    uint16_t bits[VL];
    memcpy(bits, p, sizeof bits);
    LANES(tskip__f16_to_f32(bits[i]));
}

static inline vf vf_load_bool(const uint8_t *p) /* 0 where a byte is set, -inf where it is not */
{
    LANES(p[i] ? 0.0f : -INFINITY);
}

/* VL values rounded to 16 bits; every NaN is canonical already. */
static inline void vf_store_bf16(uint16_t *p, vf a)
{
    uint16_t bits[VL];
    for (int i = 0; i < VL; i++)
        bits[i] = tskip__f32_to_bf16(a.lane[i]);
    memcpy(p, bits, sizeof bits);
}

static inline void vf_store_f16(uint16_t *p, vf a)
{
    uint16_t bits[VL];
    for (int i = 0; i < VL; i++)
        bits[i] = tskip__f32_to_f16(a.lane[i]);
    memcpy(p, bits, sizeof bits);
}

/* Lane j of vector i and lane i of vector j change places, as bits. */
static inline void vf_transpose(vf m[VL])
{
    for (int i = 0; i < VL; i++)
        for (int j = 0; j < i; j++) {
            float other = m[i].lane[j];
            m[i].lane[j] = m[j].lane[i];
            m[j].lane[i] = other;
        }
}

/* The highest lane; any of them where one is NaN. */
static inline float vf_highest(vf a)
{
    float top = a.lane[0];
    for (int i = 1; i < VL; i++)
        top = a.lane[i] > top ? a.lane[i] : top;
    return top;
}

/* Of each vector of sums the runs of 4 lanes added up, side by side. */
static inline vf vf_join_sums(const vf s[VL / 4])
{
    return s[0];
}

#undef LANES
#undef MASK_LANES

#endif
