/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_METAL_ITEM_H
#define TSKIP_KERNELS_METAL_ITEM_H

#include "kernels/metal/metal_numbers.h"
#include "kernels/shared/row_limits.h"

/* What attention does besides its products: which rows an item is, which tiles it visits and what
 * masks a cell. An item is one panel: TSKIP_C_BQ rows of one query head. */

#define BQ TSKIP_C_BQ
#define BK TSKIP_C_BK

#define HAS_MASK (TSKIP_C_RULES != 0 || TSKIP_C_MASK != 0)
#define ARGS     constant struct tskip__attention_args

struct item {
    uint batch, head, kv_head, row_block;
    tskip_i64 first;                      /* query row */
    uint rows;                            /* that exist */
    tskip_i64 present_begin, present_end; /* keys that are not absent */
};

TSKIP__FN struct item find_item(ARGS &a, const device tskip_i64 *words, uint number)
{
    uint share = a.n_heads / a.n_kv_heads;
    uint panel = number % a.items_per_head, outer = number / a.items_per_head;
    struct item it;
    it.kv_head = outer % a.n_kv_heads;
    it.batch = outer / a.n_kv_heads;
    it.head = it.kv_head * share + panel % share;
    it.row_block = panel / share;
    it.first = tskip_i64(it.row_block) * BQ;
    it.rows = uint(tskip__min(BQ, a.q_len - it.first));
    it.present_begin = 0;
    it.present_end = a.k_len;
    if (TSKIP_C_RULES) {
        const device struct tskip__rules_entry *entry =
            (const device struct tskip__rules_entry *)words +
            (a.rules.n_entries > 1 ? it.batch : 0);
        it.present_begin = entry->kstart;
        it.present_end = tskip__min(entry->klen, a.k_len);
    }
    return it;
}

/* ---- tiles ---------------------------------------------------------------------------------- */

#define NO_TILE 0xFFFFFFFFu

/* Walks the tiles of a row of the map that are not SKIP, from left to right: one list in one order,
 * so that a label never changes the order of a sum. 32 at a time lie in two words. Every SIMD group
 * walks for itself and all of its lanes get the same. */
struct walk {
    const device uchar *classes; /* read with a map only; else all MIXED if there is a mask */
    uint nk, base;               /* base of the words */
    uint visit, mixed;           /* bits of the tiles base … base + 31 still to come */
};

TSKIP__FN void walk_fetch(thread struct walk &w, uint lane)
{
    uint tile = w.base + lane, label = HAS_MASK ? TSKIP__MIXED : TSKIP__FULL;
    if (tile >= w.nk)
        label = TSKIP__SKIP;
    else if (TSKIP_C_MAP)
        label = w.classes[tile];
    w.visit = simd_or(label != TSKIP__SKIP ? 1u << lane : 0u);
    w.mixed = simd_or(label == TSKIP__MIXED ? 1u << lane : 0u);
}

TSKIP__FN struct walk walk_begin(ARGS &a, const thread struct item &it, const device uchar *map,
                                 uint lane)
{
    struct walk w;
    w.classes = map + it.batch * a.map_stride_batch + it.head * a.map_stride_head +
                tskip_u64(it.row_block) * a.nk;
    w.nk = a.nk;
    w.base = 0;
    walk_fetch(w, lane);
    return w;
}

/* The next tile, or NO_TILE; `mixed` says whether masks apply to it. */
TSKIP__FN uint walk_next(thread struct walk &w, thread bool &mixed, uint lane)
{
    while (w.visit == 0) {
        if (w.nk - w.base <= LANES)
            return NO_TILE;
        w.base += LANES;
        walk_fetch(w, lane);
    }
    uint bit = ctz(w.visit);
    w.visit &= w.visit - 1;
    mixed = w.mixed >> bit & 1;
    return w.base + bit;
}

/* ---- masks ---------------------------------------------------------------------------------- */

/* What masks one query row. Columns are 32-bit here: no K of 2^32 rows fits a device. */
struct row_mask {
    uint lo, hi, sink_lo, sink_hi; /* the rules' intervals */
};

/* What the rows of an item share. */
struct item_mask {
    const device uchar *cells; /* of its first row; read with a tensor only */
    tskip_i64 stride;          /* bytes from row to row */
    tskip_i64 position;        /* of its first row, less k_offset: the distance to column 0 */
    float slope;               /* 0: no alibi */
};

TSKIP__FN uint to_column(tskip_i64 limit, tskip_i64 k_len)
{
    return uint(tskip__max(0, tskip__min(limit, k_len)));
}

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

/* For row `row` of the item; rows that do not exist are masked by nothing and stored nowhere. */
TSKIP__FN struct row_mask find_row_mask(ARGS &a, const thread struct item &it,
                                        const device tskip_i64 *words, uint row)
{
    struct row_mask m = {0, 0xFFFFFFFFu, 0, 0};
    if (TSKIP_C_RULES && row < it.rows) {
        const device struct tskip__rules_entry *entries =
            (const device struct tskip__rules_entry *)words;
        struct tskip__row_limits l = tskip__row_limits(
            a.rules, entries[a.rules.n_entries > 1 ? it.batch : 0], words, a.k_len, it.first + row);
        m.lo = to_column(l.lo, a.k_len);
        m.hi = to_column(l.hi, a.k_len);
        m.sink_lo = to_column(l.sink_lo, a.k_len);
        m.sink_hi = to_column(l.sink_hi, a.k_len);
    }
    return m;
}

/* The score x of row `row` < it.rows under the mask. A cell that adds nothing leaves x as it is,
 * the sign of a zero apart, so FULL tiles may leave this out. */
TSKIP__FN float mask_score(float x, const thread struct item_mask &im,
                           const thread struct row_mask &m, uint row, uint column)
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
            (column >= m.lo && column < m.hi) || (column >= m.sink_lo && column < m.sink_hi);
        x = visible ? x : -INFINITE;
    }
    return x;
}

/* ---- the end of a row ----------------------------------------------------------------------- */

struct row_end {
    float factor; /* for what was summed */
    float lse;
};

/* The sink joins as one more logit without a value. */
TSKIP__FN struct row_end finish_row(float maximum, float sum, const device float *sinks, uint head)
{
    float factor = 1.0f, top = maximum;
    if (TSKIP_C_SINKS) {
        float sink = sinks[head];
        top = sink > maximum ? sink : maximum;
        factor = precise::exp(maximum - top);
        sum = sum * factor + precise::exp(sink - top);
    }
    struct row_end end;
    end.factor = sum == 0.0f ? 0.0f : factor / sum;
    end.lse = sum == 0.0f ? -INFINITE : top + precise::log(sum);
    return end;
}

#endif
