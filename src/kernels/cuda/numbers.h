/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CUDA_NUMBERS_H
#define TSKIP_KERNELS_CUDA_NUMBERS_H

#include "kernels/shared/kargs.h"

/* Element types as bits, and the cells of a mask tensor. No header of the toolkit is needed. */

typedef unsigned short tskip_u16;

#define INFINITE __uint_as_float(0x7F800000u)
#define LOG2_E   1.4426950408889634f
#define LN_2     0.6931471805599453f
#define LOWEST   __uint_as_float(0xFF7FFFFFu) /* -FLT_MAX: where a running maximum starts */

TSKIP__FN float f16_to_f32(tskip_u16 bits)
{
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}

TSKIP__FN float bf16_to_f32(tskip_u16 bits)
{
    return __uint_as_float((tskip_u32)bits << 16);
}

/* To nearest, ties to even; every NaN becomes the canonical one. */
TSKIP__FN tskip_u16 f32_to_f16(float value)
{
    tskip_u16 bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return value != value ? (tskip_u16)0x7E00 : bits;
}

TSKIP__FN tskip_u16 f32_to_bf16(float value)
{
    tskip_u16 bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return value != value ? (tskip_u16)0x7FC0 : bits;
}

TSKIP__FN float canonical(float value)
{
    return value != value ? __uint_as_float(0x7FC00000u) : value;
}

TSKIP__FN tskip_u32 element_size(tskip_u32 dtype)
{
    return dtype == TSKIP__F32 ? 4 : dtype == TSKIP__BOOL ? 1 : 2;
}

/* Element i of an array of `dtype`, F32, F16 or BF16. */
TSKIP__FN float load_element(const void *from, tskip_u32 dtype, tskip_i64 i)
{
    if (dtype == TSKIP__F32)
        return ((const float *)from)[i];
    tskip_u16 bits = ((const tskip_u16 *)from)[i];
    return dtype == TSKIP__F16 ? f16_to_f32(bits) : bf16_to_f32(bits);
}

TSKIP__FN void store_element(void *to, tskip_u32 dtype, tskip_i64 i, float value)
{
    if (dtype == TSKIP__F32)
        ((float *)to)[i] = canonical(value);
    else
        ((tskip_u16 *)to)[i] = dtype == TSKIP__F16 ? f32_to_f16(value) : f32_to_bf16(value);
}

/* The bias of cell i of a row of a mask tensor; a masked cell gives -inf, whatever its sentinel. */
TSKIP__FN float load_cell(const void *row, tskip_u32 dtype, tskip_i64 i)
{
    if (dtype == TSKIP__BOOL)
        return ((const tskip_u8 *)row)[i] ? 0.0f : -INFINITE;
    if (dtype == TSKIP__F16 && ((const tskip_u16 *)row)[i] == 0xFBFF) /* the lowest finite f16 */
        return -INFINITE;
    float value = load_element(row, dtype, i);
    return value <= TSKIP__MASKED_F32 ? -INFINITE : value;
}

#endif
