/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The kernels of the suite: descriptions once, a body a code format. A new format adds one line to
 * each list of bodies. */

#include "conformance.h"

#include <math.h>
#include <string.h>

#include "conformance_kernels_cu_source.h"
#include "conformance_kernels_metal_source.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { WIDTH = CONFORMANCE_WIDTH };

#define CUDA_BODY(name)                                                                            \
    {                                                                                              \
        .format = TSKIP_CODE_CUDA, .code = tskip__source_conformance_kernels_cu,                   \
        .code_size = sizeof tskip__source_conformance_kernels_cu - 1, .entry = (name)              \
    }

#define METAL_BODY(name)                                                                           \
    {                                                                                              \
        .format = TSKIP_CODE_MSL, .code = tskip__source_conformance_kernels_metal,                 \
        .code_size = sizeof tskip__source_conformance_kernels_metal - 1, .entry = (name)           \
    }

static void iota_c(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    (void)memory;
    const struct conformance_length *length = args;
    uint32_t *out = buffers[0];
    uint32_t first = group->constants[0].u32, step = group->constants[1].u32;
    uint32_t begin = group->index[0] * WIDTH;
    for (uint32_t i = begin; i < begin + WIDTH && i < length->n; i++)
        out[i] = first + step * i;
}

static void increment_c(const tskip_group *group, void *const *buffers, const void *args,
                        void *memory)
{
    (void)memory;
    const struct conformance_length *length = args;
    const uint32_t *in = buffers[0];
    uint32_t *out = buffers[1];
    uint32_t begin = group->index[0] * WIDTH;
    for (uint32_t i = begin; i < begin + WIDTH && i < length->n; i++)
        out[i] = in[i] + 1;
}

static void reverse_c(const tskip_group *group, void *const *buffers, const void *args,
                      void *memory)
{
    (void)args;
    const uint32_t *in = (const uint32_t *)buffers[0] + (size_t)group->index[0] * WIDTH;
    uint32_t *out = (uint32_t *)buffers[1] + (size_t)group->index[0] * WIDTH;
    uint32_t *shared = memory;
    memcpy(shared, in, WIDTH * sizeof *shared);
    for (uint32_t i = 0; i < WIDTH; i++)
        out[i] = shared[WIDTH - 1 - i];
}

static void constants_c(const tskip_group *group, void *const *buffers, const void *args,
                        void *memory)
{
    (void)args;
    (void)memory;
    uint32_t *out = buffers[0];
    for (int i = 0; i < 4; i++)
        out[3 - i] = group->constants[i].u32;
}

static void bindings_c(const tskip_group *group, void *const *buffers, const void *args,
                       void *memory)
{
    (void)group;
    (void)args;
    (void)memory;
    for (uint32_t i = 0; i < TSKIP_MAX_BINDINGS; i++)
        if (buffers[i])
            *(uint32_t *)buffers[i] = i + 1;
}

static void arguments_c(const tskip_group *group, void *const *buffers, const void *args,
                        void *memory)
{
    (void)group;
    (void)memory;
    memcpy(buffers[0], args, TSKIP_MAX_ARGS_SIZE);
}

static void products_c(const tskip_group *group, void *const *buffers, const void *args,
                       void *memory)
{
    (void)group;
    (void)args;
    (void)memory;
    const float *in = buffers[0];
    const float values[] = {in[0] * in[1] + in[2], in[3] - in[4] * in[5],
                            fmaf(in[6], in[7], in[8])};
    memcpy(buffers[1], values, sizeof values);
}

static void grid_c(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    (void)args;
    (void)memory;
    const uint32_t *at = group->index, *of = group->grid;
    ((uint32_t *)buffers[0])[at[0] + of[0] * (at[1] + of[1] * at[2])] =
        at[0] + 1000 * at[1] + 1000000 * at[2];
}

static const tskip_kernel_body iota_bodies[] = {
    {.format = TSKIP_CODE_C, .function = iota_c},
    CUDA_BODY("iota"),
    METAL_BODY("iota"),
};
static const tskip_kernel_body increment_bodies[] = {
    {.format = TSKIP_CODE_C, .function = increment_c},
    CUDA_BODY("increment"),
    METAL_BODY("increment"),
};
static const tskip_kernel_body reverse_bodies[] = {
    {.format = TSKIP_CODE_C, .function = reverse_c},
    CUDA_BODY("reverse"),
    METAL_BODY("reverse"),
};
static const tskip_kernel_body constants_bodies[] = {
    {.format = TSKIP_CODE_C, .function = constants_c},
    CUDA_BODY("constants"),
    METAL_BODY("constants"),
};
static const tskip_kernel_body bindings_bodies[] = {
    {.format = TSKIP_CODE_C, .function = bindings_c},
    CUDA_BODY("bindings"),
    METAL_BODY("bindings"),
};
static const tskip_kernel_body arguments_bodies[] = {
    {.format = TSKIP_CODE_C, .function = arguments_c},
    CUDA_BODY("arguments"),
    METAL_BODY("arguments"),
};
static const tskip_kernel_body products_bodies[] = {
    {.format = TSKIP_CODE_C, .function = products_c},
    CUDA_BODY("products"),
    METAL_BODY("products"),
};
static const tskip_kernel_body grid_bodies[] = {
    {.format = TSKIP_CODE_C, .function = grid_c},
    CUDA_BODY("grid"),
    METAL_BODY("grid"),
};

static const tskip_constant_decl iota_constants[] = {
    {.name = "first", .id = 0, .type = TSKIP_CONSTANT_U32},
    {.name = "step", .id = 1, .type = TSKIP_CONSTANT_U32, .preset = {.u32 = 1}},
};
static const tskip_constant_decl all_types[] = {
    {.name = "b", .id = 3, .type = TSKIP_CONSTANT_BOOL, .preset = {.u32 = 1}},
    {.name = "f", .id = 2, .type = TSKIP_CONSTANT_F32, .preset = {.f32 = 0.5f}},
    {.name = "i", .id = 1, .type = TSKIP_CONSTANT_I32, .preset = {.i32 = -3}},
    {.name = "u", .id = 0, .type = TSKIP_CONSTANT_U32, .is_shape = true, .preset = {.u32 = 7}},
};

const tskip_kernel_desc conformance_iota = {
    .name = "iota",
    .bodies = iota_bodies,
    .n_bodies = COUNT(iota_bodies),
    .constants = iota_constants,
    .n_constants = COUNT(iota_constants),
    .n_bindings = 1,
    .args_size = sizeof(struct conformance_length),
    .shape = {.group_size = {WIDTH, 1, 1}},
};

const tskip_kernel_desc conformance_increment = {
    .name = "increment",
    .bodies = increment_bodies,
    .n_bodies = COUNT(increment_bodies),
    .n_bindings = 2,
    .args_size = sizeof(struct conformance_length),
    .shape = {.group_size = {WIDTH, 1, 1}},
};

const tskip_kernel_desc conformance_reverse = {
    .name = "reverse",
    .bodies = reverse_bodies,
    .n_bodies = COUNT(reverse_bodies),
    .n_bindings = 2,
    .shape = {.group_size = {WIDTH, 1, 1}, .group_memory = WIDTH * sizeof(uint32_t)},
};

const tskip_kernel_desc conformance_constants = {
    .name = "constants",
    .bodies = constants_bodies,
    .n_bodies = COUNT(constants_bodies),
    .constants = all_types,
    .n_constants = COUNT(all_types),
    .n_bindings = 1,
};

const tskip_kernel_desc conformance_bindings = {
    .name = "bindings",
    .bodies = bindings_bodies,
    .n_bodies = COUNT(bindings_bodies),
    .n_bindings = TSKIP_MAX_BINDINGS,
};

const tskip_kernel_desc conformance_arguments = {
    .name = "arguments",
    .bodies = arguments_bodies,
    .n_bodies = COUNT(arguments_bodies),
    .n_bindings = 1,
    .args_size = TSKIP_MAX_ARGS_SIZE,
};

const tskip_kernel_desc conformance_products = {
    .name = "products",
    .bodies = products_bodies,
    .n_bodies = COUNT(products_bodies),
    .n_bindings = 2,
};

const tskip_kernel_desc conformance_grid = {
    .name = "grid",
    .bodies = grid_bodies,
    .n_bodies = COUNT(grid_bodies),
    .n_bindings = 1,
};
