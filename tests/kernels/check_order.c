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

bool check_tile_count(const tskip_kernel_body *body, random_state *rng, char *parameters)
{
    const struct tskip__order_args a = choose(rng, parameters);
    const uint32_t rows = a.planes_batch * a.planes_head * a.nq;
    guarded map = kernel_memory((size_t)rows * a.nk);
    guarded counts = kernel_memory(rows * sizeof(tskip_u32));
    for (size_t i = 0; i < (size_t)rows * a.nk; i++)
        ((tskip_u8 *)map.data)[i] = (tskip_u8)random_between(rng, 0, 2);
    void *buffers[] = {map.data, counts.data};
    kernel_run(body, (rows + TSKIP__ROWS_A_GROUP - 1) / TSKIP__ROWS_A_GROUP, 1, buffers, &a, 0);
    bool same = true;
    for (uint32_t row = 0; row < rows; row++) {
        tskip_u32 want = 0;
        for (uint32_t j = 0; j < a.nk; j++)
            want += ((tskip_u8 *)map.data)[(size_t)row * a.nk + j] != TSKIP__SKIP;
        same = same && ((tskip_u32 *)counts.data)[row] == want;
    }
    guarded_release(&map);
    guarded_release(&counts);
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
    const struct tskip__order_args a = choose(rng, parameters);
    const uint32_t rows = a.planes_batch * a.planes_head * a.nq;
    guarded counts = kernel_memory(rows * sizeof(tskip_u32));
    guarded order = kernel_memory(a.n_items * sizeof(tskip_u32));
    for (uint32_t i = 0; i < rows; i++)
        ((tskip_u32 *)counts.data)[i] = (tskip_u32)random_between(rng, 0, a.nk);
    void *buffers[] = {counts.data, order.data};
    kernel_run(body, 1, 1, buffers, &a, TSKIP__ORDER_MEMORY);
    const tskip_u32 *items = order.data;
    bool *seen = calloc(a.n_items, sizeof *seen);
    bool right = seen != NULL;
    for (uint32_t i = 0; right && i < a.n_items; i++) {
        right = items[i] < a.n_items && !seen[items[i]];
        if (!right)
            break;
        seen[items[i]] = true;
        const uint64_t here = weight_of(&a, counts.data, items[i]);
        const uint64_t before = i > 0 ? weight_of(&a, counts.data, items[i - 1]) : UINT64_MAX;
        right = here < before || (here == before && items[i - 1] < items[i]);
    }
    free(seen);
    guarded_release(&counts);
    guarded_release(&order);
    return right;
}
