/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The compute layer with memory running out at every place where it asks for some. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <tileskip/compute.h>

#include "harness/failing_alloc.h"

enum { N = 64 };

static void iota(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    (void)args;
    memset(memory, 0, 4096);
    ((uint32_t *)buffers[0])[group->index[0]] = group->index[0] + group->constants[0].u32;
}

static const tskip_kernel_body body = {.format = TSKIP_CODE_C, .function = iota};
static const tskip_constant_decl first = {.name = "first", .type = TSKIP_CONSTANT_U32};
static const tskip_kernel_desc desc = {
    .name = "iota",
    .bodies = &body,
    .n_bodies = 1,
    .constants = &first,
    .n_constants = 1,
    .n_bindings = 1,
    .args_size = TSKIP_MAX_ARGS_SIZE,
    .shape = {.group_size = {1, 1, 1}, .group_memory = 4096},
};

typedef struct objects {
    tskip_device *device;
    tskip_buffer *buffer, *view, *imported;
    tskip_encoder *encoder;
    uint32_t host[N];
} objects;

#define TRY(call)                                                                                  \
    do {                                                                                           \
        tskip_status status_ = (call);                                                             \
        if (status_ != TSKIP_OK)                                                                   \
            return status_;                                                                        \
    } while (0)

/* Longer than an encoder's first block, so that the list grows. */
static tskip_status encode(objects *o, const tskip_kernel *kernel)
{
    static const char args[TSKIP_MAX_ARGS_SIZE];
    const uint32_t grid[3] = {N, 1, 1};
    const tskip_binding to_view = {.buffer = o->view, .access = TSKIP_WRITE};
    const tskip_binding to_host = {.buffer = o->imported, .access = TSKIP_WRITE};
    for (int i = 0; i < 16; i++) {
        TRY(tskip_encoder_fill(o->encoder, o->buffer, 0, 4, (uint32_t)i));
        TRY(tskip_encoder_barrier(o->encoder));
        TRY(tskip_encoder_dispatch(o->encoder, kernel, grid, &to_view, 1, args, sizeof args));
    }
    return tskip_encoder_dispatch(o->encoder, kernel, grid, &to_host, 1, args, sizeof args);
}

static tskip_status make_and_run(const char *device, objects *o)
{
    const tskip_constant constant = {"first", {.u32 = 3}};
    const tskip_kernel *kernel;
    uint32_t last = 0;
    TRY(tskip_device_open(&(tskip_device_desc){.name = device, .threads = 3}, &o->device));
    TRY(tskip_kernel_register(o->device, &desc));
    TRY(tskip_kernel_get(o->device, "iota", &constant, 1, &kernel));
    TRY(tskip_buffer_create(o->device, (N + 1) * sizeof(uint32_t), &o->buffer));
    TRY(tskip_buffer_view(o->buffer, sizeof(uint32_t), N * sizeof(uint32_t), &o->view));
    TRY(tskip_buffer_import(o->device, o->host, sizeof o->host, &o->imported));
    TRY(tskip_encoder_create(o->device, NULL, &o->encoder));
    for (int round = 0; round < 2; round++) {
        TRY(encode(o, kernel));
        TRY(tskip_encoder_submit(o->encoder));
        TRY(tskip_encoder_reset(o->encoder));
    }
    TRY(tskip_buffer_read(o->view, (N - 1) * sizeof last, &last, sizeof last));
    bool computes = strcmp(device, "cpu") == 0;
    assert_int_equal(last, computes ? N + 2 : 0);
    assert_int_equal(o->host[N - 1], computes ? N + 2 : 0);
    return TSKIP_OK;
}

static tskip_status scenario(void *context)
{
    objects o = {0};
    tskip_status status = make_and_run(context, &o);
    tskip_encoder_destroy(&o.encoder);
    tskip_buffer_destroy(&o.imported);
    tskip_buffer_destroy(&o.view);
    tskip_buffer_destroy(&o.buffer);
    tskip_device_destroy(&o.device);
    return status;
}

static void test_every_allocation_on_the_cpu(void **state)
{
    (void)state;
    char device[] = "cpu";
    assert_true(failing_alloc_sweep(scenario, device) >= 12);
}

static void test_every_allocation_on_null(void **state)
{
    (void)state;
    char device[] = "null";
    assert_true(failing_alloc_sweep(scenario, device) >= 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_on_the_cpu),
        cmocka_unit_test(test_every_allocation_on_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
