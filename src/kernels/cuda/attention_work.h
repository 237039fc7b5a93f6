/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CUDA_ATTENTION_WORK_H
#define TSKIP_KERNELS_CUDA_ATTENTION_WORK_H

#include "kernels/shared/row_limits.h"

/* Which rows a group works on and which tiles they visit: kargs.h says how work is numbered. A
 * warpgroup takes one panel: TSKIP_C_BQ = 64 query rows of one head. The panels of an item share
 * K and V, so the item visits a tile if one of its panels does. */

#define PANELS TSKIP_C_PANELS /* 1 or 2 */
#define BQ     TSKIP_C_BQ
#define BK     TSKIP_C_BK
#define WARP   32u

TSKIP__FN tskip_u32 lane_number()
{
    return threadIdx.x % WARP;
}

/* The first of the two rows of a panel that a thread of a warpgroup holds; the other is 8 below. */
TSKIP__FN tskip_u32 thread_row()
{
    return threadIdx.x % 128 / WARP * 16 + lane_number() / 4;
}

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

#define PANEL_ABSENT   0u /* the last item of a head may have fewer */
#define PANEL_EXISTS   1u
#define NO_MORE_PANELS 2u

struct panel {
    tskip_u32 state, batch, head;
    tskip_u32 first; /* query row */
};

TSKIP__FN panel find_panel(const tskip__attention_args &a, tskip_u32 item, tskip_u32 which)
{
    tskip_u32 row_of_heads = item / a.items_per_head;
    tskip_u32 number = (item - row_of_heads * a.items_per_head) * PANELS + which;
    panel p;
    p.state = number / TSKIP_C_GROUP < a.nq ? PANEL_EXISTS : PANEL_ABSENT;
    p.batch = row_of_heads / a.n_kv_heads;
    p.head = row_of_heads % a.n_kv_heads * TSKIP_C_GROUP + number % TSKIP_C_GROUP;
    p.first = number / TSKIP_C_GROUP * BQ;
    return p;
}

TSKIP__FN void store_panel(tskip_u32 at, const panel &p)
{
    asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(at), "r"(p.state), "r"(p.batch),
                 "r"(p.head), "r"(p.first)
                 : "memory");
}

/* The same in all lanes of a warp. */
TSKIP__FN panel load_panel(tskip_u32 at)
{
    panel p;
    asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(p.state), "=r"(p.batch), "=r"(p.head), "=r"(p.first)
                 : "r"(at)
                 : "memory");
    p.state = __shfl_sync(~0u, p.state, 0);
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

/* The n-th item of one of `workers`, or NO_MORE_ITEMS: heaviest first, to and fro, so that who got
 * the heaviest of one round gets the lightest of the next. Where weights never fall from item to
 * item of a head, the last of every head come first; with neither, all items weigh the same. */
TSKIP__FN tskip_u32 nth_item(const tskip__attention_args &a, const tskip_u32 *order, tskip_u32 n,
                             tskip_u32 worker, tskip_u32 workers)
{
    tskip_u32 place = n * workers + (n & 1 ? workers - 1 - worker : worker);
    if (place >= a.n_items)
        return NO_MORE_ITEMS;
    if (a.flags & TSKIP__HAS_ORDER)
        return order[place];
    if (!(a.flags & TSKIP__LAST_FIRST))
        return place;
    tskip_u32 heads = a.batch * a.n_kv_heads;
    return (place % heads + 1) * a.items_per_head - 1 - place / heads;
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
        if (p.state != PANEL_EXISTS)
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

/* Calls visit(word) in all lanes of a warp for every tile that some panel of the item visits, from
 * the last tile to the first, a block at a time. */
template <class Visit>
TSKIP__FN void walk_tiles(const tskip__attention_args &a, const tskip_u8 *map, tskip_u32 item,
                          Visit visit)
{
    tskip_u32 lane = lane_number();
    for (tskip_u32 block = (a.nk + BLOCK_TILES - 1) / BLOCK_TILES; block-- > 0;) {
        tskip_u32 classes = read_classes(a, map, item, block, lane);
#pragma unroll 1
        for (int i = BLOCK_TILES / WARP - 1; i >= 0; i--) {
            tskip_u32 mine = classes >> 8 * i & 0xFF;
            tskip_u32 left = __ballot_sync(~0u, mine != 0);
            while (left) {
                tskip_u32 last = 31 - __clz(left);
                tskip_u32 found = __shfl_sync(~0u, mine, last);
                visit(tile_word(block * BLOCK_TILES + i * WARP + last, found));
                __syncwarp();
                left ^= 1u << last;
            }
        }
    }
}

/* The keys that are not absent, of a batch entry. */
struct present_keys {
    tskip_i32 begin, end;
};

TSKIP__FN present_keys find_present(const tskip__attention_args &a, const void *rules,
                                    tskip_u32 batch)
{
    present_keys k = {0, (tskip_i32)a.k_len};
    if (TSKIP_C_RULES) {
        const tskip__rules_entry *entry =
            (const tskip__rules_entry *)rules + (a.rules.n_entries > 1 ? batch : 0);
        k.begin = (tskip_i32)tskip__min(entry->kstart, a.k_len);
        k.end = (tskip_i32)tskip__min(entry->klen, a.k_len);
    }
    return k;
}

TSKIP__FN bool all_present(const tskip__attention_args &a, const present_keys &keys)
{
    return !TSKIP_C_RULES || (keys.begin == 0 && keys.end == a.k_len);
}

/* Whether some of a tile's keys are absent though K and V hold them: what V holds there may be NaN,
 * which a probability of 0 does not silence. */
TSKIP__FN bool has_absent(const tskip__attention_args &a, const present_keys &keys, tskip_u32 tile)
{
    tskip_i32 first = tile * BK;
    return TSKIP_C_RULES &&
           (first < keys.begin || (keys.end < a.k_len && first + (tskip_i32)BK > keys.end));
}

#endif
