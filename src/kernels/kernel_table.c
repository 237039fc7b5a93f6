/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "kernel_table.h"

extern const tskip_kernel_desc tskip__kernel_attention;
extern const tskip_kernel_desc tskip__kernel_attention_f32;
extern const tskip_kernel_desc tskip__kernel_attention_metal;
extern const tskip_kernel_desc tskip__kernel_attention_parts;
extern const tskip_kernel_desc tskip__kernel_attention_sm80;
extern const tskip_kernel_desc tskip__kernel_attention_sm90;
extern const tskip_kernel_desc tskip__kernel_attention_sm90_wide;
extern const tskip_kernel_desc tskip__kernel_decode;
extern const tskip_kernel_desc tskip__kernel_decode_combine;
extern const tskip_kernel_desc tskip__kernel_mask_count;
extern const tskip_kernel_desc tskip__kernel_mask_fill;
extern const tskip_kernel_desc tskip__kernel_tile_count;
extern const tskip_kernel_desc tskip__kernel_tile_map;
extern const tskip_kernel_desc tskip__kernel_tile_order;

/* clang-format off */
const tskip_kernel_desc *const tskip__kernel_table[] = {
    &tskip__kernel_attention,
    &tskip__kernel_attention_f32,
    &tskip__kernel_attention_metal,
    &tskip__kernel_attention_parts,
    &tskip__kernel_attention_sm80,
    &tskip__kernel_attention_sm90,
    &tskip__kernel_attention_sm90_wide,
    &tskip__kernel_decode,
    &tskip__kernel_decode_combine,
    &tskip__kernel_mask_count,
    &tskip__kernel_mask_fill,
    &tskip__kernel_tile_count,
    &tskip__kernel_tile_map,
    &tskip__kernel_tile_order,
    NULL,
};
/* clang-format on */

/* Columns of cells, and tiles in closed form, that a GPU's group takes. */
#define COLUMNS_A_GROUP 256
#define TILES_A_GROUP   256
#define MOST_GROUPS     65535

uint32_t tskip__map_groups_across(tskip_code_format format, const struct tskip__plane_args *plane)
{
    if (format == TSKIP_CODE_C)
        return 1;
    uint64_t groups = plane->tensor.dtype
                          ? ((uint64_t)plane->k_len + COLUMNS_A_GROUP - 1) / COLUMNS_A_GROUP
                          : ((uint64_t)plane->nk + TILES_A_GROUP - 1) / TILES_A_GROUP;
    return groups < MOST_GROUPS ? (uint32_t)groups : MOST_GROUPS;
}

const tskip__variant tskip__variants[] = {
#define VARIANT(...) {__VA_ARGS__},
#include "variants.def"
#undef VARIANT
    {.kernel = NULL},
};
