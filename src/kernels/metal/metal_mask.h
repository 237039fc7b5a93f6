/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_METAL_MASK_H
#define TSKIP_KERNELS_METAL_MASK_H

#include "kernels/metal/metal_item.h"

/* What masks the cells of an item. */

/* What the rows of an item share. */
struct item_mask {
    const device uchar *cells; /* of its first row; read with a tensor only */
    tskip_i64 stride;          /* bytes from row to row */
    tskip_i64 position;        /* of its first row, less k_offset: the distance to column 0 */
    float slope;               /* 0: no alibi */
};

TSKIP__FN struct item_mask find_item_mask(ARGS &a, const thread struct item &it,
                                          const device tskip_i64 *words, const device uchar *mask)
{
    struct item_mask m;
    m.position = it.first + a.rules.q_offset - a.rules.k_offset;
    m.slope = 0.0f;
    if (TSKIP_C_RULES && (a.rules.flags & TSKIP__RULE_ALIBI))
        m.slope = ((const device float *)words)[a.rules.first_slope + it.head];
    tskip_i64 cell = it.batch * a.tensor.stride_batch + it.head * a.tensor.stride_head +
                     it.first * a.tensor.stride_row;
    m.cells = mask + cell * element_size(TSKIP_C_MASK);
    m.stride = a.tensor.stride_row * element_size(TSKIP_C_MASK);
    return m;
}

/* The columns that row `row` of the item sees under rules. Rows that do not exist see all: they are
 * stored nowhere. */
TSKIP__FN struct tskip__columns find_columns(ARGS &a, const thread struct item &it,
                                             const device tskip_i64 *words, uint row)
{
    struct tskip__columns all = {0, 0xFFFFFFFFu, 0, 0};
    if (!TSKIP_C_RULES || row >= it.rows)
        return all;
    struct tskip__rules_entry entry = tskip__entry_of(a.rules, words, it.batch);
    return tskip__to_columns(
        tskip__row_limits(a.rules, entry, words, a.k_len, it.first + row), a.k_len);
}

/* The score x of row `row` < it.rows under the mask. A cell that adds nothing leaves x as it is,
 * the sign of a zero apart, so FULL tiles may leave this out. */
TSKIP__FN float mask_score(float x, const thread struct item_mask &im,
                           const thread struct tskip__columns &c, uint row, uint column)
{
    if (TSKIP_C_MASK) {
        float bias = load_cell(im.cells + row * im.stride, TSKIP_C_MASK, column);
        x = bias == -INFINITE ? -INFINITE : x + bias;
    }
    if (TSKIP_C_RULES) {
        if (im.slope != 0.0f) {
            tskip_i64 distance = im.position + row - column;
            x = x + -im.slope * float(distance < 0 ? -distance : distance);
        }
        bool visible =
            (column >= c.lo && column < c.hi) || (column >= c.sink_lo && column < c.sink_hi);
        x = visible ? x : -INFINITE;
    }
    return x;
}

#endif
