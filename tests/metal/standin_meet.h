/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_METAL_STANDIN_MEET_H
#define TESTS_METAL_STANDIN_MEET_H

#include "standin_run.h"

/* How the lanes of a SIMD group meet, for operations that standin_lanes.c does not hold itself. */

/* Arrives at the operation `what` of line `line`, or ends the group with a divergence. True for the
 * last lane, which does the work and goes on; the others yield and find it done. */
bool standin_arrive(standin_simd *simd, const char *what, int line);
void standin_yield(standin_worker *worker, standin_lane *me);

#endif
