/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_HARNESS_RUNGS_H
#define TESTS_HARNESS_RUNGS_H

#include <tileskip/compute.h>

/* The rungs of the CPU's ladder that this machine has, each as a device of its own. */

#define RUNGS_MAX 16

typedef struct rungs {
    tskip_device *devices[RUNGS_MAX];
    size_t n;
} rungs;

/* Opens them with so many threads; fails the test where there is none. */
void rungs_open(rungs *out, uint32_t threads);
void rungs_close(rungs *all);

#endif
