/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_KERNEL_TABLE_H
#define TSKIP_KERNELS_KERNEL_TABLE_H

#include <tileskip/compute.h>

#include "shared/kargs.h"

/* Every kernel of the library and the shapes it was tuned for. The attention layer finds kernels
 * here by name and knows none of their bodies.
 *
 *   kernel          bindings, in order                        grid                   args
 *   mask_fill       rules tensor out                          64 rows, plane of out  plane_args
 *   mask_count      rules tensor out(u64 a group)             64 rows, plane         plane_args
 *   tile_map        rules tensor map                          tile row, plane, share plane_args
 *   tile_count      map counts(u32 a row of tiles)            64 rows of tiles       order_args
 *   tile_order      map counts order(u32 an item)             1                      order_args
 *   attention       q k v o lse sinks tensor rules map order  item                   attention_args
 *   attention_parts attention's, then parts(f32)              item, part of the keys attention_args
 *   decode          attention's, then parts(f32)              item, part of the keys attention_args
 *   decode_combine  attention's, then parts(f32)              item                   attention_args
 *
 * 64 rows: TSKIP__ROWS_A_GROUP. "tile_order" counts what "tile_count" does if it is handed the map.
 * A binding that a problem does not have is empty; so is the order of
 * those that work the keys in parts. */

/* The element types of a mask tensor that "mask_fill", "mask_count", "tile_map" and attention read
 * and "mask_fill" writes; ended by NONE. One that tskip_dtype gains is no mask's before they know
 * it. */
extern const tskip_dtype tskip__mask_dtypes[];

/* The shares into which the columns of a row of tiles are cut for "tile_map": one on a CPU, where a
 * group is a thread's; on a GPU enough to fill it. */
uint32_t tskip__map_groups_across(tskip_code_format format, const struct tskip__plane_args *plane);

/* All kernel descriptions; NULL-ended. */
extern const tskip_kernel_desc *const tskip__kernel_table[];

/* What a variant asks of a problem besides head sizes. */
#define TSKIP__NEEDS_HALVES    1u /* Q, K, V and O all f16 or all bf16 */
#define TSKIP__NEEDS_ALIGNED   2u /* Q, K and V as the copy engine takes them: see variant.c */
#define TSKIP__NEEDS_NO_TENSOR 4u /* no mask tensor */
#define TSKIP__NEEDS_BF16      8u /* Q, K, V and O all bf16 */

/* One way to run attention. Of the rows that fit a device and a problem the first wins. */
typedef struct tskip__variant {
    const char *kernel; /* its name in the table above; all take what "attention" takes */
    tskip_code_format format;
    uint32_t needs;                          /* TSKIP__NEEDS_* */
    uint32_t min_capability, max_capability; /* of the device, inclusive; largest 0: no limit */
    uint32_t max_head_dim;                   /* of max(head_dim, head_dim_v) */
    uint32_t multiple;                       /* that both head sizes must be multiples of */
    uint32_t bq, bk;                         /* tile of the map: query rows (tokens) and keys */
    uint32_t panels;             /* row blocks that an item takes at most: they share its K and V */
    uint32_t min_rows, max_rows; /* of q_len, bq at most, times heads a KV head; max 0: any */
    /* For a variant that works the keys in parts; else NULL and 0. */
    const char *combine; /* the kernel that joins the parts */
    uint32_t split;      /* keys a part at least, a multiple of bk; parts are multiples of it */
    bool resident;       /* groups stay and take items in turn: no more of them than run at once */
    uint32_t view_rows[3]; /* Q, K and V: rows of a view's box; 0: the kernel takes no view */
} tskip__variant;

/* The rows of variants.def, ended by kernel NULL. */
extern const tskip__variant tskip__variants[];

#endif
