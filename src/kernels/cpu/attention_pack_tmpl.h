/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Packing: part of attention_tmpl.h. A packed tile is the sequence in which the products read it,
 * so that they stream whatever the strides were: blocks of STEP (then STEP_REST) columns, each
 * block [depth][columns of the block]. For K the columns are keys and the depth is the head; for V
 * the columns are the head and the depth is keys. */

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

/* n elements to f32; reads nothing past them. */
static void widen(tskip_u32 dtype, const void *from, float *to, int n)
{
    int i = 0;
    if (dtype == TSKIP__F32) {
        memcpy(to, from, (size_t)n * sizeof *to);
        return;
    }
    const uint16_t *bits = from;
    if (dtype == TSKIP__BF16)
        for (; i + VL <= n; i += VL)
            vf_store(to + i, vf_load_bf16(bits + i));
    else
        for (; i + VL <= n; i += VL)
            vf_store(to + i, vf_load_f16(bits + i));
    for (; i < n; i++)
        to[i] = dtype == TSKIP__BF16 ? tskip__bf16_to_f32(bits[i]) : tskip__f16_to_f32(bits[i]);
}

/* Rows of K or V of one head: where they lie, which of them are present. */
struct key_rows {
    const char *first; /* row 0 */
    tskip_i64 stride;  /* bytes */
    tskip_u32 dtype;
    int dim;
    tskip_i64 present_begin, present_end;
};

/* Row `key` widened to f32: in place if it can be, else in `room`; zeros where the key is absent.
 */
INLINE const float *key_row(const struct key_rows *rows, tskip_i64 key, float *room)
{
    if (key < rows->present_begin || key >= rows->present_end) {
        memset(room, 0, (size_t)rows->dim * sizeof *room);
        return room;
    }
    widen(rows->dtype, rows->first + key * rows->stride, room, rows->dim);
    return room;
}

INLINE float *pack_key_block(const struct key_rows *rows, tskip_i64 first, int keys, float *room,
                             float *to, const int n)
{
    const float *row[STEP > STEP_REST ? STEP : STEP_REST];
    for (int j = 0; j < n; j++) {
        tskip_i64 key = j < keys ? first + j : -1; /* padding is absent */
        row[j] = key_row(rows, key, room + j * TSKIP__MAX_HEAD_DIM);
    }
    for (int d = 0; d < rows->dim; d++, to += n)
        UNROLL
    for (int j = 0; j < n; j++)
        to[j] = row[j][d];
    return to;
}

static void pack_keys(const struct key_rows *rows, tskip_i64 first, int keys, float *room,
                      float *to)
{
    struct blocks split = split_columns(keys);
    for (int i = 0; i < split.wide; i++, first += STEP, keys -= STEP)
        to = pack_key_block(rows, first, keys, room, to, STEP);
    for (int i = 0; i < split.narrow; i++, first += STEP_REST, keys -= STEP_REST)
        to = pack_key_block(rows, first, keys, room, to, STEP_REST);
}

/* `room` holds a row with zeros up to a whole block past it. */
static void pack_values(const struct key_rows *rows, tskip_i64 first, int keys, float *room,
                        float *to)
{
    struct blocks split = split_columns(rows->dim);
    memset(room, 0, TSKIP__MAX_HEAD_DIM * sizeof *room);
    for (int key = 0; key < keys; key++) {
        const float *row = key_row(rows, first + key, room);
        float *out = to + key * STEP;
        for (int i = 0; i < split.wide; i++, row += STEP, out += (size_t)keys * STEP)
            memcpy(out, row, STEP * sizeof *out);
        out = to + (size_t)split.wide * STEP * keys + key * STEP_REST;
        for (int i = 0; i < split.narrow; i++, row += STEP_REST, out += (size_t)keys * STEP_REST)
            memcpy(out, row, STEP_REST * sizeof *out);
    }
}

/* `rows` query rows to [dim][ROWS], zeros for the rows that do not exist. */
static void pack_queries(const char *first, tskip_i64 stride, tskip_u32 dtype, int dim, int rows,
                         float *room, float *to)
{
    for (int r = 0; r < ROWS; r++) {
        if (r < rows)
            widen(dtype, first + r * stride, room, dim);
        else
            memset(room, 0, (size_t)dim * sizeof *room);
        for (int d = 0; d < dim; d++)
            to[d * ROWS + r] = room[d];
    }
}
