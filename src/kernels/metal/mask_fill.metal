/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#pragma METAL fp contract(off)
#include <metal_stdlib>
using namespace metal;

#include "kernels/metal/metal_planes.h"

/* Writes a mask as a tensor. A group takes 64 rows of a plane: the first 64 threads find the rows'
 * limits, then neighbouring threads write neighbouring columns. */

TSKIP__FN void store_mask(device uchar *out, uint dtype, tskip_i64 i, float value)
{
    if (dtype == TSKIP__BOOL)
        out[i] = !(value <= TSKIP__MASKED_F32);
    else
        store_element(out, dtype, i, value);
}

struct plane_row {
    struct tskip__row_limits limits;
    const device uchar *cells;
    float slope;        /* 0: no alibi */
    tskip_i64 distance; /* p - x at column 0 */
};

TSKIP__FN float cell_at(PLANE_ARGS &a, struct plane_row r, tskip_i64 column)
{
    if (!tskip__row_sees(r.limits, column))
        return -INFINITE;
    float bias = a.tensor.dtype ? load_cell(r.cells, a.tensor.dtype, column) : 0.0f;
    if (r.slope != 0.0f) {
        tskip_i64 distance = r.distance - column;
        bias += -r.slope * float(distance < 0 ? -distance : distance);
    }
    return bias;
}

[[kernel, max_total_threads_per_threadgroup(TSKIP_GROUP_THREADS)]] void
mask_fill(const device tskip_i64 *words [[buffer(0)]], const device uchar *tensor [[buffer(1)]],
          device uchar *out [[buffer(2)]], constant struct tskip__plane_args &a [[buffer(3)]],
          threadgroup struct tskip__row_limits *limits [[threadgroup(0)]],
          uint3 group [[threadgroup_position_in_grid]], uint index [[thread_index_in_threadgroup]])
{
    uint plane = group.y, batch = plane / a.planes_head, head = plane % a.planes_head;
    tskip_i64 first = tskip_i64(group.x) * TSKIP__ROWS_A_GROUP;
    uint rows = uint(tskip__min(TSKIP__ROWS_A_GROUP, a.q_len - first));
    if (index < rows)
        limits[index] = limits_of(a, words, batch, first + index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    bool alibi = a.has_rules && (a.rules.flags & TSKIP__RULE_ALIBI);
    float slope = alibi ? ((const device float *)words)[a.rules.first_slope + head] : 0.0f;
    for (uint i = 0; i < rows; i++) {
        tskip_i64 row = first + i;
        struct plane_row r;
        r.limits = limits[i];
        r.cells = cells_of(a, tensor, plane, row);
        r.slope = slope;
        r.distance = row + a.rules.q_offset - a.rules.k_offset;
        tskip_i64 cell =
            batch * a.out_stride_batch + head * a.out_stride_head + row * a.out_stride_row;
        device uchar *to = out + cell * element_size(a.out_dtype);
        for (tskip_i64 c = index; c < a.k_len; c += TSKIP_GROUP_THREADS)
            store_mask(to, a.out_dtype, c, cell_at(a, r, c));
    }
}
