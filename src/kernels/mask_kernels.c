/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "base/cpu.h"
#include "cpu/tile_map_cpu.h"
#include "cuda/cuda_body.h"
#include "kernel_table.h"
#include "mask_count_cu_source.h"
#include "mask_count_metal_source.h"
#include "mask_fill_cu_source.h"
#include "mask_fill_metal_source.h"
#include "metal/metal_body.h"
#include "shared/row_limits.h"
#include "tile_map_cu_source.h"
#include "tile_map_metal_source.h"
#include "tile_order_cu_source.h"
#include "tile_order_metal_source.h"

const tskip_dtype tskip__mask_dtypes[] = {TSKIP_F32, TSKIP_F16, TSKIP_BF16, TSKIP_BOOL,
                                          TSKIP_DTYPE_NONE};

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
    TSKIP__METAL_BODY(tile_map, "tile_map"),
};
static const tskip_kernel_body mask_fill_bodies[] = {
    C_BODY(TSKIP__CPU_C, tskip__mask_fill_c),
    TSKIP__CUDA_BODY(TSKIP__CUDA_AMPERE, mask_fill, "mask_fill"),
    TSKIP__METAL_BODY(mask_fill, "mask_fill"),
};
static const tskip_kernel_body mask_count_bodies[] = {
    C_BODY(TSKIP__CPU_C, tskip__mask_count_c),
    TSKIP__CUDA_BODY(TSKIP__CUDA_AMPERE, mask_count, "mask_count"),
    TSKIP__METAL_BODY(mask_count, "mask_count"),
};
static const tskip_kernel_body tile_count_bodies[] = {
    C_BODY(TSKIP__CPU_C, tskip__tile_count_c),
    TSKIP__CUDA_BODY(TSKIP__CUDA_AMPERE, tile_order, "tile_count"),
    TSKIP__METAL_BODY(tile_order, "tile_count"),
};
static const tskip_kernel_body tile_order_bodies[] = {
    C_BODY(TSKIP__CPU_C, tskip__tile_order_c),
    TSKIP__CUDA_BODY(TSKIP__CUDA_AMPERE, tile_order, "tile_order"),
    TSKIP__METAL_BODY(tile_order, "tile_order"),
};

/* What a group of a Metal body asks for; CUDA's declare theirs in their text, and a body in C gets
 * what the description says. */
#define METAL_THREADS    256
#define TILE_MAP_METAL   64
#define MASK_FILL_METAL  (TSKIP__ROWS_A_GROUP * sizeof(struct tskip__row_limits))
#define MASK_COUNT_METAL (MASK_FILL_METAL + METAL_THREADS * sizeof(tskip_u64))
#define TILE_COUNT_METAL 0
#define TILE_ORDER_METAL ((2048 + METAL_THREADS + METAL_THREADS / 32) * sizeof(tskip_u32))

static void specialise(const tskip_kernel_body *body, uint64_t metal_memory,
                       tskip_kernel_shape *shape)
{
    if (body->format == TSKIP_CODE_C)
        return;
    shape->group_memory = 0;
    if (body->format == TSKIP_CODE_MSL) {
        shape->group_size[0] = METAL_THREADS;
        shape->group_memory = metal_memory;
    }
}

#define KERNEL(variable, text, n, args, threads, memory, metal_memory)                             \
    static void specialise_##variable(const tskip_constant_value *constants,                       \
                                      const tskip_kernel_body *body, tskip_kernel_shape *shape)    \
    {                                                                                              \
        (void)constants;                                                                           \
        specialise(body, (metal_memory), shape);                                                   \
    }                                                                                              \
    const tskip_kernel_desc tskip__kernel_##variable = {                                           \
        .name = text,                                                                              \
        .bodies = variable##_bodies,                                                               \
        .n_bodies = sizeof variable##_bodies / sizeof variable##_bodies[0],                        \
        .n_bindings = (n),                                                                         \
        .args_size = sizeof(struct args),                                                          \
        .shape = {.group_size = {(threads), 1, 1}, .group_memory = (memory)},                      \
        .specialise = specialise_##variable,                                                       \
    }

KERNEL(tile_map, "tile_map", 3, tskip__plane_args, 256, TSKIP__TILE_MAP_MEMORY, TILE_MAP_METAL);
KERNEL(mask_fill, "mask_fill", 3, tskip__plane_args, 256, 0, MASK_FILL_METAL);
KERNEL(mask_count, "mask_count", 3, tskip__plane_args, 256, 0, MASK_COUNT_METAL);
KERNEL(tile_count, "tile_count", 2, tskip__order_args, 256, 0, TILE_COUNT_METAL);
KERNEL(tile_order, "tile_order", 3, tskip__order_args, 1024, TSKIP__ORDER_MEMORY, TILE_ORDER_METAL);
