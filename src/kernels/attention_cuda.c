/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "attention_constants.h"
#include "attention_f32_cu_source.h"
#include "attention_sm80_cu_source.h"
#include "attention_sm90_cu_source.h"
#include "attention_sm90_wide_cu_source.h"
#include "cuda/cuda_body.h"
#include "kernel_table.h"

static const tskip_kernel_body sm80_bodies[] = {
    TSKIP__CUDA_BODY(TSKIP__CUDA_AMPERE, attention_sm80, "attention_sm80"),
};

static const tskip_kernel_body sm90_bodies[] = {
    TSKIP__CUDA_BODY(TSKIP__CUDA_HOPPER, attention_sm90, "attention_sm90"),
};

static const tskip_kernel_body sm90_wide_bodies[] = {
    TSKIP__CUDA_BODY(TSKIP__CUDA_HOPPER, attention_sm90_wide, "attention_sm90_wide"),
};

static const tskip_kernel_body f32_bodies[] = {
    TSKIP__CUDA_BODY(TSKIP__CUDA_AMPERE, attention_f32, "attention_f32"),
};

static uint32_t round_16(uint32_t columns)
{
    return (columns + 15) / 16 * 16;
}

/* 32 rows a warp up to head size 128, then 16, and two warps above 256 columns of V; tiles of Q, K
 * and V, their rows 8 elements longer than the data. */
static void specialise_sm80(const tskip_constant_value *values, const tskip_kernel_body *body,
                            tskip_kernel_shape *shape)
{
    (void)body;
    uint32_t bq = values[TSKIP__ID_bq].u32, bk = values[TSKIP__ID_bk].u32;
    uint32_t dim_v = values[TSKIP__ID_head_dim_v].u32, shares = dim_v > 256 ? 2 : 1;
    uint32_t row_k = round_16(values[TSKIP__ID_head_dim].u32) + 8;
    uint32_t row_v = shares * round_16((dim_v + shares - 1) / shares) + 8;
    uint32_t bands = row_k <= 128 + 8 && row_v <= 128 + 8 ? 2 : 1;
    shape->group_size[0] = 32 * (bq / 16 / bands) * shares;
    shape->group_memory = 2 * ((uint64_t)(bq + bk) * row_k + (uint64_t)bk * row_v);
}

/* One warpgroup that fetches and one for each panel. Panels of 64 columns of Q, and two stages of
 * K's and V's; 2.5 KiB a panel more than covers limits, barriers and the panels' words, 1 KiB the
 * alignment of the first. */
static void specialise_sm90(const tskip_constant_value *values, const tskip_kernel_body *body,
                            tskip_kernel_shape *shape)
{
    (void)body;
    const uint64_t row = 128, stages = 2;
    uint64_t bq = values[TSKIP__ID_bq].u32, bk = values[TSKIP__ID_bk].u32;
    uint64_t panels = values[TSKIP__ID_panels].u32;
    uint64_t across_k = (values[TSKIP__ID_head_dim].u32 + 63) / 64;
    uint64_t across_v = (values[TSKIP__ID_head_dim_v].u32 + 63) / 64;
    shape->group_size[0] = 128 * (uint32_t)(panels + 1);
    shape->group_memory =
        row * (panels * bq * across_k + stages * bk * (across_k + across_v)) + panels * 2560 + 1024;
}

const tskip_kernel_desc tskip__kernel_attention_sm80 = {
    .name = "attention_sm80",
    TSKIP__ATTENTION_KERNEL(sm80_bodies, TSKIP__N_ATTENTION_BINDINGS),
    .shape = {.group_size = {128, 1, 1}},
    .specialise = specialise_sm80,
};

const tskip_kernel_desc tskip__kernel_attention_sm90 = {
    .name = "attention_sm90",
    TSKIP__ATTENTION_KERNEL(sm90_bodies, TSKIP__N_ATTENTION_BINDINGS),
    .shape = {.group_size = {384, 1, 1}},
    .specialise = specialise_sm90,
};

/* 64 KiB of Q, of K and of V, two slots of P, and what comes with them. */
const tskip_kernel_desc tskip__kernel_attention_sm90_wide = {
    .name = "attention_sm90_wide",
    TSKIP__ATTENTION_KERNEL(sm90_wide_bodies, TSKIP__N_ATTENTION_BINDINGS),
    .shape = {.group_size = {512, 1, 1}, .group_memory = 216 * 1024, .cluster_size = 2},
};

const tskip_kernel_desc tskip__kernel_attention_f32 = {
    .name = "attention_f32",
    TSKIP__ATTENTION_KERNEL(f32_bodies, TSKIP__N_ATTENTION_BINDINGS),
    .shape = {.group_size = {128, 1, 1}},
};
