/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CUDA_SM90_WIDE_H
#define TSKIP_KERNELS_CUDA_SM90_WIDE_H

/* The wide Hopper kernel's shared memory and barriers, and what its math warpgroups share. */

#include "attention_score.h"
#include "sm90.h"

#define CHUNKS   4u                                 /* of K and of V a tile */
#define K_CHUNKS ((TSKIP_C_HEAD_DIM + 127u) / 128u) /* that hold something */
#define HALF     128                                /* columns of one product with V */

#define THREADS            512
#define PRODUCER_REGISTERS 40
#define SCORE_REGISTERS    136
#define VALUE_REGISTERS    168

/* ---- shared memory --------------------------------------------------------------------------- */

#define CHUNK_BYTES   16384u /* K: 64 keys of 128 columns; V: 16 keys of 512 columns */
#define PIECE_BYTES   8192u  /* what one of the two groups fetches of a chunk */
#define Q_PANEL_BYTES (BQ * ROW_BYTES)
#define V_PANEL_BYTES (16 * ROW_BYTES)
#define P_BYTES       (BQ * ROW_BYTES)

#define Q_AT        0u
#define K_AT        65536u
#define V_AT        131072u
#define P_AT        196608u /* two slots */
#define FACTORS_AT  (P_AT + 2 * P_BYTES)
#define LIMITS(n)   (FACTORS_AT + 2 * BQ * 4 + (n)*BQ * (tskip_u32)sizeof(column_limits))
#define BARRIERS_AT LIMITS(2) /* of two items */

#define K_FULL(c)       (BARRIERS_AT + 8 * (c))
#define K_EMPTY(c)      (BARRIERS_AT + 32 + 8 * (c))
#define V_FULL(c)       (BARRIERS_AT + 64 + 8 * (c))
#define V_EMPTY(c)      (BARRIERS_AT + 96 + 8 * (c))
#define FACTORS_FULL(s) (BARRIERS_AT + 128 + 8 * (s))
#define P_FULL(s)       (BARRIERS_AT + 144 + 8 * (s))
#define P_EMPTY(s)      (BARRIERS_AT + 160 + 8 * (s))
#define Q_FULL          (BARRIERS_AT + 176)
#define Q_EMPTY         (BARRIERS_AT + 184)
#define V_LANDED(c)     (BARRIERS_AT + 192 + 8 * (c)) /* of a tile that has absent keys */
#define PANEL_WORDS_AT  (BARRIERS_AT + 224)
#define WORD_AT         (PANEL_WORDS_AT + 16)
#define SLOT_WORD_AT(s) (WORD_AT + 4 + 4 * (s)) /* what a slot of P holds: a class, or the end */

#define SLOT_END 3u

TSKIP__FN void init_barriers(tskip_u32 base)
{
    for (tskip_u32 c = 0; c < CHUNKS; c++) {
        barrier_init(base + K_FULL(c), 1);
        barrier_init(base + K_EMPTY(c), 2);
        barrier_init(base + V_FULL(c), 1);
        barrier_init(base + V_EMPTY(c), 4);
        barrier_init(base + V_LANDED(c), 1);
    }
    for (tskip_u32 s = 0; s < 2; s++) {
        barrier_init(base + FACTORS_FULL(s), 4);
        barrier_init(base + P_FULL(s), 4);
        barrier_init(base + P_EMPTY(s), 8);
    }
    barrier_init(base + Q_FULL, 1);
    barrier_init(base + Q_EMPTY, 12);
    barrier_init_done();
}

/* ---- what the math warpgroups share ---------------------------------------------------------- */

struct worker {
    tskip_u32 base, rank;
    tskip_u32 item_parity;
    tskip_u32 parity;            /* of the tile in hand: K's for scores, V's for left and right */
    tskip_u32 slot, slot_parity; /* of P */
};

TSKIP__FN panel_place place_of(const worker &w)
{
    panel_place at = {w.base + PANEL_WORDS_AT, w.base + LIMITS(w.item_parity)};
    return at;
}

TSKIP__FN void next_slot(worker &w)
{
    w.slot ^= 1;
    w.slot_parity ^= w.slot == 0;
}

/* A chunk is free when both groups are done with it, since each fetches for both. */
TSKIP__FN void release_chunk(const worker &w, tskip_u32 barrier)
{
    tskip_u32 thread = threadIdx.x % 128;
    if (thread < 2)
        barrier_arrive_at(w.base + barrier, w.rank ^ thread);
}

/* One arrival a warp, after what its lanes have read. */
TSKIP__FN void release(const worker &w, tskip_u32 barrier)
{
    __syncwarp();
    if (lane_number() == 0)
        barrier_arrive(w.base + barrier);
}

TSKIP__FN panel next_panel(const worker &w)
{
    barrier_wait(w.base + Q_FULL, w.item_parity);
    return load_panel(w.base + PANEL_WORDS_AT);
}

#endif
