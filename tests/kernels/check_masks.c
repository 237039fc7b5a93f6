/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The kernels about masks against a look at every cell. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_check.h"
#include "kernels/cpu/cell.h"
#include "kernels/cpu/tile_map_cpu.h"
#include "kernels/shared/row_limits.h"

struct plane {
    struct tskip__plane_args args;
    struct tskip__rules_entry entry;
    guarded rules, cells;
    uint32_t planes;
};

static void choose_rules(struct plane *p, random_state *rng)
{
    struct tskip__rules *r = &p->args.rules;
    *r = (struct tskip__rules){.window = TSKIP__FAR, .spread = TSKIP__FAR, .n_entries = 1};
    p->entry = (struct tskip__rules_entry){.klen = TSKIP__FAR};
    p->args.has_rules = random_chance(rng, 70);
    if (p->args.has_rules) {
        r->q_offset = random_between(rng, 0, 50);
        r->k_offset = random_between(rng, 0, 10);
        r->flags = random_chance(rng, 70) ? TSKIP__RULE_CAUSAL : 0;
        r->window = random_chance(rng, 50) ? random_between(rng, 1, 90) : TSKIP__FAR;
        r->sink = random_chance(rng, 40) ? random_between(rng, 1, 30) : 0;
        if (random_chance(rng, 30))
            p->entry.klen = random_between(rng, 1, p->args.k_len);
        if (random_chance(rng, 30))
            p->entry.kstart = random_between(rng, 0, p->args.k_len - 1);
    }
    p->rules = kernel_memory(sizeof p->entry);
    memcpy(p->rules.data, &p->entry, sizeof p->entry);
}

static void choose_tensor(struct plane *p, random_state *rng)
{
    struct tskip__plane_args *a = &p->args;
    struct tskip__mask_tensor *t = &a->tensor;
    t->dtype = (tskip_u32)random_between(rng, 1, 4);
    t->stride_row = random_chance(rng, 5) ? 0 : a->k_len + random_between(rng, 0, 5);
    t->stride_head = a->planes_head > 1 ? a->q_len * t->stride_row + random_between(rng, 0, 3) : 0;
    t->stride_batch = a->planes_batch > 1 ? a->planes_head * (a->q_len * t->stride_row + 3) : 0;
    const tskip_i64 cells = (a->planes_batch - 1) * t->stride_batch +
                            (a->planes_head - 1) * t->stride_head + (a->q_len - 1) * t->stride_row +
                            a->k_len;
    p->cells = kernel_memory((size_t)cells * tskip__cell_size(t->dtype));
    kernel_random_cells(rng, t->dtype, p->cells.data, (size_t)cells);
}

static void choose(struct plane *p, random_state *rng, char *parameters)
{
    struct tskip__plane_args *a = &p->args;
    *p = (struct plane){0};
    const int shape = (int)random_between(rng, 0, 19);
    a->q_len = random_between(rng, 1, shape == 0 ? 3 : 70);
    a->k_len = shape == 0 ? random_between(rng, 32000, 70000) : random_between(rng, 1, 700);
    a->bq = (tskip_u32)random_between(rng, 1, random_chance(rng, 50) ? 12 : 80);
    a->bk = shape == 0               ? (tskip_u32)random_between(rng, 1, 40000)
            : random_chance(rng, 50) ? 1u << random_between(rng, 0, 8)
                                     : (tskip_u32)random_between(rng, 1, 300);
    a->nq = (tskip_u32)((a->q_len + a->bq - 1) / a->bq);
    a->nk = (tskip_u32)((a->k_len + a->bk - 1) / a->bk);
    a->planes_batch = (tskip_u32)random_between(rng, 1, 2);
    a->planes_head = (tskip_u32)random_between(rng, 1, 2);
    p->planes = a->planes_batch * a->planes_head;
    choose_tensor(p, rng);
    choose_rules(p, rng);
    snprintf(parameters, PARAMETERS_MAX,
             "q_len %d k_len %d tile %ux%u planes %ux%u dtype %u stride %d rules %u flags %u "
             "window %lld sink %lld kstart %lld klen %lld q_offset %lld k_offset %lld",
             (int)a->q_len, (int)a->k_len, a->bq, a->bk, a->planes_batch, a->planes_head,
             a->tensor.dtype, (int)a->tensor.stride_row, a->has_rules, a->rules.flags,
             (long long)a->rules.window, (long long)a->rules.sink, (long long)p->entry.kstart,
             (long long)p->entry.klen, (long long)a->rules.q_offset, (long long)a->rules.k_offset);
}

static void release(struct plane *p)
{
    guarded_release(&p->cells);
    guarded_release(&p->rules);
}

static float bias_of(const struct plane *p, uint32_t plane, tskip_i64 row, tskip_i64 column)
{
    const struct tskip__plane_args *a = &p->args;
    if (a->has_rules) {
        const struct tskip__row_limits limits =
            tskip__row_limits(a->rules, p->entry, p->rules.data, a->k_len, row);
        if (!tskip__row_sees(limits, column))
            return -INFINITY;
    }
    if (!a->tensor.dtype)
        return 0;
    const tskip_i64 first = plane / a->planes_head * a->tensor.stride_batch +
                            plane % a->planes_head * a->tensor.stride_head +
                            row * a->tensor.stride_row;
    return tskip__cell((const char *)p->cells.data +
                           (size_t)first * tskip__cell_size(a->tensor.dtype),
                       a->tensor.dtype, column);
}

static tskip_u8 class_of(const struct plane *p, uint32_t plane, uint32_t i, uint32_t j)
{
    const struct tskip__plane_args *a = &p->args;
    bool masked = true, zero = true;
    for (tskip_i64 r = (tskip_i64)i * a->bq; r < a->q_len && r < (tskip_i64)(i + 1) * a->bq; r++)
        for (tskip_i64 c = (tskip_i64)j * a->bk; c < a->k_len && c < (tskip_i64)(j + 1) * a->bk;
             c++) {
            const float bias = bias_of(p, plane, r, c);
            masked = masked && bias == -INFINITY;
            zero = zero && bias == 0;
        }
    return masked ? TSKIP__SKIP : zero ? TSKIP__FULL : TSKIP__MIXED;
}

bool check_tile_map(const tskip_kernel_body *body, random_state *rng, char *parameters)
{
    struct plane p;
    choose(&p, rng, parameters);
    p.args.has_rules = 0; /* rules join by the closed form, which may say MIXED for SKIP */
    const size_t tiles = (size_t)p.planes * p.args.nq * p.args.nk;
    guarded map = kernel_memory(tiles);
    void *buffers[] = {p.rules.data, p.cells.data, map.data};
    kernel_run(body, p.args.nq, p.planes, buffers, &p.args, TSKIP__TILE_MAP_MEMORY);
    bool same = true;
    for (size_t t = 0; same && t < tiles; t++) {
        const uint32_t j = (uint32_t)(t % p.args.nk), i = (uint32_t)(t / p.args.nk % p.args.nq);
        same =
            ((tskip_u8 *)map.data)[t] == class_of(&p, (uint32_t)(t / p.args.nk / p.args.nq), i, j);
    }
    guarded_release(&map);
    release(&p);
    return same;
}

/* The cell that `bias` becomes. */
static void store_cell(char *out, tskip_u32 dtype, float bias)
{
    const tskip_u8 seen = bias != -INFINITY;
    if (dtype == TSKIP__BOOL)
        *out = (char)seen;
    else
        tskip__narrow((tskip_dtype)dtype, &bias, out, 1);
}

bool check_mask_fill(const tskip_kernel_body *body, random_state *rng, char *parameters)
{
    struct plane p;
    choose(&p, rng, parameters);
    struct tskip__plane_args *a = &p.args;
    if (random_chance(rng, 50))
        a->tensor = (struct tskip__mask_tensor){0};
    a->out_dtype = (tskip_u32)random_between(rng, 1, 4);
    a->out_stride_row = a->k_len + random_between(rng, 0, 4);
    a->out_stride_head = a->out_stride_row * a->q_len;
    a->out_stride_batch = a->out_stride_head * a->planes_head;
    const size_t size = tskip__cell_size(a->out_dtype);
    const size_t cells = (size_t)(p.planes * a->q_len * a->out_stride_row);
    guarded got = kernel_memory(cells * size), want = kernel_memory(cells * size);
    for (uint32_t plane = 0; plane < p.planes; plane++)
        for (tskip_i64 r = 0; r < a->q_len; r++)
            for (tskip_i64 c = 0; c < a->k_len; c++)
                store_cell((char *)want.data +
                               size * (size_t)((plane * a->q_len + r) * a->out_stride_row + c),
                           a->out_dtype, bias_of(&p, plane, r, c));
    void *buffers[] = {p.rules.data, p.cells.data, got.data};
    const uint32_t groups = (uint32_t)((a->q_len + TSKIP__ROWS_A_GROUP - 1) / TSKIP__ROWS_A_GROUP);
    kernel_run(body, groups, p.planes, buffers, a, 0);
    const bool same = memcmp(got.data, want.data, cells * size) == 0;
    guarded_release(&got);
    guarded_release(&want);
    release(&p);
    return same;
}

bool check_mask_count(const tskip_kernel_body *body, random_state *rng, char *parameters)
{
    struct plane p;
    choose(&p, rng, parameters);
    const struct tskip__plane_args *a = &p.args;
    const uint32_t groups = (uint32_t)((a->q_len + TSKIP__ROWS_A_GROUP - 1) / TSKIP__ROWS_A_GROUP);
    guarded counts = kernel_memory(groups * p.planes * sizeof(uint64_t));
    void *buffers[] = {p.rules.data, p.cells.data, counts.data};
    kernel_run(body, groups, p.planes, buffers, a, 0);
    uint64_t got = 0, want = 0;
    for (uint32_t i = 0; i < groups * p.planes; i++)
        got += ((uint64_t *)counts.data)[i];
    for (uint32_t plane = 0; plane < p.planes; plane++)
        for (tskip_i64 r = 0; r < a->q_len; r++)
            for (tskip_i64 c = 0; c < a->k_len; c++)
                want += bias_of(&p, plane, r, c) != -INFINITY;
    guarded_release(&counts);
    release(&p);
    return got == want;
}
