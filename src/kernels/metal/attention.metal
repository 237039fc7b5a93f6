/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#pragma METAL fp contract(off)
#include <metal_stdlib>
#include <metal_simdgroup_matrix>
using namespace metal;

#include "kernels/metal/metal_mask.h"
#include "kernels/metal/metal_walk.h"

/* Attention on the matrix units of an Apple GPU. A group takes BQ query rows of one head, and for
 * each tile of BK keys:
 *
 *     S = Q K'      a SIMD group takes eights of keys, all rows: Q lies in group memory, K is read
 *                   where it lies, each element once a group
 *     softmax       LANES_A_ROW lanes a row, in place in group memory
 *     O += P V      a SIMD group owns columns of O, in registers from the first tile to the last;
 *                   V is read where it lies, each element once a group
 *
 * Probabilities stay in f32. Keys that do not exist, or are absent, are zeros. */

#if TSKIP_C_DTYPE == 1
typedef float element;
#elif TSKIP_C_DTYPE == 2
typedef half element;
#else
typedef bfloat element;
#endif

typedef simdgroup_matrix<element, 8, 8> fragment8x8;

/* Arrays of fragments stay in registers where every index is known; long bodies spill. */
#define UNROLL   _Pragma("clang loop unroll(full)")
#define UNROLL_2 _Pragma("clang loop unroll_count(2)")

#define SIMDGROUPS  (TSKIP_GROUP_THREADS / LANES)
#define BANDS       (BQ / 8) /* of 8 rows */
#define KEY_BLOCKS  (BK / 8)
#define BLOCKS      ((KEY_BLOCKS + SIMDGROUPS - 1) / SIMDGROUPS) /* of keys a SIMD group */
#define COLUMNS     ((TSKIP_C_HEAD_DIM_V / 8 + SIMDGROUPS - 1) / SIMDGROUPS) /* of O, eights */
#define Q_STRIDE    (TSKIP_C_HEAD_DIM + 8)
#define S_STRIDE    (BK + 4)
#define LANES_A_ROW (BQ >= 32 ? 8 : BQ >= 16 ? 16 : 32)
#define ROWS_AT_ONCE (SIMDGROUPS * LANES / LANES_A_ROW)
#define PASSES      ((BQ + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE)
#define KEYS_A_LANE ((BK + LANES_A_ROW - 1) / LANES_A_ROW)

struct group_memory {
    float scores[BQ * S_STRIDE];
    float factors[BQ];
    element q[BQ * Q_STRIDE];
    element clipped[SIMDGROUPS * 64]; /* 8 x 8 elements of K or V that are not all there */
};

/* Which thread this is. */
struct worker {
    uint index, simd, lane;
};

/* Rows of K or V, from the tile's first key on; present are [begin, end) of the tile. */
struct key_rows {
    const device element *first;
    ulong stride;
    int begin, end;
};

/* Whether one of the eight keys from `key` on is there. */
TSKIP__FN bool has_keys(const thread struct key_rows &rows, int key)
{
    return key + 8 > rows.begin && key < rows.end;
}

/* Eight keys by eight columns into a fragment, or the other way round; zeros where no key is. */
template <bool TRANSPOSE>
TSKIP__FN void load_keys(thread fragment8x8 &to, const thread struct key_rows &rows, int key,
                         uint column, threadgroup element *clipped, uint lane)
{
    const device element *from = rows.first + ulong(key) * rows.stride + column;
    if (key >= rows.begin && key + 8 <= rows.end) {
        simdgroup_load(to, from, rows.stride, ulong2(0, 0), TRANSPOSE);
        return;
    }
    if (!has_keys(rows, key)) {
        to = make_filled_simdgroup_matrix<element, 8, 8>(element(0.0f));
        return;
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
    for (uint i = lane; i < 64; i += LANES) {
        int row = key + int(i / 8);
        element value = element(0.0f);
        if (row >= rows.begin && row < rows.end)
            value = from[(i / 8) * rows.stride + i % 8];
        clipped[i] = value;
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
    simdgroup_load(to, clipped, 8, ulong2(0, 0), TRANSPOSE);
}

TSKIP__FN void load_queries(ARGS &a, const thread struct item &it, const device element *q,
                            threadgroup struct group_memory *m, uint index)
{
    const device element *from =
        q + (it.batch * a.q_stride[0] + it.head * a.q_stride[1] + it.first * a.q_stride[2]);
    for (uint i = index; i < BQ * TSKIP_C_HEAD_DIM; i += TSKIP_GROUP_THREADS) {
        uint row = i / TSKIP_C_HEAD_DIM, column = i % TSKIP_C_HEAD_DIM;
        element value = element(0.0f);
        if (row < it.rows)
            value = from[row * a.q_stride[2] + column];
        m->q[row * Q_STRIDE + column] = value;
    }
}

/* S = Q K' of a tile into m->scores; what was there is no longer read by then. */
TSKIP__FN void multiply_scores(const thread struct key_rows &keys,
                               threadgroup struct group_memory *m, const thread struct worker &me)
{
    simdgroup_float8x8 s[BLOCKS][BANDS];
    UNROLL for (uint b = 0; b < BLOCKS; b++)
        UNROLL for (uint r = 0; r < BANDS; r++)
            s[b][r] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
    UNROLL_2 for (uint d = 0; d < TSKIP_C_HEAD_DIM; d += 8) {
        fragment8x8 kt[BLOCKS], rows;
        UNROLL for (uint b = 0; b < BLOCKS; b++)
            load_keys<true>(kt[b], keys, 8 * int(me.simd + b * SIMDGROUPS), d,
                            m->clipped + 64 * me.simd, me.lane);
        UNROLL for (uint r = 0; r < BANDS; r++) {
            simdgroup_load(rows, m->q + 8 * r * Q_STRIDE + d, Q_STRIDE);
            UNROLL for (uint b = 0; b < BLOCKS; b++)
                simdgroup_multiply_accumulate(s[b][r], rows, kt[b], s[b][r]);
        }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    UNROLL for (uint b = 0; b < BLOCKS; b++) {
        uint key = 8 * (me.simd + b * SIMDGROUPS);
        if (key < BK)
            UNROLL for (uint r = 0; r < BANDS; r++)
                simdgroup_store(s[b][r], m->scores + 8 * r * S_STRIDE + key, S_STRIDE);
    }
}

/* ---- softmax -------------------------------------------------------------------------------- */

/* The rows of which this lane is one of LANES_A_ROW; the same in all of them. */
struct row_state {
    float maximum, sum;
    struct tskip__columns columns;
};

TSKIP__FN float row_max(float x)
{
    for (ushort step = 1; step < LANES_A_ROW; step *= 2)
        x = precise::fmax(x, simd_shuffle_xor(x, step)); /* drops NaN, which the sum keeps */
    return x;
}

TSKIP__FN float row_sum(float x)
{
    for (ushort step = 1; step < LANES_A_ROW; step *= 2)
        x = x + simd_shuffle_xor(x, step);
    return x;
}

/* The columns of a tile, which are those of K from `first` on. */
struct tile_columns {
    uint first, n;
    bool mixed; /* masks apply */
};

/* Scores of one row to probabilities in place; the factor for what was summed before goes to
 * m->factors. What is masked gives exactly 0, and a maximum that stays exactly 1. */
TSKIP__FN void softmax_row(ARGS &a, thread struct row_state &state,
                           const thread struct item_mask &im, uint row, uint part, uint rows,
                           struct tile_columns tile, threadgroup struct group_memory *m)
{
    threadgroup float *scores = m->scores + row * S_STRIDE;
    float x[KEYS_A_LANE], top = state.maximum, sum = 0.0f;
    UNROLL for (uint i = 0; i < KEYS_A_LANE; i++) {
        uint key = part + i * LANES_A_ROW;
        x[i] = -INFINITE;
        if (key < tile.n) {
            x[i] = scores[key] * a.scale;
            if (TSKIP_C_SOFTCAP)
                x[i] = a.softcap * precise::tanh(x[i] / a.softcap);
            if (HAS_MASK && tile.mixed && row < rows)
                x[i] = mask_score(x[i], im, state.columns, row, tile.first + key);
        }
        top = precise::fmax(top, x[i]);
    }
    top = row_max(top);
    UNROLL for (uint i = 0; i < KEYS_A_LANE; i++) {
        uint key = part + i * LANES_A_ROW;
        float p = x[i] == -INFINITE ? 0.0f : precise::exp(x[i] - top);
        if (key < BK)
            scores[key] = p;
        sum = sum + p;
    }
    float factor = top == state.maximum ? 1.0f : precise::exp(state.maximum - top);
    state.sum = state.sum * factor + row_sum(sum);
    state.maximum = top;
    if (part == 0)
        m->factors[row] = factor;
}

TSKIP__FN void softmax(ARGS &a, thread struct row_state (&state)[PASSES],
                       const thread struct item_mask &im, uint rows, struct tile_columns tile,
                       threadgroup struct group_memory *m, uint index)
{
    UNROLL for (uint p = 0; p < PASSES; p++) {
        uint row = p * ROWS_AT_ONCE + index / LANES_A_ROW;
        if (row < BQ)
            softmax_row(a, state[p], im, row, index % LANES_A_ROW, rows, tile, m);
    }
}

/* ---- O -------------------------------------------------------------------------------------- */

/* This lane's two elements of every fragment, by row and column: asked of a fragment, since no
 * document says which they are. */
struct places {
    uint row[2], column[2];
};

TSKIP__FN struct places find_places(threadgroup struct group_memory *m, uint index)
{
    if (index < 64)
        m->scores[index] = float(index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    simdgroup_float8x8 numbers;
    simdgroup_load(numbers, m->scores, 8);
    struct places at;
    for (uint i = 0; i < 2; i++) {
        uint number = uint(numbers.thread_elements()[i]);
        at.row[i] = number / 8;
        at.column[i] = number % 8;
    }
    return at;
}

TSKIP__FN void scale_output(thread simdgroup_float8x8 (&o)[COLUMNS][BANDS],
                            const thread struct places &at, threadgroup struct group_memory *m)
{
    UNROLL for (uint r = 0; r < BANDS; r++)
        UNROLL for (uint i = 0; i < 2; i++) {
            float factor = m->factors[8 * r + at.row[i]];
            UNROLL for (uint c = 0; c < COLUMNS; c++)
                o[c][r].thread_elements()[i] = o[c][r].thread_elements()[i] * factor;
        }
}

/* O = O · factor + P V. */
TSKIP__FN void multiply_values(thread simdgroup_float8x8 (&o)[COLUMNS][BANDS],
                               const thread struct key_rows &values, const thread struct places &at,
                               threadgroup struct group_memory *m, const thread struct worker &me)
{
    scale_output(o, at, m);
    UNROLL_2 for (int key = 0; key < BK; key += 8) {
        simdgroup_float8x8 p[BANDS];
        if (!has_keys(values, key))
            continue;
        UNROLL for (uint r = 0; r < BANDS; r++)
            simdgroup_load(p[r], m->scores + 8 * r * S_STRIDE + key, S_STRIDE);
        UNROLL for (uint c = 0; c < COLUMNS; c++) {
            uint column = 8 * (me.simd + c * SIMDGROUPS);
            fragment8x8 v;
            if (column < TSKIP_C_HEAD_DIM_V) {
                load_keys<false>(v, values, key, column, m->clipped + 64 * me.simd, me.lane);
                UNROLL for (uint r = 0; r < BANDS; r++)
                    simdgroup_multiply_accumulate(o[c][r], p[r], v, o[c][r]);
            }
        }
    }
}

TSKIP__FN void store_output(ARGS &a, const thread struct item &it,
                            thread simdgroup_float8x8 (&o)[COLUMNS][BANDS],
                            const thread struct places &at, device uchar *out, uint simd)
{
    device uchar *first = out + (it.batch * a.o_stride[0] + it.head * a.o_stride[1] +
                                 it.first * a.o_stride[2]) *
                                    element_size(TSKIP_C_OUT_DTYPE);
    UNROLL for (uint c = 0; c < COLUMNS; c++) {
        uint column = 8 * (simd + c * SIMDGROUPS);
        UNROLL for (uint r = 0; r < BANDS; r++)
            UNROLL for (uint i = 0; i < 2; i++) {
                uint row = 8 * r + at.row[i];
                float value = o[c][r].thread_elements()[i] + 0.0f; /* a -0 becomes +0 */
                if (row < it.rows && column < TSKIP_C_HEAD_DIM_V)
                    store_element(first, TSKIP_C_OUT_DTYPE,
                                  row * a.o_stride[2] + column + at.column[i], value);
            }
    }
}

struct row_end {
    float factor; /* for what was summed */
    float lse;
};

/* The sink joins as one more logit without a value. */
TSKIP__FN struct row_end finish_row(float maximum, float sum, const device float *sinks, uint head)
{
    float factor = 1.0f, top = maximum;
    if (TSKIP_C_SINKS) {
        float sink = sinks[head];
        top = sink > maximum ? sink : maximum;
        factor = precise::exp(maximum - top);
        sum = sum * factor + precise::exp(sink - top);
    }
    struct row_end end;
    end.factor = sum == 0.0f ? 0.0f : factor / sum;
    end.lse = sum == 0.0f ? -INFINITE : top + precise::log(sum);
    return end;
}

/* The last factors, and the log-sum-exp of each row. */
TSKIP__FN void finish(ARGS &a, const thread struct item &it,
                      const thread struct row_state (&state)[PASSES], const device float *sinks,
                      device float *lse, threadgroup struct group_memory *m, uint index)
{
    UNROLL for (uint p = 0; p < PASSES; p++) {
        uint row = p * ROWS_AT_ONCE + index / LANES_A_ROW;
        if (row >= BQ || index % LANES_A_ROW != 0)
            continue;
        struct row_end end = finish_row(state[p].maximum, state[p].sum, sinks, it.head);
        m->factors[row] = end.factor;
        if (TSKIP_C_LSE && row < it.rows)
            lse[(tskip_u64(it.batch) * a.n_heads + it.head) * a.q_len + it.first + row] =
                canonical(end.lse);
    }
}

TSKIP__FN struct key_rows find_rows(const device element *base, tskip_i64 batch, tskip_i64 head,
                                    tskip_i64 stride, const thread struct item &it,
                                    tskip_i64 column)
{
    struct key_rows rows;
    rows.first = base + (it.batch * batch + it.kv_head * head + column * stride);
    rows.stride = ulong(stride);
    rows.begin = int(tskip__max(0, tskip__min(it.present_begin - column, BK)));
    rows.end = int(tskip__max(0, tskip__min(it.present_end - column, BK)));
    return rows;
}

[[kernel, max_total_threads_per_threadgroup(TSKIP_GROUP_THREADS)]] void
attention_metal(const device element *q [[buffer(0)]], const device element *k [[buffer(1)]],
                const device element *v [[buffer(2)]], device uchar *o [[buffer(3)]],
                device float *lse [[buffer(4)]], const device float *sinks [[buffer(5)]],
                const device uchar *mask [[buffer(6)]], const device tskip_i64 *words [[buffer(7)]],
                const device uchar *map [[buffer(8)]], const device uint *order [[buffer(9)]],
                constant struct tskip__attention_args &a [[buffer(10)]],
                constant uint &first_group [[buffer(11)]],
                threadgroup struct group_memory *m [[threadgroup(0)]],
                uint3 group [[threadgroup_position_in_grid]],
                uint simd [[simdgroup_index_in_threadgroup]],
                uint lane [[thread_index_in_simdgroup]])
{
    const uint index = simd * LANES + lane;
    const struct worker me = {index, simd, lane};
    const uint number = first_group + group.x;
    const bool ordered = TSKIP_C_MAP != 0 && (a.flags & TSKIP__HAS_ORDER);
    const struct item it = find_item(a, words, ordered ? order[number] : number);
    const struct item_mask im = find_item_mask(a, it, words, mask);
    const struct places at = find_places(m, index);
    struct row_state state[PASSES];
    UNROLL for (uint p = 0; p < PASSES; p++) {
        state[p].maximum = LOWEST;
        state[p].sum = 0.0f;
        state[p].columns = find_columns(a, it, words, p * ROWS_AT_ONCE + index / LANES_A_ROW);
    }
    simdgroup_float8x8 out[COLUMNS][BANDS];
    UNROLL for (uint c = 0; c < COLUMNS; c++)
        UNROLL for (uint r = 0; r < BANDS; r++)
            out[c][r] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
    load_queries(a, it, q, m, index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    struct walk w = walk_begin(a, it, map, lane);
    bool mixed = false;
    for (uint tile = walk_next(w, mixed, lane); tile != NO_TILE; tile = walk_next(w, mixed, lane)) {
        const tskip_i64 column = tskip_i64(tile) * BK;
        const struct tile_columns columns = {uint(column), uint(tskip__min(BK, a.k_len - column)),
                                             mixed};
        multiply_scores(find_rows(k, a.k_stride[0], a.k_stride[1], a.k_stride[2], it, column), m,
                        me);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        softmax(a, state, im, it.rows, columns, m, index);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        multiply_values(out, find_rows(v, a.v_stride[0], a.v_stride[1], a.v_stride[2], it, column),
                        at, m, me);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    finish(a, it, state, sinks, lse, m, index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    scale_output(out, at, m);
    store_output(a, it, out, at, o, simd);
}
