/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CUDA_ATTENTION_WORK_H
#define TSKIP_KERNELS_CUDA_ATTENTION_WORK_H

#include "kernels/shared/row_limits.h"

/* Which rows a group works on and which tiles they visit: kargs.h says how work is numbered. A
 * warpgroup takes one panel: TSKIP_C_BQ = 64 query rows of one head. The panels of an item share
 * K and V, so the item visits a tile if one of its panels does. */

#define PANELS TSKIP_C_PANELS
#define BQ     TSKIP_C_BQ
#define BK     TSKIP_C_BK
#define WARP   32u

/* What the threads of a group are told of a tile: its number above eight bits that hold the class
 * for each panel, two bits a panel. */
#define NO_MORE_TILES 0xFFFFFFFFu
#define NO_MORE_ITEMS 0xFFFFFFFFu

TSKIP__FN tskip_u32 tile_word(tskip_u32 tile, tskip_u32 classes)
{
    return tile << 8 | classes;
}

TSKIP__FN tskip_u32 tile_of(tskip_u32 word)
{
    return word >> 8;
}

TSKIP__FN tskip_u32 class_for(tskip_u32 word, tskip_u32 panel)
{
    return word >> 2 * panel & 3;
}

struct panel {
    bool exists; /* the last item of a head may have fewer */
    tskip_u32 batch, head;
    tskip_u32 first; /* query row */
};

TSKIP__FN panel find_panel(const tskip__attention_args &a, tskip_u32 item, tskip_u32 which)
{
    tskip_u32 row_of_heads = item / a.items_per_head;
    tskip_u32 number = (item - row_of_heads * a.items_per_head) * PANELS + which;
    panel p;
    p.exists = number / TSKIP_C_GROUP < a.nq;
    p.batch = row_of_heads / a.n_kv_heads;
    p.head = row_of_heads % a.n_kv_heads * TSKIP_C_GROUP + number % TSKIP_C_GROUP;
    p.first = number / TSKIP_C_GROUP * BQ;
    return p;
}

TSKIP__FN tskip_u32 count_panels(const tskip__attention_args &a, tskip_u32 item)
{
    tskip_u32 left = a.nq * TSKIP_C_GROUP - item % a.items_per_head * PANELS;
    return left < PANELS ? left : PANELS;
}

TSKIP__FN tskip_u32 kv_head_of(const tskip__attention_args &a, tskip_u32 item)
{
    return item / a.items_per_head % a.n_kv_heads;
}

/* ---- dealing out items ----------------------------------------------------------------------- */

/* The n-th item, or NO_MORE_ITEMS: in the order's order, else as numbered. */
TSKIP__FN tskip_u32 item_number(const tskip__attention_args &a, const tskip_u32 *order, tskip_u32 n)
{
    if (n >= a.n_items)
        return NO_MORE_ITEMS;
    return a.flags & TSKIP__HAS_ORDER ? order[n] : n;
}

/* The place in the order that this worker takes next: from the counter behind the order, so that
 * who is done early takes more; without an order all items weigh the same and are dealt in turn. */
TSKIP__FN tskip_u32 take_place(const tskip__attention_args &a, tskip_u32 *order, tskip_u32 last,
                               tskip_u32 workers)
{
    return a.flags & TSKIP__HAS_ORDER ? atomicAdd(order + a.n_items, 1) + workers : last + workers;
}

/* ---- walking the map ------------------------------------------------------------------------- */

#define BLOCK_TILES 128u

/* The class of one tile. Without a map every tile is MIXED where there is a mask, else FULL. A tile
 * that k_len cuts is MIXED where it was FULL: the row limits then cut the columns that do not
 * exist. */
TSKIP__FN tskip_u32 read_class(const tskip__attention_args &a, const tskip_u8 *row, tskip_u32 tile)
{
    if (tile >= a.nk)
        return TSKIP__SKIP;
    tskip_u32 one = TSKIP_C_MAP                     ? row[tile]
                    : TSKIP_C_RULES || TSKIP_C_MASK ? TSKIP__MIXED
                                                    : TSKIP__FULL;
    bool cut = tile == a.nk - 1 && a.k_len % BK != 0;
    return one == TSKIP__FULL && cut ? TSKIP__MIXED : one;
}

/* The classes of four tiles for all panels of an item: byte i, as in tile_word, for the tile
 * block * BLOCK_TILES + 32 i + lane. */
TSKIP__FN tskip_u32 read_classes(const tskip__attention_args &a, const tskip_u8 *map,
                                 tskip_u32 item, tskip_u32 block, tskip_u32 lane)
{
    tskip_u32 classes = 0;
#pragma unroll
    for (tskip_u32 which = 0; which < PANELS; which++) {
        panel p = find_panel(a, item, which);
        if (!p.exists)
            break;
        const tskip_u8 *row = map + p.batch * a.map_stride_batch + p.head * a.map_stride_head +
                              (tskip_u64)(p.first / BQ) * a.nk;
#pragma unroll
        for (tskip_u32 i = 0; i < BLOCK_TILES / WARP; i++)
            classes |= read_class(a, row, block * BLOCK_TILES + i * WARP + lane)
                       << (8 * i + 2 * which);
    }
    return classes;
}

#endif
