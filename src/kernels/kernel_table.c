/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "kernel_table.h"

extern const tskip_kernel_desc tskip__kernel_attention;
extern const tskip_kernel_desc tskip__kernel_mask_count;
extern const tskip_kernel_desc tskip__kernel_mask_fill;
extern const tskip_kernel_desc tskip__kernel_tile_count;
extern const tskip_kernel_desc tskip__kernel_tile_map;
extern const tskip_kernel_desc tskip__kernel_tile_order;

const tskip_kernel_desc *const tskip__kernel_table[] = {
    &tskip__kernel_attention,
    &tskip__kernel_mask_count,
    &tskip__kernel_mask_fill,
    &tskip__kernel_tile_count,
    &tskip__kernel_tile_map,
    &tskip__kernel_tile_order,
    NULL,
};

const tskip__variant tskip__variants[] = {
#define VARIANT(kernel, format, low, high, needs, max_dim, multiple, bq, bk, panels)               \
    {kernel, format, needs, low, high, max_dim, multiple, {bq, bk}, panels},
#include "variants.def"
#undef VARIANT
    {0},
};
