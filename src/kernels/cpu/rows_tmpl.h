/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Rows of Q, K, V and of a mask tensor into the vectors of the rung whose simd_<rung>.h was
 * included before: what attention_tmpl.h and decode_tmpl.h share. Products are made of 32-bit
 * words: one f32 each, or on a rung that multiplies pairs two 16-bit terms that lie next to each
 * other in a sum. For Q and K the sum runs over the head, for P and V over the keys. */

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "attention_cpu.h"
#include "kernels/shared/row_limits.h"

#define UNROLL _Pragma("GCC unroll 16")
#define INLINE static inline __attribute__((always_inline))

/* Terms of a sum in a word, and what products are summed in. A rung with pairs has its own vs_mac
 * and what joins two values in a word. */
#ifndef TERMS
#define TERMS           1
#define vs_mac(a, b, c) vf_fma(a, b, c)
#endif
#ifdef vs_mac
#define vsum        vf
#define vs_set(a)   (a)
#define vs_value(a) (a)
#define vs_sum4(m)  vf_sum4(m)
#endif

/* Words that hold `terms` terms. */
INLINE int words_of(int terms)
{
    return (terms + TERMS - 1) / TERMS;
}

INLINE int element_size(const tskip_u32 dtype)
{
    return dtype == TSKIP__F32 ? 4 : dtype == TSKIP__BOOL ? 1 : 2;
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

/* The head's rows in a tensor of `stride` elements (batch, head, row). */
INLINE struct head_rows rows_of(const void *tensor, tskip_i64 batch, tskip_i64 head,
                                const tskip_i64 stride[3], tskip_u32 dtype, tskip_u32 dim)
{
    const int size = element_size(dtype);
    return (struct head_rows){
        .first = (const char *)tensor + (batch * stride[0] + head * stride[1]) * size,
        .stride = stride[2] * size,
        .dtype = dtype,
        .dim = (int)dim,
    };
}

/* The batch's entry of the rules buffer; without rules every key is present. */
static struct tskip__rules_entry find_entry(const struct tskip__attention_args *a,
                                            const void *rules, tskip_i64 batch)
{
    struct tskip__rules_entry entry = {.klen = TSKIP__FAR};
    if (a->flags & TSKIP__HAS_RULES)
        memcpy(&entry,
               (const char *)rules + (a->rules.n_entries > 1 ? (size_t)batch : 0) * sizeof entry,
               sizeof entry);
    return entry;
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
    float room[VL];
    const int size = element_size(dtype);
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
    return load_elements(row[0] + column * element_size(dtype), left, dtype);
#else
    (void)dtype;
    uint16_t room[2][VL];
    return vf_pair_rows(bytes_at(row[0] + column * 2, left * 2, VL * 2, room[0]),
                        bytes_at(row[1] + column * 2, left * 2, VL * 2, room[1]));
#endif
}

/* VL cells of a mask tensor's row, or the `left` that exist, as biases: a masked one is -inf. */
INLINE vf load_cells(const char *at, int left, const tskip_u32 dtype)
{
    float room[VL];
    const int size = element_size(dtype);
    const void *cells = bytes_at(at, left * size, VL * size, room);
    /* The lowest that f16 can say masks too. */
    const vf most = vf_set(dtype == TSKIP__F16 ? -65504.0f : TSKIP__MASKED_F32);
    const vf x = dtype == TSKIP__BOOL   ? vf_load_bool(cells)
                 : dtype == TSKIP__F16  ? vf_load_f16(cells)
                 : dtype == TSKIP__BF16 ? vf_load_bf16(cells)
                                        : vf_load(cells);
    return vf_select(vf_less_equal(x, most), vf_set(-INFINITY), x);
}

/* Below this the products that a flushing unit drops, 2^-126 each, can show in a row's result. */
#define FAINT 0x1p-80f

/* ---- scores that decide ---------------------------------------------------------------------- */

/* Where a row's highest scores are large, the rounding of their sums is what its output errs by:
 * those few are summed again in double. */
#define LARGE_SCORE   8.0f /* in size, of the row's maximum */
#define DECIDES       5.0f /* so little below it: a weight of 0.7 % */
#define MOST_DECISIVE 8    /* of a row in a tile; more average out what each errs by */

/* Sums in f32 are no better than what this makes. */
#define SUMS_ROUND (TERMS == 1 && sizeof(vsum) == sizeof(vf))

struct score_rule {
    float scale, softcap; /* softcap 0: none */
};

/* The score of a sum, to which a mask has yet to be applied. */
static float score_of(double sum, struct score_rule rule)
{
    const float x = (float)sum * rule.scale;
    return rule.softcap != 0 ? tanhf(x / rule.softcap) * rule.softcap : x;
}

/* Adds a bias and alibi's term; distance is the row's position less the key's. */
static float masked_score(float x, float bias, float slope, float distance)
{
    return x + bias + -slope * fabsf(distance);
}
