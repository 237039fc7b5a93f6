/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CUDA_SM90_WIDE_SCORES_H
#define TSKIP_KERNELS_CUDA_SM90_WIDE_SCORES_H

/* The wide Hopper kernel's scores: Q K' and the softmax, for the two warpgroups that add P V. */

#include "sm90_wide.h"

struct problem {
    const tskip__attention_args *args;
    const void *tensor, *rules;
    float to_log2; /* what a difference of scores is multiplied with before exp2 */
};

/* Waits for K of the next tile; what the producer says of it, the same in all lanes. */
TSKIP__FN tskip_u32 next_tile(const worker &w)
{
    barrier_wait(w.base + K_FULL(0), w.parity);
    return __shfl_sync(~0u, load_word(w.base + WORD_AT), 0);
}

TSKIP__FN void start_scores(const worker &w, float (&s)[BK / 2])
{
    tskip_u32 base = opaque(w.base);
    tskip_u64 q = along_rows(base + Q_AT), k = along_rows(base + K_AT);
#pragma unroll
    for (tskip_u32 c = 0; c < K_CHUNKS; c++) {
        barrier_wait(base + K_FULL(c), w.parity);
        products_begin();
#pragma unroll
        for (tskip_u32 d = 0; d < 8; d++) {
            tskip_u32 at = c * CHUNK_BYTES + d / 4 * PIECE_BYTES + d % 4 * 32;
            multiply_keys(s, farther(q, at), farther(k, at), c + d > 0);
        }
        products_commit();
    }
}

/* Frees each chunk of K as its products are done. */
TSKIP__FN void finish_scores(worker &w, float (&s)[BK / 2])
{
    if (K_CHUNKS > 3) {
        products_wait<3>();
        release_chunk(w, K_EMPTY(K_CHUNKS - 4));
    }
    if (K_CHUNKS > 2) {
        products_wait<2>();
        release_chunk(w, K_EMPTY(K_CHUNKS - 3));
    }
    if (K_CHUNKS > 1) {
        products_wait<1>();
        release_chunk(w, K_EMPTY(K_CHUNKS - 2));
    }
    products_wait<0>();
    keep(s);
    release_chunk(w, K_EMPTY(K_CHUNKS - 1));
    w.parity ^= 1;
}

/* The end of a list, which holds no product that would keep the warps together: all must have read
 * its word before the first chunk is free. */
TSKIP__FN void pass_keys(worker &w)
{
    named_sync(1, 128);
#pragma unroll
    for (tskip_u32 c = 0; c < K_CHUNKS; c++) {
        barrier_wait(w.base + K_FULL(c), w.parity);
        release_chunk(w, K_EMPTY(c));
    }
    w.parity ^= 1;
}

/* Tells left and right what the slot holds and the factors of their rows. */
TSKIP__FN void publish_factors(const worker &w, tskip_u32 what, const float (&factor)[2])
{
    tskip_u32 at = w.base + FACTORS_AT + w.slot * BQ * 4 + thread_row() * 4;
    barrier_wait(w.base + P_EMPTY(w.slot), w.slot_parity ^ 1);
    if (lane_number() % 4 == 0) {
        store_word(at, __float_as_uint(factor[0]));
        store_word(at + 32, __float_as_uint(factor[1]));
    }
    if (threadIdx.x % 128 == 0)
        store_word(w.base + SLOT_WORD_AT(w.slot), what);
    release(w, FACTORS_FULL(w.slot));
}

TSKIP__FN void publish_probabilities(worker &w, const float (&s)[BK / 2])
{
    tskip_u32 p = w.base + P_AT + w.slot * P_BYTES;
    tskip_u32 row = thread_row() / 16 * 16 + lane_number() % 16;
#pragma unroll
    for (tskip_u32 i = 0; i < BK / 16; i++) {
        tskip_u32 column = 32 * i + lane_number() / 16 * 16;
        asm volatile(
            "stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(
                p + row * ROW_BYTES + (column ^ row % 8 * 16)),
            "r"(pack_pair(s[8 * i], s[8 * i + 1])), "r"(pack_pair(s[8 * i + 2], s[8 * i + 3])),
            "r"(pack_pair(s[8 * i + 4], s[8 * i + 5])), "r"(pack_pair(s[8 * i + 6], s[8 * i + 7]))
            : "memory");
    }
    publish_shared();
    release(w, P_FULL(w.slot));
    next_slot(w);
}

TSKIP__FN void publish_nothing(worker &w)
{
    release(w, P_FULL(w.slot));
    next_slot(w);
}

/* The column of this thread's first score. */
TSKIP__FN tskip_i32 first_column(tskip_u32 word)
{
    return tile_of(word) * BK + lane_number() % 4 * 2;
}

/* Reads the mask of a MIXED tile while its products run. */
TSKIP__FN void read_ahead(const problem &pb, const worker &w, tskip_u32 word,
                          tile_cells<BK / 2> &cells)
{
    if (CELLS_AHEAD && class_for(word, w.rank) == TSKIP__MIXED)
        load_cells(cells, *pb.args, pb.tensor, place_of(w), first_column(word));
}

/* A softmax in two halves, so that the next tile's products can start between them: from then on
 * the tensor cores have work until the softmax after this one. A tile that only the other panel
 * sees has been multiplied all the same and is then left alone. */
TSKIP__FN void begin_softmax(const problem &pb, const worker &w, tskip_u32 word,
                             tile_cells<BK / 2> &cells, float (&s)[BK / 2], row_state &rows,
                             float (&sums)[2])
{
    tskip_u32 what = class_for(word, w.rank);
    sums[0] = sums[1] = 0.0f;
    if (what != TSKIP__SKIP) {
        scale_scores(s, *pb.args);
        if (what == TSKIP__MIXED)
            mask_scores(s, cells, *pb.args, pb.tensor, pb.rules, place_of(w), first_column(word));
        raise_maxima(s, rows, pb.to_log2);
    }
    publish_factors(w, what, rows.factor);
    if (what != TSKIP__SKIP)
        exponentiate<0, BK / 4>(s, rows, pb.to_log2, sums);
}

TSKIP__FN void end_softmax(const problem &pb, worker &w, tskip_u32 word, float (&s)[BK / 2],
                           row_state &rows, float (&sums)[2])
{
    if (class_for(word, w.rank) == TSKIP__SKIP) {
        publish_nothing(w);
        return;
    }
    exponentiate<BK / 4, BK / 2>(s, rows, pb.to_log2, sums);
    raise_sums(rows, sums);
    publish_probabilities(w, s);
}

/* The softmax of the tile in `s`, with the next tile's products started into `next` halfway.
 * Returns the next tile's word; after the last tile nothing is started. */
TSKIP__FN tskip_u32 turn_tile(const problem &pb, worker &w, tskip_u32 word,
                              tile_cells<BK / 2> &cells, float (&s)[BK / 2], float (&next)[BK / 2],
                              row_state &rows)
{
    float sums[2];
    begin_softmax(pb, w, word, cells, s, rows, sums);
    tskip_u32 after = next_tile(w);
    if (after == NO_MORE_TILES) {
        end_softmax(pb, w, word, s, rows, sums);
        return after;
    }
    start_scores(w, next);
    read_ahead(pb, w, after, cells);
    end_softmax(pb, w, word, s, rows, sums);
    finish_scores(w, next);
    return after;
}

TSKIP__FN void make_scores(const problem &pb, worker w, const float *sinks, float *lse)
{
    for (;; w.item_parity ^= 1) {
        if (next_panel(w).state == NO_MORE_PANELS)
            break;
        row_state rows = start_rows(*pb.args);
        float even[BK / 2], odd[BK / 2];
        tile_cells<BK / 2> cells;
        tskip_u32 word = next_tile(w);
        if (word != NO_MORE_TILES) {
            start_scores(w, even);
            read_ahead(pb, w, word, cells);
            finish_scores(w, even);
            for (;;) {
                word = turn_tile(pb, w, word, cells, even, odd, rows);
                if (word == NO_MORE_TILES)
                    break;
                word = turn_tile(pb, w, word, cells, odd, even, rows);
                if (word == NO_MORE_TILES)
                    break;
            }
        }
        pass_keys(w);
        panel p = load_panel(place_of(w).panel);
        release(w, Q_EMPTY);
        finish_rows(rows, *pb.args, sinks, p.head);
        publish_factors(w, SLOT_END, rows.factor);
        publish_nothing(w);
        if (TSKIP_C_LSE && p.state == PANEL_EXISTS)
            store_lse(*pb.args, p, rows.maximum, lse);
    }
}

#endif
