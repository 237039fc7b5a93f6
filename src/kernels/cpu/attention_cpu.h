/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CPU_ATTENTION_CPU_H
#define TSKIP_KERNELS_CPU_ATTENTION_CPU_H

#include <stddef.h>

#include <tileskip/compute.h>

/* What every rung's attention shares: the shape of its work and of its scratch memory. */

#define TSKIP__PANEL_ROWS   32 /* query rows of a panel; BQ of the tile map */
#define TSKIP__MAX_BK       128
#define TSKIP__MAX_PANELS   8
#define TSKIP__MAX_HEAD_DIM 512

/* The kernel's constants, in the order of their declaration. */
enum {
    TSKIP__CONSTANT_DTYPE,
    TSKIP__CONSTANT_OUT_DTYPE,
    TSKIP__CONSTANT_HEAD_DIM,
    TSKIP__CONSTANT_HEAD_DIM_V,
    TSKIP__CONSTANT_BQ,
    TSKIP__CONSTANT_BK,
    TSKIP__CONSTANT_PANELS,
};

/* Columns after rounding up to whole vectors and register blocks of any rung. */
static inline size_t tskip__padded(size_t columns)
{
    return (columns + 15) / 16 * 16;
}

/* Whether the group's kernel may multiply pairs of bf16, P rounded to it: an f32 output would show
 * the rounding. */
static inline bool tskip__takes_pairs(const tskip_group *group)
{
    return group->constants[TSKIP__CONSTANT_DTYPE].u32 == TSKIP_BF16 &&
           group->constants[TSKIP__CONSTANT_OUT_DTYPE].u32 != TSKIP_F32;
}

/* From one row of a packed tile of so many columns to the next, in words. */
static inline size_t tskip__pitch(size_t columns)
{
    return tskip__padded(columns) + 16;
}

/* Scratch of one group in bytes: Q, O and state of `panels` panels, a tile of K and of V, one of
 * scores and one of bias; head sizes in elements. */
static inline size_t tskip__attention_memory(size_t head_dim, size_t head_dim_v, size_t bk,
                                             size_t panels)
{
    size_t rows = TSKIP__PANEL_ROWS;
    size_t dim = tskip__padded(head_dim), dim_v = tskip__padded(head_dim_v);
    size_t floats = panels * rows * (dim + dim_v) + dim * tskip__pitch(bk) +
                    tskip__padded(bk) * (tskip__pitch(head_dim_v) + 2 * rows);
    return floats * sizeof(float) + panels * 1536;
}

void tskip__attention_c(const tskip_group *group, void *const *buffers, const void *args,
                        void *memory);
void tskip__attention_avx2(const tskip_group *group, void *const *buffers, const void *args,
                           void *memory);
void tskip__attention_avx512(const tskip_group *group, void *const *buffers, const void *args,
                             void *memory);
void tskip__attention_avx512bf16(const tskip_group *group, void *const *buffers, const void *args,
                                 void *memory);

#endif
