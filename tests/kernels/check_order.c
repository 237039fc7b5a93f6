/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The counts of a map and the order of the work that is made from them. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_check.h"
#include "kernels/cpu/tile_map_cpu.h"
#include "kernels/shared/kargs.h"

static struct tskip__order_args choose(random_state *rng, char *parameters)
{
    struct tskip__order_args a = {
        .batch = (tskip_u32)random_between(rng, 1, 3),
        .n_kv_heads = (tskip_u32)random_between(rng, 1, 3),
        .nq = (tskip_u32)random_between(rng, 1, 90),
        .nk = (tskip_u32)random_between(rng, 1, 70),
        .panels = (tskip_u32)random_between(rng, 1, 8),
    };
    const tskip_u32 group = (tskip_u32)random_between(rng, 1, 4);
    a.n_heads = a.n_kv_heads * group;
    a.planes_batch = random_chance(rng, 50) ? a.batch : 1;
    a.planes_head = random_chance(rng, 50) ? a.n_heads : 1;
    a.items_per_head = (a.nq * group + a.panels - 1) / a.panels;
    a.n_items = a.batch * a.n_kv_heads * a.items_per_head;
    snprintf(parameters, PARAMETERS_MAX,
             "batch %u heads %u/%u grid %ux%u planes %ux%u panels %u items %u", a.batch, a.n_heads,
             a.n_kv_heads, a.nq, a.nk, a.planes_batch, a.planes_head, a.panels, a.n_items);
    return a;
}

static void fill_map(const struct tskip__order_args *a, random_state *rng, tskip_u8 *map)
{
    const size_t rows = (size_t)a->planes_batch * a->planes_head * a->nq;
    for (size_t i = 0; i < rows * a->nk; i++)
        map[i] = (tskip_u8)random_between(rng, 0, 2);
}

static void count_rows(const struct tskip__order_args *a, const tskip_u8 *map, tskip_u32 *counts)
{
    const size_t rows = (size_t)a->planes_batch * a->planes_head * a->nq;
    for (size_t row = 0; row < rows; row++) {
        counts[row] = 0;
        for (uint32_t j = 0; j < a->nk; j++)
            counts[row] += map[row * a->nk + j] != TSKIP__SKIP;
    }
}

bool check_tile_count(const tskip_kernel_body *body, random_state *rng, char *parameters)
{
    const struct tskip__order_args a = choose(rng, parameters);
    const uint32_t rows = a.planes_batch * a.planes_head * a.nq;
    guarded map = kernel_memory((size_t)rows * a.nk);
    guarded counts = kernel_memory(rows * sizeof(tskip_u32));
    guarded wanted = kernel_memory(rows * sizeof(tskip_u32));
    fill_map(&a, rng, map.data);
    count_rows(&a, map.data, wanted.data);
    void *buffers[] = {map.data, counts.data};
    kernel_run(body, (rows + TSKIP__ROWS_A_GROUP - 1) / TSKIP__ROWS_A_GROUP, 1, buffers, &a, 0);
    const bool same = memcmp(counts.data, wanted.data, wanted.size) == 0;
    guarded_release(&map);
    guarded_release(&counts);
    guarded_release(&wanted);
    return same;
}

/* Tiles that an item visits, panel by panel. */
static uint64_t weight_of(const struct tskip__order_args *a, const tskip_u32 *counts, uint32_t item)
{
    const uint32_t group = a->n_heads / a->n_kv_heads, head = item / a->items_per_head;
    const uint32_t batch = head / a->n_kv_heads, kv_head = head % a->n_kv_heads;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < a->panels; i++) {
        const uint32_t panel = item % a->items_per_head * a->panels + i;
        if (panel >= a->nq * group)
            break;
        const uint32_t b = a->planes_batch > 1 ? batch : 0;
        const uint32_t h = a->planes_head > 1 ? kv_head * group + panel % group : 0;
        sum += counts[(b * a->planes_head + h) * a->nq + panel / group];
    }
    return sum;
}

bool check_tile_order(const tskip_kernel_body *body, random_state *rng, char *parameters)
{
    struct tskip__order_args a = choose(rng, parameters);
    const uint32_t rows = a.planes_batch * a.planes_head * a.nq;
    guarded map = kernel_memory((size_t)rows * a.nk);
    guarded counts = kernel_memory(rows * sizeof(tskip_u32));
    guarded wanted = kernel_memory(rows * sizeof(tskip_u32));
    guarded order = kernel_memory(a.n_items * sizeof(tskip_u32));
    fill_map(&a, rng, map.data);
    count_rows(&a, map.data, wanted.data);
    a.with_map = random_chance(rng, 50);
    if (!a.with_map)
        memcpy(counts.data, wanted.data, wanted.size);
    void *buffers[] = {a.with_map ? map.data : NULL, counts.data, order.data};
    kernel_run(body, 1, 1, buffers, &a, TSKIP__ORDER_MEMORY);
    const tskip_u32 *items = order.data;
    bool *seen = calloc(a.n_items, sizeof *seen);
    bool right = seen != NULL;
    for (uint32_t i = 0; right && i < a.n_items; i++) {
        right = items[i] < a.n_items && !seen[items[i]];
        if (!right)
            break;
        seen[items[i]] = true;
        const uint64_t here = weight_of(&a, wanted.data, items[i]);
        const uint64_t before = i > 0 ? weight_of(&a, wanted.data, items[i - 1]) : UINT64_MAX;
        right = here < before || (here == before && items[i - 1] < items[i]);
    }
    free(seen);
    guarded_release(&map);
    guarded_release(&counts);
    guarded_release(&wanted);
    guarded_release(&order);
    return right;
}
