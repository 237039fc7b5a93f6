/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The compute layer runs any kernel: here one of our own that scales an array, on the CPU. */

#include <stdio.h>
#include <tileskip/tileskip.h>

enum { N = 1000, A_GROUP = 256 };

struct scale_args {
    uint32_t n;
};

static void scale(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    const struct scale_args *a = args;
    float *x = buffers[0];
    (void)memory;
    uint32_t begin = group->index[0] * A_GROUP;
    for (uint32_t i = begin; i < begin + A_GROUP && i < a->n; i++)
        x[i] *= group->constants[0].f32;
}

static const tskip_kernel_body body = {.format = TSKIP_CODE_C, .function = scale};
static const tskip_constant_decl factor = {
    .name = "factor", .type = TSKIP_CONSTANT_F32, .preset = {.f32 = 1}};
static const tskip_kernel_desc desc = {
    .name = "scale",
    .bodies = &body,
    .n_bodies = 1,
    .constants = &factor,
    .n_constants = 1,
    .n_bindings = 1,
    .args_size = sizeof(struct scale_args),
    .shape = {.group_size = {1, 1, 1}},
};

static tskip_status run(tskip_device *device, tskip_buffer *buffer, tskip_encoder *encoder)
{
    const tskip_kernel *kernel;
    const tskip_constant three = {"factor", {.f32 = 3}};
    const uint32_t grid[3] = {(N + A_GROUP - 1) / A_GROUP, 1, 1};
    const tskip_binding binding = {.buffer = buffer, .access = TSKIP_READ_WRITE};
    const struct scale_args args = {N};
    tskip_status s = tskip_kernel_register(device, &desc);
    if (s == TSKIP_OK)
        s = tskip_kernel_get(device, "scale", &three, 1, &kernel);
    if (s == TSKIP_OK)
        printf("%s\n", tskip_kernel_name(kernel));
    if (s == TSKIP_OK)
        s = tskip_encoder_dispatch(encoder, kernel, grid, &binding, 1, &args, sizeof args);
    if (s == TSKIP_OK)
        s = tskip_encoder_submit(encoder);
    return s == TSKIP_OK ? tskip_encoder_wait(encoder) : s;
}

int main(void)
{
    static float x[N];
    for (int i = 0; i < N; i++)
        x[i] = (float)i;
    tskip_device *device = NULL;
    tskip_buffer *buffer = NULL;
    tskip_encoder *encoder = NULL;
    tskip_status s = tskip_device_open(&(tskip_device_desc){.name = "cpu"}, &device);
    if (s == TSKIP_OK)
        s = tskip_buffer_import(device, x, sizeof x, &buffer);
    if (s == TSKIP_OK)
        s = tskip_encoder_create(device, NULL, &encoder);
    if (s == TSKIP_OK)
        s = run(device, buffer, encoder);
    printf("%s: x[999] = %g\n", s == TSKIP_OK ? "done" : tskip_last_error(), (double)x[999]);
    tskip_encoder_destroy(&encoder);
    tskip_buffer_destroy(&buffer);
    tskip_device_destroy(&device);
    return s != TSKIP_OK;
}
