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

/* Terms of a sum in a word; a rung with pairs has its own vf_mac, vf_pair and vf_pair_rows. */
#ifndef TERMS
#define TERMS           1
#define vf_mac(a, b, c) vf_fma(a, b, c)
#endif

#include "attention_pack_tmpl.h"

/* Online-softmax state of a panel's rows. */
struct row_state {
    float maximum[ROWS], sum[ROWS], rescale[ROWS];
};

/* ---- the two products ----------------------------------------------------------------------- */

/* Sums over the head are made in pieces of this many words, each added as a whole: shorter chains
 * round less, which is what keeps large scores within the accuracy bound. */
#define PIECE 32

#define WIDEST (STEP > STEP_REST ? STEP : STEP_REST)

/* sum[j][rows] += sum over i of a[i][rows] · b[i][j], for n columns j on ROW_VECTORS vectors of
 * rows. n is a constant at every call, so that the sums stay in registers. */
INLINE void accumulate(const float *a, const float *b, int pitch, int depth, vf sum[][ROW_VECTORS],
                       const int n)
{
    for (int i = 0; i < depth; i++, a += ROWS, b += pitch) {
        vf rows[ROW_VECTORS];
        UNROLL
        for (int r = 0; r < ROW_VECTORS; r++)
            rows[r] = vf_load(a + r * VL);
        UNROLL
        for (int j = 0; j < n; j++) {
            vf x = vf_set(b[j]);
            UNROLL
            for (int r = 0; r < ROW_VECTORS; r++)
                sum[j][r] = vf_mac(rows[r], x, sum[j][r]);
        }
    }
}

/* S[key][rows] of n keys: the head in pieces. */
INLINE void score_block(const float *q, const float *k, int pitch, int words, float *s, const int n)
{
    for (int begin = 0; begin < words; begin += PIECE) {
        int depth = words - begin < PIECE ? words - begin : PIECE;
        vf sum[WIDEST][ROW_VECTORS];
        UNROLL
        for (int j = 0; j < n; j++)
            UNROLL
        for (int r = 0; r < ROW_VECTORS; r++)
            sum[j][r] = vf_set(0.0f);
        accumulate(q + begin * ROWS, k + begin * pitch, pitch, depth, sum, n);
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
INLINE void value_block(const float *p, const float *v, int pitch, int depth, float *o,
                        const float *rescale, const int n)
{
    vf sum[WIDEST][ROW_VECTORS];
    UNROLL
    for (int j = 0; j < n; j++)
        UNROLL
    for (int r = 0; r < ROW_VECTORS; r++)
        sum[j][r] = vf_mul(vf_load(o + j * ROWS + r * VL), vf_load(rescale + r * VL));
    accumulate(p, v, pitch, depth, sum, n);
    UNROLL
    for (int j = 0; j < n; j++)
        UNROLL
    for (int r = 0; r < ROW_VECTORS; r++)
        vf_store(o + j * ROWS + r * VL, sum[j][r]);
}

static void multiply_scores(const float *q, const float *k, int pitch, int words, float *s,
                            int keys)
{
    const struct blocks split = split_columns(keys);
    for (int row = 0; row < ROWS; row += ROW_VECTORS * VL) {
        const float *next = k;
        float *to = s + row;
        for (int i = 0; i < split.wide; i++, next += STEP, to += STEP * ROWS)
            score_block(q + row, next, pitch, words, to, STEP);
        for (int i = 0; i < split.narrow; i++, next += STEP_REST, to += STEP_REST * ROWS)
            score_block(q + row, next, pitch, words, to, STEP_REST);
    }
}

static void multiply_values(const float *p, const float *v, int pitch, int depth, float *o,
                            const float *rescale, int dim)
{
    const struct blocks split = split_columns(dim);
    for (int row = 0; row < ROWS; row += ROW_VECTORS * VL) {
        const float *next = v, *factor = rescale + row;
        float *to = o + row;
        for (int i = 0; i < split.wide; i++, next += STEP, to += STEP * ROWS)
            value_block(p + row, next, pitch, depth, to, factor, STEP);
        for (int i = 0; i < split.narrow; i++, next += STEP_REST, to += STEP_REST * ROWS)
            value_block(p + row, next, pitch, depth, to, factor, STEP_REST);
    }
}

#include "attention_softmax_tmpl.h"

#include "attention_item_tmpl.h"
