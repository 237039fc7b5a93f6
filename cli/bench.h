/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_BENCH_H
#define TSKIP_CLI_BENCH_H

#include "problem.h"

/* Timing with the map and without it in turns, so that a machine that slows down does so for both.
 */

typedef struct bench_result {
    char plan[192];
    double seconds_map;   /* median, the map's build included */
    double seconds_given; /* median, the map built before; seconds_nomap without a mask */
    double seconds_nomap; /* median; every tile visited */
    double gflops;        /* with the map, on visible pairs */
    double visited_share; /* tiles visited, of all */
} bench_result;

bool bench_problem(tskip_device *device, const problem *p, bench_result *out, io_error *error);

/* Scanning a mask tensor of 8192 × 8192 cells into a map, beside reading the same memory once. */
typedef struct bench_scan {
    double read_gbs, scan_gbs; /* medians of interleaved rounds */
} bench_scan;

bool bench_scan_mask(tskip_device *device, tskip_dtype dtype, bench_scan *out, io_error *error);

#endif
