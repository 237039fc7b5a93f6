/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <float.h>
#include <math.h>

#include "io/element.h"
#include "problem_data.h"
#include "random.h"

/* Values at or below the threshold of their type: each masks its cell. */
static float sentinel(random_state *rng, tskip_dtype dtype)
{
    static const float F32[] = {-INFINITY, -FLT_MAX, -1e30f, -2e30f, -3e38f};
    if (dtype == TSKIP_F16)
        return random_chance(rng, 50) ? -INFINITY : -65504.0f;
    if (dtype == TSKIP_F32)
        return F32[random_between(rng, 0, 4)];
    /* The bf16 values next to -1e30 on its masked side, and the largest ones. */
    static const float BF16[] = {-INFINITY, -0x1.fep127f, -0x1.94p99f, -0x1.96p99f};
    return BF16[random_between(rng, 0, 3)];
}

/* A value that does not mask. */
static float bias(random_state *rng, const problem *p)
{
    if (p->data == PROBLEM_DATA_SPECIAL && random_chance(rng, 1))
        return random_chance(rng, 50) ? NAN : INFINITY;
    if (p->data == PROBLEM_DATA_SPECIAL && p->mask_dtype != TSKIP_F16 && random_chance(rng, 1))
        return -0x1.92p99f; /* just above the threshold in bf16 too: -9.95e29 */
    if (random_chance(rng, 25))
        return random_chance(rng, 50) ? 0.0f : -0.0f;
    return random_normal(rng);
}

static float cell(random_state *rng, const problem *p, int kind)
{
    if (kind == 0)
        return sentinel(rng, p->mask_dtype);
    if (kind == 1)
        return random_chance(rng, 10) ? -0.0f : 0.0f;
    return random_chance(rng, 40) ? sentinel(rng, p->mask_dtype) : bias(rng, p);
}

static uint8_t bool_cell(random_state *rng, int kind)
{
    const uint8_t yes = random_chance(rng, 50) ? 1 : (uint8_t)random_between(rng, 2, 255);
    return kind == 0 || (kind == 2 && random_chance(rng, 50)) ? 0 : yes;
}

/* Blocks of cells of one kind: 0 masked, 1 attended, 2 anything. About one row in sixteen sees
 * nothing at all. */
static void fill_plane(const problem_data *data, size_t plane, int64_t block)
{
    const problem *p = data->problem;
    const int64_t q_len = p->extent.q_len, k_len = p->extent.k_len;
    const uint64_t base = random_mix(p->seed * 31 + plane + 7);
    random_state rng = {base};
    size_t at = plane * (size_t)q_len * (size_t)k_len;
    for (int64_t i = 0; i < q_len; i++) {
        const bool blind = random_mix(base + 3 * (uint64_t)i) % 16 == 0;
        for (int64_t j = 0; j < k_len; j++, at++) {
            const uint64_t place = (uint64_t)(i / block) << 32 | (uint64_t)(j / block);
            const int kind = blind ? 0 : (int)(random_mix(base ^ random_mix(place)) % 3);
            if (p->mask_dtype == TSKIP_BOOL)
                ((uint8_t *)data->mask.data)[at] = bool_cell(&rng, kind);
            else
                io_store(data->mask.data, p->mask_dtype, at, cell(&rng, p, kind));
        }
    }
}

void problem_fill_random_mask(problem_data *data)
{
    const problem *p = data->problem;
    const size_t cells = (size_t)p->extent.q_len * (size_t)p->extent.k_len;
    const size_t planes = data->mask.size / tskip_dtype_size(p->mask_dtype) / cells;
    /* Large blocks hold whole tiles; small ones put several kinds into one tile. */
    static const int64_t BLOCKS[] = {8, 32, 64, 128};
    const int64_t block = BLOCKS[random_mix(p->seed + 5) % 4];
    for (size_t plane = 0; plane < planes; plane++)
        fill_plane(data, plane, block);
}
