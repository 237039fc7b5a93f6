/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CPU_CELL_H
#define TSKIP_KERNELS_CPU_CELL_H

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/half.h"
#include "kernels/shared/kargs.h"

/* One cell of a mask tensor, for the jobs that are not about speed. */

static inline size_t tskip__cell_size(tskip_u32 dtype)
{
    return dtype == TSKIP__F32 ? 4 : dtype == TSKIP__BOOL ? 1 : 2;
}

/* The bias of cell i of a row. A masked cell gives -inf, whatever sentinel it holds. */
static inline float tskip__cell(const void *row, tskip_u32 dtype, tskip_i64 i)
{
    uint16_t bits;
    float value;
    if (dtype == TSKIP__BOOL)
        return ((const tskip_u8 *)row)[i] ? 0.0f : -INFINITY;
    if (dtype == TSKIP__F32) {
        memcpy(&value, (const char *)row + 4 * i, sizeof value);
    } else {
        memcpy(&bits, (const char *)row + 2 * i, sizeof bits);
        if (dtype == TSKIP__F16 && bits == 0xFBFF) /* the lowest that f16 can say */
            return -INFINITY;
        value = dtype == TSKIP__F16 ? tskip__f16_to_f32(bits) : tskip__bf16_to_f32(bits);
    }
    return value <= TSKIP__MASKED_F32 ? -INFINITY : value;
}

#endif
