/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CUDA_ATTENTION_ITEM_H
#define TSKIP_KERNELS_CUDA_ATTENTION_ITEM_H

#include "kernels/cuda/numbers.h"
#include "kernels/shared/row_limits.h"

/* What the attention kernels share but the products: which rows an item is, which tiles it visits
 * and what masks a cell. An item is one panel: TSKIP_C_BQ rows of one query head. */

#define BQ TSKIP_C_BQ
#define BK TSKIP_C_BK

#define HAS_MASK (TSKIP_C_RULES || TSKIP_C_MASK)
#define WARP     0xFFFFFFFFu

/* The parameters of every attention kernel, in the order of its bindings. */
#define ATTENTION_PARAMETERS                                                                       \
    const void *q, const void *k, const void *v, void *o, float *lse, const float *sinks,          \
        const void *mask, const tskip_i64 *words, const tskip_u8 *map, const tskip_u32 *order,     \
        struct tskip__attention_args a

struct item {
    tskip_u32 batch, head, kv_head, row_block;
    tskip_i64 first;                      /* query row */
    int rows;                             /* that exist */
    tskip_i64 present_begin, present_end; /* keys that are not absent */
};

TSKIP__FN struct item find_item(const struct tskip__attention_args &a, const tskip_i64 *words,
                                const tskip_u32 *order)
{
    tskip_u32 number = order ? order[blockIdx.x] : blockIdx.x, group = a.n_heads / a.n_kv_heads;
    tskip_u32 panel = number % a.items_per_head, outer = number / a.items_per_head;
    struct item it;
    it.kv_head = outer % a.n_kv_heads;
    it.batch = outer / a.n_kv_heads;
    it.head = it.kv_head * group + panel % group;
    it.row_block = panel / group;
    it.first = (tskip_i64)it.row_block * BQ;
    it.rows = (int)tskip__min(BQ, a.q_len - it.first);
    it.present_begin = 0;
    it.present_end = a.k_len;
    if (TSKIP_C_RULES) {
        const struct tskip__rules_entry *entry =
            (const struct tskip__rules_entry *)words + (a.rules.n_entries > 1 ? it.batch : 0);
        it.present_begin = entry->kstart;
        it.present_end = tskip__min(entry->klen, a.k_len);
    }
    return it;
}

/* ---- tiles --------------------------------------------------------------------------------- */

#define NO_TILE 0xFFFFFFFFu

/* Walks the tiles of a row of the map that are not SKIP, from left to right: one list in one order,
 * so that a label never changes the order of a sum. 32 at a time lie in two words. Every warp walks
 * for itself and all its lanes get the same. */
struct walk {
    const tskip_u8 *classes; /* null: all tiles, MIXED if there is any mask, else FULL */
    tskip_u32 nk, base;      /* of the words */
    tskip_u32 visit, mixed;  /* bits of the tiles base … base + 31 still to come */
};

TSKIP__FN void walk_fetch(struct walk &w)
{
    tskip_u32 tile = w.base + threadIdx.x % 32;
    tskip_u32 all = HAS_MASK ? TSKIP__MIXED : TSKIP__FULL;
    tskip_u32 label = tile >= w.nk ? TSKIP__SKIP : w.classes ? w.classes[tile] : all;
    w.visit = __ballot_sync(WARP, label != TSKIP__SKIP);
    w.mixed = __ballot_sync(WARP, label == TSKIP__MIXED);
}

TSKIP__FN struct walk walk_begin(const struct tskip__attention_args &a, const struct item &it,
                                 const tskip_u8 *map)
{
    struct walk w;
    w.classes = nullptr;
    if (TSKIP_C_MAP)
        w.classes = map + it.batch * a.map_stride_batch + it.head * a.map_stride_head +
                    (tskip_u64)it.row_block * a.nk;
    w.nk = a.nk;
    w.base = 0;
    walk_fetch(w);
    return w;
}

/* The next tile, or NO_TILE; `mixed` says whether masks apply to it. */
TSKIP__FN tskip_u32 walk_next(struct walk &w, bool &mixed)
{
    while (w.visit == 0) {
        if (w.nk - w.base <= 32)
            return NO_TILE;
        w.base += 32;
        walk_fetch(w);
    }
    tskip_u32 bit = __ffs(w.visit) - 1;
    w.visit &= w.visit - 1;
    mixed = w.mixed >> bit & 1;
    return w.base + bit;
}

/* ---- masks --------------------------------------------------------------------------------- */

/* What masks one query row. Columns are 32-bit here: no K of 2^32 rows fits a device. */
struct alignas(16) row_mask {
    tskip_u32 lo, hi, sink_lo, sink_hi; /* the rules' intervals */
};

/* What the rows of an item share. */
struct item_mask {
    const char *cells;  /* of its first row; null: no tensor */
    tskip_i64 stride;   /* bytes from row to row */
    tskip_i64 position; /* of its first row, less k_offset: the distance to column 0 */
    float slope;        /* 0: no alibi */
};

TSKIP__FN tskip_u32 to_column(tskip_i64 limit, tskip_i64 k_len)
{
    return (tskip_u32)tskip__max(0, tskip__min(limit, k_len));
}

TSKIP__FN struct item_mask find_item_mask(const struct tskip__attention_args &a,
                                          const struct item &it, const tskip_i64 *words,
                                          const void *mask)
{
    struct item_mask m = {nullptr, 0, 0, 0.0f};
    if (TSKIP_C_RULES) {
        m.position = it.first + a.rules.q_offset - a.rules.k_offset;
        if (a.rules.flags & TSKIP__RULE_ALIBI)
            m.slope = ((const float *)words)[a.rules.first_slope + it.head];
    }
    if (TSKIP_C_MASK) {
        m.cells =
            (const char *)mask + (it.batch * a.tensor.stride_batch +
                                  it.head * a.tensor.stride_head + it.first * a.tensor.stride_row) *
                                     element_size(TSKIP_C_MASK);
        m.stride = a.tensor.stride_row * element_size(TSKIP_C_MASK);
    }
    return m;
}

/* For row `row` of the item; rows that do not exist are masked by nothing and stored nowhere. */
TSKIP__FN struct row_mask find_row_mask(const struct tskip__attention_args &a,
                                        const struct item &it, const tskip_i64 *words, int row)
{
    struct row_mask m = {0, 0xFFFFFFFFu, 0, 0};
    if (TSKIP_C_RULES && row < it.rows) {
        const struct tskip__rules_entry *entries = (const struct tskip__rules_entry *)words;
        struct tskip__row_limits l = tskip__row_limits(
            a.rules, entries[a.rules.n_entries > 1 ? it.batch : 0], words, a.k_len, it.first + row);
        m.lo = to_column(l.lo, a.k_len);
        m.hi = to_column(l.hi, a.k_len);
        m.sink_lo = to_column(l.sink_lo, a.k_len);
        m.sink_hi = to_column(l.sink_hi, a.k_len);
    }
    return m;
}

/* The score x (in units of 1 / `unit`) of row `row` < it.rows under the mask. A cell that adds
 * nothing leaves x as it is, bit for bit, so FULL tiles may leave this out. */
TSKIP__FN float mask_score(float x, const struct item_mask &im, const struct row_mask &m, int row,
                           tskip_u32 column, float unit)
{
    if (TSKIP_C_MASK) {
        float bias = load_cell(im.cells + row * im.stride, TSKIP_C_MASK, column);
        x = bias == -INFINITE ? -INFINITE : x + bias * unit;
    }
    if (TSKIP_C_RULES) {
        if (im.slope != 0.0f) {
            tskip_i64 distance = im.position + row - column;
            x = x + -im.slope * (float)(distance < 0 ? -distance : distance) * unit;
        }
        bool visible =
            (column >= m.lo && column < m.hi) || (column >= m.sink_lo && column < m.sink_hi);
        x = visible ? x : -INFINITE;
    }
    return x;
}

/* ---- the end of a row -------------------------------------------------------------------------
 */

struct row_end {
    float factor; /* for what was summed */
    float lse;
};

/* maximum: natural units. The sink joins as one more logit without a value. */
TSKIP__FN struct row_end finish_row(float maximum, float sum, const float *sinks, tskip_u32 head)
{
    float factor = 1.0f, top = maximum;
    if (TSKIP_C_SINKS) {
        float sink = sinks[head];
        top = sink > maximum ? sink : maximum;
        factor = expf(maximum - top);
        sum = sum * factor + expf(sink - top);
    }
    struct row_end end;
    end.factor = sum == 0.0f ? 0.0f : factor / sum;
    end.lse = sum == 0.0f ? -INFINITE : top + logf(sum);
    return end;
}

TSKIP__FN void store_lse(const struct tskip__attention_args &a, const struct item &it, float *lse,
                         int row, float value)
{
    if (TSKIP_C_LSE)
        lse[((tskip_u64)it.batch * a.n_heads + it.head) * a.q_len + it.first + row] =
            canonical(value);
}

#endif
