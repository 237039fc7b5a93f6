/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* S = Q K' of one tile: part of decode_tmpl.h. A row of K is read once, in order and as it lies,
 * and multiplied with every query row while it is in the L1 cache. The head lies in the lanes: 4
 * keys by up to ROW_BLOCK rows are summed at a time, and the lanes of four sums together. */

/* Adds the products of one vector of 4 keys with n rows. */
INLINE void add_products(const vf k[4], const float *q, size_t pitch, vsum sum[][4], const int n)
{
    UNROLL
    for (int r = 0; r < n; r++) {
        vf x = vf_load(q + (size_t)r * pitch);
        UNROLL
        for (int j = 0; j < 4; j++)
            sum[r][j] = vs_mac(x, k[j], sum[r][j]);
    }
}

/* 4 keys by n rows from `row` on. Of the lanes' sums each run of 4 keys has its place in `room`,
 * [row][VL / 4 runs][VL]. */
INLINE void score_block(const struct item *it, const char *const key[4], int row, float *room,
                        const int n, const tskip_u32 dtype)
{
    const int step = VL * TERMS, size = element_size(dtype), dim = it->keys.dim;
    const float *q = it->q + (size_t)row * it->words;
    vsum sum[ROW_BLOCK][4];
    vf k[4];
    int d = 0;
    UNROLL
    for (int r = 0; r < n; r++)
        UNROLL
    for (int j = 0; j < 4; j++)
        sum[r][j] = vs_set(vf_set(0.0f));
    for (; d + step <= dim; d += step, q += VL) {
        UNROLL
        for (int j = 0; j < 4; j++)
            k[j] = load_words(key[j] + d * size, step, dtype);
        add_products(k, q, it->words, sum, n);
    }
    if (d < dim) {
        for (int j = 0; j < 4; j++)
            k[j] = load_words(key[j] + d * size, dim - d, dtype);
        add_products(k, q, it->words, sum, n);
    }
    UNROLL
    for (int r = 0; r < n; r++)
        vf_store(room + (row + r) * (VL / 4) * VL, vs_sum4(sum[r]));
}

INLINE void score_keys(const struct item *it, const char *const key[4], float *room,
                       const tskip_u32 dtype)
{
    for (int row = 0, n; row < it->rows; row += n) {
        n = block_of(it->rows - row);
        if (n == 1)
            score_block(it, key, row, room, 1, dtype);
        else if (n == 2)
            score_block(it, key, row, room, 2, dtype);
        else
            score_block(it, key, row, room, ROW_BLOCK, dtype);
    }
}

/* Scores of all rows with `keys` keys from `column` on; what lies beyond them is the last's. */
INLINE void multiply_keys(const struct item *it, tskip_i64 column, int keys, const tskip_u32 dtype)
{
    for (int first = 0; first < keys; first += VL) {
        for (int i = 0; i < VL; i += 4) {
            const char *key[4];
            for (int j = 0; j < 4; j++) {
                key[j] = find_row(&it->keys, column + tskip__min(first + i + j, keys - 1));
                fetch_row(it, &it->keys, column + first + i + j, dtype);
            }
            score_keys(it, key, it->room + i / 4 * VL, dtype);
        }
        for (int row = 0; row < it->rows; row++) {
            vf sums[VL / 4];
            UNROLL
            for (int i = 0; i < VL / 4; i++)
                sums[i] = vf_load(it->room + (row * (VL / 4) + i) * VL);
            vf_store(it->scores + row * BK + first, vf_join_sums(sums));
        }
    }
}
