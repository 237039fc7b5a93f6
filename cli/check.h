/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_CHECK_H
#define TSKIP_CLI_CHECK_H

#include "trial.h"
#include "witness.h"

/* One problem on one kind of device, held against the reference and the gate. */

/* The same device with different numbers of threads; a device whose threads cannot be chosen is
 * there once. */
#define CHECK_MAX_THREADS 3
typedef struct check_device {
    char name[64];
    tskip_device *devices[CHECK_MAX_THREADS];
    size_t n_devices;
} check_device;

bool check_device_open(const char *name, check_device *out, io_error *error);
void check_device_close(check_device *d);

typedef struct check_result {
    double ratio;     /* of the accuracy bound: left side over right side; infinite for a fault */
    double lse_ratio; /* the same for the log-sum-exps; 0 without */
    uint64_t classes[3]; /* tiles of the map */
    tskip_tile tile;
} check_result;

/* True if all holds:
 *  - the map's tiles are those that the reference finds by looking at every cell, and the visible
 *    pairs are as many (under rules and a tensor together MIXED may stand for SKIP);
 *  - a tensor made of the rules holds what the rules say, cell by cell;
 *  - output and log-sum-exps are within the bound;
 *  - no byte of them changes without the map, with a map made on the way, with labels 0 and 2
 *    turned into 1, and with another number of threads.
 * With w NULL only the last is looked at. Else `error` says what does not. The result is filled as
 * far as the check came. */
bool check_run(const check_device *d, const problem_data *data, const witness *w,
               check_result *result, io_error *error);

#endif
