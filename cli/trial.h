/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_TRIAL_H
#define TSKIP_CLI_TRIAL_H

#include "problem_data.h"

/* A problem on a device: buffers, mask, plans with and without the map, and the map itself. */
typedef struct trial {
    const problem_data *data;
    tskip_device *device;
    guarded o_memory, lse_memory; /* behind the output buffers where the device works in place */
    tskip_buffer *q, *k, *v, *o, *lse, *sinks, *cells, *workspace;
    uint64_t workspace_size;
    tskip_mask *mask; /* NULL: every key is visible */
    tskip_plan *plan, *plan_no_skip;
    tskip_tile_map *map; /* NULL without a mask */
    tskip_encoder *encoder;
    uint32_t repeats; /* of the attention in one run, back to back; 1 from trial_create */
} trial;

/* A buffer of the caller's bytes: imported where the device computes in host memory, else a copy.
 * `memory` must outlive it. NULL on failure, with the library's error set. */
tskip_buffer *trial_upload(tskip_device *device, void *memory, size_t size);

/* True if the device works on host memory that it is handed. */
bool trial_in_place(tskip_device *device);

/* `data` and `device` must outlive the trial. On failure there is nothing to destroy. */
bool trial_create(tskip_device *device, const problem_data *data, trial *out, io_error *error);
void trial_destroy(trial *t);

/* What was submitted and waited for took, in seconds: on a processor since `start`, on a GPU by the
 * device's own clock, which leaves out the way there and back. */
double trial_seconds(tskip_encoder *encoder, double start);

/* Runs attention and waits: with `map` (NULL: built in the workspace first) or visiting every tile.
 * *seconds (may be NULL): of encode, submit and wait by trial_seconds, over `repeats`. */
bool trial_run(trial *t, bool skip, const tskip_tile_map *map, double *seconds, io_error *error);

/* Copies the outputs to the host: data->o_size and data->lse_size bytes. lse may be NULL. */
bool trial_read(trial *t, void *o, void *lse, io_error *error);

/* Floating-point operations of one run that the mask asks for; *visible and *planes as
 * tskip_mask_count_pairs gives them. */
bool trial_flop(const trial *t, double *flop, uint64_t *visible, uint32_t *planes, io_error *error);

#endif
