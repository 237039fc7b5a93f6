/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_ATTEND_H
#define TSKIP_CLI_ATTEND_H

#include <tileskip/attention.h>

#include "io/io_error.h"
#include "progress.h"

/* What `tileskip attend` is asked for. */
typedef struct attend_options {
    const char *input, *q, *k, *v; /* the file and its tensors' names */
    const char *rules, *mask, *out, *png, *device;
    int64_t q_offset, k_offset;
    float scale, softcap;
    tskip_tile tile;
    tskip_dtype out_dtype;
    uint32_t threads;
    bool blhd, no_skip, lse, json;
} attend_options;

typedef struct attend_result {
    char device[64], plan[192];
    double seconds, gflops;   /* of attention, the map's build included */
    tskip_tile_counts counts; /* of the map, used or not; all FULL without a mask */
    uint64_t visible;         /* pairs, over the map's planes */
} attend_result;

/* Reads the file, computes attention once and writes what is asked for. `bar` (may be NULL) learns
 * how far long work has come. */
bool attend_file(const attend_options *o, tskip_device *device, progress *bar,
                 attend_result *result, io_error *error);

#endif
