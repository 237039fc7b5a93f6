/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Masked attention on Hopper for head sizes up to 256; docs/cuda-hopper.md draws the pipeline.
 *
 * A group is four producer warps and PANELS math warpgroups, and stays on its compute unit: it takes
 * item after item. The producers walk the rows of the map, fetch Q of an item and K and V of each
 * tile that some panel visits, and leave the tile's number and classes beside K. Each warpgroup
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

#define PRODUCER_REGISTERS (TSKIP_C_HEAD_DIM_V <= 128 ? 56 : 40)
#define MATH_REGISTERS     (TSKIP_C_HEAD_DIM_V <= 128 ? 224 : 232)

/* Warpgroups take turns at the tensor cores where a softmax lasts about as long as the products.
 * With larger heads the products cover it anyway, with smaller ones turns cost more than they give.
 */
#define TAKES_TURNS (TSKIP_C_HEAD_DIM > 64 && TSKIP_C_HEAD_DIM <= 128)

/* ---- shared memory --------------------------------------------------------------------------- */

#define Q_PANEL_BYTES  (BQ * ROW_BYTES)
#define KV_PANEL_BYTES (BK * ROW_BYTES)
#define Q_BYTES        (K_PANELS * Q_PANEL_BYTES) /* of one panel of queries */
#define K_BYTES        (K_PANELS * KV_PANEL_BYTES)
#define V_BYTES        (V_PANELS * KV_PANEL_BYTES)

#define Q_AT         0u
#define K_AT         (Q_AT + PANELS * Q_BYTES)
#define V_AT         (K_AT + STAGES * K_BYTES)
#define LIMITS_BYTES (BQ * (tskip_u32)sizeof(column_limits))
#define LIMITS(i, n) (V_AT + STAGES * V_BYTES + (2 * (i) + (n)) * LIMITS_BYTES) /* of two items */
#define BARRIERS_AT  LIMITS(PANELS, 0)

#define Q_FULL(i)   (BARRIERS_AT + 8 * (i))
#define Q_EMPTY(i)  (BARRIERS_AT + 8 * (PANELS + (i)))
#define K_FULL(s)   (BARRIERS_AT + 16 * PANELS + 8 * (s))
#define K_EMPTY(s)  (BARRIERS_AT + 16 * PANELS + 8 * (STAGES + (s)))
#define V_FULL(s)   (BARRIERS_AT + 16 * PANELS + 8 * (2 * STAGES + (s)))
#define V_EMPTY(s)  (BARRIERS_AT + 16 * PANELS + 8 * (3 * STAGES + (s)))
#define V_LANDED    (BARRIERS_AT + 16 * PANELS + 32 * STAGES) /* of a tile that has absent keys */
#define PANEL_AT(i) (V_LANDED + 16 + 16 * (i))
#define WORD_AT(s)  (PANEL_AT(PANELS) + 4 * (s))

TSKIP__FN void init_barriers(tskip_u32 base)
{
    const tskip_u32 math_warps = 4 * PANELS;
    barrier_init(base + V_LANDED, 1);
    for (tskip_u32 i = 0; i < PANELS; i++) {
        barrier_init(base + Q_FULL(i), 1);
        barrier_init(base + Q_EMPTY(i), 4);
    }
    for (tskip_u32 s = 0; s < STAGES; s++) {
        barrier_init(base + K_FULL(s), 1);
        barrier_init(base + K_EMPTY(s), math_warps);
        barrier_init(base + V_FULL(s), 1);
        barrier_init(base + V_EMPTY(s), math_warps);
    }
    barrier_init_done();
}

/* ---- the producers --------------------------------------------------------------------------- */

/* Where a producer warp is. One fetches K, one V, and one for each panel its Q. */
struct producer {
    tskip_u32 base;
    const tskip__attention_args *args;
    tskip_u32 item, kv_head, batch;
    ring at; /* of K or of V */
};

TSKIP__FN void start_item(producer &p, tskip_u32 item)
{
    p.item = item;
    p.kv_head = kv_head_of(*p.args, item);
    p.batch = find_panel(*p.args, item, 0).batch;
}

TSKIP__FN tskip_u32 next_item(const producer &p, const tskip_u32 *order, tskip_u32 n)
{
    return nth_item(*p.args, order, n, blockIdx.x, gridDim.x);
}

/* Q of a panel, once the panel is done with the item before. */
TSKIP__FN void fetch_queries(const producer &p, const tensor_map *map, tskip_u32 which,
                             const panel &own, tskip_u32 parity)
{
    const tskip_u32 full = p.base + Q_FULL(which), to = p.base + Q_AT + which * Q_BYTES;
    barrier_wait(p.base + Q_EMPTY(which), parity ^ 1);
    store_panel(p.base + PANEL_AT(which), own);
    barrier_arrive_expect(full, own.state == PANEL_EXISTS ? Q_BYTES : 0);
#pragma unroll
    for (tskip_u32 c = 0; c < K_PANELS && own.state == PANEL_EXISTS; c++)
        fetch_box(map, to + c * Q_PANEL_BYTES, full, c * PANEL_COLUMNS, own.first, own.head,
                  own.batch);
}

/* Q of a panel, item after item, and what its rows see, which is found while the panel is still at
 * work on the item before: limits of two items have room. */
TSKIP__FN void produce_queries(const producer &p, const tskip_u32 *order, const void *rules,
                               const tensor_map *map, tskip_u32 which)
{
    tskip_u32 n = 0, item;
    for (; (item = next_item(p, order, n)) != NO_MORE_ITEMS; n++) {
        panel own = find_panel(*p.args, item, which);
        prepare_limits(*p.args, rules, own, p.base + LIMITS(which, n & 1));
        __syncwarp();
        if (lane_number() == 0)
            fetch_queries(p, map, which, own, n & 1);
        __syncwarp();
    }
    if (lane_number() == 0) {
        barrier_wait(p.base + Q_EMPTY(which), (n & 1) ^ 1);
        store_word(p.base + PANEL_AT(which), NO_MORE_PANELS);
        barrier_arrive(p.base + Q_FULL(which));
    }
}

TSKIP__FN void fetch_keys(producer &p, const tensor_map *map, tskip_u32 word)
{
    tskip_u32 full = p.base + K_FULL(p.at.stage), to = p.base + K_AT + p.at.stage * K_BYTES;
    barrier_wait(p.base + K_EMPTY(p.at.stage), p.at.parity ^ 1);
    store_word(p.base + WORD_AT(p.at.stage), word);
    barrier_arrive_expect(full, K_BYTES);
#pragma unroll
    for (tskip_u32 c = 0; c < K_PANELS; c++)
        fetch_box(map, to + c * KV_PANEL_BYTES, full, c * PANEL_COLUMNS, tile_of(word) * BK,
                  p.kv_head, p.batch);
    ring_next<STAGES>(p.at);
}

TSKIP__FN void end_tiles(producer &p)
{
    barrier_wait(p.base + K_EMPTY(p.at.stage), p.at.parity ^ 1);
    store_word(p.base + WORD_AT(p.at.stage), NO_MORE_TILES);
    barrier_arrive(p.base + K_FULL(p.at.stage));
    ring_next<STAGES>(p.at);
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
            end_tiles(p);
        __syncwarp();
    }
}

TSKIP__FN void fetch_values(const producer &p, const tensor_map *map, tskip_u32 word,
                            tskip_u32 full)
{
    tskip_u32 to = p.base + V_AT + p.at.stage * V_BYTES;
    barrier_wait(p.base + V_EMPTY(p.at.stage), p.at.parity ^ 1);
    barrier_arrive_expect(full, V_BYTES);
#pragma unroll
    for (tskip_u32 c = 0; c < V_PANELS; c++)
        fetch_box(map, to + c * KV_PANEL_BYTES, full, c * PANEL_COLUMNS, tile_of(word) * BK,
                  p.kv_head, p.batch);
}

/* Clears the rows of absent keys; all lanes of the warp together. */
TSKIP__FN void clear_absent(const producer &p, const present_keys &keys, tskip_u32 word)
{
    for (tskip_i32 row = lane_number(); row < BK; row += WARP) {
        tskip_i32 key = tile_of(word) * BK + row;
        for (tskip_u32 c = 0; c < V_PANELS && (key < keys.begin || key >= keys.end); c++)
            clear_row(p.base + V_AT + p.at.stage * V_BYTES + c * KV_PANEL_BYTES + row * ROW_BYTES);
    }
    publish_shared();
    __syncwarp();
}

/* V of a tile some of whose keys are absent: it lands, is cleared and only then handed on. */
TSKIP__FN void fetch_present(const producer &p, const tensor_map *map, const present_keys &keys,
                             tskip_u32 word, tskip_u32 parity)
{
    if (lane_number() == 0)
        fetch_values(p, map, word, p.base + V_LANDED);
    barrier_wait(p.base + V_LANDED, parity);
    clear_absent(p, keys, word);
    if (lane_number() == 0)
        barrier_arrive(p.base + V_FULL(p.at.stage));
}

TSKIP__FN void produce_values(producer p, const tskip_u8 *map, const tskip_u32 *order,
                              const void *rules, const tensor_map *v_map)
{
    const tskip__attention_args &a = *p.args;
    tskip_u32 item, landed = 0;
    for (tskip_u32 n = 0; (item = next_item(p, order, n)) != NO_MORE_ITEMS; n++) {
        start_item(p, item);
        present_keys keys = find_present(a, rules, p.batch);
        auto fetch = [&](tskip_u32 word) {
            if (lane_number() == 0)
                fetch_values(p, v_map, word, p.base + V_FULL(p.at.stage));
        };
        if (all_present(a, keys)) {
            walk_tiles(a, map, item, [&](tskip_u32 word) {
                fetch(word);
                ring_next<STAGES>(p.at);
            });
            continue;
        }
        walk_tiles(a, map, item, [&](tskip_u32 word) {
            if (has_absent(a, keys, tile_of(word))) {
                fetch_present(p, v_map, keys, word, landed);
                landed ^= 1;
            } else {
                fetch(word);
            }
            ring_next<STAGES>(p.at);
        });
    }
}

/* ---- the math warpgroups --------------------------------------------------------------------- */

struct worker {
    tskip_u32 base;
    tskip_u32 panel; /* the same in all lanes, and known to be */
    tskip_u32 item_parity;
    ring k, v;
};

TSKIP__FN panel_place place_of(const worker &w)
{
    panel_place at = {w.base + PANEL_AT(w.panel), w.base + LIMITS(w.panel, w.item_parity)};
    return at;
}

/* One arrival a warp, after what its lanes have read. */
TSKIP__FN void release(const worker &w, tskip_u32 barrier)
{
    __syncwarp();
    if (lane_number() == 0)
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
        named_arrive(1 + (w.panel + 1) % PANELS, 256);
}

/* Waits for K of the next tile; what the producer says of it, the same in all lanes. */
TSKIP__FN tskip_u32 next_tile(const worker &w)
{
    barrier_wait_later(w.base + K_FULL(w.k.stage), w.k.parity);
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
    tskip_u64 q = along_rows(opaque(w.base + Q_AT + w.panel * Q_BYTES));
    tskip_u64 k = along_rows(opaque(w.base + K_AT + w.k.stage * K_BYTES));
    products_begin();
#pragma unroll
    for (tskip_u32 d = 0; d < DEPTH; d++)
        multiply_keys(s, farther(q, d / 4 * Q_PANEL_BYTES + d % 4 * 32),
                      farther(k, d / 4 * KV_PANEL_BYTES + d % 4 * 32), d > 0);
    products_commit();
}

TSKIP__FN void start_values(const worker &w, float (&o)[O_SIZE], const tskip_u32 (&p)[BK / 4])
{
    tskip_u64 v = across_rows(opaque(w.base + V_AT + w.v.stage * V_BYTES), KV_PANEL_BYTES);
    barrier_wait(w.base + V_FULL(w.v.stage), w.v.parity);
    products_begin();
#pragma unroll
    for (tskip_u32 t = 0; t < BK / 16; t++)
        multiply_values(o, p + 4 * t, farther(v, t * 16 * ROW_BYTES));
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
    float to_log2; /* what a difference of scores is multiplied with before exp2 */
};

/* The column of this thread's first score. */
TSKIP__FN tskip_i32 first_column(tskip_u32 word)
{
    return tile_of(word) * BK + lane_number() % 4 * 2;
}

/* Reads the mask of a MIXED tile while its products run. */
TSKIP__FN void read_ahead(const problem &pb, const worker &w, tskip_u32 word,
                          tile_cells<S_SIZE> &cells)
{
    if (CELLS_AHEAD && class_for(word, w.panel) == TSKIP__MIXED)
        load_cells(cells, *pb.args, pb.tensor, place_of(w), first_column(word));
}

TSKIP__FN void to_probabilities(const problem &pb, const worker &w, tskip_u32 word,
                                tile_cells<S_SIZE> &cells, float (&s)[S_SIZE], row_state &rows)
{
    scale_scores(s, *pb.args);
    if (class_for(word, w.panel) == TSKIP__MIXED)
        mask_scores(s, cells, *pb.args, pb.tensor, pb.rules, place_of(w), first_column(word));
    softmax(s, rows, pb.to_log2);
}

/* The last product with Q is done. What the panel is, which Q's producer may soon overwrite. */
TSKIP__FN panel release_queries(const worker &w)
{
    panel p = load_panel(place_of(w).panel);
    release(w, Q_EMPTY(w.panel));
    return p;
}

/* One panel of an item: O and the state of its rows. Tiles that the panel visits one after the
 * other form a run, in which the products of two tiles overlap one softmax:
 *
 *   tensor cores   S(0) |       S(1) O(0) |        S(2) O(1) | ...       O(last)
 *   this warpgroup      | softmax(0)      | softmax(1)       | ...
 *
 * The compiler moves arithmetic over the wait for products freely, but not over the wait for the
 * next tile, which therefore stands between the softmax and the wait for O. */
TSKIP__FN panel attend(const problem &pb, worker &w, float (&o)[O_SIZE], row_state &rows)
{
    float s[S_SIZE];
    tskip_u32 p[BK / 4];
    tile_cells<S_SIZE> cells;
    panel own = {NO_MORE_PANELS};
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
        read_ahead(pb, w, word, cells);
        products_wait<0>();
        keep(s);
        release_keys(w);
        to_probabilities(pb, w, word, cells, s, rows);
        pack_probabilities(s, p);
        word = next_tile(w);
        while (word != NO_MORE_TILES && class_for(word, w.panel) != TSKIP__SKIP) {
            wait_turn(w);
            start_scores(w, s);
            rescale(o, rows.factor);
            start_values(w, o, p);
            pass_turn(w);
            read_ahead(pb, w, word, cells);
            products_wait<1>();
            keep(s);
            release_keys(w);
            to_probabilities(pb, w, word, cells, s, rows);
            keep(s);
            word = next_tile(w);
            products_wait<0>();
            keep(o);
            keep(s);
            release_values(w);
            pack_probabilities(s, p);
        }
        if (word == NO_MORE_TILES)
            own = release_queries(w);
        rescale(o, rows.factor);
        start_values(w, o, p);
        products_wait<0>();
        keep(o);
        release_values(w);
    }
    release_keys(w);
    return own.state == NO_MORE_PANELS ? release_queries(w) : own;
}

TSKIP__FN void consume(const problem &pb, worker w, void *out, float *lse, const float *sinks)
{
    const tskip__attention_args &a = *pb.args;
    if (w.panel + 1 == PANELS)
        pass_turn(w);
    for (;; w.item_parity ^= 1) {
        barrier_wait(w.base + Q_FULL(w.panel), w.item_parity);
        if (load_panel(place_of(w).panel).state == NO_MORE_PANELS)
            break;
        row_state rows = start_rows(*pb.args);
        float o[O_SIZE];
#pragma unroll
        for (int i = 0; i < O_SIZE; i++)
            o[i] = 0.0f;
        panel p = attend(pb, w, o, rows);
        if (p.state != PANEL_EXISTS)
            continue;
        finish_rows(rows, a, sinks, p.head);
        store_rows(a, p, o, rows.factor, out, 0);
        if (TSKIP_C_LSE)
            store_lse(a, p, rows.maximum, lse);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
    attention_sm90(const void *, const void *, const void *, void *o, float *lse,
                   const float *sinks, const void *tensor, const void *rules, const tskip_u8 *map,
                   const tskip_u32 *order, const tskip__attention_args args,
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
        producer p = {base, &args};
        tskip_u32 warp = __shfl_sync(~0u, threadIdx.x / WARP, 0);
        if (warp == 0)
            produce_keys(p, map, order, &k_map);
        else if (warp == 1)
            produce_values(p, map, order, rules, &v_map);
        else if (warp < 2 + PANELS)
            produce_queries(p, order, rules, &q_map, warp - 2);
    } else {
        grow_registers<MATH_REGISTERS>();
        worker w = {base, group - 1};
        problem pb = {&args, tensor, rules, natural_unit(args) * LOG2_E};
        consume(pb, w, o, lse, sinks);
    }
}
