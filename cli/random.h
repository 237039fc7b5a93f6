/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_RANDOM_H
#define TSKIP_CLI_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* Reproducible pseudo-random numbers: SplitMix64 (Steele, Lea and Flood, 2014). */
typedef struct random_state {
    uint64_t at;
} random_state;

static inline uint64_t random_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline uint64_t random_next(random_state *state)
{
    return random_mix(state->at += UINT64_C(0x9e3779b97f4a7c15));
}

/* least … most, both included. */
static inline int64_t random_between(random_state *state, int64_t least, int64_t most)
{
    return least + (int64_t)(random_next(state) % ((uint64_t)(most - least) + 1));
}

static inline bool random_chance(random_state *state, uint32_t percent)
{
    return random_next(state) % 100 < percent;
}

/* Mean 0, variance 1, at most 3.5 in size: the sum of four uniform numbers. */
static inline float random_normal(random_state *state)
{
    const uint64_t bits = random_next(state);
    const int32_t sum = (int32_t)(bits & 0xffff) + (int32_t)(bits >> 16 & 0xffff) +
                        (int32_t)(bits >> 32 & 0xffff) + (int32_t)(bits >> 48);
    return (float)(sum - 2 * 0xffff) * (1.7320508f / 65535.0f);
}

#endif
