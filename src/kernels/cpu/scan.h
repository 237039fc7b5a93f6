/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CPU_SCAN_H
#define TSKIP_KERNELS_CPU_SCAN_H

#include "kernels/shared/kargs.h"

/* The mask scan. Memory is read in its order, row by row, which is all that it can be fast at: each
 * cell joins two bits to the verdict on its column, and the verdicts are joined over the columns of
 * a tile when its last row has been read. Unsigned arithmetic on the bits of a cell decides, so a
 * NaN is an ordinary value that is neither masked nor zero. */

#define TSKIP__SCAN_COLUMNS 32768 /* of a strip, which is read as far as its rows go */

/* What a column, or a tile, is not. */
#define TSKIP__SCAN_UNMASKED 1u /* some cell is not masked */
#define TSKIP__SCAN_NONZERO  2u /* some cell is not zero */

/* Masked are the cells whose bits lie in [LOW, LOW + SPAN]: from the first below -1e30 (f16: from
 * its lowest finite) to -inf. */
#define TSKIP__SCAN_LOW_F32   0xF149F2CAu
#define TSKIP__SCAN_SPAN_F32  (0xFF800000u - TSKIP__SCAN_LOW_F32)
#define TSKIP__SCAN_LOW_F16   0xFBFFu
#define TSKIP__SCAN_SPAN_F16  (0xFC00u - TSKIP__SCAN_LOW_F16)
#define TSKIP__SCAN_LOW_BF16  0xF14Au
#define TSKIP__SCAN_SPAN_BF16 (0xFF80u - TSKIP__SCAN_LOW_BF16)

/* The verdicts on the columns of one strip: a byte a column, or a bit in each of two words. */
struct tskip__scan_room {
    _Alignas(64) union {
        tskip_u8 verdicts[TSKIP__SCAN_COLUMNS];
        struct {
            tskip_u64 unmasked[TSKIP__SCAN_COLUMNS / 64], nonzero[TSKIP__SCAN_COLUMNS / 64];
        } bits;
    };
};

/* One set of functions a rung. */
typedef struct tskip__scan_set {
    /* Judges each of `columns` <= TSKIP__SCAN_COLUMNS columns over `rows` rows, `stride` cells
     * apart. Indexed by dtype, entry 0 unused. */
    void (*judge[5])(const void *cells, tskip_i64 stride, tskip_i64 rows, tskip_i64 columns,
                     struct tskip__scan_room *room);

    /* Joins those verdicts by tiles of `width` <= columns: ceil(columns / width) of them go to out,
     * as SCAN_ bits. */
    void (*join)(const struct tskip__scan_room *room, tskip_i64 columns, tskip_i64 width,
                 tskip_u8 *out);
} tskip__scan_set;

extern const tskip__scan_set tskip__scan_c;
extern const tskip__scan_set tskip__scan_neon;
extern const tskip__scan_set tskip__scan_avx2;
extern const tskip__scan_set tskip__scan_avx512;

#endif
