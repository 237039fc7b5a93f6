/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Masked attention on Hopper for head sizes up to 256; docs/cuda-hopper.md draws the pipeline.
 *
 * A group is one producer warp and PANELS math warpgroups, and stays on its compute unit: it takes
 * item after item. The producer walks the rows of the map, fetches Q of an item and K and V of each
 * tile that some panel visits, and leaves the tile's number and classes beside K. Each warpgroup
 * follows at its own pace: it skips tiles that its own panel does not see, and multiplies the next
 * K while it exponentiates, so that the tensor cores never wait for a softmax. */

#include "attention_score.h"
#include "sm90.h"

#define K_PANELS ((TSKIP_C_HEAD_DIM + PANEL_COLUMNS - 1) / PANEL_COLUMNS)
#define V_PANELS ((TSKIP_C_HEAD_DIM_V + PANEL_COLUMNS - 1) / PANEL_COLUMNS)
#define DEPTH    ((TSKIP_C_HEAD_DIM + 15) / 16) /* steps of 16 along a head */

#define S_SIZE (BK / 2)
#define O_SIZE PRODUCT_SIZE(TSKIP_C_HEAD_DIM_V)

#define STAGES  2u
#define THREADS (128 * (PANELS + 1))

/* Small heads keep few numbers a thread, and three panels share the registers that two would. */
#define PRODUCER_REGISTERS (PANELS == 3 ? 32 : 40)
#define MATH_REGISTERS     (PANELS == 3 ? 160 : 232)

/* Warpgroups take turns at the tensor cores where a softmax lasts about as long as the products;
 * with larger heads the products cover it anyway. */
#define TAKES_TURNS (TSKIP_C_HEAD_DIM <= 128)

/* ---- shared memory --------------------------------------------------------------------------- */

#define Q_PANEL_BYTES  (BQ * ROW_BYTES)
#define KV_PANEL_BYTES (BK * ROW_BYTES)
#define Q_BYTES        (K_PANELS * Q_PANEL_BYTES) /* of one panel of queries */
#define K_BYTES        (K_PANELS * KV_PANEL_BYTES)
#define V_BYTES        (V_PANELS * KV_PANEL_BYTES)

#define Q_AT        0u
#define K_AT        (Q_AT + PANELS * Q_BYTES)
#define V_AT        (K_AT + STAGES * K_BYTES)
#define LIMITS_AT   (V_AT + STAGES * V_BYTES)
#define BARRIERS_AT (LIMITS_AT + PANELS * BQ * (tskip_u32)sizeof(column_limits))

#define Q_FULL     (BARRIERS_AT)
#define Q_EMPTY    (BARRIERS_AT + 8)
#define K_FULL(s)  (BARRIERS_AT + 16 + 8 * (s))
#define K_EMPTY(s) (BARRIERS_AT + 16 + 8 * (STAGES + (s)))
#define V_FULL(s)  (BARRIERS_AT + 16 + 8 * (2 * STAGES + (s)))
#define V_EMPTY(s) (BARRIERS_AT + 16 + 8 * (3 * STAGES + (s)))
#define ITEM_AT    (BARRIERS_AT + 16 + 32 * STAGES)
#define WORD_AT(s) (ITEM_AT + 4 + 4 * (s))

TSKIP__FN void init_barriers(tskip_u32 base)
{
    const tskip_u32 math_warps = 4 * PANELS;
    barrier_init(base + Q_FULL, 1);
    barrier_init(base + Q_EMPTY, math_warps);
    for (tskip_u32 s = 0; s < STAGES; s++) {
        barrier_init(base + K_FULL(s), 1);
        barrier_init(base + K_EMPTY(s), math_warps);
        barrier_init(base + V_FULL(s), 1);
        barrier_init(base + V_EMPTY(s), math_warps);
    }
    barrier_init_done();
}

/* ---- the producer ---------------------------------------------------------------------------- */

struct producer {
    tskip_u32 base;
    const tensor_map *k_map, *v_map;
    tskip_u32 kv_head, batch;
    ring k, v;
    tskip_u32 waiting; /* the tile whose V is still to be fetched, or NO_MORE_TILES */
};

TSKIP__FN void fetch_queries(const tskip__attention_args &a, const tensor_map *map, tskip_u32 base,
                             tskip_u32 item)
{
    store_word(base + ITEM_AT, item);
    barrier_arrive_expect(base + Q_FULL, count_panels(a, item) * Q_BYTES);
#pragma unroll 1
    for (tskip_u32 i = 0; i < PANELS; i++) {
        panel p = find_panel(a, item, i);
        if (!p.exists)
            break;
#pragma unroll
        for (tskip_u32 c = 0; c < K_PANELS; c++)
            fetch_box(map, base + Q_AT + i * Q_BYTES + c * Q_PANEL_BYTES, base + Q_FULL,
                      c * PANEL_COLUMNS, p.first, p.head, p.batch);
    }
}

TSKIP__FN void fetch_values(producer &p)
{
    if (p.waiting == NO_MORE_TILES)
        return;
    tskip_u32 full = p.base + V_FULL(p.v.stage), to = p.base + V_AT + p.v.stage * V_BYTES;
    barrier_wait(p.base + V_EMPTY(p.v.stage), p.v.parity ^ 1);
    barrier_arrive_expect(full, V_BYTES);
#pragma unroll
    for (tskip_u32 c = 0; c < V_PANELS; c++)
        fetch_box(p.v_map, to + c * KV_PANEL_BYTES, full, c * PANEL_COLUMNS, p.waiting * BK,
                  p.kv_head, p.batch);
    ring_next<STAGES>(p.v);
    p.waiting = NO_MORE_TILES;
}

/* K of one tile, then V of the tile before: products with K run one tile ahead. */
TSKIP__FN void fetch_tile(producer &p, tskip_u32 word)
{
    tskip_u32 full = p.base + K_FULL(p.k.stage), to = p.base + K_AT + p.k.stage * K_BYTES;
    barrier_wait(p.base + K_EMPTY(p.k.stage), p.k.parity ^ 1);
    store_word(p.base + WORD_AT(p.k.stage), word);
    barrier_arrive_expect(full, K_BYTES);
#pragma unroll
    for (tskip_u32 c = 0; c < K_PANELS; c++)
        fetch_box(p.k_map, to + c * KV_PANEL_BYTES, full, c * PANEL_COLUMNS, tile_of(word) * BK,
                  p.kv_head, p.batch);
    ring_next<STAGES>(p.k);
    fetch_values(p);
    p.waiting = tile_of(word);
}

TSKIP__FN void end_tiles(producer &p)
{
    fetch_values(p);
    barrier_wait(p.base + K_EMPTY(p.k.stage), p.k.parity ^ 1);
    store_word(p.base + WORD_AT(p.k.stage), NO_MORE_TILES);
    barrier_arrive(p.base + K_FULL(p.k.stage));
    ring_next<STAGES>(p.k);
}

/* From the last tile to the first, a block at a time: each lane reads the classes of four tiles,
 * then the first lane fetches those that are not SKIP. */
TSKIP__FN void walk_tiles(const tskip__attention_args &a, const tskip_u8 *map, tskip_u32 item,
                          producer &p, tskip_u32 lane)
{
    for (tskip_u32 block = (a.nk + BLOCK_TILES - 1) / BLOCK_TILES; block-- > 0;) {
        tskip_u32 classes = read_classes(a, map, item, block, lane);
#pragma unroll 1
        for (int i = BLOCK_TILES / WARP - 1; i >= 0; i--) {
            tskip_u32 mine = classes >> 8 * i & 0xFF;
            tskip_u32 left = __ballot_sync(~0u, mine != 0);
            while (left) {
                tskip_u32 last = 31 - __clz(left);
                tskip_u32 found = __shfl_sync(~0u, mine, last);
                if (lane == 0)
                    fetch_tile(p, tile_word(block * BLOCK_TILES + i * WARP + last, found));
                left ^= 1u << last;
            }
        }
    }
}

TSKIP__FN void produce(const tskip__attention_args &a, const tskip_u8 *map, tskip_u32 *order,
                       const tensor_map *q_map, producer p)
{
    tskip_u32 lane = threadIdx.x % WARP, q_parity = 1, place = blockIdx.x;
    for (;;) {
        tskip_u32 item = item_number(a, order, place);
        if (lane == 0)
            barrier_wait(p.base + Q_EMPTY, q_parity);
        q_parity ^= 1;
        if (item == NO_MORE_ITEMS)
            break;
        if (lane == 0)
            place = take_place(a, order, place, gridDim.x);
        p.kv_head = kv_head_of(a, item);
        p.batch = find_panel(a, item, 0).batch;
        if (lane == 0)
            fetch_queries(a, q_map, p.base, item);
        walk_tiles(a, map, item, p, lane);
        if (lane == 0)
            end_tiles(p);
        place = __shfl_sync(~0u, place, 0);
    }
    if (lane == 0) {
        store_word(p.base + ITEM_AT, NO_MORE_ITEMS);
        barrier_arrive(p.base + Q_FULL);
    }
}

/* ---- the math warpgroups --------------------------------------------------------------------- */

struct worker {
    tskip_u32 base, panel, lane;
    tskip_u32 row; /* of the panel: the first of this thread's two */
    ring k, v;
};

TSKIP__FN void release(const worker &w, tskip_u32 barrier)
{
    if (w.lane == 0)
        barrier_arrive(w.base + barrier);
}

/* Named barrier 1 + n is warpgroup n's turn at the tensor cores. */
TSKIP__FN void wait_turn(const worker &w)
{
    if (TAKES_TURNS && PANELS > 1)
        named_sync(1 + w.panel, 256);
}

TSKIP__FN void pass_turn(const worker &w)
{
    if (TAKES_TURNS && PANELS > 1)
        named_arrive(w.panel + 1 == PANELS ? 1 : 2 + w.panel, 256);
}

/* Waits for K of the next tile; what the producer says of it, the same in all lanes. */
TSKIP__FN tskip_u32 next_tile(const worker &w)
{
    barrier_wait(w.base + K_FULL(w.k.stage), w.k.parity);
    return __shfl_sync(~0u, load_word(w.base + WORD_AT(w.k.stage)), 0);
}

TSKIP__FN void release_keys(worker &w)
{
    release(w, K_EMPTY(w.k.stage));
    ring_next<STAGES>(w.k);
}

TSKIP__FN void release_values(worker &w)
{
    release(w, V_EMPTY(w.v.stage));
    ring_next<STAGES>(w.v);
}

TSKIP__FN void start_scores(const worker &w, float (&s)[S_SIZE])
{
    tskip_u32 q = opaque(w.base + Q_AT + w.panel * Q_BYTES);
    tskip_u32 k = opaque(w.base + K_AT + w.k.stage * K_BYTES);
    products_begin();
#pragma unroll
    for (tskip_u32 d = 0; d < DEPTH; d++)
        multiply_keys(s, along_rows(q + d / 4 * Q_PANEL_BYTES + d % 4 * 32),
                      along_rows(k + d / 4 * KV_PANEL_BYTES + d % 4 * 32), d > 0);
    products_commit();
}

TSKIP__FN void start_values(const worker &w, float (&o)[O_SIZE], const tskip_u32 (&p)[BK / 4])
{
    tskip_u32 v = opaque(w.base + V_AT + w.v.stage * V_BYTES);
    barrier_wait(w.base + V_FULL(w.v.stage), w.v.parity);
    products_begin();
#pragma unroll
    for (tskip_u32 t = 0; t < BK / 16; t++)
        multiply_values(o, p + 4 * t, across_rows(v + t * 16 * ROW_BYTES, KV_PANEL_BYTES));
    products_commit();
}

/* A tile that other panels of the item visit but this one does not. */
TSKIP__FN void pass_tile(worker &w)
{
    wait_turn(w);
    pass_turn(w);
    release_keys(w);
    barrier_wait(w.base + V_FULL(w.v.stage), w.v.parity);
    release_values(w);
}

struct problem {
    const tskip__attention_args *args;
    const void *tensor, *rules;
    units u;
};

TSKIP__FN void to_probabilities(const problem &pb, const panel_mask &mask, const worker &w,
                                tskip_u32 word, float (&s)[S_SIZE], row_state &rows)
{
    scale_scores(s, pb.u, *pb.args);
    if (class_for(word, w.panel) == TSKIP__MIXED)
        mask_scores(s, mask, pb.u, tile_of(word) * BK + w.lane % 4 * 2, (tskip_i32)pb.args->k_len);
    softmax(s, rows, pb.u.to_log2);
}

/* One panel of an item: O and the state of its rows. Tiles that the panel visits one after the
 * other form a run, in which the products of two tiles overlap one softmax:
 *
 *   tensor cores   S(0) |       S(1) O(0) |        S(2) O(1) | ...       O(last)
 *   this warpgroup      | softmax(0)      | softmax(1)       | ...
 */
TSKIP__FN void attend(const problem &pb, const panel_mask &mask, worker &w, float (&o)[O_SIZE],
                      row_state &rows)
{
    float s[S_SIZE];
    tskip_u32 p[BK / 4];
    tskip_u32 word = next_tile(w);
    for (;;) {
        while (word != NO_MORE_TILES && class_for(word, w.panel) == TSKIP__SKIP) {
            pass_tile(w);
            word = next_tile(w);
        }
        if (word == NO_MORE_TILES)
            break;
        wait_turn(w);
        start_scores(w, s);
        pass_turn(w);
        products_wait<0>();
        keep(s);
        release_keys(w);
        to_probabilities(pb, mask, w, word, s, rows);
        rescale(o, rows.factor);
        pack_probabilities(s, p);
        for (;;) {
            word = next_tile(w);
            if (word == NO_MORE_TILES || class_for(word, w.panel) == TSKIP__SKIP)
                break;
            wait_turn(w);
            start_scores(w, s);
            start_values(w, o, p);
            pass_turn(w);
            products_wait<1>();
            keep(s);
            release_keys(w);
            to_probabilities(pb, mask, w, word, s, rows);
            products_wait<0>();
            keep(o);
            keep(s);
            release_values(w);
            rescale(o, rows.factor);
            pack_probabilities(s, p);
        }
        start_values(w, o, p);
        products_wait<0>();
        keep(o);
        release_values(w);
    }
    release_keys(w);
}

TSKIP__FN void prepare_limits(const problem &pb, const panel &p, const worker &w, tskip_u32 at)
{
    tskip_u32 row = threadIdx.x % 128 / WARP * 16 + w.lane;
    __syncwarp();
    if (w.lane < 16)
        store_limits(at + row * (tskip_u32)sizeof(column_limits),
                     find_limits(*pb.args, pb.rules, p.batch, (tskip_i64)p.first + row));
    __syncwarp();
}

TSKIP__FN void consume(const problem &pb, worker w, void *out, float *lse, const float *sinks)
{
    const tskip__attention_args &a = *pb.args;
    tskip_u32 limits = w.base + LIMITS_AT + w.panel * BQ * (tskip_u32)sizeof(column_limits);
    if (w.panel + 1 == PANELS)
        pass_turn(w);
    for (tskip_u32 q_parity = 0;; q_parity ^= 1) {
        barrier_wait(w.base + Q_FULL, q_parity);
        tskip_u32 item = __shfl_sync(~0u, load_word(w.base + ITEM_AT), 0);
        if (item == NO_MORE_ITEMS)
            break;
        panel p = find_panel(a, item, w.panel);
        prepare_limits(pb, p, w, limits);
        panel_mask mask = find_mask(a, pb.u, p, pb.tensor, pb.rules, limits, w.row);
        row_state rows = start_rows(pb.u);
        float o[O_SIZE];
#pragma unroll
        for (int i = 0; i < O_SIZE; i++)
            o[i] = 0.0f;
        attend(pb, mask, w, o, rows);
        release(w, Q_EMPTY);
        if (!p.exists)
            continue;
        finish_rows(rows, pb.u, sinks, p.head);
        store_rows(a, p, w.row, o, rows.factor, out, 0, w.lane);
        if (TSKIP_C_LSE)
            store_lse(a, p, w.row, rows.maximum, lse, w.lane);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
    attention_sm90(const void *, const void *, const void *, void *o, float *lse,
                   const float *sinks, const void *tensor, const void *rules, const tskip_u8 *map,
                   tskip_u32 *order, const tskip__attention_args args,
                   const __grid_constant__ tensor_map q_map,
                   const __grid_constant__ tensor_map k_map,
                   const __grid_constant__ tensor_map v_map)
{
    extern __shared__ char memory[];
    tskip_u32 base = (shared_address(memory) + 1023) & ~1023u;
    if (threadIdx.x == 0)
        init_barriers(base);
    __syncthreads();
    tskip_u32 group = __shfl_sync(~0u, threadIdx.x / 128, 0);
    if (group == 0) {
        shrink_registers<PRODUCER_REGISTERS>();
        if (threadIdx.x < WARP) {
            producer p = {base, &k_map, &v_map, 0, 0, {0, 0}, {0, 0}, NO_MORE_TILES};
            produce(args, map, order, &q_map, p);
        }
    } else {
        grow_registers<MATH_REGISTERS>();
        worker w = {base, group - 1, threadIdx.x % WARP, 0, {0, 0}, {0, 0}};
        w.row = threadIdx.x % 128 / WARP * 16 + w.lane / 4;
        problem pb = {&args, tensor, rules, find_units(args)};
        consume(pb, w, o, lse, sinks);
    }
}
