/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <string.h>

#include "kernels/shared/row_limits.h"
#include "tile_map_cpu.h"

static uint64_t count_of_rows(const struct tskip__order_args *a)
{
    return (uint64_t)a->planes_batch * a->planes_head * a->nq;
}

static void count_rows(const struct tskip__order_args *a, const tskip_u8 *map, tskip_u32 *counts,
                       uint64_t begin, uint64_t end)
{
    for (uint64_t row = begin; row < end; row++) {
        tskip_u32 visited = 0;
        for (tskip_u32 j = 0; j < a->nk; j++)
            visited += map[row * a->nk + j] != TSKIP__SKIP;
        counts[row] = visited;
    }
}

void tskip__tile_count_c(const tskip_group *group, void *const *buffers, const void *args,
                         void *memory)
{
    (void)memory;
    const struct tskip__order_args *a = args;
    const tskip_u8 *map = buffers[0];
    tskip_u32 *counts = buffers[1];
    uint64_t rows = count_of_rows(a);
    uint64_t begin = (uint64_t)group->index[0] * TSKIP__ROWS_A_GROUP;
    uint64_t end = begin + TSKIP__ROWS_A_GROUP < rows ? begin + TSKIP__ROWS_A_GROUP : rows;
    count_rows(a, map, counts, begin, end);
}

/* Tiles that the item's panels visit. */
static uint64_t weigh(const struct tskip__order_args *a, const tskip_u32 *counts, tskip_u32 item)
{
    tskip_u32 group = a->n_heads / a->n_kv_heads;
    tskip_u32 kv_head = item / a->items_per_head % a->n_kv_heads;
    tskip_u32 batch = item / a->items_per_head / a->n_kv_heads;
    uint64_t panel = (uint64_t)(item % a->items_per_head) * a->panels;
    uint64_t last = (uint64_t)a->nq * group, sum = 0;
    for (tskip_u32 i = 0; i < a->panels && panel < last; i++, panel++) {
        tskip_u32 head = a->planes_head > 1 ? kv_head * group + (tskip_u32)(panel % group) : 0;
        uint64_t plane = (uint64_t)(a->planes_batch > 1 ? batch : 0) * a->planes_head + head;
        sum += counts[plane * a->nq + panel / group];
    }
    return sum;
}

static tskip_u32 bucket(const struct tskip__order_args *a, const tskip_u32 *counts, tskip_u32 item)
{
    uint64_t most = (uint64_t)a->panels * a->nk, weight = weigh(a, counts, item);
    if (most < TSKIP__ORDER_BUCKETS)
        return (tskip_u32)(most - weight);
    return (tskip_u32)((double)(most - weight) / (double)most * (TSKIP__ORDER_BUCKETS - 1));
}

/* A counting sort: heaviest first, equal ones in their order. */
void tskip__tile_order_c(const tskip_group *group, void *const *buffers, const void *args,
                         void *memory)
{
    (void)group;
    const struct tskip__order_args *a = args;
    tskip_u32 *counts = buffers[1], *order = buffers[2], *starts = memory, sum = 0;
    if (a->with_map)
        count_rows(a, buffers[0], counts, 0, count_of_rows(a));
    memset(starts, 0, TSKIP__ORDER_MEMORY);
    for (tskip_u32 item = 0; item < a->n_items; item++)
        starts[bucket(a, counts, item)]++;
    for (tskip_u32 i = 0; i < TSKIP__ORDER_BUCKETS; i++) {
        tskip_u32 n = starts[i];
        starts[i] = sum;
        sum += n;
    }
    for (tskip_u32 item = 0; item < a->n_items; item++)
        order[starts[bucket(a, counts, item)]++] = item;
}
