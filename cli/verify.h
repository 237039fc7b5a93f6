/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_VERIFY_H
#define TSKIP_CLI_VERIFY_H

#include "check.h"

/* The sweep behind `tileskip verify`. */

#define VERIFY_MAX_DEVICES 24
#define VERIFY_DTYPES      (TSKIP_BF16 + 1)

typedef struct verify {
    check_device devices[VERIFY_MAX_DEVICES];
    size_t n_devices;
    const char *filter; /* glob for "DEVICE PROBLEM"; NULL: all */
    uint64_t cases, failed;
    double worst[VERIFY_DTYPES];                            /* of the bound, by the inputs' dtype */
    double worst_lse;                                       /* of the log-sum-exps */
    uint64_t ran[VERIFY_DTYPES];                            /* cases by dtype */
    char worst_text[VERIFY_DTYPES][PROBLEM_MAX_TEXT + 128]; /* "DEVICE PROBLEM" of the worst */
} verify;

/* Opens `name`, or with NULL every device listed here and every rung of the CPU's ladder. */
bool verify_open(verify *v, const char *name, io_error *error);
void verify_close(verify *v);

/* Checks one problem on every device; prints failures to stderr. Not being able to make the problem
 * at all counts as a failure. */
void verify_problem(verify *v, const problem *p);

/* On every device, the designed problem of that index; all three classes are required. */
void verify_designed(verify *v, size_t index);

/* A random one; tiles other than a device's own choice are tried too. */
void verify_random(verify *v, uint64_t seed);

#endif
