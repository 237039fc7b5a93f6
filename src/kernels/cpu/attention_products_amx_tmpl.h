/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The two products with AMX tiles of 16 rows of 64 bytes: part of attention_tmpl.h.
 *
 *     K [key][word of the head]     V [column][word of keys]
 *
 * One instruction adds to a tile of 16 x 16 sums the products of 16 x 32 and 32 x 16 terms: S is
 * K times Q in words, O is V turned times P in words, and the sums come out with query rows in the
 * lanes, as the softmax wants them. Blocks are two tiles by the panel's two.
 *
 * Tile instructions ignore the floating-point mode and flush subnormals. A rescaled O passes
 * through them in the same visit, so that a later visit that adds nothing changes nothing. */

#include <stdatomic.h>

enum { TILE = 16, TILE_STRIDE = ROWS * 4 };

_Static_assert(ROWS == 2 * TILE && VL == TILE && TERMS == 2, "two tiles of rows");

/* The compiler does not see what tile instructions read and write. */
#define TILE_FENCE() atomic_signal_fence(memory_order_seq_cst)

INLINE size_t key_pitch(int bk, int words)
{
    (void)bk;
    return tskip__pitch((size_t)words);
}

INLINE size_t value_pitch(int bk, int dim)
{
    (void)dim;
    return tskip__pitch((size_t)words_of(bk));
}

/* ---- packing -------------------------------------------------------------------------------- */

/* Keys are rounded up to two tiles, words to whole tiles. */
static void pack_keys(const struct head_rows *rows, tskip_i64 first, int n, float *to, int pitch)
{
    for (int r = 0; r < (n + 2 * TILE - 1) / (2 * TILE) * 2 * TILE; r++, to += pitch) {
        const char *row = r < n ? find_row(rows, first + r) : absent_row;
        for (int at = 0; at < rows->dim; at += VL * TERMS)
            vf_store(to + at / TERMS, load_words(row + at * 2, rows->dim - at, TSKIP__BF16));
    }
}

/* Columns are rounded up to whole tiles, words of keys too. */
static void pack_values(const struct head_rows *rows, tskip_i64 first, int n, float *to, int pitch)
{
    for (int r = 0; r < n; r += VL * TERMS, to += VL) {
        const char *row[VL][TERMS];
        for (int i = 0; i < VL * TERMS; i++)
            row[i / TERMS][i % TERMS] = r + i < n ? find_row(rows, first + r + i) : absent_row;
        for (int column = 0; column < rows->dim; column += VL) {
            const int left = rows->dim - column;
            vf m[VL];
            for (int i = 0; i < VL; i++)
                m[i] = left >= VL ? load_columns(row[i], column, VL, TSKIP__BF16)
                                  : load_columns(row[i], column, left, TSKIP__BF16);
            vf_transpose(m);
            for (int i = 0; i < VL; i++)
                vf_store(to + (column + i) * pitch, m[i]);
        }
    }
}

/* ---- the products --------------------------------------------------------------------------- */

struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static void begin_products(void)
{
    static const struct tile_config config = {
        .palette = 1,
        .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
        .rows = {TILE, TILE, TILE, TILE, TILE, TILE, TILE, TILE},
    };
    _tile_loadconfig(&config);
}

/* Live tiles make a change of thread dear. */
static void end_products(void)
{
    _tile_release();
}

/* S of two tiles of keys by one tile of rows, or two. */
INLINE void score_tiles(const float *q, const float *k, int pitch, int words, float *s,
                        const bool two)
{
    _tile_zero(0);
    _tile_zero(2);
    if (two) {
        _tile_zero(1);
        _tile_zero(3);
    }
    for (int word = 0; word < words; word += TILE) {
        _tile_loadd(4, k + word, pitch * 4);
        _tile_loadd(5, k + TILE * pitch + word, pitch * 4);
        _tile_loadd(6, q + word * ROWS, TILE_STRIDE);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(2, 5, 6);
        if (two) {
            _tile_loadd(7, q + word * ROWS + TILE, TILE_STRIDE);
            _tile_dpbf16ps(1, 4, 7);
            _tile_dpbf16ps(3, 5, 7);
        }
    }
    _tile_stored(0, s, TILE_STRIDE);
    _tile_stored(2, s + TILE * ROWS, TILE_STRIDE);
    if (two) {
        _tile_stored(1, s + TILE, TILE_STRIDE);
        _tile_stored(3, s + TILE * ROWS + TILE, TILE_STRIDE);
    }
}

/* S of `rows` rows, rounded up to whole tiles. */
static void multiply_scores(const float *q, const float *k, int pitch, int words, float *s,
                            int keys, int rows)
{
    TILE_FENCE();
    for (int key = 0; key < keys; key += 2 * TILE, k += 2 * TILE * pitch, s += 2 * TILE * ROWS)
        if (rows > TILE)
            score_tiles(q, k, pitch, words, s, true);
        else
            score_tiles(q, k, pitch, words, s, false);
    TILE_FENCE();
}

static void rescale_values(float *o, const float *rescale, int dim, int rows)
{
    for (int row = 0; row < rows; row += VL) {
        const vf factor = vf_load(rescale + row);
        for (int d = 0; d < dim; d++) {
            float *at = o + d * ROWS + row;
            vf_store(at, vf_mul(vf_load(at), factor));
        }
    }
}

/* O of one tile of columns, or two, by one tile of rows, or two. */
INLINE void value_tiles(const float *p, const float *v, int pitch, int depth, float *o,
                        const bool two_columns, const bool two)
{
    _tile_loadd(0, o, TILE_STRIDE);
    if (two)
        _tile_loadd(1, o + TILE, TILE_STRIDE);
    if (two_columns)
        _tile_loadd(2, o + TILE * ROWS, TILE_STRIDE);
    if (two_columns && two)
        _tile_loadd(3, o + TILE * ROWS + TILE, TILE_STRIDE);
    for (int word = 0; word < depth; word += TILE) {
        _tile_loadd(4, v + word, pitch * 4);
        _tile_loadd(6, p + word * ROWS, TILE_STRIDE);
        _tile_dpbf16ps(0, 4, 6);
        if (two) {
            _tile_loadd(7, p + word * ROWS + TILE, TILE_STRIDE);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (two_columns) {
            _tile_loadd(5, v + TILE * pitch + word, pitch * 4);
            _tile_dpbf16ps(2, 5, 6);
        }
        if (two_columns && two)
            _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, o, TILE_STRIDE);
    if (two)
        _tile_stored(1, o + TILE, TILE_STRIDE);
    if (two_columns)
        _tile_stored(2, o + TILE * ROWS, TILE_STRIDE);
    if (two_columns && two)
        _tile_stored(3, o + TILE * ROWS + TILE, TILE_STRIDE);
}

INLINE void value_columns(const float *p, const float *v, int pitch, int depth, float *o, int dim,
                          const bool two)
{
    for (; dim > TILE; dim -= 2 * TILE, v += 2 * TILE * pitch, o += 2 * TILE * ROWS)
        value_tiles(p, v, pitch, depth, o, true, two);
    if (dim > 0)
        value_tiles(p, v, pitch, depth, o, false, two);
}

static void multiply_values(float *p, const float *v, int pitch, int depth, float *o,
                            const float *rescale, int dim, int rows)
{
    const vf none = vf_set(0.0f);
    for (int i = depth * ROWS; i < (depth + TILE - 1) / TILE * TILE * ROWS; i += VL)
        vf_store(p + i, none);
    rescale_values(o, rescale, (dim + TILE - 1) / TILE * TILE, rows);
    TILE_FENCE();
    if (rows > TILE)
        value_columns(p, v, pitch, depth, o, dim, true);
    else
        value_columns(p, v, pitch, depth, o, dim, false);
    TILE_FENCE();
}
