/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CUDA_SM90_WIDE_FETCH_H
#define TSKIP_KERNELS_CUDA_SM90_WIDE_FETCH_H

/* The wide Hopper kernel's producers: a warp that fetches K, one V, one Q. */

#include "sm90_wide.h"

struct producer {
    tskip_u32 base, rank;
    const tskip__attention_args *args;
    tskip_u32 item, kv_head, batch;
    tskip_u32 parity; /* of the tile to come */
};

/* This group's piece of each chunk of K: 64 of its 128 columns. */
TSKIP__FN void fetch_keys(producer &p, const tensor_map *map, tskip_u32 word)
{
#pragma unroll
    for (tskip_u32 c = 0; c < K_CHUNKS; c++) {
        barrier_wait(p.base + K_EMPTY(c), p.parity ^ 1);
        if (c == 0)
            store_word(p.base + WORD_AT, word);
        if (word == NO_MORE_TILES) {
            barrier_arrive(p.base + K_FULL(c));
            continue;
        }
        barrier_arrive_expect(p.base + K_FULL(c), CHUNK_BYTES);
        fetch_box_for(3, map, p.base + K_AT + c * CHUNK_BYTES + p.rank * PIECE_BYTES,
                      p.base + K_FULL(c), (2 * c + p.rank) * PANEL_COLUMNS, tile_of(word) * BK,
                      p.kv_head, p.batch);
    }
    p.parity ^= 1;
}

/* This group's piece of a chunk of V: 256 of its 512 columns. */
TSKIP__FN void fetch_values(const producer &p, const tensor_map *map, tskip_u32 word, tskip_u32 c,
                            tskip_u32 full)
{
    tskip_u32 to = p.base + V_AT + c * CHUNK_BYTES + p.rank * PIECE_BYTES;
    barrier_wait(p.base + V_EMPTY(c), p.parity ^ 1);
    barrier_arrive_expect(full, CHUNK_BYTES);
#pragma unroll
    for (tskip_u32 i = 0; i < PIECE_BYTES / V_PANEL_BYTES; i++)
        fetch_box_for(3, map, to + i * V_PANEL_BYTES, full, (4 * p.rank + i) * PANEL_COLUMNS,
                      tile_of(word) * BK + 16 * c, p.kv_head, p.batch);
}

/* Clears the rows of absent keys in a chunk of V; all lanes of the warp together. */
TSKIP__FN void clear_absent(const producer &p, const present_keys &keys, tskip_u32 word,
                            tskip_u32 c)
{
    tskip_u32 row = lane_number() % 16, half = lane_number() / 16;
    tskip_i32 key = tile_of(word) * BK + 16 * c + row;
    for (tskip_u32 i = half; i < 8 && (key < keys.begin || key >= keys.end); i += 2)
        clear_row(p.base + V_AT + c * CHUNK_BYTES + i * V_PANEL_BYTES + row * ROW_BYTES);
    publish_shared();
    __syncwarp();
}

TSKIP__FN void start_item(producer &p, tskip_u32 item)
{
    p.item = item;
    p.kv_head = kv_head_of(*p.args, item);
    p.batch = find_panel(*p.args, item, 0).batch;
}

/* The cluster's n-th item; both groups find the same without a word. */
TSKIP__FN tskip_u32 next_item(const producer &p, const tskip_u32 *order, tskip_u32 n)
{
    return nth_item(*p.args, order, n, blockIdx.x / 2, gridDim.x / 2);
}

/* Q of this group's panel, item after item, and what its rows see, which is found while the panel
 * before is still at work: limits of two items have room. */
TSKIP__FN void produce_queries(const producer &p, const tskip_u32 *order, const void *rules,
                               const tensor_map *map)
{
    tskip_u32 n = 0, item;
    for (; (item = next_item(p, order, n)) != NO_MORE_ITEMS; n++) {
        panel own = find_panel(*p.args, item, p.rank);
        prepare_limits(*p.args, rules, own, p.base + LIMITS(n & 1));
        barrier_wait(p.base + Q_EMPTY, (n & 1) ^ 1);
        __syncwarp();
        if (lane_number() > 0)
            continue;
        bool exists = own.state == PANEL_EXISTS;
        store_panel(p.base + PANEL_WORDS_AT, own);
        barrier_arrive_expect(p.base + Q_FULL, exists ? 2 * K_CHUNKS * Q_PANEL_BYTES : 0);
#pragma unroll 1
        for (tskip_u32 c = 0; exists && c < 2 * K_CHUNKS; c++)
            fetch_box(map, p.base + Q_AT + c * Q_PANEL_BYTES, p.base + Q_FULL, c * PANEL_COLUMNS,
                      own.first, own.head, own.batch);
    }
    barrier_wait(p.base + Q_EMPTY, (n & 1) ^ 1);
    if (lane_number() == 0) {
        store_word(p.base + PANEL_WORDS_AT, NO_MORE_PANELS);
        barrier_arrive(p.base + Q_FULL);
    }
}

TSKIP__FN void produce_keys(producer p, const tskip_u8 *map, const tskip_u32 *order,
                            const tensor_map *k_map)
{
    bool first_lane = lane_number() == 0;
    tskip_u32 item;
    for (tskip_u32 n = 0; (item = next_item(p, order, n)) != NO_MORE_ITEMS; n++) {
        start_item(p, item);
        walk_tiles(*p.args, map, item, [&](tskip_u32 word) {
            if (first_lane)
                fetch_keys(p, k_map, word);
        });
        if (first_lane)
            fetch_keys(p, k_map, NO_MORE_TILES);
        __syncwarp();
    }
}

TSKIP__FN void fetch_tile_of_values(producer &p, const tensor_map *map, tskip_u32 word)
{
#pragma unroll
    for (tskip_u32 c = 0; c < CHUNKS; c++)
        fetch_values(p, map, word, c, p.base + V_FULL(c));
}

/* V of a tile some of whose keys are absent: each chunk lands, is cleared and only then handed on.
 * The cluster's other group does the same with its copy. */
TSKIP__FN void fetch_present(const producer &p, const tensor_map *map, const present_keys &keys,
                             tskip_u32 word, tskip_u32 parity)
{
    for (tskip_u32 c = 0; c < CHUNKS; c++) {
        if (lane_number() == 0)
            fetch_values(p, map, word, c, p.base + V_LANDED(c));
        barrier_wait(p.base + V_LANDED(c), parity);
        clear_absent(p, keys, word, c);
        if (lane_number() == 0)
            barrier_arrive(p.base + V_FULL(c));
    }
}

TSKIP__FN void produce_values(producer p, const tskip_u8 *map, const tskip_u32 *order,
                              const void *rules, const tensor_map *v_map)
{
    const tskip__attention_args &a = *p.args;
    tskip_u32 item, landed = 0;
    for (tskip_u32 n = 0; (item = next_item(p, order, n)) != NO_MORE_ITEMS; n++) {
        start_item(p, item);
        present_keys keys = find_present(a, rules, p.batch);
        if (all_present(a, keys)) {
            walk_tiles(a, map, item, [&](tskip_u32 word) {
                if (lane_number() == 0)
                    fetch_tile_of_values(p, v_map, word);
                p.parity ^= 1;
            });
            continue;
        }
        walk_tiles(a, map, item, [&](tskip_u32 word) {
            if (has_absent(a, keys, tile_of(word))) {
                fetch_present(p, v_map, keys, word, landed);
                landed ^= 1;
            } else if (lane_number() == 0) {
                fetch_tile_of_values(p, v_map, word);
            }
            p.parity ^= 1;
        });
    }
}

#endif
