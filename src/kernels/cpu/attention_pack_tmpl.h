/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Packing: part of attention_tmpl.h. All that is packed is 32-bit words: one f32 each, or on a rung
 * that multiplies pairs two 16-bit terms that lie next to each other in a sum. For Q and K the sum
 * runs over the head, for P and V over the keys.
 *
 * A packed tile is the sequence in which the products read it, so that they stream whatever the
 * strides were: blocks of STEP (then STEP_REST) columns, each block [depth][columns of the block].
 * For K the columns are keys and the depth is the head; for V the columns are the head and the
 * depth is keys. */

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

/* Words that hold `terms` terms. */
INLINE int words_of(int terms)
{
    return (terms + TERMS - 1) / TERMS;
}

/* Rows of Q, K or V of one head: where they lie, which of them are present. */
struct head_rows {
    const char *first; /* row 0 */
    tskip_i64 stride;  /* bytes */
    tskip_u32 dtype;
    int dim;
    tskip_i64 present_begin, present_end;
};

/* What is read in place of an absent row. */
static const char absent_row[TSKIP__MAX_HEAD_DIM * 4];

INLINE const char *find_row(const struct head_rows *rows, tskip_i64 row)
{
    bool present = row >= rows->present_begin && row < rows->present_end;
    return present ? rows->first + row * rows->stride : absent_row;
}

/* `wanted` bytes: in place, or where only `left` exist those and zeros in `room`. */
INLINE const void *bytes_at(const char *at, int left, int wanted, void *room)
{
    if (left >= wanted)
        return at;
    memset(room, 0, (size_t)wanted);
    memcpy(room, at, (size_t)left);
    return room;
}

/* VL elements of a row from `element` on, widened to f32; zeros past its end. */
INLINE vf load_elements(const char *row, int element, int dim, const tskip_u32 dtype)
{
    const int size = dtype == TSKIP__F32 ? 4 : 2;
    float room[VL];
    const void *at =
        bytes_at(row + (size_t)element * (size_t)size, (dim - element) * size, VL * size, room);
    return dtype == TSKIP__F32   ? vf_load(at)
           : dtype == TSKIP__F16 ? vf_load_f16(at)
                                 : vf_load_bf16(at);
}

#if TERMS == 1
/* VL words of a row of Q or K. */
INLINE vf load_words(const char *row, int word, int dim, const tskip_u32 dtype)
{
    return load_elements(row, word, dim, dtype);
}

/* VL words of V from column `column` on, of the row that starts at `key`. */
INLINE vf load_columns(const struct head_rows *rows, tskip_i64 key, int column,
                       const tskip_u32 dtype)
{
    return load_elements(find_row(rows, key), column, rows->dim, dtype);
}
#else
INLINE vf load_words(const char *row, int word, int dim, const tskip_u32 dtype)
{
    (void)dtype;
    float room[VL];
    return vf_load(bytes_at(row + (size_t)word * 4, dim * 2 - word * 4, VL * 4, room));
}

INLINE vf load_columns(const struct head_rows *rows, tskip_i64 key, int column,
                       const tskip_u32 dtype)
{
    (void)dtype;
    uint16_t room[2][VL];
    const size_t offset = (size_t)column * 2;
    const int left = (rows->dim - column) * 2;
    return vf_pair_rows(bytes_at(find_row(rows, key) + offset, left, VL * 2, room[0]),
                        bytes_at(find_row(rows, key + 1) + offset, left, VL * 2, room[1]));
}
#endif

/* Deals one row of columns out to its blocks, as their row `depth` of `depths`. */
INLINE void deal(const float *row, struct blocks split, int depth, int depths, float *to)
{
    float *out = to + (size_t)depth * STEP;
    for (int i = 0; i < split.wide; i++, row += STEP, out += (size_t)depths * STEP)
        memcpy(out, row, STEP * sizeof *out);
    out = to + (size_t)depths * STEP * (size_t)split.wide + (size_t)depth * STEP_REST;
    for (int i = 0; i < split.narrow; i++, row += STEP_REST, out += (size_t)depths * STEP_REST)
        memcpy(out, row, STEP_REST * sizeof *out);
}

/* VL words of `n` rows from `first` on, turned: [VL][pitch], the rows side by side. */
INLINE void turn(const struct head_rows *rows, tskip_i64 first, int n, int word, int pitch,
                 float *to, const tskip_u32 dtype)
{
    for (int r = 0; r < n; r += VL) {
        vf m[VL];
        UNROLL
        for (int i = 0; i < VL; i++)
            m[i] = load_words(find_row(rows, first + r + i), word, rows->dim, dtype);
        vf_transpose(m);
        UNROLL
        for (int i = 0; i < VL; i++)
            vf_store(to + i * pitch + r, m[i]);
    }
}

INLINE void pack_keys_of(const struct head_rows *rows, tskip_i64 first, int keys, float *room,
                         float *to, const tskip_u32 dtype)
{
    const struct blocks split = split_columns(keys);
    const int words = words_of(rows->dim), pitch = TSKIP__MAX_BK + VL;
    for (int word = 0; word < words; word += VL) {
        turn(rows, first, keys, word, pitch, room, dtype);
        for (int i = 0; i < VL && word + i < words; i++)
            deal(room + i * pitch, split, word + i, words, to);
    }
}

INLINE void pack_values_of(const struct head_rows *rows, tskip_i64 first, int keys, float *room,
                           float *to, const tskip_u32 dtype)
{
    const struct blocks split = split_columns(rows->dim);
    const int depths = words_of(keys);
    for (int depth = 0; depth < depths; depth++) {
        for (int column = 0; column < rows->dim; column += VL)
            vf_store(room + column, load_columns(rows, first + depth * TERMS, column, dtype));
        deal(room, split, depth, depths, to);
    }
}

/* ROWS query rows to [word][ROWS]; zeros for the rows that do not exist. */
INLINE void pack_queries_of(const struct head_rows *rows, tskip_i64 first, float *to,
                            const tskip_u32 dtype)
{
    for (int word = 0; word < words_of(rows->dim); word += VL)
        turn(rows, first, ROWS, word, ROWS, to + word * ROWS, dtype);
}

/* The type is a constant inside what these call; pairs have but one. */

static void pack_keys(const struct head_rows *rows, tskip_i64 first, int keys, float *room,
                      float *to)
{
    if (TERMS == 2 || rows->dtype == TSKIP__BF16)
        pack_keys_of(rows, first, keys, room, to, TSKIP__BF16);
    else if (rows->dtype == TSKIP__F16)
        pack_keys_of(rows, first, keys, room, to, TSKIP__F16);
    else
        pack_keys_of(rows, first, keys, room, to, TSKIP__F32);
}

static void pack_values(const struct head_rows *rows, tskip_i64 first, int keys, float *room,
                        float *to)
{
    if (TERMS == 2 || rows->dtype == TSKIP__BF16)
        pack_values_of(rows, first, keys, room, to, TSKIP__BF16);
    else if (rows->dtype == TSKIP__F16)
        pack_values_of(rows, first, keys, room, to, TSKIP__F16);
    else
        pack_values_of(rows, first, keys, room, to, TSKIP__F32);
}

static void pack_queries(const struct head_rows *rows, tskip_i64 first, float *to)
{
    if (TERMS == 2 || rows->dtype == TSKIP__BF16)
        pack_queries_of(rows, first, to, TSKIP__BF16);
    else if (rows->dtype == TSKIP__F16)
        pack_queries_of(rows, first, to, TSKIP__F16);
    else
        pack_queries_of(rows, first, to, TSKIP__F32);
}
