/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_ATTENTION_EXTENT_H
#define TSKIP_ATTENTION_EXTENT_H

#include <tileskip/attention.h>

/* Checks an extent and writes it with its zeros and TSKIP_OFFSET_END replaced: batch, n_heads >= 1;
 * 1 <= q_len, k_len <= 2^40; 0 <= offsets <= 2^59. */
tskip_status tskip__extent_resolve(const tskip_extent *extent, tskip_extent *resolved);

/* ceil(length / tile); fails where the grid does not fit 32 bits. */
tskip_status tskip__tile_grid(const tskip_extent *extent, tskip_tile tile, uint32_t *nq,
                              uint32_t *nk);

#endif
