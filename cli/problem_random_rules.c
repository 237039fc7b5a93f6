/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "problem_random.h"

static void put(problem *p, const char *format, ...)
{
    const size_t used = strlen(p->rules);
    va_list args;
    va_start(args, format);
    vsnprintf(p->rules + used, sizeof(p->rules) - used, format, args);
    va_end(args);
}

/* "," before all rules but the first. */
static const char *comma(const problem *p)
{
    return p->rules[0] != 0 ? "," : "";
}

static uint32_t n_entries(random_state *rng, const problem *p)
{
    return p->extent.batch > 1 && random_chance(rng, 50) ? p->extent.batch : 1;
}

/* One to three spans, here and there past the last key. */
static void put_spans(random_state *rng, problem *p, const char *name)
{
    const int64_t end = p->extent.k_offset + p->extent.k_len + 10;
    const uint32_t entries = n_entries(rng, p);
    put(p, "%s%s=", comma(p), name);
    for (uint32_t e = 0; e < entries; e++) {
        int64_t at = 0;
        const int64_t n = random_between(rng, 1, 3);
        if (e > 0)
            put(p, "/");
        for (int64_t i = 0; i < n; i++) {
            const int64_t start = at + random_between(rng, 0, end / 2);
            at = start + random_between(rng, 1, end / 3 + 1);
            put(p, "%s%" PRId64 ":%" PRId64, i > 0 ? "+" : "", start, at);
        }
    }
}

static void put_segments(random_state *rng, problem *p)
{
    const uint32_t entries = n_entries(rng, p);
    put(p, "%ssegments=", comma(p));
    for (uint32_t e = 0; e < entries; e++) {
        int64_t left = p->extent.k_offset + p->extent.k_len;
        if (e > 0)
            put(p, "/");
        for (int i = 0; i < 4 && left > 1; i++) {
            const int64_t length = random_between(rng, 1, left - 1);
            put(p, "%" PRId64 "+", length);
            left -= length;
        }
        put(p, "%" PRId64, left);
    }
}

/* kstart stays in the first half of the keys and klen in the second, so that any two entries of
 * them fit each other. */
static void put_key_limits(random_state *rng, problem *p)
{
    const int64_t half = (p->extent.k_len - 1) / 2;
    if (random_chance(rng, 20)) {
        const uint32_t entries = n_entries(rng, p);
        put(p, "%sklen=", comma(p));
        for (uint32_t e = 0; e < entries; e++)
            put(p, "%s%" PRId64, e > 0 ? "/" : "", random_between(rng, half + 1, p->extent.k_len));
    }
    if (random_chance(rng, 15)) {
        const uint32_t entries = n_entries(rng, p);
        put(p, "%skstart=", comma(p));
        for (uint32_t e = 0; e < entries; e++)
            put(p, "%s%" PRId64, e > 0 ? "/" : "", random_between(rng, 0, half));
    }
}

/* Slopes of their own only for so many heads as a problem's text has room for. */
static void put_alibi(random_state *rng, problem *p)
{
    enum { MOST_SLOPES = 32 };
    put(p, "%salibi", comma(p));
    if (random_chance(rng, 50) || p->extent.n_heads > MOST_SLOPES)
        return;
    for (uint32_t h = 0; h < p->extent.n_heads; h++)
        put(p, "%s%g", h > 0 ? "/" : "=", (double)random_between(rng, 1, 40) / 64);
}

void problem_random_rules(random_state *rng, problem *p)
{
    const int64_t k_len = p->extent.k_len;
    const bool causal = random_chance(rng, 65);
    bool limited = false;
    p->rules[0] = 0;
    if (causal)
        put(p, "causal");
    if (random_chance(rng, 40)) {
        put(p, "%swindow=%" PRId64, comma(p), random_between(rng, 1, k_len + 5));
        limited = true;
    }
    if (random_chance(rng, 15)) {
        put(p, "%ssymmetric=%" PRId64, comma(p), random_between(rng, 1, k_len + 5));
        limited = true;
    }
    if (random_chance(rng, 15)) {
        put(p, "%schunk=%" PRId64, comma(p), random_between(rng, 1, k_len + 5));
        limited = true;
    }
    if (causal && random_chance(rng, 15))
        put(p, ",prefix=%" PRId64, random_between(rng, 0, k_len + 5));
    if (random_chance(rng, limited ? 25 : 5)) /* without a limit it changes nothing */
        put(p, "%ssink=%" PRId64, comma(p), random_between(rng, 0, k_len / 2 + 1));
    if (causal && random_chance(rng, 25))
        put_spans(rng, p, "images");
    if ((causal || limited) && random_chance(rng, 20))
        put_spans(rng, p, "spans");
    if (random_chance(rng, 15))
        put_segments(rng, p);
    put_key_limits(rng, p);
    if (random_chance(rng, 8))
        put_alibi(rng, p);
}
