/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_KERNELS_KERNEL_CHECK_H
#define TESTS_KERNELS_KERNEL_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include <tileskip/compute.h>

#include "guarded.h"
#include "random.h"

/* One kernel body at a time is called, group by group, on random problems and compared with plain
 * loops written in the test. Buffers end at an unreadable page. */

#define PARAMETERS_MAX 256

/* Runs one random problem through `body`. False: the result was wrong; `parameters` says on what.
 */
typedef bool (*kernel_check_fn)(const tskip_kernel_body *body, random_state *rng,
                                char parameters[PARAMETERS_MAX]);

bool check_tile_map(const tskip_kernel_body *body, random_state *rng, char *parameters);
bool check_mask_fill(const tskip_kernel_body *body, random_state *rng, char *parameters);
bool check_mask_count(const tskip_kernel_body *body, random_state *rng, char *parameters);
bool check_tile_count(const tskip_kernel_body *body, random_state *rng, char *parameters);
bool check_tile_order(const tskip_kernel_body *body, random_state *rng, char *parameters);

/* Compares attention on the rung of `capability` with the portable one. */
bool check_attention(uint32_t capability, random_state *rng, char *parameters);

/* Guarded memory of `size` bytes, all 0x5a. Stops the program where there is none. */
guarded kernel_memory(size_t size);

/* Calls the body for every group of the grid. */
void kernel_run(const tskip_kernel_body *body, uint32_t x, uint32_t y, void *const *buffers,
                const void *args, size_t group_memory);

/* Writes `n` cells of a mask of `dtype` (TSKIP__F32 …): runs of masked, of zero and of other
 * values, NaN, infinities and the neighbours of -1e30 among them. */
void kernel_random_cells(random_state *rng, uint32_t dtype, void *cells, size_t n);

#endif
