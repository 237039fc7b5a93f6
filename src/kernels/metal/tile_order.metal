/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#pragma METAL fp contract(off)
#include <metal_stdlib>
using namespace metal;

#include "kernels/metal/metal_numbers.h"

/* The order in which items are dealt out: heaviest first, equal ones in their order. "tile_count"
 * counts the tiles that each row of tiles visits, "tile_order" sorts the items by counting; with a
 * map it counts first. */

#define ORDER_ARGS constant struct tskip__order_args

/* Counts rows [begin, end) with all SIMD groups of the group. */
TSKIP__FN void count_rows(ORDER_ARGS &a, const device tskip_u8 *map, device tskip_u32 *counts,
                          tskip_u64 begin, tskip_u64 end, uint simd, uint lane)
{
    for (tskip_u64 i = begin + simd; i < end; i += TSKIP_GROUP_THREADS / LANES) {
        const device tskip_u8 *row = map + i * a.nk;
        uint visited = 0;
        for (uint j = lane; j < a.nk; j += LANES)
            visited += row[j] != TSKIP__SKIP;
        visited = simd_sum(visited);
        if (lane == 0)
            counts[i] = visited;
    }
}

TSKIP__FN tskip_u64 count_of_rows(ORDER_ARGS &a)
{
    return tskip_u64(a.planes_batch) * a.planes_head * a.nq;
}

[[kernel, max_total_threads_per_threadgroup(TSKIP_GROUP_THREADS)]] void
tile_count(const device tskip_u8 *map [[buffer(0)]], device tskip_u32 *counts [[buffer(1)]],
           constant struct tskip__order_args &a [[buffer(2)]],
           uint3 group [[threadgroup_position_in_grid]],
           uint simd [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]])
{
    tskip_u64 rows = count_of_rows(a), begin = tskip_u64(group.x) * TSKIP__ROWS_A_GROUP;
    tskip_u64 end = begin + TSKIP__ROWS_A_GROUP;
    count_rows(a, map, counts, begin, end < rows ? end : rows, simd, lane);
}

/* ---- sorting -------------------------------------------------------------------------------- */

#define BUCKETS    2048
#define PER_THREAD (BUCKETS / TSKIP_GROUP_THREADS)
#define AT_ONCE    TSKIP_GROUP_THREADS

struct order_memory {
    atomic_uint starts[BUCKETS];
    uint buckets[AT_ONCE]; /* of the items at hand */
    uint sums[TSKIP_GROUP_THREADS / LANES];
};

#define RELAXED memory_order_relaxed

/* Tiles that the item's panels visit. */
TSKIP__FN tskip_u64 weigh(ORDER_ARGS &a, const device tskip_u32 *counts, uint item)
{
    uint share = a.n_heads / a.n_kv_heads;
    uint kv_head = item / a.items_per_head % a.n_kv_heads;
    uint batch = item / a.items_per_head / a.n_kv_heads;
    tskip_u64 panel = tskip_u64(item % a.items_per_head) * a.panels;
    tskip_u64 last = tskip_u64(a.nq) * share, sum = 0;
    for (uint i = 0; i < a.panels && panel < last; i++, panel++) {
        uint head = a.planes_head > 1 ? kv_head * share + uint(panel % share) : 0;
        tskip_u64 plane = tskip_u64(a.planes_batch > 1 ? batch : 0) * a.planes_head + head;
        sum += counts[plane * a.nq + panel / share];
    }
    return sum;
}

TSKIP__FN uint bucket(ORDER_ARGS &a, const device tskip_u32 *counts, uint item)
{
    tskip_u64 most = tskip_u64(a.panels) * a.nk, lack = most - weigh(a, counts, item);
    return most < BUCKETS ? uint(lack) : uint(lack * (BUCKETS - 1) / most);
}

/* starts[i] becomes the sum of those before it. */
TSKIP__FN void sum_up(threadgroup struct order_memory *m, uint index)
{
    uint simd = index / LANES, lane = index % LANES, mine = 0;
    for (uint i = 0; i < PER_THREAD; i++)
        mine += atomic_load_explicit(&m->starts[index * PER_THREAD + i], RELAXED);
    uint before = simd_prefix_exclusive_sum(mine);
    if (lane == LANES - 1)
        m->sums[simd] = before + mine;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint s = 0; s < simd; s++)
        before += m->sums[s];
    for (uint i = 0; i < PER_THREAD; i++) {
        uint count = atomic_load_explicit(&m->starts[index * PER_THREAD + i], RELAXED);
        atomic_store_explicit(&m->starts[index * PER_THREAD + i], before, RELAXED);
        before += count;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
}

/* Places `n` items from `item` on. One SIMD group, 32 at a time: equals keep their order. */
TSKIP__FN void place(threadgroup struct order_memory *m, device tskip_u32 *order, uint item, uint n,
                     uint lane)
{
    for (uint i = 0; i < n; i += LANES) {
        uint b = i + lane < n ? m->buckets[i + lane] : BUCKETS, before = 0, same = 0;
        for (ushort other = 0; other < LANES; other++) {
            bool equal = simd_shuffle(b, other) == b;
            same += equal;
            before += equal && other < lane;
        }
        uint start = b < BUCKETS ? atomic_load_explicit(&m->starts[b], RELAXED) : 0;
        simdgroup_barrier(mem_flags::mem_threadgroup);
        if (b < BUCKETS) {
            order[start + before] = item + i + lane;
            if (before == 0)
                atomic_store_explicit(&m->starts[b], start + same, RELAXED);
        }
        simdgroup_barrier(mem_flags::mem_threadgroup);
    }
}

[[kernel, max_total_threads_per_threadgroup(TSKIP_GROUP_THREADS)]] void
tile_order(const device tskip_u8 *map [[buffer(0)]], device tskip_u32 *counts [[buffer(1)]],
           device tskip_u32 *order [[buffer(2)]],
           constant struct tskip__order_args &a [[buffer(3)]],
           threadgroup struct order_memory *memory [[threadgroup(0)]],
           uint simd [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]])
{
    uint index = simd * LANES + lane;
    if (a.with_map)
        count_rows(a, map, counts, 0, count_of_rows(a), simd, lane);
    for (uint i = index; i < BUCKETS; i += TSKIP_GROUP_THREADS)
        atomic_store_explicit(&memory->starts[i], 0u, RELAXED);
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
    for (uint item = index; item < a.n_items; item += TSKIP_GROUP_THREADS)
        atomic_fetch_add_explicit(&memory->starts[bucket(a, counts, item)], 1u, RELAXED);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    sum_up(memory, index);
    for (uint item = 0; item < a.n_items; item += AT_ONCE) {
        uint n = min(uint(AT_ONCE), a.n_items - item);
        if (index < n)
            memory->buckets[index] = bucket(a, counts, item + index);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        if (index < LANES)
            place(memory, order, item, n, index);
        threadgroup_barrier(mem_flags::mem_threadgroup);
    }
}
