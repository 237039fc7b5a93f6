/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_PROBLEM_DATA_H
#define TSKIP_CLI_PROBLEM_DATA_H

#include "guarded.h"
#include "problem.h"

/* A problem's inputs in host memory, decided by the text alone. Keys that are absent (outside klen
 * and kstart) hold NaN in K and V. */
typedef struct problem_data {
    const problem *problem; /* must outlive this */
    tskip_extent extent;    /* q_offset resolved */
    tskip_strides q_strides, k_strides, v_strides, o_strides;
    guarded q, k, v, mask, sinks;
    size_t o_size, lse_size; /* bytes */
    tskip_dtype out_dtype;
    /* The mask tensor's shape; rank 0: none. Its buffer is the caller's to set. A mask made of
     * rules is left zeroed: the device writes it. */
    tskip_mask_tensor tensor;
    float scale; /* in use: never 0 */
} problem_data;

bool problem_data_create(const problem *p, problem_data *out, io_error *error);
void problem_data_release(problem_data *data);

/* Fills mask.data with cells of the given kind of problem; part of problem_data_create. */
void problem_fill_random_mask(problem_data *data);

#endif
