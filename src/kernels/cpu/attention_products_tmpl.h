/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The two products with vector instructions: part of attention_tmpl.h. Every rung's has the same
 * functions.
 *
 *     K [word of the head][key]     V [word of keys][column]
 *
 * Rows of K and V are a pitch apart that is an odd number of cache lines for the usual sizes, so
 * that a column of blocks falls into all sets of a cache whatever the tensor's strides are. */

struct blocks {
    int wide, narrow;
};

/* The fewest whole blocks that hold `columns` columns. */
INLINE struct blocks split_columns(int columns)
{
    for (int padded = (columns + 1) / 2 * 2;; padded += 2)
        for (int narrow = 0; narrow <= 2; narrow++) {
            int rest = padded - narrow * STEP_REST;
            if (rest >= 0 && rest % STEP == 0)
                return (struct blocks){rest / STEP, narrow};
        }
}

/* ---- packing -------------------------------------------------------------------------------- */

INLINE size_t key_pitch(int bk, int words)
{
    (void)words;
    return tskip__pitch((size_t)bk);
}

INLINE size_t value_pitch(int bk, int dim)
{
    (void)bk;
    return tskip__pitch((size_t)dim);
}

static void pack_keys(const struct head_rows *rows, tskip_i64 first, int n, float *to, int pitch)
{
    const char *row[TSKIP__MAX_BK];
    for (int i = 0; i < n || i % VL != 0; i++)
        row[i] = i < n ? find_row(rows, first + i) : absent_row;
    pack_turned(row, n, rows->dim, to, pitch, rows->dtype);
}

INLINE void copy_rows(const struct head_rows *rows, tskip_i64 first, int n, float *to, int pitch,
                      const tskip_u32 dtype)
{
    for (int r = 0; r < n; r += TERMS, to += pitch) {
        const char *row[TERMS];
        for (int i = 0; i < TERMS; i++)
            row[i] = find_row(rows, first + r + i);
        int column = 0;
        for (; column + VL <= rows->dim; column += VL)
            vf_store(to + column, load_columns(row, column, VL, dtype));
        if (column < rows->dim)
            vf_store(to + column, load_columns(row, column, rows->dim - column, dtype));
    }
}

/* V; columns are rounded up to whole vectors. */
static void pack_values(const struct head_rows *rows, tskip_i64 first, int n, float *to, int pitch)
{
    if (TERMS == 2 || rows->dtype == TSKIP__BF16)
        copy_rows(rows, first, n, to, pitch, TSKIP__BF16);
    else if (rows->dtype == TSKIP__F16)
        copy_rows(rows, first, n, to, pitch, TSKIP__F16);
    else
        copy_rows(rows, first, n, to, pitch, TSKIP__F32);
}

/* ---- the products --------------------------------------------------------------------------- */

static void begin_products(void) {}

static void end_products(void) {}

/* Sums over the head are made in pieces of this many words, each added as a whole: shorter chains
 * round less, which is what keeps large scores within the accuracy bound. */
#ifndef PIECE
#define PIECE 32
#endif

#define WIDEST (STEP > STEP_REST ? STEP : STEP_REST)

/* sum[j][rows] += sum over i of a[i][rows] · b[i][j], for n columns j on `vectors` vectors of rows.
 * Both are constants at every call, so that the sums stay in registers. */
INLINE void accumulate(const float *a, const float *b, int pitch, int depth,
                       vsum sum[][ROW_VECTORS], const int n, const int vectors)
{
    for (int i = 0; i < depth; i++, a += ROWS, b += pitch) {
        vf rows[ROW_VECTORS];
        UNROLL
        for (int r = 0; r < vectors; r++)
            rows[r] = vf_load(a + r * VL);
        UNROLL
        for (int j = 0; j < n; j++) {
            vf x = vf_set(b[j]);
            UNROLL
            for (int r = 0; r < vectors; r++)
                sum[j][r] = vs_mac(rows[r], x, sum[j][r]);
        }
    }
}

/* S[key][rows] of n keys: the head in pieces. */
INLINE void score_block(const float *q, const float *k, int pitch, int words, float *s, const int n,
                        const int vectors)
{
    for (int begin = 0; begin < words; begin += PIECE) {
        int depth = words - begin < PIECE ? words - begin : PIECE;
        vsum sum[WIDEST][ROW_VECTORS];
        UNROLL
        for (int j = 0; j < n; j++)
            UNROLL
        for (int r = 0; r < vectors; r++)
            sum[j][r] = vs_set(vf_set(0.0f));
        accumulate(q + begin * ROWS, k + begin * pitch, pitch, depth, sum, n, vectors);
        UNROLL
        for (int j = 0; j < n; j++)
            UNROLL
        for (int r = 0; r < vectors; r++) {
            float *to = s + j * ROWS + r * VL;
            vf piece = vs_value(sum[j][r]);
            vf_store(to, begin > 0 ? vf_add(vf_load(to), piece) : piece);
        }
    }
}

/* O[d][rows] = O · rescale + P V for n columns of V. */
INLINE void value_block(const float *p, const float *v, int pitch, int depth, float *o,
                        const float *rescale, const int n, const int vectors)
{
    vsum sum[WIDEST][ROW_VECTORS];
    UNROLL
    for (int j = 0; j < n; j++)
        UNROLL
    for (int r = 0; r < vectors; r++)
        sum[j][r] = vs_set(vf_mul(vf_load(o + j * ROWS + r * VL), vf_load(rescale + r * VL)));
    accumulate(p, v, pitch, depth, sum, n, vectors);
    UNROLL
    for (int j = 0; j < n; j++)
        UNROLL
    for (int r = 0; r < vectors; r++)
        vf_store(o + j * ROWS + r * VL, vs_value(sum[j][r]));
}

INLINE void score_rows(const float *q, const float *k, int pitch, int words, float *s,
                       struct blocks split, const int vectors)
{
    for (int i = 0; i < split.wide; i++, k += STEP, s += STEP * ROWS)
        score_block(q, k, pitch, words, s, STEP, vectors);
    for (int i = 0; i < split.narrow; i++, k += STEP_REST, s += STEP_REST * ROWS)
        score_block(q, k, pitch, words, s, STEP_REST, vectors);
}

INLINE void value_rows(const float *p, const float *v, int pitch, int depth, float *o,
                       const float *rescale, struct blocks split, const int vectors)
{
    for (int i = 0; i < split.wide; i++, v += STEP, o += STEP * ROWS)
        value_block(p, v, pitch, depth, o, rescale, STEP, vectors);
    for (int i = 0; i < split.narrow; i++, v += STEP_REST, o += STEP_REST * ROWS)
        value_block(p, v, pitch, depth, o, rescale, STEP_REST, vectors);
}

/* S of `rows` rows, rounded up to whole vectors. */
static void multiply_scores(const float *q, const float *k, int pitch, int words, float *s,
                            int keys, int rows)
{
    const struct blocks split = split_columns(keys);
    int row = 0;
    for (; row + VL < rows; row += ROW_VECTORS * VL)
        score_rows(q + row, k, pitch, words, s + row, split, ROW_VECTORS);
    if (row < rows)
        score_rows(q + row, k, pitch, words, s + row, split, 1);
}

static void multiply_values(float *p, const float *v, int pitch, int depth, float *o,
                            const float *rescale, int dim, int rows)
{
    const struct blocks split = split_columns(dim);
    int row = 0;
    for (; row + VL < rows; row += ROW_VECTORS * VL)
        value_rows(p + row, v, pitch, depth, o + row, rescale + row, split, ROW_VECTORS);
    if (row < rows)
        value_rows(p + row, v, pitch, depth, o + row, rescale + row, split, 1);
}
