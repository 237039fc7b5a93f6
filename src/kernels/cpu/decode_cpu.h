/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CPU_DECODE_CPU_H
#define TSKIP_KERNELS_CPU_DECODE_CPU_H

#include <float.h>
#include <stddef.h>

#include <tileskip/compute.h>

/* Attention for few query rows: all rows of the heads that share a KV head against one part of its
 * keys. "decode" leaves a maximum, a sum and an unscaled output a row and part;
 * "decode_combine" joins the parts in their order. A part's bounds are multiples of
 * attention_args.split keys from column 0 on, whatever the threads.
 *
 * A group of "decode" is {item, part}; of "decode_combine" an item. */

#define TSKIP__DECODE_BQ   16 /* query rows at most */
#define TSKIP__DECODE_BK   64
#define TSKIP__DECODE_ROWS 256 /* query rows times heads at most */

/* What a part leaves: a maximum and a sum a row, then head_dim_v values a row, which nobody reads
 * where the sum is 0. Floats of it: */
static inline size_t tskip__decode_part(size_t rows, size_t head_dim_v)
{
    return rows * (2 + head_dim_v);
}

/* A row's maximum and sum in a part, and its values. */
static inline size_t tskip__decode_state(size_t row)
{
    return row * 2;
}

static inline size_t tskip__decode_values(size_t row, size_t rows, size_t head_dim_v)
{
    return rows * 2 + row * head_dim_v;
}

/* For a part that none of `rows` rows visits. */
static inline void tskip__decode_store_nothing(float *part, size_t rows)
{
    for (size_t row = 0; row < rows; row++, part += 2) {
        part[0] = -FLT_MAX;
        part[1] = 0;
    }
}

/* Keys of V that pass by all query rows before the next ones come: many where so many take half of
 * the L1 data cache at most, else few. O is summed in the same order either way. */
#define TSKIP__MANY_VALUES 32
#define TSKIP__FEW_VALUES  8

static inline int tskip__value_keys(size_t l1_bytes, size_t row_bytes)
{
    const size_t room = (l1_bytes ? l1_bytes : 32768) / 2;
    return TSKIP__MANY_VALUES * row_bytes <= room ? TSKIP__MANY_VALUES : TSKIP__FEW_VALUES;
}

/* Rows that scratch memory has room for: blocks of registers may reach past the last. */
static inline size_t tskip__decode_rows(size_t rows)
{
    return (rows + 3) / 4 * 4;
}

/* Scratch of a group of "decode" in bytes, for any number of query rows: Q, O, sums, scores and
 * what is summed of them. Head sizes in elements. */
static inline size_t tskip__decode_memory(size_t head_dim, size_t head_dim_v, size_t heads)
{
    const size_t dim = (head_dim + 15) / 16 * 16, dim_v = (head_dim_v + 15) / 16 * 16;
    size_t rows = heads * TSKIP__DECODE_BQ;
    rows = rows < TSKIP__DECODE_ROWS ? rows : TSKIP__DECODE_ROWS;
    return rows * (dim + dim_v + 16 + TSKIP__DECODE_BK + 64) * sizeof(float);
}

void tskip__decode_c(const tskip_group *group, void *const *buffers, const void *args,
                     void *memory);
void tskip__decode_neon(const tskip_group *group, void *const *buffers, const void *args,
                        void *memory);
void tskip__decode_neonbf16(const tskip_group *group, void *const *buffers, const void *args,
                            void *memory);
void tskip__decode_avx2(const tskip_group *group, void *const *buffers, const void *args,
                        void *memory);
void tskip__decode_avx512(const tskip_group *group, void *const *buffers, const void *args,
                          void *memory);
void tskip__decode_avx512bf16(const tskip_group *group, void *const *buffers, const void *args,
                              void *memory);
void tskip__decode_combine_c(const tskip_group *group, void *const *buffers, const void *args,
                             void *memory);

#endif
