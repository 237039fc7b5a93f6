/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_METAL_PLANES_H
#define TSKIP_KERNELS_METAL_PLANES_H

#include "kernels/metal/metal_numbers.h"
#include "kernels/shared/row_limits.h"

/* What the kernels about masks and maps share: finding a plane's rows. */

#define PLANE_ARGS constant struct tskip__plane_args

/* First cell of a row of the tensor; without one, never to be read. */
TSKIP__FN const device uchar *cells_of(PLANE_ARGS &a, const device uchar *tensor, uint plane,
                                       tskip_i64 row)
{
    uint batch = plane / a.planes_head, head = plane % a.planes_head;
    tskip_i64 cell =
        batch * a.tensor.stride_batch + head * a.tensor.stride_head + row * a.tensor.stride_row;
    return tensor + cell * element_size(a.tensor.dtype);
}

/* The columns of a row that the rules let through; all of them without rules. */
TSKIP__FN struct tskip__row_limits limits_of(PLANE_ARGS &a, const device tskip_i64 *words,
                                             uint batch, tskip_i64 row)
{
    struct tskip__row_limits all = {0, a.k_len, 0, 0};
    if (a.has_rules)
        all = tskip__row_limits(a.rules, tskip__entry_of(a.rules, words, batch), words, a.k_len, row);
    return all;
}

#endif
