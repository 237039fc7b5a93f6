/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Packing: part of attention_tmpl.h. Q is [word of the head][ROWS]; K and V are as the products
 * want them. */

/* `n` rows from `first` on, turned: to[word][pitch], rows side by side, whole vectors of them. */
INLINE void turn_rows(const struct head_rows *rows, tskip_i64 first, int n, float *to, int pitch,
                      const tskip_u32 dtype)
{
    const int size = element_size(dtype);
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
