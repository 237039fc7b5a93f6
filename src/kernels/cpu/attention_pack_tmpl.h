/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Packing: part of attention_tmpl.h. Q is [word of the head][ROWS]; K and V are as the products
 * want them. */

/* `n` rows of `dim` elements, turned: to[word][pitch], rows side by side, whole vectors of them.
 * `row` holds as many, those past the last of zeros. */
INLINE void turn_rows(const char *const *row, int n, int dim, float *to, int pitch,
                      const tskip_u32 dtype)
{
    const int size = element_size(dtype);
    for (int r = 0; r < n; r += VL, row += VL) {
        float *out = to + r;
        for (int at = 0; at < dim; at += VL * TERMS) {
            const int left = dim - at;
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

/* The type is a constant inside what this calls; pairs have but one. The words of a row are rounded
 * up to whole vectors too; what does not exist is 0. */
static void pack_turned(const char *const *row, int n, int dim, float *to, int pitch,
                        tskip_u32 dtype)
{
    if (TERMS == 2 || dtype == TSKIP__BF16)
        turn_rows(row, n, dim, to, pitch, TSKIP__BF16);
    else if (dtype == TSKIP__F16)
        turn_rows(row, n, dim, to, pitch, TSKIP__F16);
    else
        turn_rows(row, n, dim, to, pitch, TSKIP__F32);
}
