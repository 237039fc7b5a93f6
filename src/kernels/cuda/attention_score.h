/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CUDA_ATTENTION_SCORE_H
#define TSKIP_KERNELS_CUDA_ATTENTION_SCORE_H

#include "attention_work.h"
#include "wgmma.h"

/* From products to probabilities, for the two rows of a panel that a thread
 * holds: number e of a thread belongs to row e / 2 % 2 of the two and to column
 * 8 (e / 4) + 2 (lane % 4) + e % 2.
 *
 * FULL and MIXED tiles share every formula, so that relabelling one as the
 * other changes nothing: a bias of 0 and a visible cell leave a score bit for
 * bit as it is. A tile all masked leaves the maximum, multiplies by exactly 1
 * and adds exactly 0, like a tile skipped. */

#define LOG2_E 1.4426950408889634f

#define INFINITE __int_as_float(0x7f800000)
#define LARGEST  3.402823466e+38f

TSKIP__FN float exp2_fast(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

/* Within two units in the last place of tanh: a polynomial where 1 - 2 / (e^2x
 * + 1) would cancel. */
TSKIP__FN float tanh_fast(float x)
{
    float size = fabsf(x), square = x * x;
    float near = __fmaf_rn(0.0164375715f, square, -0.0526718087f);
    near = __fmaf_rn(__fmaf_rn(near, square, 0.133207247f), square, -0.333329469f);
    near = __fmaf_rn(near * square, x, x);
    float far = 1.0f - __fdividef(2.0f, exp2_fast(size * (2.0f * LOG2_E)) + 1.0f);
    return size < 0.55f ? near : copysignf(far, x);
}

/* ---- units
 * ----------------------------------------------------------------------------------
 */

/* Scores stay as Q·K gives them, in units of 1 / scale, and the scale joins
 * log2 e in one factor; biases are brought to these units. Where that cannot be
 * (a scale that is not positive or so small that biases overflow) and under
 * softcap, scores are brought to natural units first. */
TSKIP__FN bool natural_units(const tskip__attention_args &a)
{
    return TSKIP_C_SOFTCAP || !(a.scale > 1e-7f);
}

/* A score in natural units. */
TSKIP__FN float natural_unit(const tskip__attention_args &a)
{
    return natural_units(a) ? 1.0f : a.scale;
}

/* A bias in the units of scores. */
TSKIP__FN float bias_unit(const tskip__attention_args &a)
{
    return natural_units(a) ? 1.0f : 1.0f / a.scale;
}

template <int N> TSKIP__FN void scale_scores(float (&s)[N], const tskip__attention_args &a)
{
    if (TSKIP_C_SOFTCAP) {
        float inner = a.scale / a.softcap;
#pragma unroll
        for (int i = 0; i < N; i++)
            s[i] = a.softcap * tanh_fast(s[i] * inner);
    } else if (natural_units(a)) {
#pragma unroll
        for (int i = 0; i < N; i++)
            s[i] *= a.scale;
    }
}

/* ---- masks
 * ----------------------------------------------------------------------------------
 */

/* The columns that one row sees, as tskip__row_limits gives them. */
struct column_limits {
    tskip_i32 lo, hi, sink_lo, sink_hi;
};

TSKIP__FN tskip_i32 clamp_column(tskip_i64 column, tskip_i64 k_len)
{
    return (tskip_i32)tskip__max(0, tskip__min(column, k_len));
}

TSKIP__FN column_limits find_limits(const tskip__attention_args &a, const void *rules,
                                    tskip_u32 batch, tskip_i64 row)
{
    const tskip__rules_entry *entries = (const tskip__rules_entry *)rules;
    struct tskip__row_limits r =
        tskip__row_limits(a.rules, entries[a.rules.n_entries > 1 ? batch : 0],
                          (const tskip_i64 *)rules, a.k_len, tskip__min(row, a.q_len - 1));
    column_limits l = {clamp_column(r.lo, a.k_len), clamp_column(r.hi, a.k_len),
                       clamp_column(r.sink_lo, a.k_len), clamp_column(r.sink_hi, a.k_len)};
    return l;
}

TSKIP__FN void store_limits(tskip_u32 at, const column_limits &l)
{
    asm volatile("st.shared.v4.s32 [%0], {%1, %2, %3, %4};" ::"r"(at), "r"(l.lo), "r"(l.hi),
                 "r"(l.sink_lo), "r"(l.sink_hi)
                 : "memory");
}

TSKIP__FN column_limits load_limits(tskip_u32 at)
{
    column_limits l;
    asm volatile("ld.shared.v4.s32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(l.lo), "=r"(l.hi), "=r"(l.sink_lo), "=r"(l.sink_hi)
                 : "r"(at)
                 : "memory");
    return l;
}

/* How many of a thread's scores of one row lie before the limit, the first
 * one's column being `column`. */
TSKIP__FN tskip_u32 scores_before(tskip_i32 limit, tskip_i32 column)
{
    tskip_i32 ahead = limit - column;
    return ahead <= 0 ? 0 : min(ahead / 8 * 2 + min(ahead % 8, 2), 32);
}

/* The lowest `n` bits, up to all 32. */
TSKIP__FN tskip_u32 low_bits(tskip_u32 n)
{
    return __funnelshift_lc(~0u, 0, n);
}

/* The scores of one row that its limits let through, a bit each. */
TSKIP__FN tskip_u32 visible_scores(const column_limits &l, tskip_i32 column)
{
    tskip_u32 visible =
        low_bits(scores_before(l.hi, column)) & ~low_bits(scores_before(l.lo, column));
    if (TSKIP_C_RULES)
        visible |= low_bits(scores_before(l.sink_hi, column)) &
                   ~low_bits(scores_before(l.sink_lo, column));
    return visible;
}

/* The bias in a cell's bits; a masked cell gives -inf whatever sentinel it
 * holds. */
TSKIP__FN float cell_bias(tskip_u32 bits)
{
    float x;
    if (TSKIP_C_MASK == TSKIP__BOOL)
        return bits ? 0.0f : -INFINITE;
    if (TSKIP_C_MASK == TSKIP__F16) {
        asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"((unsigned short)bits));
        return x <= -65504.0f ? -INFINITE : x;
    }
    x = __int_as_float(TSKIP_C_MASK == TSKIP__BF16 ? (int)(bits << 16) : (int)bits);
    return x <= TSKIP__MASKED_F32 ? -INFINITE : x;
}

#define CELL_BYTES (TSKIP_C_MASK == TSKIP__F32 ? 4u : TSKIP_C_MASK == TSKIP__BOOL ? 1u : 2u)

TSKIP__FN tskip_u32 load_cell(const char *cell)
{
    if (CELL_BYTES == 4)
        return *(const tskip_u32 *)cell;
    return CELL_BYTES == 2 ? *(const unsigned short *)cell : *(const tskip_u8 *)cell;
}

/* Where a warpgroup finds in shared memory its panel and what the panel's rows
 * see. */
struct panel_place {
    tskip_u32 panel, limits;
};

/* The cell of this thread's second row, or the first, at `column`; rows past
 * the end repeat the last. */
TSKIP__FN const char *find_cell(const tskip__attention_args &a, const void *tensor,
                                const panel_place &at, bool second, tskip_i32 column)
{
    panel p = load_panel(at.panel);
    tskip_i64 row = (tskip_i64)p.first + thread_row() + (second ? 8 : 0);
    return (const char *)tensor + (p.batch * a.tensor.stride_batch + p.head * a.tensor.stride_head +
                                   tskip__min(row, a.q_len - 1) * a.tensor.stride_row + column) *
                                      CELL_BYTES;
}

/* Cells of up to 16 bits are read two at a time, where registers allow it while
 * the products still run; those of 32 bits would take too many. */
#define CELLS_IN_PAIRS (TSKIP_C_MASK && CELL_BYTES <= 2)
#define CELLS_AHEAD    (CELLS_IN_PAIRS && BK <= 64 && !TSKIP_C_RULES && !TSKIP_C_SOFTCAP)

/* The cells of a tile that belong to the thread's N scores. */
template <int N> struct tile_cells {
    tskip_u32 pair[CELLS_IN_PAIRS ? N / 2 : 1]; /* two neighbouring cells, one in
                                                 each half */
};

/* Two neighbouring cells, both there and evenly placed. */
TSKIP__FN tskip_u32 load_even_pair(const char *cell)
{
    if (CELL_BYTES == 2)
        return *(const tskip_u32 *)cell;
    tskip_u32 both = *(const unsigned short *)cell;
    return (both & 0xFF) | (both & 0xFF00) << 8;
}

/* Two neighbouring cells of which `present` are there. */
TSKIP__FN tskip_u32 load_pair(const char *cell, tskip_i32 present)
{
    tskip_u32 low = present >= 1 ? load_cell(cell) : 0;
    tskip_u32 high = present >= 2 ? load_cell(cell + CELL_BYTES) : 0;
    return low | high << 16;
}

template <int N>
TSKIP__FN void load_cells(tile_cells<N> &cells, const tskip__attention_args &a, const void *tensor,
                          const panel_place &at, tskip_i32 column)
{
    const char *rows[2] = {find_cell(a, tensor, at, false, column),
                           find_cell(a, tensor, at, true, column)};
    tskip_i32 k_len = (tskip_i32)a.k_len;
    bool even = (((tskip_u64)rows[0] | (tskip_u64)rows[1]) & (2 * CELL_BYTES - 1)) == 0;
    if (even && column + 2 * N <= k_len) {
#pragma unroll
        for (int i = 0; CELLS_IN_PAIRS && i < N / 2; i++)
            cells.pair[i] = load_even_pair(rows[i % 2] + i / 2 * 8 * CELL_BYTES);
    } else {
#pragma unroll
        for (int i = 0; CELLS_IN_PAIRS && i < N / 2; i++)
            cells.pair[i] =
                load_pair(rows[i % 2] + i / 2 * 8 * CELL_BYTES, k_len - column - i / 2 * 8);
    }
}

template <int N>
TSKIP__FN void add_cells(float (&s)[N], const tile_cells<N> &cells, const tskip__attention_args &a,
                         const void *tensor, const panel_place &at, tskip_i32 column)
{
    const char *rows[2] = {find_cell(a, tensor, at, false, column),
                           find_cell(a, tensor, at, true, column)};
    tskip_i32 k_len = (tskip_i32)a.k_len;
    float unit = bias_unit(a);
#pragma unroll
    for (int i = 0; i < N; i++) {
        int from = i / 4 * 8 + i % 2;
        tskip_u32 bits;
        if (CELLS_IN_PAIRS)
            bits = i % 2 ? cells.pair[i / 2] >> 16 : cells.pair[i / 2] & 0xFFFF;
        else
            bits = from < k_len - column ? load_cell(rows[i / 2 % 2] + from * CELL_BYTES) : 0;
        float bias = cell_bias(bits);
        s[i] = bias == -INFINITE ? bias : __fmaf_rn(bias, unit, s[i]);
    }
}

template <int N>
TSKIP__FN void add_slope(float (&s)[N], const tskip__attention_args &a, const void *rules,
                         const panel_place &at, tskip_i32 column)
{
    panel p = load_panel(at.panel);
    float slope = ((const float *)rules)[a.rules.first_slope + p.head] * bias_unit(a);
    float first =
        (float)((tskip_i64)p.first + thread_row() + a.rules.q_offset - a.rules.k_offset - column);
#pragma unroll
    for (int i = 0; i < N; i++)
        s[i] = __fmaf_rn(-slope, fabsf(first + (float)(i / 2 % 2 * 8 - i / 4 * 8 - i % 2)), s[i]);
}

/* What the thread's first row sees, or the row `below` it. */
TSKIP__FN column_limits limits_of(const tskip__attention_args &a, const panel_place &at,
                                  tskip_u32 below)
{
    column_limits all = {0, (tskip_i32)a.k_len, 0, 0};
    return TSKIP_C_RULES
               ? load_limits(at.limits + (thread_row() + below) * (tskip_u32)sizeof(column_limits))
               : all;
}

/* Masks the scores of a MIXED tile; `column` is that of s[0]. */
template <int N>
TSKIP__FN void mask_scores(float (&s)[N], tile_cells<N> &cells, const tskip__attention_args &a,
                           const void *tensor, const void *rules, const panel_place &at,
                           tskip_i32 column)
{
    if (CELLS_IN_PAIRS && !CELLS_AHEAD)
        load_cells(cells, a, tensor, at, column);
    if (TSKIP_C_MASK)
        add_cells(s, cells, a, tensor, at, column);
    if (TSKIP_C_RULES && a.rules.flags & TSKIP__RULE_ALIBI)
        add_slope(s, a, rules, at, column);
    tskip_u32 visible[2] = {visible_scores(limits_of(a, at, 0), column),
                            visible_scores(limits_of(a, at, 8), column)};
    static_assert(N <= 64, "a row's scores have one bit each");
#pragma unroll
    for (int i = 0; i < N; i++)
        s[i] = visible[i / 2 % 2] >> (i / 4 * 2 + i % 2) & 1 ? s[i] : -INFINITE;
}

/* Finds what the rows of a panel see; all lanes of a warp together. */
TSKIP__FN void prepare_limits(const tskip__attention_args &a, const void *rules, const panel &p,
                              tskip_u32 at)
{
#pragma unroll 1
    for (tskip_u32 row = lane_number(); TSKIP_C_RULES && row < BQ; row += WARP)
        store_limits(at + row * (tskip_u32)sizeof(column_limits),
                     find_limits(a, rules, p.batch, (tskip_i64)p.first + row));
}

/* ---- softmax
 * --------------------------------------------------------------------------------
 */

struct row_state {
    float maximum[2], sum[2]; /* of the two rows; sums over this thread's columns */
    float factor[2];          /* what everything summed before the last tile is multiplied
                      with */
};

/* Maxima start so low that every score is above, and finite in units of log2
 * too. */
TSKIP__FN row_state start_rows(const tskip__attention_args &a)
{
    float lowest = -LARGEST / fmaxf(1.0f, natural_unit(a) * LOG2_E) * 0.5f;
    row_state r = {{lowest, lowest}, {0.0f, 0.0f}, {1.0f, 1.0f}};
    return r;
}

/* Over the four lanes that hold a row. */
TSKIP__FN float row_maximum(float x)
{
    x = fmaxf(x, __shfl_xor_sync(~0u, x, 1));
    return fmaxf(x, __shfl_xor_sync(~0u, x, 2));
}

TSKIP__FN float row_sum(float x)
{
    x += __shfl_xor_sync(~0u, x, 1);
    return x + __shfl_xor_sync(~0u, x, 2);
}

/* The new maxima of a tile's scores and the factor of what came before. */
template <int N> TSKIP__FN void raise_maxima(const float (&s)[N], row_state &rows, float to_log2)
{
#pragma unroll
    for (int r = 0; r < 2; r++) {
        float even = rows.maximum[r], odd = even;
#pragma unroll
        for (int i = 2 * r; i < N; i += 4) {
            even = fmaxf(even, s[i]);
            odd = fmaxf(odd, s[i + 1]);
        }
        float top = row_maximum(fmaxf(even, odd));
        rows.factor[r] = exp2_fast((rows.maximum[r] - top) * to_log2);
        rows.maximum[r] = top;
    }
}

/* Scores [FROM, TO) become probabilities, which `sums` takes up. */
template <int FROM, int TO, int N>
TSKIP__FN void exponentiate(float (&s)[N], const row_state &rows, float to_log2, float (&sums)[2])
{
    float shift[2] = {-rows.maximum[0] * to_log2, -rows.maximum[1] * to_log2};
#pragma unroll
    for (int i = FROM; i < TO; i += 2) {
        s[i] = exp2_fast(__fmaf_rn(s[i], to_log2, shift[i / 2 % 2]));
        s[i + 1] = exp2_fast(__fmaf_rn(s[i + 1], to_log2, shift[i / 2 % 2]));
        sums[i / 2 % 2] += s[i] + s[i + 1];
    }
}

TSKIP__FN void raise_sums(row_state &rows, const float (&sums)[2])
{
#pragma unroll
    for (int r = 0; r < 2; r++)
        rows.sum[r] = __fmaf_rn(rows.sum[r], rows.factor[r], sums[r]);
}

template <int N> TSKIP__FN void softmax(float (&s)[N], row_state &rows, float to_log2)
{
    float sums[2] = {0.0f, 0.0f};
    raise_maxima(s, rows, to_log2);
    exponentiate<0, N>(s, rows, to_log2, sums);
    raise_sums(rows, sums);
}

template <int N> TSKIP__FN void rescale(float (&o)[N], const float (&factor)[2])
{
#pragma unroll
    for (int i = 0; i < N; i++)
        o[i] *= factor[i / 2 % 2];
}

/* Two numbers in the 16-bit type of the inputs, the first in the lower half. */
TSKIP__FN tskip_u32 pack_pair(float low, float high)
{
    tskip_u32 pair;
#if TSKIP_C_DTYPE == 2
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
#else
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
#endif
    return pair;
}

template <int N> TSKIP__FN void pack_probabilities(const float (&s)[N], tskip_u32 (&p)[N / 2])
{
#pragma unroll
    for (int i = 0; i < N / 2; i++)
        p[i] = pack_pair(s[2 * i], s[2 * i + 1]);
}

/* ---- results
 * --------------------------------------------------------------------------------
 */

/* Ends the two rows: the sink joins as one more score without a value. Leaves
 * the last factor of O in rows.factor and the log-sum-exp in rows.maximum. */
TSKIP__FN void finish_rows(row_state &rows, const tskip__attention_args &a, const float *sinks,
                           tskip_u32 head)
{
    float unit = natural_unit(a);
#pragma unroll
    for (int r = 0; r < 2; r++) {
        float top = rows.maximum[r] * unit, sum = row_sum(rows.sum[r]), factor = 1.0f;
        if (TSKIP_C_SINKS) {
            float sink = sinks[head];
            float higher = sink > top ? sink : top;
            factor = expf(top - higher);
            sum = sum * factor + expf(sink - higher);
            top = higher;
        }
        rows.factor[r] = sum == 0.0f ? 0.0f : factor / sum;
        rows.maximum[r] = sum == 0.0f ? -INFINITE : top + logf(sum);
    }
}

TSKIP__FN float canonical(float x)
{
    return x == x ? x : __int_as_float(0x7fc00000);
}

/* One number of O as it is stored: a -0 becomes +0. */
TSKIP__FN float last_value(float o, float factor)
{
    return __fmaf_rn(o, factor, 0.0f);
}

/* The canonical 16-bit NaN, in each half. */
TSKIP__FN tskip_u32 canonical_pair(tskip_u32 pair, float low, float high)
{
    const tskip_u32 nan = TSKIP_C_DTYPE == TSKIP__F16 ? 0x7E00u : 0x7FC0u;
    if (low != low)
        pair = (pair & 0xFFFF0000u) | nan;
    if (high != high)
        pair = (pair & 0xFFFFu) | nan << 16;
    return pair;
}

/* Whether one of the numbers is NaN, or infinite. */
template <int N> TSKIP__FN bool any_nan(const float (&o)[N])
{
    float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
    for (int i = 0; i < N; i++)
        sums[i % 4] = __fmaf_rn(o[i], 0.0f, sums[i % 4]);
    return sums[0] + sums[1] + sums[2] + sums[3] != 0.0f;
}

/* Stores the columns of row R of the thread's two that it and its neighbour
 * hold, eight bytes a lane: even lanes store group i of eight columns, odd
 * lanes group i + 1. `row` is where the first column goes, of `columns` that
 * exist; all lanes of a warp take part, those without a row with 0. PLAIN:
 * every lane's row begins at a multiple of 8 bytes, and no number is NaN. */
template <bool PLAIN, int R, int N>
TSKIP__FN void store_row(const float (&o)[N], float factor, char *row, int columns)
{
    const tskip_u32 lane = lane_number();
    const bool odd = lane & 1;
#pragma unroll
    for (int i = 0; i < N; i += 8) {
        float x[4] = {last_value(o[i + 2 * R], factor), last_value(o[i + 2 * R + 1], factor),
                      last_value(o[i + 4 + 2 * R], factor), last_value(o[i + 5 + 2 * R], factor)};
        tskip_u32 near = pack_pair(x[0], x[1]), far = pack_pair(x[2], x[3]);
        if (!PLAIN) {
            near = canonical_pair(near, x[0], x[1]);
            far = canonical_pair(far, x[2], x[3]);
        }
        tskip_u32 other = __shfl_xor_sync(~0u, odd ? near : far, 1);
        tskip_u32 low = odd ? other : near, high = odd ? far : other;
        int column = i / 4 * 8 + (odd ? 8 : 0) + lane % 4 / 2 * 4;
        if (column >= columns)
            continue;
        unsigned short *to = (unsigned short *)row + column;
        if (PLAIN) {
            *(uint2 *)to = make_uint2(low, high);
        } else {
            to[0] = (unsigned short)low;
            to[1] = (unsigned short)(low >> 16);
            to[2] = (unsigned short)high;
            to[3] = (unsigned short)(high >> 16);
        }
    }
}

/* Stores what the thread holds of its two rows, columns of V from
 * `first_column` on. */
template <int N>
TSKIP__FN void store_rows(const tskip__attention_args &a, const panel &p, const float (&o)[N],
                          const float (&factor)[2], void *out, int first_column)
{
    tskip_i64 token = (tskip_i64)p.first + thread_row();
    char *first = (char *)out + 2 * (p.batch * a.o_stride[0] + p.head * a.o_stride[1] +
                                     token * a.o_stride[2] + first_column);
    char *second = first + 16 * a.o_stride[2];
    int columns = TSKIP_C_HEAD_DIM_V - first_column;
    int columns_0 = token < a.q_len ? columns : 0, columns_1 = token + 8 < a.q_len ? columns : 0;
    bool plain = (((tskip_u64)first | (tskip_u64)second) & 7) == 0 && !any_nan(o) &&
                 factor[0] == factor[0] && factor[1] == factor[1];
    if (__all_sync(~0u, plain)) {
        store_row<true, 0>(o, factor[0], first, columns_0);
        store_row<true, 1>(o, factor[1], second, columns_1);
    } else {
        store_row<false, 0>(o, factor[0], first, columns_0);
        store_row<false, 1>(o, factor[1], second, columns_1);
    }
}

TSKIP__FN void store_lse(const tskip__attention_args &a, const panel &p, const float (&lse)[2],
                         float *out)
{
    tskip_u64 first = ((tskip_u64)p.batch * a.n_heads + p.head) * a.q_len;
#pragma unroll
    for (int r = 0; r < 2; r++) {
        tskip_i64 token = (tskip_i64)p.first + thread_row() + 8 * r;
        if (token < a.q_len && lane_number() % 4 == 0)
            out[first + token] = canonical(lse[r]);
    }
}

#endif
