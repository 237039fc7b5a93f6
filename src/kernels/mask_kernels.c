/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "base/cpu.h"
#include "cpu/tile_map_cpu.h"
#include "cuda/cuda_body.h"
#include "kernel_table.h"
#include "mask_count_cu_source.h"
#include "mask_fill_cu_source.h"
#include "tile_map_cu_source.h"
#include "tile_order_cu_source.h"

#define C_BODY(rung, fn)                                                                           \
    {                                                                                              \
        .format = TSKIP_CODE_C, .capability = (rung), .function = (fn)                             \
    }

static const tskip_kernel_body tile_map_bodies[] = {
    C_BODY(TSKIP__CPU_C, tskip__tile_map_c),
#if defined(__x86_64__)
    C_BODY(TSKIP__CPU_AVX2, tskip__tile_map_avx2),
    C_BODY(TSKIP__CPU_AVX512, tskip__tile_map_avx512),
#elif defined(__aarch64__)
    C_BODY(TSKIP__CPU_NEON, tskip__tile_map_neon),
#endif
    TSKIP__CUDA_BODY(TSKIP__CUDA_AMPERE, tile_map, "tile_map"),
};
static const tskip_kernel_body mask_fill_bodies[] = {
    C_BODY(TSKIP__CPU_C, tskip__mask_fill_c),
    TSKIP__CUDA_BODY(TSKIP__CUDA_AMPERE, mask_fill, "mask_fill"),
};
static const tskip_kernel_body mask_count_bodies[] = {
    C_BODY(TSKIP__CPU_C, tskip__mask_count_c),
    TSKIP__CUDA_BODY(TSKIP__CUDA_AMPERE, mask_count, "mask_count"),
};
static const tskip_kernel_body tile_count_bodies[] = {
    C_BODY(TSKIP__CPU_C, tskip__tile_count_c),
    TSKIP__CUDA_BODY(TSKIP__CUDA_AMPERE, tile_order, "tile_count"),
};
static const tskip_kernel_body tile_order_bodies[] = {
    C_BODY(TSKIP__CPU_C, tskip__tile_order_c),
    TSKIP__CUDA_BODY(TSKIP__CUDA_AMPERE, tile_order, "tile_order"),
};

/* Scratch memory is what the C bodies ask for; those of a GPU declare theirs in their text. */
static void specialise(const tskip_constant_value *constants, const tskip_kernel_body *body,
                       tskip_kernel_shape *shape)
{
    (void)constants;
    if (body->format != TSKIP_CODE_C)
        shape->group_memory = 0;
}

#define KERNEL(variable, text, n, args, threads, memory)                                           \
    const tskip_kernel_desc tskip__kernel_##variable = {                                           \
        .name = text,                                                                              \
        .bodies = variable##_bodies,                                                               \
        .n_bodies = sizeof variable##_bodies / sizeof variable##_bodies[0],                        \
        .n_bindings = (n),                                                                         \
        .args_size = sizeof(struct args),                                                          \
        .shape = {.group_size = {(threads), 1, 1}, .group_memory = (memory)},                      \
        .specialise = specialise,                                                                  \
    }

KERNEL(tile_map, "tile_map", 3, tskip__plane_args, 256, TSKIP__TILE_MAP_MEMORY);
KERNEL(mask_fill, "mask_fill", 3, tskip__plane_args, 256, 0);
KERNEL(mask_count, "mask_count", 3, tskip__plane_args, 256, 0);
KERNEL(tile_count, "tile_count", 2, tskip__order_args, 256, 0);
KERNEL(tile_order, "tile_order", 2, tskip__order_args, 1024, TSKIP__ORDER_MEMORY);
