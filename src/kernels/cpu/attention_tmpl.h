/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Masked attention for one rung: included by attention_<rung>.c after its simd header. Query rows
 * lie in the vector lanes; keys and values are broadcast from tiles packed once for all the panels
 * of an item. So nothing is summed across lanes, and what a row gives depends on no other row.
 *
 *   for each tile of keys that some panel visits:
 *       pack K and V (absent keys as zeros)
 *       for each panel that visits it:   S = Q K'  |  mask, softmax: P and the rescale  |  O = O r
 * + P V
 *
 * All tile classes share every formula; FULL differs from MIXED only in leaving out work that would
 * add 0.0. Row state starts at -FLT_MAX, so no -inf is ever subtracted from -inf. */

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "attention_cpu.h"
#include "base/half.h"
#include "cell.h"
#include "kernels/shared/row_limits.h"
#include "math_tmpl.h"

#define ROWS   TSKIP__PANEL_ROWS
#define UNROLL _Pragma("GCC unroll 16")
#define INLINE static inline __attribute__((always_inline))

#include "attention_pack_tmpl.h"

/* Online-softmax state of a panel's rows, and what masks one tile, in columns counted from its
 * first. */
struct row_state {
    float maximum[ROWS], sum[ROWS], rescale[ROWS];
};

struct panel_limits {
    float before[ROWS], end[ROWS], sink_before[ROWS], sink_end[ROWS]; /* before < column < end */
    float number[ROWS];                                               /* of the row */
};

/* ---- the two products ----------------------------------------------------------------------- */

/* Sums over the head are made in pieces of this many terms, each added as a whole: shorter chains
 * round less, which is what keeps large scores within the accuracy bound. */
#define PIECE 32

#define WIDEST (STEP > STEP_REST ? STEP : STEP_REST)

/* sum[j][rows] += sum over i of a[i][rows] · b[i][j], for n columns j on ROW_VECTORS vectors of
 * rows. n is a constant at every call, so that the sums stay in registers. */
INLINE void accumulate(const float *a, const float *b, int depth, vf sum[][ROW_VECTORS],
                       const int n)
{
    for (int i = 0; i < depth; i++, a += ROWS, b += n) {
        vf rows[ROW_VECTORS];
        UNROLL
        for (int r = 0; r < ROW_VECTORS; r++)
            rows[r] = vf_load(a + r * VL);
        UNROLL
        for (int j = 0; j < n; j++) {
            vf x = vf_set(b[j]);
            UNROLL
            for (int r = 0; r < ROW_VECTORS; r++)
                sum[j][r] = vf_fma(rows[r], x, sum[j][r]);
        }
    }
}

/* S[key][rows] of n keys: the head in pieces. */
INLINE void score_block(const float *q, const float *k, int dim, float *s, const int n)
{
    for (int begin = 0; begin < dim; begin += PIECE) {
        int depth = dim - begin < PIECE ? dim - begin : PIECE;
        vf sum[WIDEST][ROW_VECTORS];
        UNROLL
        for (int j = 0; j < n; j++)
            UNROLL
        for (int r = 0; r < ROW_VECTORS; r++)
            sum[j][r] = vf_set(0.0f);
        accumulate(q + begin * ROWS, k + begin * n, depth, sum, n);
        UNROLL
        for (int j = 0; j < n; j++)
            UNROLL
        for (int r = 0; r < ROW_VECTORS; r++) {
            float *to = s + j * ROWS + r * VL;
            vf_store(to, begin > 0 ? vf_add(vf_load(to), sum[j][r]) : sum[j][r]);
        }
    }
}

/* O[d][rows] = O · rescale + P V for n columns of V. */
INLINE void value_block(const float *p, const float *v, int keys, float *o, const float *rescale,
                        const int n)
{
    vf sum[WIDEST][ROW_VECTORS];
    UNROLL
    for (int j = 0; j < n; j++)
        UNROLL
    for (int r = 0; r < ROW_VECTORS; r++)
        sum[j][r] = vf_mul(vf_load(o + j * ROWS + r * VL), vf_load(rescale + r * VL));
    accumulate(p, v, keys, sum, n);
    UNROLL
    for (int j = 0; j < n; j++)
        UNROLL
    for (int r = 0; r < ROW_VECTORS; r++)
        vf_store(o + j * ROWS + r * VL, sum[j][r]);
}

static void multiply_scores(const float *q, const float *k, int dim, float *s, int keys)
{
    struct blocks split = split_columns(keys);
    for (int row = 0; row < ROWS; row += ROW_VECTORS * VL) {
        const float *next = k;
        float *to = s + row;
        for (int i = 0; i < split.wide; i++, next += STEP * dim, to += STEP * ROWS)
            score_block(q + row, next, dim, to, STEP);
        for (int i = 0; i < split.narrow; i++, next += STEP_REST * dim, to += STEP_REST * ROWS)
            score_block(q + row, next, dim, to, STEP_REST);
    }
}

static void multiply_values(const float *p, const float *v, int keys, float *o,
                            const float *rescale, int dim)
{
    struct blocks split = split_columns(dim);
    for (int row = 0; row < ROWS; row += ROW_VECTORS * VL) {
        const float *next = v, *factor = rescale + row;
        float *to = o + row;
        for (int i = 0; i < split.wide; i++, next += STEP * keys, to += STEP * ROWS)
            value_block(p + row, next, keys, to, factor, STEP);
        for (int i = 0; i < split.narrow; i++, next += STEP_REST * keys, to += STEP_REST * ROWS)
            value_block(p + row, next, keys, to, factor, STEP_REST);
    }
}

/* ---- softmax -------------------------------------------------------------------------------- */

struct tile_mask {
    const struct panel_limits *limits; /* NULL: no rules */
    const float *bias;                 /* [key][rows]; NULL: no tensor */
    float slope;                       /* 0: no alibi */
    float distance;                    /* row 0's position less the first key's; alibi only */
};

INLINE vf apply_mask(vf x, const struct tile_mask *mask, int key, int lane)
{
    const vf masked = vf_set(-INFINITY);
    if (mask->bias) {
        vf bias = vf_load(mask->bias + key * ROWS + lane);
        x = vf_select(vf_equal(bias, masked), masked, vf_add(x, bias));
    }
    if (mask->limits) {
        const struct panel_limits *l = mask->limits;
        vf column = vf_set((float)key);
        vmask near = vm_and(vf_less(vf_load(l->before + lane), column),
                            vf_less(column, vf_load(l->end + lane)));
        vmask sink = vm_and(vf_less(vf_load(l->sink_before + lane), column),
                            vf_less(column, vf_load(l->sink_end + lane)));
        if (mask->slope != 0) {
            vf d = vf_sub(vf_add(vf_load(l->number + lane), vf_set(mask->distance)), column);
            d = vf_max(vf_sub(vf_set(0.0f), d), d);
            x = vf_add(x, vf_mul(vf_set(-mask->slope), d));
        }
        x = vf_select(vm_or(near, sink), x, masked);
    }
    return x;
}

struct score_rule {
    float scale, softcap; /* softcap 0: none */
};

/* Scores to probabilities for one vector of rows, in place; the running maximum and sum move on,
 * and the factor for what was summed before goes to `rescale`. */
INLINE void softmax_lanes(float *scores, int keys, struct score_rule rule,
                          const struct tile_mask *mask, struct row_state *state, int lane)
{
    const vf scale = vf_set(rule.scale);
    vf old = vf_load(state->maximum + lane), top = old;
    for (int key = 0; key < keys; key++) {
        vf x = vf_mul(vf_load(scores + key * ROWS + lane), scale);
        if (rule.softcap != 0)
            x = vf_mul(tanh_vector(vf_div(x, vf_set(rule.softcap))), vf_set(rule.softcap));
        if (mask)
            x = apply_mask(x, mask, key, lane);
        vf_store(scores + key * ROWS + lane, x);
        top = vf_max(x, top);
    }
    vf sum = vf_set(0.0f);
    for (int key = 0; key < keys; key++) {
        vf p = exp_nonpositive(vf_sub(vf_load(scores + key * ROWS + lane), top));
        vf_store(scores + key * ROWS + lane, p);
        sum = vf_add(sum, p);
    }
    vf factor = exp_nonpositive(vf_sub(old, top));
    vf_store(state->maximum + lane, top);
    vf_store(state->rescale + lane, factor);
    vf_store(state->sum + lane, vf_fma(vf_load(state->sum + lane), factor, sum));
}

static void softmax(float *scores, int keys, struct score_rule rule, const struct tile_mask *mask,
                    struct row_state *state)
{
    for (int lane = 0; lane < ROWS; lane += VL) {
        if (mask)
            softmax_lanes(scores, keys, rule, mask, state, lane);
        else
            softmax_lanes(scores, keys, rule, NULL, state, lane);
    }
}

#include "attention_item_tmpl.h"
