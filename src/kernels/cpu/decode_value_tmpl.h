/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* O = O · rescale + P V of one tile: part of decode_tmpl.h. Columns of V lie in the lanes, P is
 * broadcast. V is taken value_keys keys at a time, which stay in the L1 cache for all rows; two
 * query rows at a time leave registers for so many columns that V is read in order. */

/* `wide` vectors of V's words from column d on; `left` columns exist, all unless wide is 1. */
INLINE void load_values(const char *const row[TERMS], int d, int left, vf *v, const int wide,
                        const tskip_u32 dtype)
{
    if (wide == 1) {
        v[0] = load_columns(row, d, left, dtype);
        return;
    }
#if TERMS == 1
    UNROLL
    for (int j = 0; j < wide; j++)
        v[j] = load_elements(row[0] + (d + j * VL) * element_size(dtype), VL, dtype);
#else
    UNROLL
    for (int j = 0; j < wide; j += 2)
        vf_pair_long_rows((const uint16_t *)row[0] + d + j * VL,
                          (const uint16_t *)row[1] + d + j * VL, v + j);
#endif
}

/* n rows from `row` on by `wide` vectors of columns from d on. p is row 0's first word, value that
 * word's keys, from `key` on; `factor` a row. */
INLINE void value_block(const struct item *it, const char *const *value, tskip_i64 key,
                        const float *p, int words, const float *factor, int row, int d, const int n,
                        const int wide, const tskip_u32 dtype)
{
    vsum sum[2][8];
    float *o = it->o + (size_t)row * it->dim_v + d;
    const int left = it->values.dim - d;
    const int passes = (it->rows + 1) / 2; /* each asks for its share of the rows */
    int due = row / 2;
    p += row * BK;
    UNROLL
    for (int r = 0; r < n; r++)
        UNROLL
    for (int j = 0; j < wide; j++)
        sum[r][j] =
            vs_set(vf_mul(vf_load(o + (size_t)r * it->dim_v + j * VL), vf_set(factor[row + r])));
    for (int w = 0; w < words; w++, p++, value += TERMS) {
        vf v[8];
        if (d == 0 && due-- == 0) {
            for (int i = 0; i < TERMS; i++)
                fetch_row(it, &it->values, key + w * TERMS + i, dtype);
            due = passes - 1;
        }
        load_values(value, d, left, v, wide, dtype);
        UNROLL
        for (int r = 0; r < n; r++) {
            vf x = vf_set(p[r * BK]);
            UNROLL
            for (int j = 0; j < wide; j++)
                sum[r][j] = vs_mac(x, v[j], sum[r][j]);
        }
    }
    UNROLL
    for (int r = 0; r < n; r++)
        UNROLL
    for (int j = 0; j < wide; j++)
        vf_store(o + (size_t)r * it->dim_v + j * VL, vs_value(sum[r][j]));
}

/* All columns of n rows, in as few pieces as the registers allow. */
INLINE void value_rows(const struct item *it, const char *const *value, tskip_i64 key,
                       const float *p, int words, const float *factor, int row, const int n,
                       const tskip_u32 dtype)
{
    const int most = ACCUMULATORS / n < 8 ? ACCUMULATORS / n : 8, dim = it->values.dim;
    int d = 0;
    for (; d + most * VL <= dim; d += most * VL)
        value_block(it, value, key, p, words, factor, row, d, n, most, dtype);
    if (most > 4 && d + 4 * VL <= dim) {
        value_block(it, value, key, p, words, factor, row, d, n, 4, dtype);
        d += 4 * VL;
    }
    if (d + 2 * VL <= dim) {
        value_block(it, value, key, p, words, factor, row, d, n, 2, dtype);
        d += 2 * VL;
    }
    for (; d < dim; d += VL)
        value_block(it, value, key, p, words, factor, row, d, n, 1, dtype);
}

/* `most`, a constant at every call, keys at a time. */
INLINE void multiply_values_by(const struct item *it, tskip_i64 column, int keys, const int most,
                               const tskip_u32 dtype)
{
    const float *factor = it->rescale;
    for (int first = 0; first < keys; first += most, factor = it->ones) {
        const char *value[TSKIP__MANY_VALUES];
        const int some = keys - first < most ? keys - first : most;
        const int words = words_of(some);
        const float *p = it->scores + first / TERMS;
        for (int i = 0; i < words * TERMS; i++)
            value[i] = i < some ? find_row(&it->values, column + first + i) : absent_row;
        int row = 0;
        for (; row + 2 <= it->rows; row += 2)
            value_rows(it, value, column + first, p, words, factor, row, 2, dtype);
        if (row < it->rows)
            value_rows(it, value, column + first, p, words, factor, row, 1, dtype);
    }
}

INLINE void multiply_values(const struct item *it, tskip_i64 column, int keys,
                            const tskip_u32 dtype)
{
    if (SUMS_ROUND && it->value_keys == TSKIP__FEW_VALUES)
        multiply_values_by(it, column, keys, TSKIP__FEW_VALUES, dtype);
    else
        multiply_values_by(it, column, keys, TSKIP__MANY_VALUES, dtype);
}
