/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CUDA_ATTENTION_SCORE_H
#define TSKIP_KERNELS_CUDA_ATTENTION_SCORE_H

#include "attention_work.h"
#include "wgmma.h"

/* From products to probabilities, for the two rows of a panel that a thread holds: number e of a
 * thread belongs to row e / 2 % 2 of the two and to column 8 (e / 4) + 2 (lane % 4) + e % 2.
 *
 * FULL and MIXED tiles share every formula, so that relabelling one as the other changes nothing:
 * a bias of 0 and a visible cell leave a score bit for bit as it is. A tile all masked leaves the
 * maximum, multiplies by exactly 1 and adds exactly 0, like a tile skipped. */

#define LOG2_E 1.4426950408889634f

#define INFINITE __int_as_float(0x7f800000)
#define LARGEST  3.402823466e+38f

/* ---- units ---------------------------------------------------------------------------------- */

/* Scores stay as Q·K gives them, in units of 1 / scale, and the scale joins log2 e in one factor;
 * biases are brought to these units. Where that cannot be (a scale that is not positive or so
 * small that biases overflow) and under softcap, scores are brought to natural units first. */
struct units {
    float to_log2;   /* what a difference of scores is multiplied with before exp2 */
    float from_bias; /* a bias in these units */
    float natural;   /* a score in natural units */
    float prescale;  /* 1, or what products are multiplied with first */
    float lowest;    /* where running maxima start */
};

TSKIP__FN units find_units(const tskip__attention_args &a)
{
    units u;
    bool natural = TSKIP_C_SOFTCAP || !(a.scale > 1e-7f);
    u.natural = natural ? 1.0f : a.scale;
    u.from_bias = natural ? 1.0f : 1.0f / a.scale;
    u.prescale = natural ? a.scale : 1.0f;
    u.to_log2 = u.natural * LOG2_E;
    u.lowest = -LARGEST / fmaxf(1.0f, u.to_log2) * 0.5f;
    return u;
}

template <int N>
TSKIP__FN void scale_scores(float (&s)[N], const units &u, const tskip__attention_args &a)
{
    if (TSKIP_C_SOFTCAP) {
        float inner = u.prescale / a.softcap;
#pragma unroll
        for (int i = 0; i < N; i++)
            s[i] = a.softcap * tanhf(s[i] * inner);
    } else if (u.prescale != 1.0f) {
#pragma unroll
        for (int i = 0; i < N; i++)
            s[i] *= u.prescale;
    }
}

/* ---- masks ---------------------------------------------------------------------------------- */

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
    column_limits l = {0, (tskip_i32)a.k_len, 0, 0};
    if (TSKIP_C_RULES) {
        const tskip__rules_entry *entries = (const tskip__rules_entry *)rules;
        struct tskip__row_limits r =
            tskip__row_limits(a.rules, entries[a.rules.n_entries > 1 ? batch : 0],
                              (const tskip_i64 *)rules, a.k_len, tskip__min(row, a.q_len - 1));
        l.lo = clamp_column(r.lo, a.k_len);
        l.hi = clamp_column(r.hi, a.k_len);
        l.sink_lo = clamp_column(r.sink_lo, a.k_len);
        l.sink_hi = clamp_column(r.sink_hi, a.k_len);
    }
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

TSKIP__FN bool sees(const column_limits &l, tskip_i32 column)
{
    return (column >= l.lo && column < l.hi) ||
           (TSKIP_C_RULES && column >= l.sink_lo && column < l.sink_hi);
}

/* The bias in a cell's bits; a masked cell gives -inf whatever sentinel it holds. */
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

/* Two neighbouring cells, of which `present` exist; at once where they lie evenly. */
TSKIP__FN void load_pair(const char *cell, tskip_i32 present, tskip_u32 (&bits)[2])
{
    bits[0] = bits[1] = 0;
    if (CELL_BYTES == 2 && present >= 2 && ((tskip_u64)cell & 3) == 0) {
        tskip_u32 both = *(const tskip_u32 *)cell;
        bits[0] = both & 0xFFFF;
        bits[1] = both >> 16;
        return;
    }
    if (present >= 1)
        bits[0] = load_cell(cell);
    if (present >= 2)
        bits[1] = load_cell(cell + CELL_BYTES);
}

/* What a thread needs to mask its two rows of a panel. */
struct panel_mask {
    const char *cells[2]; /* the rows of the mask tensor, at column 0 */
    tskip_u32 limits;     /* in shared memory, those of the panel's first row */
    float slope;          /* of alibi, in score units; 0: none */
    tskip_i64 distance;   /* position of the first of the two rows, less k_offset */
};

/* `row` is the first of this thread's two rows in the panel. */
TSKIP__FN panel_mask find_mask(const tskip__attention_args &a, const units &u, const panel &p,
                               const void *tensor, const void *rules, tskip_u32 limits,
                               tskip_u32 row)
{
    panel_mask m;
    m.limits = limits + row * (tskip_u32)sizeof(column_limits);
    m.slope = 0.0f;
    m.distance = p.first + row + a.rules.q_offset - a.rules.k_offset;
    if (TSKIP_C_RULES && a.rules.flags & TSKIP__RULE_ALIBI)
        m.slope = ((const float *)rules)[a.rules.first_slope + p.head] * u.from_bias;
#pragma unroll
    for (int r = 0; r < 2; r++) {
        tskip_i64 token = tskip__min(p.first + row + 8 * r, a.q_len - 1);
        m.cells[r] =
            (const char *)tensor + (p.batch * a.tensor.stride_batch +
                                    p.head * a.tensor.stride_head + token * a.tensor.stride_row) *
                                       CELL_BYTES;
    }
    return m;
}

template <int N>
TSKIP__FN void add_cells(float (&s)[N], const panel_mask &m, const units &u, tskip_i32 column,
                         tskip_i32 k_len)
{
#pragma unroll
    for (int i = 0; i < N; i += 2) {
        tskip_i32 at = column + i / 4 * 8;
        tskip_u32 bits[2];
        load_pair(m.cells[i / 2 % 2] + (tskip_u64)(tskip_u32)at * CELL_BYTES, k_len - at, bits);
#pragma unroll
        for (int j = 0; j < 2; j++) {
            float bias = cell_bias(bits[j]);
            s[i + j] = bias == -INFINITE ? bias : __fmaf_rn(bias, u.from_bias, s[i + j]);
        }
    }
}

template <int N> TSKIP__FN void add_slope(float (&s)[N], const panel_mask &m, tskip_i32 column)
{
    float first = (float)(m.distance - column);
#pragma unroll
    for (int i = 0; i < N; i++)
        s[i] = __fmaf_rn(-m.slope, fabsf(first + (float)(i / 2 % 2 * 8 - i / 4 * 8 - i % 2)), s[i]);
}

/* Masks the scores of a MIXED tile; `column` is that of s[0]. */
template <int N>
TSKIP__FN void mask_scores(float (&s)[N], const panel_mask &m, const units &u, tskip_i32 column,
                           tskip_i32 k_len)
{
    if (TSKIP_C_MASK)
        add_cells(s, m, u, column, k_len);
    if (TSKIP_C_RULES && m.slope != 0.0f)
        add_slope(s, m, column);
    column_limits l[2] = {load_limits(m.limits), load_limits(m.limits + 8 * sizeof(column_limits))};
#pragma unroll
    for (int i = 0; i < N; i++)
        s[i] = sees(l[i / 2 % 2], column + i / 4 * 8 + i % 2) ? s[i] : -INFINITE;
}

/* ---- softmax -------------------------------------------------------------------------------- */

struct row_state {
    float maximum[2], sum[2]; /* of the two rows; sums over this thread's columns */
    float factor[2];          /* what everything summed before the last tile is multiplied with */
};

TSKIP__FN row_state start_rows(const units &u)
{
    row_state r = {{u.lowest, u.lowest}, {0.0f, 0.0f}, {1.0f, 1.0f}};
    return r;
}

TSKIP__FN float exp2_fast(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
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

/* ---- results -------------------------------------------------------------------------------- */

/* Ends the two rows: the sink joins as one more score without a value. Leaves the last factor of O
 * in rows.factor and the log-sum-exp in rows.maximum. */
TSKIP__FN void finish_rows(row_state &rows, const units &u, const float *sinks, tskip_u32 head)
{
#pragma unroll
    for (int r = 0; r < 2; r++) {
        float top = rows.maximum[r] * u.natural, sum = row_sum(rows.sum[r]), factor = 1.0f;
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

/* 16-bit NaN as SPEC has it, in each half. */
TSKIP__FN tskip_u32 canonical_pair(float low, float high)
{
    const tskip_u32 nan = TSKIP_C_DTYPE == TSKIP__F16 ? 0x7E00u : 0x7FC0u;
    tskip_u32 pair = pack_pair(low, high);
    if (low != low)
        pair = (pair & 0xFFFF0000u) | nan;
    if (high != high)
        pair = (pair & 0xFFFFu) | nan << 16;
    return pair;
}

/* Stores the columns of one row of O that this thread and its neighbour hold, eight bytes a lane:
 * even lanes store group i of eight columns, odd lanes group i + 1. `row` is the row's start; all
 * lanes of a warp take part, those without a row with `exists` false. */
template <int N, int R>
TSKIP__FN void store_row(const float (&o)[N], float factor, char *row, bool exists, tskip_u32 lane)
{
    const bool odd = lane & 1;
    const bool even_address = ((tskip_u64)row & 7) == 0;
#pragma unroll
    for (int i = 0; i < N; i += 8) {
        tskip_u32 near =
            canonical_pair(last_value(o[i + 2 * R], factor), last_value(o[i + 2 * R + 1], factor));
        tskip_u32 far = canonical_pair(last_value(o[i + 4 + 2 * R], factor),
                                       last_value(o[i + 4 + 2 * R + 1], factor));
        tskip_u32 other = __shfl_xor_sync(~0u, odd ? near : far, 1);
        tskip_u32 low = odd ? other : near, high = odd ? far : other;
        tskip_u32 column = i / 4 * 8 + (odd ? 8 : 0) + lane % 4 / 2 * 4;
        if (!exists || column >= TSKIP_C_HEAD_DIM_V)
            continue;
        if (even_address) {
            *(uint2 *)(row + 2 * column) = make_uint2(low, high);
        } else {
            unsigned short *to = (unsigned short *)row + column;
            to[0] = (unsigned short)low;
            to[1] = (unsigned short)(low >> 16);
            to[2] = (unsigned short)high;
            to[3] = (unsigned short)(high >> 16);
        }
    }
}

/* Stores what the thread holds of its two rows, columns of V from `first_column` on, and the rows'
 * log-sum-exp; `row` is the first of the two rows in the panel. */
template <int N>
TSKIP__FN void store_rows(const tskip__attention_args &a, const panel &p, tskip_u32 row,
                          const float (&o)[N], const float (&factor)[2], void *out,
                          tskip_u32 first_column, tskip_u32 lane)
{
#pragma unroll
    for (int r = 0; r < 2; r++) {
        tskip_i64 token = p.first + row + 8 * r;
        char *to = (char *)out + 2 * (p.batch * a.o_stride[0] + p.head * a.o_stride[1] +
                                      token * a.o_stride[2] + first_column);
        if (r == 0)
            store_row<N, 0>(o, factor[0], to, token < a.q_len, lane);
        else
            store_row<N, 1>(o, factor[1], to, token < a.q_len, lane);
    }
}

TSKIP__FN void store_lse(const tskip__attention_args &a, const panel &p, tskip_u32 row,
                         const float (&lse)[2], float *out, tskip_u32 lane)
{
    tskip_u64 first = ((tskip_u64)p.batch * a.n_heads + p.head) * a.q_len;
#pragma unroll
    for (int r = 0; r < 2; r++) {
        tskip_i64 token = p.first + row + 8 * r;
        if (token < a.q_len && lane % 4 == 0)
            out[first + token] = canonical(lse[r]);
    }
}

#endif
