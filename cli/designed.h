/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_DESIGNED_H
#define TSKIP_CLI_DESIGNED_H

#include "witness.h"

/* Problems made so that the gate can fail, one for every dtype, head size and kind of mask: more
 * than one head, both signs, rows that peak, cut tiles at both edges and all three classes. What
 * they promise is asserted of each, not hoped for. */

size_t designed_count(void);

/* The head size of problem `index`. */
uint32_t designed_head_dim(size_t index);

/* Long enough for the tile that the device wants. */
bool designed_problem(tskip_device *device, size_t index, problem *out, io_error *error);

/* Several heads, both signs in Q, K and V, a row whose largest probability is over 0.9, and tiles
 * of `tile` that q_len and k_len cut. */
bool designed_inputs_can_fail(const problem_data *data, const witness *w, tskip_tile tile,
                              io_error *error);

/* Some tiles of each class. */
bool designed_classes_can_fail(const uint64_t classes[3], io_error *error);

#endif
