/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "kernels/cuda/attention_item.h"
#include "kernels/cuda/mma.h"

/* Attention on the tensor cores of any GPU from Ampere on, for f16 and bf16 (after Dao,
 * "FlashAttention-2", arXiv:2307.08691). A warp owns 32 rows up to head size 128, where what it
 * loads of K and V then serves two products, else 16; above 256 columns of V two warps share their
 * rows, each with half of O and the whole of S. Q, K and V tiles lie in shared memory, a row longer
 * by 16 bytes than its data, which spreads rows over the banks.
 *
 *   wait K(j) | start V(j) | S = Q K' | wait V(j) | start K(next) | mask, softmax | O += P V
 *
 * Scores are kept in units of log2: s · scale · log2 e, so that a probability is one exp2. All tile
 * classes share every formula; masks add to or replace a score before it. */

#define ROUND16(x) (((x) + 15) / 16 * 16)

#define DIM       ROUND16(TSKIP_C_HEAD_DIM)
#define SHARES    (TSKIP_C_HEAD_DIM_V > 256 ? 2 : 1) /* warps that share O's columns */
#define DIM_SHARE ROUND16((TSKIP_C_HEAD_DIM_V + SHARES - 1) / SHARES) /* columns of O a warp */
#define DIM_V     (SHARES * DIM_SHARE)
#define BANDS     (DIM <= 128 && DIM_V <= 128 ? 2 : 1) /* of 16 rows a warp */
#define WARPS     (BQ / 16 / BANDS * SHARES)
#define THREADS   (32 * WARPS)
#define ROW_K     (DIM + 8) /* elements from row to row */
#define ROW_V     (DIM_V + 8)

static_assert(THREADS == TSKIP_GROUP_THREADS, "the host's count of threads");

extern __shared__ __align__(16) tskip_u16 shared[];

/* A tensor's rows as they lie in global memory. */
struct rows {
    const char *first;
    tskip_i64 stride; /* bytes */
    bool aligned;     /* every row at a multiple of 16 bytes */
};

TSKIP__FN struct rows rows_from(const void *base, const tskip_i64 stride[3], tskip_u32 batch,
                                tskip_u32 head, tskip_i64 row)
{
    struct rows r;
    r.first = (const char *)base + (batch * stride[0] + head * stride[1] + row * stride[2]) * 2;
    r.stride = stride[2] * 2;
    r.aligned = ((tskip_u64)r.first | (tskip_u64)r.stride) % 16 == 0;
    return r;
}

/* Starts copying rows [begin, end) of ROWS; the others, and columns from COLUMNS on, become zero.
 */
template <int ROWS, int COLUMNS, int WIDTH>
TSKIP__FN void load_rows(tskip_u16 *to, const struct rows &from, tskip_i64 begin, tskip_i64 end)
{
    constexpr int CHUNKS = WIDTH / 8;
    for (int i = threadIdx.x; i < ROWS * CHUNKS; i += THREADS) {
        int row = i / CHUNKS, column = i % CHUNKS * 8;
        bool there = row >= begin && row < end && column < COLUMNS;
        const char *source = from.first + (there ? row * from.stride + column * 2 : 0);
        tskip_u16 *target = to + row * (WIDTH + 8) + column;
        if (from.aligned)
            copy_16(target, source, there);
        else
            for (int e = 0; e < 8; e++)
                target[e] = there ? ((const tskip_u16 *)source)[e] : (tskip_u16)0;
    }
}

/* ---- the products ---------------------------------------------------------------------------- */

#define K_STEPS (DIM / 16)
#define S_TILES (BK / 8)        /* 8 columns of S each */
#define O_TILES (DIM_SHARE / 8) /* 8 columns of O each */

/* Fragments of a warp's bands: of S or P, and of O. */
typedef float s_fragments[BANDS][S_TILES][4];
typedef float o_fragments[BANDS][O_TILES][4];

TSKIP__FN void load_fragments(tskip_u32 (&a)[BANDS][4], const tskip_u16 *q, int step)
{
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int m = 0; m < BANDS; m++)
        load_matrices(a[m], q + (16 * m + lane % 16) * ROW_K + step * 16 + lane / 16 * 8);
}

/* S = Q K'. */
TSKIP__FN void multiply_scores(s_fragments &s, const tskip_u16 *q, const tskip_u16 *k)
{
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int m = 0; m < BANDS; m++)
#pragma unroll
        for (int i = 0; i < S_TILES; i++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                s[m][i][e] = 0.0f;
#pragma unroll
    for (int step = 0; step < K_STEPS; step++) {
        tskip_u32 a[BANDS][4];
        load_fragments(a, q, step);
#pragma unroll
        for (int i = 0; i < S_TILES; i += 2) {
            tskip_u32 b[4];
            load_matrices(b, k + (i * 8 + lane / 16 * 8 + lane % 8) * ROW_K + step * 16 +
                                 lane / 8 % 2 * 8);
#pragma unroll
            for (int m = 0; m < BANDS; m++) {
                multiply_add(s[m][i], a[m], b[0], b[1]);
                multiply_add(s[m][i + 1], a[m], b[2], b[3]);
            }
        }
    }
}

/* O += P V, P from the registers where the softmax left it. */
TSKIP__FN void multiply_values(o_fragments &o, const s_fragments &p, const tskip_u16 *v)
{
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int step = 0; step < BK / 16; step++) {
        tskip_u32 a[BANDS][4];
#pragma unroll
        for (int m = 0; m < BANDS; m++) {
            const float *left = p[m][2 * step], *right = p[m][2 * step + 1];
            a[m][0] = pack(left[0], left[1]);
            a[m][1] = pack(left[2], left[3]);
            a[m][2] = pack(right[0], right[1]);
            a[m][3] = pack(right[2], right[3]);
        }
#pragma unroll
        for (int i = 0; i < O_TILES; i += 2) {
            tskip_u32 b[4];
            load_matrices_transposed(b,
                                     v + (step * 16 + lane % 16) * ROW_V + i * 8 + lane / 16 * 8);
#pragma unroll
            for (int m = 0; m < BANDS; m++) {
                multiply_add(o[m][i], a[m], b[0], b[1]);
                multiply_add(o[m][i + 1], a[m], b[2], b[3]);
            }
        }
    }
}

/* ---- softmax --------------------------------------------------------------------------------- */

/* Element e of a thread's fragment lies in row lane / 4 + 8 (e / 2), column 8 i + 2 (lane % 4) + e
 * % 2: a thread has two rows of a band. */
struct row_state {
    float maximum[2], sum[2]; /* the sum of this thread's columns only */
};

/* What follows treats one band. */
TSKIP__FN void scale_scores(float (&s)[S_TILES][4], const struct tskip__attention_args &a)
{
    float unit = a.scale * LOG2_E;
#pragma unroll
    for (int i = 0; i < S_TILES; i++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
            if (TSKIP_C_SOFTCAP)
                s[i][e] = a.softcap * tanhf(s[i][e] * a.scale / a.softcap) * LOG2_E;
            else
                s[i][e] = s[i][e] * unit;
        }
}

/* Cuts what lies past k_len, and masks a MIXED tile. `first` is the band's first row, masks those
 * of the item's rows. */
TSKIP__FN void mask_scores(float (&s)[S_TILES][4], const struct item_mask &im,
                           const struct row_mask *masks, int first, int rows, tskip_u32 column,
                           tskip_u32 k_len, bool mixed)
{
#pragma unroll
    for (int r = 0; r < 2; r++) {
        int row = first + threadIdx.x % 32 / 4 + 8 * r;
        bool masked = HAS_MASK && mixed && row < rows;
        struct row_mask m = masks[row];
#pragma unroll
        for (int i = 0; i < S_TILES; i++)
#pragma unroll
            for (int e = 2 * r; e < 2 * r + 2; e++) {
                tskip_u32 c = column + 8 * i + 2 * (threadIdx.x % 4) + e % 2;
                if (c >= k_len)
                    s[i][e] = -INFINITE;
                else if (masked)
                    s[i][e] = mask_score(s[i][e], im, m, row, c, LOG2_E);
            }
    }
}

/* Scores to probabilities; O and the sums move to the new maximum. A masked tile leaves the
 * maximum, gives the factor 1 and probabilities 0, and so changes nothing. */
TSKIP__FN void softmax(float (&s)[S_TILES][4], float (&o)[O_TILES][4], struct row_state &state)
{
    float factor[2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
        float top = state.maximum[r];
#pragma unroll
        for (int i = 0; i < S_TILES; i++)
            top = fmaxf(top, fmaxf(s[i][2 * r], s[i][2 * r + 1]));
        top = fmaxf(top, __shfl_xor_sync(WARP, top, 1));
        top = fmaxf(top, __shfl_xor_sync(WARP, top, 2));
        factor[r] = exp2_fast(state.maximum[r] - top);
        float sum = 0.0f;
#pragma unroll
        for (int i = 0; i < S_TILES; i++)
#pragma unroll
            for (int e = 2 * r; e < 2 * r + 2; e++) {
                s[i][e] = exp2_fast(s[i][e] - top);
                sum = sum + s[i][e];
            }
        state.sum[r] = __fmaf_rn(state.sum[r], factor[r], sum);
        state.maximum[r] = top;
    }
    if (__any_sync(WARP, factor[0] != 1.0f || factor[1] != 1.0f)) { /* times 1 is exact */
#pragma unroll
        for (int i = 0; i < O_TILES; i++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                o[i][e] = o[i][e] * factor[e / 2];
    }
}

/* ---- storing --------------------------------------------------------------------------------- */

TSKIP__FN void store_pair(char *line, int column, float left, float right)
{
    tskip_u16 *to = (tskip_u16 *)line + column;
    tskip_u16 low = to_16_bits(left), high = to_16_bits(right);
    if ((tskip_u64)to % 4 == 0) {
        *(tskip_u32 *)to = (tskip_u32)high << 16 | low;
    } else {
        to[0] = low;
        to[1] = high;
    }
}

TSKIP__FN void store_rows(const struct tskip__attention_args &a, const struct item &it, void *o,
                          float *lse, const float *sinks, const float (&out)[O_TILES][4],
                          const struct row_state &state, int first_row, int first_column)
{
#pragma unroll
    for (int r = 0; r < 2; r++) {
        int row = first_row + threadIdx.x % 32 / 4 + 8 * r;
        float sum = state.sum[r];
        sum = sum + __shfl_xor_sync(WARP, sum, 1);
        sum = sum + __shfl_xor_sync(WARP, sum, 2);
        float maximum = state.maximum[r] == LOWEST ? LOWEST : state.maximum[r] * LN_2;
        struct row_end end = finish_row(maximum, sum, sinks, it.head);
        if (row >= it.rows)
            continue;
        if (first_column == 0 && threadIdx.x % 4 == 0)
            store_lse(a, it, lse, row, end.lse);
        char *line = (char *)o + (it.batch * a.o_stride[0] + it.head * a.o_stride[1] +
                                  (it.first + row) * a.o_stride[2]) *
                                     2;
#pragma unroll
        for (int i = 0; i < O_TILES; i++) {
            int column = first_column + 8 * i + 2 * (threadIdx.x % 4);
            if (column < TSKIP_C_HEAD_DIM_V) /* + 0: a -0 becomes +0 */
                store_pair(line, column, __fmaf_rn(out[i][2 * r], end.factor, 0.0f),
                           __fmaf_rn(out[i][2 * r + 1], end.factor, 0.0f));
        }
    }
}

/* ---- an item --------------------------------------------------------------------------------- */

/* Where a tile's keys lie and which of its rows are present. */
struct tile_keys {
    struct rows k, v;
    tskip_i64 begin, end;
};

TSKIP__FN struct tile_keys find_keys(const struct tskip__attention_args &a, const struct item &it,
                                     const void *k, const void *v, tskip_u32 tile)
{
    tskip_i64 column = (tskip_i64)tile * BK;
    struct tile_keys t;
    t.k = rows_from(k, a.k_stride, it.batch, it.kv_head, column);
    t.v = rows_from(v, a.v_stride, it.batch, it.kv_head, column);
    t.begin = it.present_begin - column;
    t.end = it.present_end - column;
    return t;
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_sm80(ATTENTION_PARAMETERS)
{
    __shared__ struct row_mask masks[BQ];
    tskip_u16 *q_tile = shared, *k_tile = q_tile + BQ * ROW_K, *v_tile = k_tile + BK * ROW_K;
    const struct item it = find_item(a, words, order);
    const int warp = threadIdx.x / 32, share = warp % SHARES,
              first_row = warp / SHARES * 16 * BANDS;
    const tskip_u16 *own_q = q_tile + first_row * ROW_K, *own_v = v_tile + share * DIM_SHARE;
    const struct item_mask im = find_item_mask(a, it, words, mask);
    struct row_state state[BANDS];
    o_fragments out = {};
#pragma unroll
    for (int m = 0; m < BANDS; m++)
#pragma unroll
        for (int r = 0; r < 2; r++) {
            state[m].maximum[r] = LOWEST;
            state[m].sum[r] = 0.0f;
        }

    for (int row = threadIdx.x; row < BQ; row += THREADS)
        masks[row] = find_row_mask(a, it, words, row);

    struct walk w = walk_begin(a, it, map);
    bool mixed = false;
    tskip_u32 tile = walk_next(w, mixed);
    struct tile_keys keys = find_keys(a, it, k, v, tile == NO_TILE ? 0 : tile);
    if (tile != NO_TILE) {
        load_rows<BQ, TSKIP_C_HEAD_DIM, DIM>(
            q_tile, rows_from(q, a.q_stride, it.batch, it.head, it.first), 0, it.rows);
        load_rows<BK, TSKIP_C_HEAD_DIM, DIM>(k_tile, keys.k, keys.begin, keys.end);
        copies_wait();
        __syncthreads();
    }
    while (tile != NO_TILE) {
        load_rows<BK, TSKIP_C_HEAD_DIM_V, DIM_V>(v_tile, keys.v, keys.begin, keys.end);
        s_fragments s;
        multiply_scores(s, own_q, k_tile);
        copies_wait();
        __syncthreads(); /* V is there, nobody reads K any more */

        tskip_i64 column = (tskip_i64)tile * BK;
        bool masked = mixed;
        tile = walk_next(w, mixed);
        if (tile != NO_TILE) {
            keys = find_keys(a, it, k, v, tile);
            load_rows<BK, TSKIP_C_HEAD_DIM, DIM>(k_tile, keys.k, keys.begin, keys.end);
        }
#pragma unroll
        for (int m = 0; m < BANDS; m++) {
            scale_scores(s[m], a);
            if (masked || column + BK > a.k_len)
                mask_scores(s[m], im, masks, first_row + 16 * m, it.rows, (tskip_u32)column,
                            (tskip_u32)a.k_len, masked);
            softmax(s[m], out[m], state[m]);
        }
        multiply_values(out, s, own_v);
        copies_wait();
        __syncthreads(); /* K is there, nobody reads V any more */
    }
#pragma unroll
    for (int m = 0; m < BANDS; m++)
        store_rows(a, it, o, lse, sinks, out[m], state[m], first_row + 16 * m, share * DIM_SHARE);
}
