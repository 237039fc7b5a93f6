/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Masked attention on Hopper for head sizes up to 512; docs/cuda-d512.md says why it is built so.
 *
 * One panel's O fills the registers of two warpgroups, so the work is divided by kind: warpgroup
 * `scores` makes Q K' and the softmax, with the next tile's product under half of each softmax;
 * `left` and `right` add P V, half of V's columns each; a producer warp fetches K, one V, one Q. A
 * cluster of two groups takes the two panels of an item: each fetches half of every chunk of K and
 * V for both, which halves what comes from L2. Both walk all tiles that one of the panels visits.
 */

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

/* ---- the producers --------------------------------------------------------------------------- */

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

/* ---- scores ---------------------------------------------------------------------------------- */

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

/* ---- values ---------------------------------------------------------------------------------- */

/* O[both halves] += P V, side 0 the left 256 columns of V, side 1 the right; frees each chunk of V
 * as its products are done. */
TSKIP__FN void add_values(worker &w, float (&o)[2][HALF / 2], tskip_u32 side)
{
    tskip_u32 base = opaque(w.base);
    tskip_u64 p = along_rows(base + P_AT + w.slot * P_BYTES);
    tskip_u64 v = across_rows(base + V_AT + side * PIECE_BYTES, V_PANEL_BYTES);
#pragma unroll
    for (tskip_u32 c = 0; c < CHUNKS; c++) {
        barrier_wait(base + V_FULL(c), w.parity);
        products_begin();
#pragma unroll
        for (tskip_u32 h = 0; h < 2; h++)
            multiply_shared(o[h], farther(p, c * 32),
                            farther(v, c * CHUNK_BYTES + h * 2 * V_PANEL_BYTES));
        products_commit();
    }
    products_wait<3>();
    release_chunk(w, V_EMPTY(0));
    products_wait<2>();
    release_chunk(w, V_EMPTY(1));
    products_wait<1>();
    release_chunk(w, V_EMPTY(2));
    products_wait<0>();
    keep(o[0]);
    keep(o[1]);
    release_chunk(w, V_EMPTY(3));
    w.parity ^= 1;
}

TSKIP__FN void pass_values(worker &w)
{
#pragma unroll
    for (tskip_u32 c = 0; c < CHUNKS; c++) {
        barrier_wait(w.base + V_FULL(c), w.parity);
        release_chunk(w, V_EMPTY(c));
    }
    w.parity ^= 1;
}

/* What the slot holds, the same in all lanes, and the factors of this thread's rows. */
TSKIP__FN tskip_u32 wait_factors(const worker &w, float (&factor)[2])
{
    tskip_u32 at = w.base + FACTORS_AT + w.slot * BQ * 4 + thread_row() * 4;
    barrier_wait(w.base + FACTORS_FULL(w.slot), w.slot_parity);
    factor[0] = __uint_as_float(load_word(at));
    factor[1] = __uint_as_float(load_word(at + 32));
    return __shfl_sync(~0u, load_word(w.base + SLOT_WORD_AT(w.slot)), 0);
}

TSKIP__FN void make_values(const tskip__attention_args &a, worker w, tskip_u32 side, void *out)
{
    for (;; w.item_parity ^= 1) {
        panel p = next_panel(w);
        if (p.state == NO_MORE_PANELS)
            break;
        release(w, Q_EMPTY);
        float o[2][HALF / 2], factor[2];
#pragma unroll
        for (int i = 0; i < HALF / 2; i++)
            o[0][i] = o[1][i] = 0.0f;
        for (;;) {
            tskip_u32 what = wait_factors(w, factor);
            if (what == SLOT_END)
                break;
            if (what == TSKIP__SKIP) {
                barrier_wait(w.base + P_FULL(w.slot), w.slot_parity);
                pass_values(w);
            } else {
                rescale(o[0], factor);
                rescale(o[1], factor);
                barrier_wait(w.base + P_FULL(w.slot), w.slot_parity);
                add_values(w, o, side);
            }
            release(w, P_EMPTY(w.slot));
            next_slot(w);
        }
        barrier_wait(w.base + P_FULL(w.slot), w.slot_parity);
        release(w, P_EMPTY(w.slot));
        next_slot(w);
        if (p.state != PANEL_EXISTS)
            continue;
        store_rows(a, p, o[0], factor, out, 256 * side);
        store_rows(a, p, o[1], factor, out, 256 * side + HALF);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1) __cluster_dims__(2, 1, 1)
    attention_sm90_wide(const void *, const void *, const void *, void *o, float *lse,
                        const float *sinks, const void *tensor, const void *rules,
                        const tskip_u8 *map, const tskip_u32 *order,
                        const tskip__attention_args args, const __grid_constant__ tensor_map q_map,
                        const __grid_constant__ tensor_map k_map,
                        const __grid_constant__ tensor_map v_map)
{
    extern __shared__ char memory[];
    tskip_u32 base = (shared_address(memory) + 1023) & ~1023u;
    if (threadIdx.x == 0)
        init_barriers(base);
    __syncthreads();
    cluster_sync();
    tskip_u32 group = __shfl_sync(~0u, threadIdx.x / 128, 0);
    worker w = {base, cluster_rank()};
    if (group == 0) {
        shrink_registers<PRODUCER_REGISTERS>();
        producer p = {base, cluster_rank(), &args};
        tskip_u32 warp = __shfl_sync(~0u, threadIdx.x / WARP, 0);
        if (warp == 0)
            produce_keys(p, map, order, &k_map);
        else if (warp == 1)
            produce_values(p, map, order, rules, &v_map);
        else if (warp == 2)
            produce_queries(p, order, rules, &q_map);
    } else if (group == 1) {
        grow_registers<SCORE_REGISTERS>();
        problem pb = {&args, tensor, rules, natural_unit(args) * LOG2_E};
        make_scores(pb, w, sinks, lse);
    } else {
        grow_registers<VALUE_REGISTERS>();
        make_values(args, w, group - 2, o);
    }
    cluster_sync();
}
