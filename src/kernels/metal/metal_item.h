/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_METAL_ITEM_H
#define TSKIP_KERNELS_METAL_ITEM_H

#include "kernels/metal/metal_numbers.h"
#include "kernels/shared/row_limits.h"

/* An item of attention is one panel: TSKIP_C_BQ rows of one query head. */

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
        struct tskip__rules_entry entry = tskip__entry_of(a.rules, words, it.batch);
        it.present_begin = entry.kstart;
        it.present_end = tskip__min(entry.klen, a.k_len);
    }
    return it;
}

#endif
