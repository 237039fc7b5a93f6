/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BASE_HALF_H
#define TSKIP_BASE_HALF_H

#include <tileskip/base.h>

#include <string.h>

/* f16 (IEEE binary16) and bf16 (the upper half of an f32) to and from f32, one value at a time, in
 * integer arithmetic: the result depends neither on the machine nor on its rounding mode. Narrowing
 * rounds to nearest, ties to even; overflow gives infinity; subnormals are kept. Every NaN comes
 * out canonical and positive: f32 7FC00000, bf16 7FC0, f16 7E00. */

#define TSKIP__F32_NAN  0x7fc00000u
#define TSKIP__F16_NAN  0x7e00u
#define TSKIP__BF16_NAN 0x7fc0u

static inline uint32_t tskip__f32_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float tskip__f32_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline bool tskip__f32_bits_are_nan(uint32_t bits)
{
    return (bits & 0x7fffffffu) > 0x7f800000u;
}

/* The same value, or the canonical NaN. */
static inline float tskip__f32_canonical(float value)
{
    return tskip__f32_bits_are_nan(tskip__f32_bits(value)) ? tskip__f32_from_bits(TSKIP__F32_NAN)
                                                           : value;
}

static inline float tskip__bf16_to_f32(uint16_t value)
{
    return tskip__f32_canonical(tskip__f32_from_bits((uint32_t)value << 16));
}

static inline uint16_t tskip__f32_to_bf16(float value)
{
    uint32_t bits = tskip__f32_bits(value);
    if (tskip__f32_bits_are_nan(bits))
        return TSKIP__BF16_NAN;
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

static inline float tskip__f16_to_f32(uint16_t value)
{
    uint32_t sign = (uint32_t)(value & 0x8000u) << 16;
    uint32_t exponent = (value >> 10) & 0x1fu;
    uint32_t fraction = value & 0x3ffu;
    if (exponent == 31)
        return tskip__f32_from_bits(fraction ? TSKIP__F32_NAN : sign | 0x7f800000u);
    if (exponent != 0)
        return tskip__f32_from_bits(sign | (exponent + 112u) << 23 | fraction << 13);
    if (fraction == 0)
        return tskip__f32_from_bits(sign);
    uint32_t shift = 0;
    while (!(fraction & 0x400u)) {
        fraction <<= 1;
        shift++;
    }
    return tskip__f32_from_bits(sign | (113u - shift) << 23 | (fraction & 0x3ffu) << 13);
}

static inline uint16_t tskip__f32_to_f16(float value)
{
    uint32_t bits = tskip__f32_bits(value);
    uint32_t sign = (bits >> 16) & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return TSKIP__F16_NAN;
    if (magnitude >= 0x47800000u) /* 65536 */
        return (uint16_t)(sign | 0x7c00u);
    if (magnitude >= 0x38800000u) { /* 2^-14, the least normal f16; a carry may reach infinity */
        uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
        return (uint16_t)(sign | (rounded - 0x38000000u) >> 13);
    }
    if (magnitude <= 0x33000000u) /* up to 2^-25, half of the least subnormal: the tie is even */
        return (uint16_t)sign;
    uint32_t shift = 126u - (magnitude >> 23);
    uint32_t fraction = (magnitude & 0x7fffffu) | 0x800000u;
    uint32_t half = fraction >> shift;
    uint32_t rest = fraction & ((1u << shift) - 1u);
    uint32_t tie = 1u << (shift - 1u);
    half += rest > tie || (rest == tie && (half & 1u));
    return (uint16_t)(sign | half);
}

/* n values of `dtype` (F32, F16 or BF16) to and from f32; the arrays must not overlap and need no
 * alignment. F32 is copied, its NaNs made canonical. */
void tskip__widen(tskip_dtype dtype, const void *from, float *to, size_t n);
void tskip__narrow(tskip_dtype dtype, const float *from, void *to, size_t n);

#endif
