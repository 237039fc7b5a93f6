/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CPU_SCAN_H
#define TSKIP_KERNELS_CPU_SCAN_H

#include "kernels/shared/kargs.h"

/* The mask scan: what is known of each column of a strip of cells, kept as two integers and folded
 * over the rows, 8 at a time. Unsigned arithmetic on the bits decides, so a NaN is an ordinary
 * value that is neither masked nor zero:
 *
 *     high = max over rows of (bits - LO)    every cell masked iff high <= HI - LO
 *     any  = or over rows of bits            every cell zero   iff any without the sign is 0
 *
 * where masked cells are those with LO <= bits <= HI. For bool: any = or, high = max of "is zero".
 */

#define TSKIP__SCAN_COLUMNS 4096 /* a strip: both integers of all its columns fit the L1 cache */

/* Folds `rows` rows of `columns` cells, `stride` cells apart, into high and any (of the cell's
 * type, zero at the start). */
typedef void (*tskip__scan_fn)(const void *cells, tskip_i64 stride, tskip_i64 rows,
                               tskip_i64 columns, void *high, void *any);

/* One set a rung; indexed by dtype, entry 0 unused. */
typedef struct tskip__scan_set {
    tskip__scan_fn fold[5];
} tskip__scan_set;

extern const tskip__scan_set tskip__scan_c;
extern const tskip__scan_set tskip__scan_avx2;
extern const tskip__scan_set tskip__scan_avx512;

#endif
