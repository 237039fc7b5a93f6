/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "base/cpu.h"
#include "cpu/tile_map_cpu.h"
#include "kernel_table.h"

#define C_BODY(rung, fn)                                                                           \
    {                                                                                              \
        .format = TSKIP_CODE_C, .capability = (rung), .function = (fn)                             \
    }

static const tskip_kernel_body tile_map_bodies[] = {
    C_BODY(TSKIP__CPU_C, tskip__tile_map_c),
#if defined(__x86_64__)
    C_BODY(TSKIP__CPU_AVX2, tskip__tile_map_avx2),
    C_BODY(TSKIP__CPU_AVX512, tskip__tile_map_avx512),
#endif
};
static const tskip_kernel_body mask_fill_bodies[] = {C_BODY(TSKIP__CPU_C, tskip__mask_fill_c)};
static const tskip_kernel_body mask_count_bodies[] = {C_BODY(TSKIP__CPU_C, tskip__mask_count_c)};
static const tskip_kernel_body tile_count_bodies[] = {C_BODY(TSKIP__CPU_C, tskip__tile_count_c)};
static const tskip_kernel_body tile_order_bodies[] = {C_BODY(TSKIP__CPU_C, tskip__tile_order_c)};

#define KERNEL(variable, text, n, args, memory)                                                    \
    const tskip_kernel_desc tskip__kernel_##variable = {                                           \
        .name = text,                                                                              \
        .bodies = variable##_bodies,                                                               \
        .n_bodies = sizeof variable##_bodies / sizeof variable##_bodies[0],                        \
        .n_bindings = (n),                                                                         \
        .args_size = sizeof(struct args),                                                          \
        .shape = {.group_size = {1, 1, 1}, .group_memory = (memory)},                              \
    }

KERNEL(tile_map, "tile_map", 3, tskip__plane_args, TSKIP__TILE_MAP_MEMORY);
KERNEL(mask_fill, "mask_fill", 3, tskip__plane_args, 0);
KERNEL(mask_count, "mask_count", 3, tskip__plane_args, 0);
KERNEL(tile_count, "tile_count", 2, tskip__order_args, 0);
KERNEL(tile_order, "tile_order", 2, tskip__order_args, TSKIP__ORDER_MEMORY);
