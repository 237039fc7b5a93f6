/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CPU_ATTENTION_CPU_H
#define TSKIP_KERNELS_CPU_ATTENTION_CPU_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <tileskip/compute.h>

#include "kernels/attention_constants.h"
#include "kernels/shared/kargs.h"

/* What every rung's attention shares: the shape of its work and of its scratch memory. */

#define TSKIP__PANEL_ROWS   32 /* query rows of a panel; BQ of the tile map */
#define TSKIP__MAX_BK       128
#define TSKIP__MAX_PANELS   8
#define TSKIP__MAX_HEAD_DIM 512

/* The bindings of "attention", and with the parts those of "decode" and "decode_combine". */
enum {
    TSKIP__BIND_Q,
    TSKIP__BIND_K,
    TSKIP__BIND_V,
    TSKIP__BIND_O,
    TSKIP__BIND_LSE,
    TSKIP__BIND_SINKS,
    TSKIP__BIND_TENSOR,
    TSKIP__BIND_RULES,
    TSKIP__BIND_MAP,
    TSKIP__BIND_ORDER,
    TSKIP__BIND_PARTS,
};

/* Bytes that a panel keeps of its rows beside Q and O; asserted where they are laid out. */
#define TSKIP__PANEL_STATE 1408

/* Columns after rounding up to whole vectors and tiles of any rung. */
static inline size_t tskip__padded(size_t columns)
{
    return (columns + 31) / 32 * 32;
}

static inline uint64_t tskip__eight_tiles(const tskip_u8 *classes)
{
    uint64_t word;
    memcpy(&word, classes, sizeof word);
    return word;
}

/* Whether 32 tiles from `classes` on are SKIP. */
static inline bool tskip__skips_32(const tskip_u8 *classes)
{
    return (tskip__eight_tiles(classes) | tskip__eight_tiles(classes + 8) |
            tskip__eight_tiles(classes + 16) | tskip__eight_tiles(classes + 24)) == 0;
}

/* The first tile of [tile, end) that is not SKIP, or `end`. */
static inline tskip_u32 tskip__next_tile(const tskip_u8 *classes, tskip_u32 tile, tskip_u32 end)
{
    while (end - tile >= 32 && tskip__skips_32(classes + tile))
        tile += 32;
    while (end - tile >= 8 && tskip__eight_tiles(classes + tile) == 0)
        tile += 8;
    while (tile < end && classes[tile] == TSKIP__SKIP)
        tile++;
    return tile;
}

/* Whether the group's kernel may multiply pairs of bf16, P rounded to it and subnormals flushed: an
 * f32 output would show the rounding, an enormous scale the flushed parts of a score. */
static inline bool tskip__takes_pairs(const tskip_group *group,
                                      const struct tskip__attention_args *args)
{
    return group->constants[TSKIP__ID_dtype].u32 == TSKIP_BF16 &&
           group->constants[TSKIP__ID_out_dtype].u32 != TSKIP_F32 && args->scale < 0x1p32f &&
           args->scale > -0x1p32f;
}

/* From one row of a packed tile of so many columns to the next, in words. */
static inline size_t tskip__pitch(size_t columns)
{
    return tskip__padded(columns) + 16;
}

/* Room for a packed tile of K or V, whichever of the two runs along its rows. */
static inline size_t tskip__tile_floats(size_t dim, size_t bk)
{
    size_t turned = tskip__padded(dim) * tskip__pitch(bk);
    size_t straight = tskip__padded(bk) * tskip__pitch(dim);
    return turned > straight ? turned : straight;
}

/* Scratch of one group in bytes: Q, O and state of `panels` panels, a tile of K and of V, one of
 * scores and one of bias; head sizes in elements. */
static inline size_t tskip__attention_memory(size_t head_dim, size_t head_dim_v, size_t bk,
                                             size_t panels)
{
    size_t rows = TSKIP__PANEL_ROWS;
    size_t floats = panels * rows * (tskip__padded(head_dim) + tskip__padded(head_dim_v)) +
                    tskip__tile_floats(head_dim, bk) + tskip__tile_floats(head_dim_v, bk) +
                    tskip__padded(bk) * 2 * rows;
    return floats * sizeof(float) + panels * TSKIP__PANEL_STATE;
}

/* "attention". */
void tskip__attention_c(const tskip_group *group, void *const *buffers, const void *args,
                        void *memory);
void tskip__attention_neon(const tskip_group *group, void *const *buffers, const void *args,
                           void *memory);
void tskip__attention_neonbf16(const tskip_group *group, void *const *buffers, const void *args,
                               void *memory);
void tskip__attention_avx2(const tskip_group *group, void *const *buffers, const void *args,
                           void *memory);
void tskip__attention_avx512(const tskip_group *group, void *const *buffers, const void *args,
                             void *memory);
void tskip__attention_avx512bf16(const tskip_group *group, void *const *buffers, const void *args,
                                 void *memory);
void tskip__attention_amx(const tskip_group *group, void *const *buffers, const void *args,
                          void *memory);

/* "attention_parts": for few query rows, see decode_cpu.h. */
void tskip__attention_parts_c(const tskip_group *group, void *const *buffers, const void *args,
                              void *memory);
void tskip__attention_parts_neon(const tskip_group *group, void *const *buffers, const void *args,
                                 void *memory);
void tskip__attention_parts_neonbf16(const tskip_group *group, void *const *buffers,
                                     const void *args, void *memory);
void tskip__attention_parts_avx2(const tskip_group *group, void *const *buffers, const void *args,
                                 void *memory);
void tskip__attention_parts_avx512(const tskip_group *group, void *const *buffers, const void *args,
                                   void *memory);
void tskip__attention_parts_avx512bf16(const tskip_group *group, void *const *buffers,
                                       const void *args, void *memory);
void tskip__attention_parts_amx(const tskip_group *group, void *const *buffers, const void *args,
                                void *memory);

#endif
