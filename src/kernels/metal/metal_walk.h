/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_METAL_WALK_H
#define TSKIP_KERNELS_METAL_WALK_H

#include "kernels/metal/metal_item.h"

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

#endif
