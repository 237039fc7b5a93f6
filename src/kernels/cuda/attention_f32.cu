/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "kernels/cuda/attention_item.h"

/* Attention in f32 throughout, with plain multiply-adds: for f32 tensors, and for f32 outputs of
 * 16-bit ones, where the tensor cores' 16-bit probabilities would be too coarse. Simple before
 * fast.
 *
 * 128 threads take 32 rows. Scores: a thread has 8 keys of 2 rows, Q and K pass through shared
 * memory in slices of 32 of the head. Softmax: 4 threads a row. O: a warp has 8 rows, a lane every
 * 32nd column, V comes straight from global memory. */

#define THREADS 128
#define SLICE   32
#define DV_LANE ((TSKIP_C_HEAD_DIM_V + 31) / 32) /* columns of O a lane */

static_assert(BQ == 32 && BK == 32, "the mapping of threads below");

__shared__ float q_slice[BQ][SLICE + 1], k_slice[BK][SLICE + 1];
__shared__ float scores[BQ][BK + 1];
__shared__ float factors[BQ];

/* The columns [d, d + SLICE) of up to `rows` rows; what does not exist is zero. */
TSKIP__FN void load_slice(float (*to)[SLICE + 1], const void *from, tskip_i64 stride,
                          tskip_i64 begin, tskip_i64 end, int d)
{
    for (int i = threadIdx.x; i < 32 * SLICE; i += THREADS) {
        int row = i / SLICE, column = d + i % SLICE;
        bool there = row >= begin && row < end && column < TSKIP_C_HEAD_DIM;
        to[row][i % SLICE] =
            there ? load_element(from, TSKIP_C_DTYPE, row * stride + column) : 0.0f;
    }
}

/* S = Q K' of a tile into `scores`, summed in pieces of a slice: shorter chains round less. */
TSKIP__FN void multiply_scores(const void *q, tskip_i64 q_stride, int q_rows, const void *k,
                               tskip_i64 k_stride, tskip_i64 k_begin, tskip_i64 k_end)
{
    int row = threadIdx.x / 8 * 2, key = threadIdx.x % 8;
    float total[2][4] = {};
    for (int d = 0; d < TSKIP_C_HEAD_DIM; d += SLICE) {
        __syncthreads();
        load_slice(q_slice, q, q_stride, 0, q_rows, d);
        load_slice(k_slice, k, k_stride, k_begin, k_end, d);
        __syncthreads();
        float piece[2][4] = {};
        for (int i = 0; i < SLICE; i++)
#pragma unroll
            for (int r = 0; r < 2; r++)
#pragma unroll
                for (int c = 0; c < 4; c++)
                    piece[r][c] =
                        __fmaf_rn(q_slice[row + r][i], k_slice[key + 8 * c][i], piece[r][c]);
#pragma unroll
        for (int r = 0; r < 2; r++)
#pragma unroll
            for (int c = 0; c < 4; c++)
                total[r][c] = total[r][c] + piece[r][c];
    }
#pragma unroll
    for (int r = 0; r < 2; r++)
#pragma unroll
        for (int c = 0; c < 4; c++)
            scores[row + r][key + 8 * c] = total[r][c];
}

struct row_state {
    float maximum, sum; /* the same in the 4 threads of a row */
};

/* Scores to probabilities in place; the factor for what was summed before goes to `factors`. */
TSKIP__FN void softmax(const struct tskip__attention_args &a, struct row_state &state,
                       const struct item_mask &im, const struct row_mask &m, int rows,
                       tskip_i64 column, bool mixed)
{
    int row = threadIdx.x / 4, first = threadIdx.x % 4 * 8;
    float x[8], top = state.maximum;
#pragma unroll
    for (int i = 0; i < 8; i++) {
        x[i] = scores[row][first + i] * a.scale;
        if (TSKIP_C_SOFTCAP)
            x[i] = a.softcap * tanhf(x[i] / a.softcap);
        if (column + first + i >= a.k_len)
            x[i] = -INFINITE;
        else if (HAS_MASK && mixed && row < rows)
            x[i] = mask_score(x[i], im, m, row, (tskip_u32)(column + first + i), 1.0f);
        top = fmaxf(top, x[i]);
    }
    top = fmaxf(top, __shfl_xor_sync(WARP, top, 1));
    top = fmaxf(top, __shfl_xor_sync(WARP, top, 2));
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < 8; i++) {
        float p = expf(x[i] - top);
        scores[row][first + i] = p;
        sum = sum + p;
    }
    sum = sum + __shfl_xor_sync(WARP, sum, 1);
    sum = sum + __shfl_xor_sync(WARP, sum, 2);
    float factor = expf(state.maximum - top);
    state.sum = __fmaf_rn(state.sum, factor, sum);
    state.maximum = top;
    if (threadIdx.x % 4 == 0)
        factors[row] = factor;
}

/* O = O · factor + P V. */
TSKIP__FN void multiply_values(float (&o)[8][DV_LANE], const void *v, tskip_i64 stride,
                               tskip_i64 begin, tskip_i64 end)
{
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
#pragma unroll
    for (int r = 0; r < 8; r++)
#pragma unroll
        for (int d = 0; d < DV_LANE; d++)
            o[r][d] = o[r][d] * factors[8 * warp + r];
    for (int key = (int)begin; key < end; key++) {
        float p[8];
#pragma unroll
        for (int r = 0; r < 8; r++)
            p[r] = scores[8 * warp + r][key];
#pragma unroll
        for (int d = 0; d < DV_LANE; d++) {
            int column = lane + 32 * d;
            float value = column < TSKIP_C_HEAD_DIM_V
                              ? load_element(v, TSKIP_C_DTYPE, key * stride + column)
                              : 0.0f;
#pragma unroll
            for (int r = 0; r < 8; r++)
                o[r][d] = __fmaf_rn(p[r], value, o[r][d]);
        }
    }
}

TSKIP__FN const char *rows_from(const void *base, const tskip_i64 stride[3], tskip_u32 batch,
                                tskip_u32 head, tskip_i64 row)
{
    return (const char *)base +
           (batch * stride[0] + head * stride[1] + row * stride[2]) * element_size(TSKIP_C_DTYPE);
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_f32(ATTENTION_PARAMETERS)
{
    const struct item it = find_item(a, words, order);
    const int row = threadIdx.x / 4;
    const struct row_mask m = find_row_mask(a, it, words, row);
    const struct item_mask im = find_item_mask(a, it, words, mask);
    const char *queries = rows_from(q, a.q_stride, it.batch, it.head, it.first);
    struct row_state state = {LOWEST, 0.0f};
    float out[8][DV_LANE] = {};
    struct walk w = walk_begin(a, it, map);
    bool mixed = false;
    for (tskip_u32 tile; (tile = walk_next(w, mixed)) != NO_TILE;) {
        tskip_i64 column = (tskip_i64)tile * BK;
        tskip_i64 begin = tskip__max(0, it.present_begin - column);
        tskip_i64 end = tskip__min(BK, it.present_end - column);
        multiply_scores(queries, a.q_stride[2], it.rows,
                        rows_from(k, a.k_stride, it.batch, it.kv_head, column), a.k_stride[2],
                        begin, end);
        __syncthreads();
        softmax(a, state, im, m, it.rows, column, mixed);
        __syncthreads();
        multiply_values(out, rows_from(v, a.v_stride, it.batch, it.kv_head, column), a.v_stride[2],
                        begin, end);
    }
    __syncthreads();
    struct row_end end = finish_row(state.maximum, state.sum, sinks, it.head);
    if (threadIdx.x % 4 == 0) {
        factors[row] = end.factor;
        if (row < it.rows)
            store_lse(a, it, lse, row, end.lse);
    }
    __syncthreads();
    for (int r = 0; r < 8; r++) {
        int to = 8 * (threadIdx.x / 32) + r;
        char *line = (char *)o + (it.batch * a.o_stride[0] + it.head * a.o_stride[1] +
                                  (it.first + to) * a.o_stride[2]) *
                                     element_size(TSKIP_C_OUT_DTYPE);
#pragma unroll
        for (int d = 0; d < DV_LANE; d++) {
            int column = threadIdx.x % 32 + 32 * d;
            if (to < it.rows && column < TSKIP_C_HEAD_DIM_V) /* + 0: a -0 becomes +0 */
                store_element(line, TSKIP_C_OUT_DTYPE, column, out[r][d] * factors[to] + 0.0f);
        }
    }
}
