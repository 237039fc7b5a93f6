/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "attention_constants.h"
#include "attention_metal_source.h"
#include "kernel_table.h"
#include "metal/metal_body.h"

enum { LEAST_SIMDGROUPS = 4, MOST_SIMDGROUPS = 8, LANES = 32 };

static const tskip_kernel_body bodies[] = {
    TSKIP__METAL_BODY(attention, "attention_metal"),
};

/* As many as share the eights of V's columns evenly, from 8 down to 4, and have two of them at
 * least: a fragment of P that was loaded then serves two products. Else 8, or 4 for few columns. */
static uint32_t count_simdgroups(uint32_t head_dim_v)
{
    const uint32_t eights = head_dim_v / 8;
    for (uint32_t n = MOST_SIMDGROUPS; n >= LEAST_SIMDGROUPS; n--)
        if (eights % n == 0 && eights / n >= 2)
            return n;
    return eights > MOST_SIMDGROUPS ? MOST_SIMDGROUPS : LEAST_SIMDGROUPS;
}

/* Scores with rows 4 floats longer than the tile, a factor a row, Q with rows 8 elements longer
 * than the head, and 8 x 8 elements a SIMD group: struct group_memory of attention.metal. */
static void specialise(const tskip_constant_value *values, const tskip_kernel_body *body,
                       tskip_kernel_shape *shape)
{
    (void)body;
    const uint64_t bq = values[TSKIP__ID_bq].u32, bk = values[TSKIP__ID_bk].u32;
    const uint64_t element = tskip_dtype_size((tskip_dtype)values[TSKIP__ID_dtype].u32);
    const uint64_t row = values[TSKIP__ID_head_dim].u32 + 8;
    const uint32_t simdgroups = count_simdgroups(values[TSKIP__ID_head_dim_v].u32);
    shape->group_size[0] = LANES * simdgroups;
    shape->group_memory =
        sizeof(float) * (bq * (bk + 4) + bq) + element * (bq * row + 64 * simdgroups);
}

/* The most keys of the tiles that a group of `bq` rows visits: what its first row sees behind it,
 * its last row ahead of it and both of the first columns, in tiles that are cut at either end.
 * Where that depends on more than the block, all. */
static int64_t most_keys(const struct tskip__attention_args *a, int64_t bq, int64_t bk)
{
    const struct tskip__rules *r = &a->rules;
    const uint32_t both = TSKIP__HAS_MAP | TSKIP__HAS_RULES;
    if ((a->flags & both) != both || r->flags & (TSKIP__RULE_IMAGES | TSKIP__RULE_SPANS))
        return a->k_len;
    const int64_t ahead = r->flags & TSKIP__RULE_CAUSAL ? r->prefix : r->spread;
    int64_t behind = r->window - 1 < r->spread ? r->window - 1 : r->spread;
    if (r->chunk > 0 && r->chunk - 1 < behind)
        behind = r->chunk - 1;
    if (ahead >= a->k_len || behind >= a->k_len || r->sink >= a->k_len)
        return a->k_len;
    const int64_t keys = behind + bq + ahead + r->sink + 3 * bk;
    return keys < a->k_len ? keys : a->k_len;
}

static uint64_t group_work(const tskip_constant_value *values, const void *args)
{
    const struct tskip__attention_args *a = args;
    const uint32_t bq = values[TSKIP__ID_bq].u32, bk = values[TSKIP__ID_bk].u32;
    const uint64_t pairs = bq * (uint64_t)most_keys(a, bq, bk);
    return 2 * pairs * ((uint64_t)a->head_dim + a->head_dim_v);
}

const tskip_kernel_desc tskip__kernel_attention_metal = {
    .name = "attention_metal",
    TSKIP__ATTENTION_KERNEL(bodies, TSKIP__N_ATTENTION_BINDINGS),
    .shape = {.group_size = {MOST_SIMDGROUPS * LANES, 1, 1}},
    .specialise = specialise,
    .group_work = group_work,
};
