/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#pragma METAL fp contract(off)
#include <metal_stdlib>
using namespace metal;

/* Kernels with a fault each, and their twins without. All take the same: in, out, group memory; a
 * group has 64 threads, and in and out have a word for each thread of the grid. */

#define TWIN(name)                                                                                 \
    kernel void name(const device uint *in [[buffer(0)]], device uint *out [[buffer(1)]],          \
                     threadgroup uint *shared [[threadgroup(0)]],                                  \
                     uint group [[threadgroup_position_in_grid]],                                  \
                     uint i [[thread_index_in_threadgroup]],                                       \
                     uint lane [[thread_index_in_simdgroup]],                                      \
                     uint simd [[simdgroup_index_in_threadgroup]])

TWIN(no_barrier)
{
    shared[i] = in[64 * group + i] + lane + simd;
    out[64 * group + i] = shared[63 - i];
}
TWIN(barrier)
{
    shared[i] = in[64 * group + i] + lane + simd;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[64 * group + i] = shared[63 - i];
}

/* What one iteration reads, the next overwrites. */
TWIN(no_barrier_after)
{
    for (uint k = 0; k < 3; k++) {
        shared[i] = in[64 * group + i] + k + lane + simd;
        threadgroup_barrier(mem_flags::mem_threadgroup);
        out[64 * group + i] = shared[63 - i];
    }
}
TWIN(barrier_after)
{
    for (uint k = 0; k < 3; k++) {
        shared[i] = in[64 * group + i] + k + lane + simd;
        threadgroup_barrier(mem_flags::mem_threadgroup);
        out[64 * group + i] = shared[63 - i];
        threadgroup_barrier(mem_flags::mem_threadgroup);
    }
}

TWIN(barrier_of_other_memory)
{
    shared[i] = in[64 * group + i] + lane + simd;
    threadgroup_barrier(mem_flags::mem_device);
    out[64 * group + i] = shared[63 - i];
}

TWIN(simd_barrier_of_nothing)
{
    shared[i] = in[64 * group + i] + simd;
    simdgroup_barrier(mem_flags::mem_none);
    out[64 * group + i] = shared[i ^ 1] + lane;
}
TWIN(simd_barrier)
{
    shared[i] = in[64 * group + i] + simd;
    simdgroup_barrier(mem_flags::mem_threadgroup);
    out[64 * group + i] = shared[i ^ 1] + lane;
}

/* A SIMD group's barrier does not reach the other SIMD group. */
TWIN(simd_barrier_between_simds)
{
    shared[i] = in[64 * group + i] + simd + lane;
    simdgroup_barrier(mem_flags::mem_threadgroup);
    out[64 * group + i] = shared[i ^ 32];
}

TWIN(device_no_barrier)
{
    out[64 * group + i] = in[64 * group + i] + lane + simd + shared[0] * 0;
    uint other = out[64 * group + (i ^ 1)];
    out[64 * group + i] = other;
}

TWIN(reads_past)
{
    out[64 * group + i] = in[64 * group + i + 1] + lane + simd + shared[i] * 0;
}
TWIN(writes_past)
{
    out[64 * group + i + 1] = in[64 * group + i] + lane + simd + shared[i] * 0;
}
TWIN(writes_group_memory_past)
{
    shared[i + 1] = in[64 * group + i] + lane + simd;
    out[64 * group + i] = 0;
}
TWIN(copies)
{
    out[64 * group + i] = in[64 * group + i] + lane + simd;
    shared[i] = 0;
}

TWIN(writes_what_is_const)
{
    device uint *stolen = (device uint *)in;
    stolen[64 * group + i] = lane + simd;
    out[64 * group + i] = shared[i] * 0;
}

TWIN(half_of_the_threads_at_a_barrier)
{
    shared[i] = in[64 * group + i];
    if (simd == 0)
        threadgroup_barrier(mem_flags::mem_threadgroup);
    out[64 * group + i] = lane;
}
TWIN(a_lane_is_not_at_the_barrier)
{
    shared[i] = in[64 * group + i];
    if (lane != 7)
        threadgroup_barrier(mem_flags::mem_threadgroup);
    out[64 * group + i] = simd;
}
TWIN(half_of_the_lanes_at_a_sum)
{
    uint sum = in[64 * group + i] + simd;
    if (lane < 16)
        sum = simd_sum(sum);
    out[64 * group + i] = sum + shared[i] * 0;
}
TWIN(all_lanes_at_a_sum)
{
    uint sum = simd_sum(in[64 * group + i] + simd);
    out[64 * group + i] = lane < 16 ? sum : shared[i] * 0;
}
TWIN(lanes_at_different_barriers)
{
    shared[i] = in[64 * group + i] + lane;
    if (simd == 0)
        threadgroup_barrier(mem_flags::mem_threadgroup);
    else
        threadgroup_barrier(mem_flags::mem_threadgroup);
    out[64 * group + i] = shared[63 - i];
}

TWIN(groups_write_the_same)
{
    out[i] = group + in[i] + lane * 0 + simd * 0 + shared[i] * 0;
}

/* No race, but whoever comes first gets the first place. */
TWIN(order_by_arrival)
{
    device atomic_uint *next = (device atomic_uint *)out;
    if (i == 0) {
        uint place = atomic_fetch_add_explicit(&next[0], 1u, memory_order_relaxed);
        out[1 + place % 4] = group + in[0] + lane + simd + shared[0] * 0;
    }
}
TWIN(counts_arrivals)
{
    device atomic_uint *count = (device atomic_uint *)out;
    atomic_fetch_add_explicit(&count[0], in[0] + lane + simd + group + shared[i] * 0,
                              memory_order_relaxed);
}

/* Group memory holds garbage at first. */
TWIN(uses_group_memory_as_it_was)
{
    out[64 * group + i] = shared[i] + in[64 * group + i] * 0 + lane * 0 + simd * 0;
}

TWIN(matrix_without_barrier)
{
    threadgroup float *m = (threadgroup float *)shared;
    m[i] = float(in[64 * group + i] + simd);
    simdgroup_float8x8 block;
    simdgroup_load(block, m, 8);
    out[64 * group + i] = uint(block.thread_elements()[0]) + lane;
}
TWIN(matrix)
{
    threadgroup float *m = (threadgroup float *)shared;
    m[i] = float(in[64 * group + i] & 7u);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    simdgroup_float8x8 a, b, c;
    simdgroup_load(a, m, 8);
    simdgroup_load(b, m, 8, ulong2(0, 0), true);
    simdgroup_multiply(c, a, b);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (simd == 0)
        simdgroup_store(c, m, 8);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[64 * group + i] = uint(m[i]) + lane * 0;
}
TWIN(matrix_over_the_edge)
{
    const device float *m = (const device float *)in;
    simdgroup_float8x8 block;
    simdgroup_load(block, m + 8 * group + 8, 8); /* the last group's last row is not there */
    out[64 * group + i] = as_type<uint>(block.thread_elements()[0]) + lane + simd + shared[i] * 0;
}
TWIN(elements)
{
    simdgroup_float8x8 block = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
    block.thread_elements()[0] = float(2 * lane);
    block.thread_elements()[1] = float(2 * lane + 1);
    threadgroup float *m = (threadgroup float *)shared;
    if (simd == 0)
        simdgroup_store(block, m, 8);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[64 * group + i] = uint(m[i]) + in[i] * 0;
}

/* A fragment that was declared and no more. */
TWIN(matrix_never_set)
{
    threadgroup float *m = (threadgroup float *)shared;
    simdgroup_float8x8 a = make_filled_simdgroup_matrix<float, 8, 8>(float(in[i])), b, c;
    simdgroup_multiply(c, a, b);
    if (simd == 0)
        simdgroup_store(c, m, 8);
    out[64 * group + i] = lane;
}
TWIN(matrix_set_by_its_elements)
{
    threadgroup float *m = (threadgroup float *)shared;
    simdgroup_float8x8 a = make_filled_simdgroup_matrix<float, 8, 8>(float(in[i])), b, c;
    b.thread_elements()[0] = b.thread_elements()[1] = 1.0f;
    simdgroup_multiply(c, a, b);
    if (simd == 0)
        simdgroup_store(c, m, 8);
    out[64 * group + i] = lane;
}

/* Takes groups of 64 at most. */
[[kernel, max_total_threads_per_threadgroup(64)]] void
small_groups(device uint *out [[buffer(1)]], uint i [[thread_position_in_grid]])
{
    out[i] = i;
}
