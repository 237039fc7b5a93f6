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

#include "sm90_wide_fetch.h"
#include "sm90_wide_scores.h"

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
