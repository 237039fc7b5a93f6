/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Packing: part of attention_tmpl.h. All that is packed is 32-bit words: one f32 each, or on a rung
 * that multiplies pairs two 16-bit terms that lie next to each other in a sum. For Q and K the sum
 * runs over the head, for P and V over the keys. Q is [word of the head][ROWS]; K and V are as the
 * products want them. */

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

/* VL elements widened to f32; zeros past the `left` that exist. */
INLINE vf load_elements(const char *at, int left, const tskip_u32 dtype)
{
    const int size = dtype == TSKIP__F32 ? 4 : 2;
    float room[VL];
    const void *elements = bytes_at(at, left * size, VL * size, room);
    return dtype == TSKIP__F32   ? vf_load(elements)
           : dtype == TSKIP__F16 ? vf_load_f16(elements)
                                 : vf_load_bf16(elements);
}

/* VL words of Q or K: VL · TERMS elements of one row. */
INLINE vf load_words(const char *at, int left, const tskip_u32 dtype)
{
#if TERMS == 1
    return load_elements(at, left, dtype);
#else
    (void)dtype;
    float room[VL];
    return vf_load(bytes_at(at, left * 2, VL * 4, room));
#endif
}

/* VL words of V: VL elements of each of TERMS rows. */
INLINE vf load_columns(const char *const row[TERMS], int column, int left, const tskip_u32 dtype)
{
#if TERMS == 1
    return load_elements(row[0] + column * (dtype == TSKIP__F32 ? 4 : 2), left, dtype);
#else
    (void)dtype;
    uint16_t room[2][VL];
    return vf_pair_rows(bytes_at(row[0] + column * 2, left * 2, VL * 2, room[0]),
                        bytes_at(row[1] + column * 2, left * 2, VL * 2, room[1]));
#endif
}

/* `n` rows from `first` on, turned: to[word][pitch], rows side by side, whole vectors of them. */
INLINE void turn_rows(const struct head_rows *rows, tskip_i64 first, int n, float *to, int pitch,
                      const tskip_u32 dtype)
{
    const int size = dtype == TSKIP__F32 ? 4 : 2;
    for (int r = 0; r < n; r += VL) {
        const char *row[VL];
        for (int i = 0; i < VL; i++)
            row[i] = find_row(rows, first + r + i);
        float *out = to + r;
        for (int at = 0; at < rows->dim; at += VL * TERMS) {
            const int left = rows->dim - at;
            vf m[VL];
            if (left >= VL * TERMS) {
                UNROLL
                for (int i = 0; i < VL; i++)
                    m[i] = load_words(row[i] + at * size, VL * TERMS, dtype);
            } else {
                for (int i = 0; i < VL; i++)
                    m[i] = load_words(row[i] + at * size, left, dtype);
            }
            vf_transpose(m);
            UNROLL
            for (int i = 0; i < VL; i++, out += pitch)
                vf_store(out, m[i]);
        }
    }
}

/* The type is a constant inside what this calls; pairs have but one. `n` is rounded up to whole
 * vectors, the words of a row too; what does not exist is 0. */
static void pack_turned(const struct head_rows *rows, tskip_i64 first, int n, float *to, int pitch)
{
    if (TERMS == 2 || rows->dtype == TSKIP__BF16)
        turn_rows(rows, first, n, to, pitch, TSKIP__BF16);
    else if (rows->dtype == TSKIP__F16)
        turn_rows(rows, first, n, to, pitch, TSKIP__F16);
    else
        turn_rows(rows, first, n, to, pitch, TSKIP__F32);
}
