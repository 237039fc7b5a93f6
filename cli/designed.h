/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_DESIGNED_H
#define TSKIP_CLI_DESIGNED_H

#include "check.h"
#include "witness.h"

/* Problems made so that the gate can fail, one for every dtype, head size and kind of mask: more
 * than one head, both signs, rows that peak, cut tiles at both edges and all three classes. What
 * they promise is asserted of each, not hoped for. */

size_t designed_count(void);

/* The head size of problem `index`. */
uint32_t designed_head_dim(size_t index);

/* Long enough for the tile that the device wants. */
bool designed_problem(tskip_device *device, size_t index, problem *out, io_error *error);

/* Several heads, both signs in Q, K and V, and a row whose largest probability is over 0.9. */
bool designed_inputs_can_fail(const problem_data *data, const witness *w, io_error *error);

/* Some tiles of each class, and those at both edges cut by q_len and k_len. */
bool designed_tiles_can_fail(const problem *p, const check_result *result, io_error *error);

#endif
