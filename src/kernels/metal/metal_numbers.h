/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_METAL_NUMBERS_H
#define TSKIP_KERNELS_METAL_NUMBERS_H

#include "kernels/shared/kargs.h"

/* Element types as bits, and the cells of a mask tensor. half and bfloat are types of memory only:
 * all arithmetic is in float. */

#define INFINITE as_type<float>(0x7F800000u)
#define LOWEST   as_type<float>(0xFF7FFFFFu) /* -FLT_MAX: where a running maximum starts */
#define LANES    32

TSKIP__FN float f16_to_f32(ushort bits)
{
    return float(as_type<half>(bits));
}

TSKIP__FN float bf16_to_f32(ushort bits)
{
    return as_type<float>(uint(bits) << 16);
}

/* To nearest, ties to even; every NaN becomes the canonical one. */
TSKIP__FN ushort f32_to_f16(float value)
{
    return value != value ? ushort(0x7E00) : as_type<ushort>(half(value));
}

TSKIP__FN ushort f32_to_bf16(float value)
{
    uint bits = as_type<uint>(value);
    bits += 0x7FFFu + (bits >> 16 & 1u);
    return value != value ? ushort(0x7FC0) : ushort(bits >> 16);
}

TSKIP__FN float canonical(float value)
{
    return value != value ? as_type<float>(0x7FC00000u) : value;
}

TSKIP__FN uint element_size(uint dtype)
{
    return dtype == TSKIP__F32 ? 4 : dtype == TSKIP__BOOL ? 1 : 2;
}

/* Element i of an array of `dtype`, F32, F16 or BF16. */
TSKIP__FN float load_element(const device uchar *from, uint dtype, tskip_i64 i)
{
    if (dtype == TSKIP__F32)
        return ((const device float *)from)[i];
    ushort bits = ((const device ushort *)from)[i];
    return dtype == TSKIP__F16 ? f16_to_f32(bits) : bf16_to_f32(bits);
}

TSKIP__FN void store_element(device uchar *to, uint dtype, tskip_i64 i, float value)
{
    if (dtype == TSKIP__F32)
        ((device float *)to)[i] = canonical(value);
    else
        ((device ushort *)to)[i] = dtype == TSKIP__F16 ? f32_to_f16(value) : f32_to_bf16(value);
}

/* The bias of cell i of a row of a mask tensor; a masked cell gives -inf, whatever its sentinel. */
TSKIP__FN float load_cell(const device uchar *row, uint dtype, tskip_i64 i)
{
    if (dtype == TSKIP__BOOL)
        return row[i] ? 0.0f : -INFINITE;
    if (dtype == TSKIP__F16 && ((const device ushort *)row)[i] == 0xFBFF) /* the lowest finite */
        return -INFINITE;
    float value = load_element(row, dtype, i);
    return value <= TSKIP__MASKED_F32 ? -INFINITE : value;
}

#endif
