/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "problem_random.h"

#include <string.h>

/* What the reference does in a few hundredths of a second. */
#define MAX_WORK 40e6

static int64_t pick(random_state *rng, const int64_t *from, size_t n)
{
    return from[random_next(rng) % n];
}
#define PICK(rng, array) pick(rng, array, sizeof(array) / sizeof((array)[0]))

static int64_t random_length(random_state *rng)
{
    static const int64_t NEAR[] = {1,  2,  3,  5,  7,  8,   9,   15,  16,  17,  31,
                                   32, 33, 63, 64, 65, 100, 127, 128, 129, 191, 257};
    return random_chance(rng, 75) ? PICK(rng, NEAR) : random_between(rng, 1, 300);
}

static void random_sizes(random_state *rng, problem *p)
{
    static const int64_t TUNED[] = {64, 80, 96, 128, 192, 256, 512};
    static const int64_t GROUPS[] = {1, 1, 2, 3, 4, 8, 9, 16, 71};
    p->head_dim =
        (uint32_t)(random_chance(rng, 60) ? PICK(rng, TUNED) : random_between(rng, 1, 200));
    p->head_dim_v = p->head_dim;
    if (random_chance(rng, 20))
        p->head_dim_v =
            (uint32_t)(random_chance(rng, 50) ? PICK(rng, TUNED) : random_between(rng, 1, 200));
    p->extent.batch = (uint32_t)(random_chance(rng, 60) ? 1 : random_between(rng, 2, 3));
    p->n_kv_heads = (uint32_t)random_between(rng, 1, 3);
    p->extent.n_heads = p->n_kv_heads * (uint32_t)PICK(rng, GROUPS);
    p->extent.q_len = random_length(rng);
    p->extent.k_len = random_chance(rng, 40) ? p->extent.q_len : random_length(rng);
    for (;;) {
        const double work = (double)p->extent.batch * p->extent.n_heads * (double)p->extent.q_len *
                            (double)p->extent.k_len * (p->head_dim + p->head_dim_v);
        if (work <= MAX_WORK)
            return;
        if (p->extent.n_heads > p->n_kv_heads)
            p->extent.n_heads = p->n_kv_heads;
        else if (p->extent.batch > 1)
            p->extent.batch = 1;
        else if (p->n_kv_heads > 1)
            p->n_kv_heads = p->extent.n_heads = 1;
        else
            p->extent.q_len = (p->extent.q_len + 1) / 2;
    }
}

static void random_offsets(random_state *rng, problem *p)
{
    if (random_chance(rng, 25))
        p->extent.k_offset = random_between(rng, 1, 40);
    if (random_chance(rng, 25))
        p->extent.q_offset = random_between(rng, 1, p->extent.k_offset + p->extent.k_len + 5);
    else if (p->extent.k_offset + p->extent.k_len >= p->extent.q_len && random_chance(rng, 35))
        p->extent.q_offset = TSKIP_OFFSET_END;
}

static void random_mask(random_state *rng, problem *p)
{
    static const int64_t TYPES[] = {TSKIP_F32, TSKIP_F16, TSKIP_BF16, TSKIP_BOOL};
    if (random_chance(rng, 80))
        problem_random_rules(rng, p);
    if (random_chance(rng, 45))
        return;
    p->mask = p->rules[0] != 0 && random_chance(rng, 40) ? PROBLEM_MASK_RULES : PROBLEM_MASK_RANDOM;
    p->mask_dtype = (tskip_dtype)PICK(rng, TYPES);
    p->mask_per_batch = random_chance(rng, 25);
    p->mask_per_head = random_chance(rng, 25);
    if (p->mask != PROBLEM_MASK_RULES)
        return;
    /* A tensor has a plane wherever its rules say something else. */
    if (strchr(p->rules, '/') != NULL)
        p->mask_per_batch = true;
    if (strstr(p->rules, "alibi") != NULL) {
        p->mask_dtype = TSKIP_F32;
        p->mask_per_head = true;
    }
}

static void random_options(random_state *rng, problem *p)
{
    const int64_t roll = random_between(rng, 0, 99);
    p->data = roll < 40   ? PROBLEM_DATA_NORMAL
              : roll < 65 ? PROBLEM_DATA_PEAKED
              : roll < 80 ? PROBLEM_DATA_TINY
                          : PROBLEM_DATA_SPECIAL;
    p->lse = random_chance(rng, 50);
    p->sinks = random_chance(rng, 25);
    p->blhd = random_chance(rng, 30);
    if (p->dtype != TSKIP_F32 && random_chance(rng, 15))
        p->out_dtype = TSKIP_F32;
    if (random_chance(rng, 20))
        p->softcap = (float)random_between(rng, 5, 50);
    if (random_chance(rng, 20))
        p->scale = (float)random_between(rng, 1, 64) / 64;
}

void problem_random(uint64_t seed, problem *out)
{
    random_state rng = {random_mix(seed ^ UINT64_C(0x7469))};
    *out = (problem){.seed = seed >> 1};
    out->dtype = (tskip_dtype)random_between(&rng, TSKIP_F32, TSKIP_BF16);
    random_sizes(&rng, out);
    random_offsets(&rng, out);
    random_mask(&rng, out);
    random_options(&rng, out);
}
