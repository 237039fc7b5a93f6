/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_GATE_CASE_H
#define TESTS_GATE_CASE_H

#include <check.h>

/* One problem, its inputs changed by hand, held against the reference and the gate on every rung:
 * output within the bound, and not one byte changed without the map, with a map made on the way,
 * with labels turned into MIXED, or with another number of threads. */

/* Changes the inputs (and strides) before anything looks at them. `p` is the problem that
 * data->problem points to. */
typedef void (*gate_change)(problem_data *data, problem *p, int64_t which);

/* Opens every rung with 2, 1 and 7 threads; once a program. */
void gate_open(void);
void gate_close(void);

/* Fails the cmocka test with the problem's text where anything does not hold. change may be
 * NULL. */
void gate_check(const char *text, gate_change change, int64_t which);

/* Element `i` of Q, K, V or the mask tensor. */
void gate_set(const guarded *memory, tskip_dtype dtype, int64_t i, float value);

#endif
