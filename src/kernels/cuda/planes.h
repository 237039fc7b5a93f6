/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CUDA_PLANES_H
#define TSKIP_KERNELS_CUDA_PLANES_H

#include "kernels/cuda/numbers.h"
#include "kernels/shared/row_limits.h"

/* What the kernels about masks and maps share: finding a plane's rows. */

TSKIP__FN struct tskip__rules_entry entry_of(const struct tskip__rules &rules,
                                             const tskip_i64 *words, tskip_u32 batch)
{
    const struct tskip__rules_entry *entries = (const struct tskip__rules_entry *)words;
    return entries[rules.n_entries > 1 ? batch : 0];
}

/* First cell of a row of the tensor; null without one. */
TSKIP__FN const void *cells_of(const struct tskip__plane_args &a, const void *tensor,
                               tskip_u32 plane, tskip_i64 row)
{
    tskip_u32 batch = plane / a.planes_head, head = plane % a.planes_head;
    tskip_i64 cell =
        batch * a.tensor.stride_batch + head * a.tensor.stride_head + row * a.tensor.stride_row;
    return a.tensor.dtype ? (const char *)tensor + cell * element_size(a.tensor.dtype) : nullptr;
}

/* The columns of a row that the rules let through; all of them without rules. */
TSKIP__FN struct tskip__row_limits limits_of(const struct tskip__plane_args &a,
                                             const tskip_i64 *words, tskip_u32 batch, tskip_i64 row)
{
    struct tskip__row_limits all = {0, a.k_len, 0, 0};
    return a.has_rules
               ? tskip__row_limits(a.rules, entry_of(a.rules, words, batch), words, a.k_len, row)
               : all;
}

#endif
