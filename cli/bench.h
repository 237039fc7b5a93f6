/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_BENCH_H
#define TSKIP_CLI_BENCH_H

#include "problem.h"

/* Timing with the map and without it in turns, so that a machine that slows down does so for
 * both. */

typedef struct bench_result {
    char plan[192];
    double seconds_map;   /* median, the map's build included */
    double seconds_given; /* median, the map built before; seconds_nomap without a mask */
    double seconds_nomap; /* median; every tile visited */
    double gflops;        /* with the map, on visible pairs */
    double visited_share; /* tiles visited, of all; 1 / this is the ideal speed-up */
    double kv_bytes;      /* of K and V, each head once */
    /* For a few queries on a processor, else 0: reading K and V once with the same threads, a
     * median of the same rounds, and a large problem of the same type and head sizes without a
     * mask. */
    double read_gbs, dense_gflops;
} bench_result;

/* So few queries that reading K and V may decide. */
bool bench_is_decode(const problem *p);

bool bench_problem(tskip_device *device, const problem *p, bench_result *out, io_error *error);

/* The time of the slower of reading K and V and multiplying at the dense rate, over that measured;
 * 0 where there is nothing to compare with. */
double bench_share_of_lesser(const bench_result *r);

/* The tensor's side, in cells. */
#define BENCH_SCAN_SIDE 8192

/* Scanning a mask tensor of BENCH_SCAN_SIDE² cells into a map, beside reading the same memory once
 * with the same threads: medians of rounds in turns. read_gbs is 0 where the device is no
 * processor. */
typedef struct bench_scan {
    double read_gbs, scan_gbs;
} bench_scan;

bool bench_scan_mask(tskip_device *device, tskip_dtype dtype, bench_scan *out, io_error *error);

#endif
