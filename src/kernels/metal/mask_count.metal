/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#pragma METAL fp contract(off)
#include <metal_stdlib>
using namespace metal;

#include "kernels/metal/metal_planes.h"

/* Counts the visible cells of 64 rows of a tensor's plane, under rules too: one number a group. */

struct count_memory {
    struct tskip__row_limits limits[TSKIP__ROWS_A_GROUP];
    tskip_u64 counts[TSKIP_GROUP_THREADS];
};

[[kernel, max_total_threads_per_threadgroup(TSKIP_GROUP_THREADS)]] void
mask_count(const device tskip_i64 *words [[buffer(0)]], const device uchar *tensor [[buffer(1)]],
           device tskip_u64 *counts [[buffer(2)]],
           constant struct tskip__plane_args &a [[buffer(3)]],
           threadgroup struct count_memory *memory [[threadgroup(0)]],
           uint3 group [[threadgroup_position_in_grid]], uint3 groups [[threadgroups_per_grid]],
           uint index [[thread_index_in_threadgroup]])
{
    uint plane = group.y;
    tskip_i64 first = tskip_i64(group.x) * TSKIP__ROWS_A_GROUP;
    uint rows = uint(tskip__min(TSKIP__ROWS_A_GROUP, a.q_len - first));
    if (index < rows)
        memory->limits[index] = limits_of(a, words, plane / a.planes_head, first + index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    tskip_u64 visible = 0;
    for (uint i = 0; i < rows; i++) {
        const device uchar *cells = cells_of(a, tensor, plane, first + i);
        struct tskip__row_limits limits = memory->limits[i];
        for (tskip_i64 c = index; c < a.k_len; c += TSKIP_GROUP_THREADS)
            visible += tskip__row_sees(limits, c) &&
                       !(load_cell(cells, a.tensor.dtype, c) <= TSKIP__MASKED_F32);
    }
    memory->counts[index] = visible;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (index == 0) {
        for (uint i = 1; i < TSKIP_GROUP_THREADS; i++)
            visible += memory->counts[i];
        counts[tskip_u64(plane) * groups.x + group.x] = visible;
    }
}
