/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "kernels/shared/row_limits.h"

/* The order in which items are dealt out: heaviest first, equal ones in their order. "tile_count"
 * counts the tiles that each row of tiles visits, "tile_order" sorts the items by counting; with a
 * map it counts first. */

#define LANES        32
#define ROWS_A_GROUP 64
#define BUCKETS      2048

/* Counts rows [begin, end) with all warps of the group. */
TSKIP__FN void count_rows(const struct tskip__order_args &a, const tskip_u8 *map, tskip_u32 *counts,
                          tskip_u64 begin, tskip_u64 end)
{
    int lane = threadIdx.x % LANES;
    for (tskip_u64 i = begin + threadIdx.x / LANES; i < end; i += TSKIP_GROUP_THREADS / LANES) {
        const tskip_u8 *row = map + i * a.nk;
        tskip_u32 visited = 0;
        for (tskip_u32 j = lane; j < a.nk; j += LANES)
            visited += row[j] != TSKIP__SKIP;
        visited = __reduce_add_sync(0xFFFFFFFFu, visited);
        if (lane == 0)
            counts[i] = visited;
    }
}

TSKIP__FN tskip_u64 count_of_rows(const struct tskip__order_args &a)
{
    return (tskip_u64)a.planes_batch * a.planes_head * a.nq;
}

extern "C" __global__ void __launch_bounds__(256)
    tile_count(const tskip_u8 *map, tskip_u32 *counts, struct tskip__order_args a)
{
    tskip_u64 rows = count_of_rows(a), begin = (tskip_u64)blockIdx.x * ROWS_A_GROUP;
    count_rows(a, map, counts, begin, tskip__min(begin + ROWS_A_GROUP, rows));
}

/* Tiles that the item's panels visit. */
TSKIP__FN tskip_u64 weigh(const struct tskip__order_args &a, const tskip_u32 *counts,
                          tskip_u32 item)
{
    tskip_u32 group = a.n_heads / a.n_kv_heads;
    tskip_u32 kv_head = item / a.items_per_head % a.n_kv_heads;
    tskip_u32 batch = item / a.items_per_head / a.n_kv_heads;
    tskip_u64 panel = (tskip_u64)(item % a.items_per_head) * a.panels;
    tskip_u64 last = (tskip_u64)a.nq * group, sum = 0;
    for (tskip_u32 i = 0; i < a.panels && panel < last; i++, panel++) {
        tskip_u32 head = a.planes_head > 1 ? kv_head * group + (tskip_u32)(panel % group) : 0;
        tskip_u64 plane = (tskip_u64)(a.planes_batch > 1 ? batch : 0) * a.planes_head + head;
        sum += counts[plane * a.nq + panel / group];
    }
    return sum;
}

TSKIP__FN tskip_u32 bucket(const struct tskip__order_args &a, const tskip_u32 *counts,
                           tskip_u32 item)
{
    tskip_u64 most = (tskip_u64)a.panels * a.nk, lack = most - weigh(a, counts, item);
    return most < BUCKETS ? (tskip_u32)lack : (tskip_u32)(lack * (BUCKETS - 1) / most);
}

__shared__ tskip_u32 starts[BUCKETS];
__shared__ tskip_u32 warp_sums[LANES];

/* starts[i] becomes the sum of those before it. A thread has two buckets. */
TSKIP__FN void sum_up()
{
    int thread = threadIdx.x, warp = thread / LANES, lane = thread % LANES;
    tskip_u32 first = starts[2 * thread], both = first + starts[2 * thread + 1], sum = both;
    for (int step = 1; step < LANES; step *= 2) {
        tskip_u32 before = __shfl_up_sync(0xFFFFFFFFu, sum, step);
        sum += lane >= step ? before : 0;
    }
    if (lane == LANES - 1)
        warp_sums[warp] = sum;
    __syncthreads();
    tskip_u32 start = sum - both;
    for (int w = 0; w < warp; w++)
        start += warp_sums[w];
    starts[2 * thread] = start;
    starts[2 * thread + 1] = start + first;
    __syncthreads();
}

/* Places the item of each thread, warp after warp, so that equals keep their order. */
TSKIP__FN void place(tskip_u32 *order, tskip_u32 item, tskip_u32 b)
{
    int warp = threadIdx.x / LANES, lane = threadIdx.x % LANES;
    tskip_u32 same = __match_any_sync(0xFFFFFFFFu, b);
    tskip_u32 before = __popc(same & ((1u << lane) - 1)), start = 0;
    for (int w = 0; w < LANES; w++) {
        if (w == warp) {
            start = b < BUCKETS ? starts[b] : 0;
            __syncwarp();
            if (b < BUCKETS && before == 0)
                starts[b] = start + __popc(same);
        }
        __syncthreads();
    }
    if (b < BUCKETS)
        order[start + before] = item;
}

extern "C" __global__ void __launch_bounds__(1024)
    tile_order(const tskip_u8 *map, tskip_u32 *counts, tskip_u32 *order, struct tskip__order_args a)
{
    if (a.with_map)
        count_rows(a, map, counts, 0, count_of_rows(a));
    for (tskip_u32 i = threadIdx.x; i < BUCKETS; i += 1024)
        starts[i] = 0;
    __syncthreads();
    for (tskip_u32 item = threadIdx.x; item < a.n_items; item += 1024)
        atomicAdd(&starts[bucket(a, counts, item)], 1u);
    __syncthreads();
    sum_up();
    for (tskip_u32 first = 0; first < a.n_items; first += 1024) {
        tskip_u32 item = first + threadIdx.x;
        place(order, item, item < a.n_items ? bucket(a, counts, item) : BUCKETS);
    }
}
