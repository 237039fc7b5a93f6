/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* test_kernels [SEED [PATTERN]]: every body of every kernel that this machine can run, on random
 * problems. The seed begins anew for each, so that one alone repeats what it did among all. PATTERN
 * is a part of a name such as "tile_map.avx2". */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernel_check.h"
#include "kernels/kernel_table.h"

static const struct {
    const char *kernel;
    kernel_check_fn check;
    int rounds;
} checks[] = {
    {"tile_map", check_tile_map, 150},    {"mask_fill", check_mask_fill, 100},
    {"mask_count", check_mask_count, 60}, {"tile_count", check_tile_count, 100},
    {"tile_order", check_tile_order, 60},
};

enum { ATTENTION_ROUNDS = 100 };

static uint64_t seed = 20240901;
static const char *pattern = "";
static int n_run, n_failed;

static bool chosen(const char *kernel, uint32_t capability, char name[64])
{
    snprintf(name, 64, "%s.%s", kernel, tskip__cpu_rung_name((tskip__rung)capability));
    return strstr(name, pattern) != NULL;
}

static void report(const char *name, bool right, int round, const char *parameters)
{
    n_run++;
    n_failed += !right;
    if (right)
        printf("ok      %s\n", name);
    else
        printf("FAILED  %s, seed %" PRIu64 ", round %d: %s\n", name, seed, round, parameters);
}

static void check_body(const char *name, const tskip_kernel_body *body, kernel_check_fn check,
                       int rounds)
{
    random_state rng = {seed};
    char parameters[PARAMETERS_MAX] = "";
    bool right = true;
    int round = 0;
    for (; right && round < rounds; round++)
        right = check(body, &rng, parameters);
    report(name, right, round - 1, parameters);
}

static void check_kernel(const tskip_kernel_desc *desc)
{
    char name[64];
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        for (size_t b = 0; strcmp(checks[i].kernel, desc->name) == 0 && b < desc->n_bodies; b++) {
            const tskip_kernel_body *body = &desc->bodies[b];
            if (body->format == TSKIP_CODE_C && body->capability <= (uint32_t)tskip__cpu_best() &&
                chosen(desc->name, body->capability, name))
                check_body(name, body, checks[i].check, checks[i].rounds);
        }
}

static void check_rung(tskip__rung rung)
{
    char name[64], parameters[PARAMETERS_MAX] = "";
    if (rung > tskip__cpu_best() || !chosen("attention", rung, name))
        return;
    random_state rng = {seed};
    bool right = true;
    int round = 0;
    for (; right && round < ATTENTION_ROUNDS; round++)
        right = check_attention(rung, &rng, parameters);
    report(name, right, round - 1, parameters);
}

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 0) : seed;
    pattern = argc > 2 ? argv[2] : pattern;
    printf("seed %" PRIu64 "\n", seed);
    for (const tskip_kernel_desc *const *desc = tskip__kernel_table; *desc; desc++)
        check_kernel(*desc);
    for (const tskip__rung_name *rung = tskip__cpu_ladder; rung->name; rung++)
        check_rung(rung->rung);
    printf("%d passed, %d failed\n", n_run - n_failed, n_failed);
    return n_failed > 0 || n_run == 0;
}
