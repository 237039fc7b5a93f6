/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tileskip/compute.h>

#include "base/dynlib.h"
#include "fake_cuda.h"
#include "harness/failing_alloc.h"

/* The CUDA backend's host code against the fakes of fake_cuda.h: what reaches the driver, when, and
 * what becomes of a failure at any call. */

#define OK(call) assert_int_equal(call, TSKIP_OK)

static fake_cuda *driver, *compiler;
static char caller_stream; /* its address is a stream of the caller's */

static const char TEXT[] = "the fake reads none of this";
static const tskip_kernel_body body = {.format = TSKIP_CODE_CUDA,
                                       .capability = 800,
                                       .code = TEXT,
                                       .code_size = sizeof TEXT - 1,
                                       .entry = "scale"};
static const tskip_constant_decl constants[] = {
    {.name = "width", .id = 0, .type = TSKIP_CONSTANT_U32, .is_shape = true},
    {.name = "factor", .id = 1, .type = TSKIP_CONSTANT_F32}};
static const tskip_kernel_desc scale = {.name = "scale",
                                        .bodies = &body,
                                        .n_bodies = 1,
                                        .constants = constants,
                                        .n_constants = 2,
                                        .n_bindings = 2,
                                        .args_size = 8,
                                        .shape = {.group_size = {64, 0, 0}, .group_memory = 4096}};
static const tskip_kernel_desc pair = {.name = "pair",
                                       .bodies = &body,
                                       .n_bodies = 1,
                                       .n_bindings = 1,
                                       .shape = {.group_size = {128, 1, 1}, .cluster_size = 2}};

typedef struct scene {
    tskip_device *device;
    tskip_buffer *buffer;
    tskip_encoder *encoder;
    const tskip_kernel *kernel;
} scene;

static void set_up(scene *s, void *stream)
{
    const tskip_encoder_desc desc = {.native_stream = stream};
    *driver = (fake_cuda){0};
    *s = (scene){0};
    OK(tskip_device_open(&(tskip_device_desc){.name = "cuda:0"}, &s->device));
    OK(tskip_kernel_register(s->device, &scale));
    OK(tskip_kernel_register(s->device, &pair));
    OK(tskip_kernel_get(s->device, "scale", NULL, 0, &s->kernel));
    OK(tskip_buffer_create(s->device, 256, &s->buffer));
    OK(tskip_encoder_create(s->device, &desc, &s->encoder));
}

/* Destroys everything; nothing may be left of it in the driver. */
static void tear_down(scene *s)
{
    tskip_encoder_destroy(&s->encoder);
    tskip_buffer_destroy(&s->buffer);
    tskip_device_destroy(&s->device);
    assert_int_equal(driver->n_buffers, 0);
    assert_int_equal(driver->n_streams, 0);
    assert_int_equal(driver->n_events, 0);
    assert_int_equal(driver->n_loads, 0);
    assert_int_equal(driver->depth, 0);
}

static tskip_status dispatch(const scene *s)
{
    const uint64_t args = 0x1122334455667788;
    const uint32_t grid[3] = {5, 6, 7};
    const tskip_binding bindings[] = {{.buffer = s->buffer, .offset = 16, .access = TSKIP_READ},
                                      {0}};
    return tskip_encoder_dispatch(s->encoder, s->kernel, grid, bindings, 2, &args, sizeof args);
}

static void test_devices(void **state)
{
    (void)state;
    tskip_device_info infos[16];
    size_t count, found = 0;
    OK(tskip_device_list(infos, 16, &count));
    for (size_t i = 0; i < count; i++)
        found += strcmp(infos[i].backend, "cuda") == 0 && infos[i].available;
    assert_int_equal(found, 2);
    assert_string_equal(infos[0].name, "cuda:0");
    assert_string_equal(infos[0].isa, "sm_90a");
    assert_int_equal(infos[0].capability, 900);
    assert_string_equal(infos[1].description, "Fake One, sm_90a, 131 SMs");
    assert_int_equal(infos[1].compute_units, 131);
    assert_int_equal(infos[1].threads, 0);
    tskip_device *device;
    assert_int_equal(tskip_device_open(&(tskip_device_desc){.name = "cuda:2"}, &device),
                     TSKIP_DEVICE_NOT_FOUND);
    assert_non_null(strstr(tskip_last_error(), "none of the numbers 0 to 1"));
}

static void test_own_stream(void **state)
{
    (void)state;
    scene s;
    double seconds;
    set_up(&s, NULL);
    OK(dispatch(&s));
    const uint64_t mark = tskip_encoder_mark(s.encoder);
    OK(dispatch(&s));
    OK(tskip_encoder_rewind(s.encoder, mark));
    assert_int_equal(driver->n_launches, 0); /* kept until submit */
    OK(tskip_encoder_submit(s.encoder));
    OK(tskip_encoder_wait(s.encoder));
    assert_int_equal(driver->n_launches, 1);
    const fake_launch *l = &driver->launches[0];
    assert_int_equal(l->grid[0] * 100 + l->grid[1] * 10 + l->grid[2], 567);
    assert_int_equal(l->block[0] * 100 + l->block[1] * 10 + l->block[2], 6411);
    assert_int_equal(l->shared, 4096);
    assert_int_equal(l->pointers[0] % 16, 0);
    assert_int_equal(l->pointers[1], 0);
    assert_int_equal(l->pointers[2], 0x1122334455667788);
    assert_int_equal(l->pointers[3], 0); /* not given: zeros, not what lies behind */
    OK(tskip_encoder_elapsed(s.encoder, &seconds));
    assert_true(seconds > 0.0019 && seconds < 0.0021);
    OK(tskip_encoder_reset(s.encoder));
    OK(tskip_encoder_submit(s.encoder));
    assert_int_equal(driver->n_launches, 1); /* the list is empty again */
    tear_down(&s);
}

static void test_callers_stream(void **state)
{
    (void)state;
    scene s;
    set_up(&s, &caller_stream);
    OK(dispatch(&s));
    OK(tskip_encoder_fill(s.encoder, s.buffer, 4, 8, 7));
    assert_int_equal(driver->n_launches, 1); /* at once */
    assert_int_equal(driver->n_fills, 1);
    assert_ptr_equal(driver->launches[0].stream, &caller_stream);
    OK(tskip_encoder_submit(s.encoder));
    OK(tskip_encoder_wait(s.encoder));
    assert_int_equal(driver->n_launches, 1);
    tear_down(&s);
}

static void test_capture(void **state)
{
    (void)state;
    scene s;
    double seconds;
    set_up(&s, &caller_stream);
    driver->capturing = 1;
    driver->wait_result = 700; /* waiting for what is being captured is an error */
    OK(dispatch(&s));
    OK(tskip_encoder_submit(s.encoder));
    OK(tskip_encoder_wait(s.encoder));
    assert_int_equal(tskip_encoder_elapsed(s.encoder, &seconds), TSKIP_UNSUPPORTED);
    tear_down(&s);
}

static void test_cluster_and_long_list(void **state)
{
    (void)state;
    scene s;
    const tskip_kernel *kernel;
    const uint32_t grid[3] = {2, 1, 1};
    set_up(&s, NULL);
    OK(tskip_kernel_get(s.device, "pair", NULL, 0, &kernel));
    const tskip_binding binding = {.buffer = s.buffer, .access = TSKIP_WRITE};
    OK(tskip_encoder_dispatch(s.encoder, kernel, grid, &binding, 1, NULL, 0));
    for (int i = 0; i < 1000; i++) /* longer than the first block */
        OK(tskip_encoder_fill(s.encoder, s.buffer, 0, 4, (uint32_t)i));
    OK(tskip_encoder_submit(s.encoder));
    OK(tskip_encoder_wait(s.encoder));
    assert_int_equal(driver->launches[0].cluster, 2);
    assert_int_equal(driver->n_fills, 1000);
    uint32_t last;
    OK(tskip_buffer_read(s.buffer, 0, &last, 4));
    assert_int_equal(last, 999);
    tear_down(&s);
}

static void test_grid_and_view_limits(void **state)
{
    (void)state;
    scene s;
    set_up(&s, NULL);
    const uint64_t args = 0;
    const uint32_t wide[3] = {1, 65536, 1}, one[3] = {1, 1, 1};
    tskip_tensor_view view = {
        .dtype = TSKIP_BF16, .rank = 2, .dims = {8, 2}, .strides = {2, 24}, .box = {8, 2}};
    tskip_binding bindings[] = {{.buffer = s.buffer, .access = TSKIP_READ}, {0}};
    assert_int_equal(tskip_encoder_dispatch(s.encoder, s.kernel, wide, bindings, 2, &args, 8),
                     TSKIP_UNSUPPORTED);
    assert_non_null(strstr(tskip_last_error(), "1 x 65536 x 1"));
    bindings[0].view = &view;
    assert_int_equal(tskip_encoder_dispatch(s.encoder, s.kernel, one, bindings, 2, &args, 8),
                     TSKIP_UNSUPPORTED);
    assert_non_null(strstr(tskip_last_error(), "stride 24 in dimension 1"));
    view.strides[1] = 32;
    OK(tskip_encoder_dispatch(s.encoder, s.kernel, one, bindings, 2, &args, 8));
    bindings[0].offset = 8;
    assert_int_equal(tskip_encoder_dispatch(s.encoder, s.kernel, one, bindings, 2, &args, 8),
                     TSKIP_UNSUPPORTED);
    assert_non_null(strstr(tskip_last_error(), "multiples of 16"));
    OK(tskip_encoder_submit(s.encoder));
    assert_int_equal(driver->n_launches, 1); /* what was refused left nothing behind */
    assert_int_equal(driver->launches[0].pointers[3],
                     driver->launches[0].pointers[0]); /* the map */
    tear_down(&s);
}

static void test_failures(void **state)
{
    (void)state;
    scene s;
    tskip_buffer *buffer;
    set_up(&s, NULL);
    driver->alloc_result = 2;
    assert_int_equal(tskip_buffer_create(s.device, 64, &buffer), TSKIP_OUT_OF_MEMORY);
    driver->alloc_result = 0;
    OK(dispatch(&s));
    driver->launch_result = 700;
    assert_int_equal(tskip_encoder_submit(s.encoder), TSKIP_DEVICE_LOST);
    assert_non_null(strstr(tskip_last_error(), "scale[factor=0 width=0]: CUDA_ERROR_ILLEGAL"));
    driver->launch_result = 0;
    OK(tskip_encoder_submit(s.encoder)); /* the list is as it was */
    driver->wait_result = 700;
    assert_int_equal(tskip_encoder_wait(s.encoder), TSKIP_DEVICE_LOST);
    driver->wait_result = 0;
    tear_down(&s);
}

static void test_compile_and_cache(void **state)
{
    (void)state;
    scene s;
    const tskip_kernel *kernel;
    tskip_constant width = {.name = "width", .value.u32 = 77};
    set_up(&s, NULL);
    compiler->n_compiles = 0;
    OK(tskip_kernel_get(s.device, "scale", &width, 1, &kernel));
    OK(tskip_kernel_get(s.device, "scale", &width, 1, &kernel));
    assert_int_equal(compiler->n_compiles, 1);
    width.value.u32 = 78;
    compiler->compile_result = 6;
    assert_int_equal(tskip_kernel_get(s.device, "scale", &width, 1, &kernel),
                     TSKIP_COMPILATION_FAILED);
    assert_non_null(strstr(tskip_last_error(), "line 1: not a kernel"));
    compiler->compile_result = 0;
    tear_down(&s);

    set_up(&s, NULL); /* another device: from the disk */
    compiler->n_compiles = 0;
    width.value.u32 = 77;
    OK(tskip_kernel_get(s.device, "scale", &width, 1, &kernel));
    assert_int_equal(compiler->n_compiles, 0);
    tear_down(&s);

    set_up(&s, NULL); /* an entry that is whole but that the driver refuses */
    driver->refuse_loads = 1;
    OK(tskip_kernel_get(s.device, "scale", &width, 1, &kernel));
    assert_int_equal(compiler->n_compiles, 1);
    tear_down(&s);
}

/* What is on the disk needs no compiler, and is kept while no other one has compiled. */
static void test_compiler_is_asked_late(void **state)
{
    (void)state;
    scene s;
    const tskip_kernel *kernel;
    tskip_constant width = {.name = "width", .value.u32 = 81};
    set_up(&s, NULL);
    OK(tskip_kernel_get(s.device, "scale", &width, 1, &kernel));
    tear_down(&s);

    compiler->n_asked = compiler->n_compiles = 0;
    set_up(&s, NULL);
    OK(tskip_kernel_get(s.device, "scale", &width, 1, &kernel));
    tear_down(&s);
    assert_int_equal(compiler->n_asked, 0);

    compiler->newest = 89; /* another compiler, which knows the device less well */
    set_up(&s, NULL);
    OK(tskip_kernel_get(s.device, "scale", &width, 1, &kernel));
    assert_int_equal(compiler->n_compiles, 0);
    width.value.u32 = 82;
    OK(tskip_kernel_get(s.device, "scale", &width, 1, &kernel));
    assert_int_equal(compiler->n_compiles, 1);
    tear_down(&s);
    set_up(&s, NULL); /* compiles "scale" with presets for it */
    compiler->n_compiles = 0;
    OK(tskip_kernel_get(s.device, "scale", &width, 1, &kernel));
    assert_int_equal(compiler->n_compiles, 0);
    width.value.u32 = 81; /* is there for the other target only */
    OK(tskip_kernel_get(s.device, "scale", &width, 1, &kernel));
    assert_int_equal(compiler->n_compiles, 1);
    compiler->newest = 0;
    tear_down(&s);
}

/* "cuda:0:sm_80" takes the kernels of that generation and compiles them for the device it has. */
static void test_older_kernels(void **state)
{
    (void)state;
    static const tskip_kernel_body bodies[] = {
        {TSKIP_CODE_CUDA, 800, NULL, TEXT, sizeof TEXT - 1, "old"},
        {TSKIP_CODE_CUDA, 900, NULL, TEXT, sizeof TEXT - 1, "new"}};
    static const tskip_kernel_desc both = {.name = "both", .bodies = bodies, .n_bodies = 2};
    static const char *const wrong[] = {"cuda:0:", "cuda:0:sm_75", "cuda:0:sm_80x", "cuda:0:avx2"};
    tskip_device *device;
    const tskip_kernel *kernel;
    *driver = (fake_cuda){0};
    OK(tskip_device_open(&(tskip_device_desc){.name = "cuda:0:sm_80"}, &device));
    assert_string_equal(tskip_device_get_info(device)->name, "cuda:0:sm_80");
    assert_string_equal(tskip_device_get_info(device)->isa, "sm_80");
    assert_int_equal(tskip_device_get_info(device)->capability, 800);
    OK(tskip_kernel_register(device, &both));
    OK(tskip_kernel_get(device, "both", NULL, 0, &kernel));
    assert_string_equal(driver->entry, "old");
    assert_string_equal(compiler->architecture, "--gpu-architecture=sm_90a");
    tskip_device_destroy(&device);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(tskip_device_open(&(tskip_device_desc){.name = wrong[i]}, &device),
                         TSKIP_DEVICE_NOT_FOUND);
    assert_int_equal(tskip_device_open(&(tskip_device_desc){.name = "cuda:0:sm_100"}, &device),
                     TSKIP_UNSUPPORTED);
    assert_non_null(strstr(tskip_last_error(), "cuda:0 is sm_90a"));
}

static tskip_status life(void *context)
{
    (void)context;
    tskip_device *device = NULL;
    tskip_buffer *buffer = NULL;
    tskip_encoder *encoder = NULL;
    const tskip_kernel *kernel;
    tskip_status status = tskip_device_open(&(tskip_device_desc){.name = "cuda:1"}, &device);
    if (status == TSKIP_OK)
        status = tskip_kernel_register(device, &scale);
    if (status == TSKIP_OK)
        status = tskip_kernel_get(device, "scale", NULL, 0, &kernel);
    if (status == TSKIP_OK)
        status = tskip_buffer_create(device, 64, &buffer);
    if (status == TSKIP_OK)
        status = tskip_encoder_create(device, NULL, &encoder);
    for (int i = 0; i < 200 && status == TSKIP_OK; i++)
        status = tskip_encoder_fill(encoder, buffer, 0, 64, 1);
    if (status == TSKIP_OK)
        status = tskip_encoder_submit(encoder);
    tskip_encoder_destroy(&encoder);
    tskip_buffer_destroy(&buffer);
    tskip_device_destroy(&device);
    return status;
}

/* Every allocation of host memory fails once; each failure is a status and leaves nothing. Without
 * a cache on disk: there a failed allocation only means that the kernel is compiled. */
static void test_out_of_memory(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("XDG_CACHE_HOME"), 0);
    assert_int_equal(unsetenv("HOME"), 0);
    *driver = (fake_cuda){0};
    assert_true(failing_alloc_sweep(life, NULL) >= 12);
    assert_int_equal(driver->n_buffers + driver->n_streams + driver->n_events + driver->n_loads, 0);
    assert_int_equal(driver->depth, 0);
}

static bool find_fakes(void)
{
    static const char *const drivers[] = {"libcuda.so.1", NULL};
    static const char *const compilers[] = {"libnvrtc.so.13", NULL};
    return tskip__dynlib_symbol(tskip__dynlib_open(drivers), "fake_cuda_state", &driver) &&
           tskip__dynlib_symbol(tskip__dynlib_open(compilers), "fake_compiler_state", &compiler);
}

int main(void)
{
    static char folder[] = "/tmp/tileskip-host-XXXXXX";
    if (!find_fakes()) {
        fprintf(stderr, "the fakes are not on the library path\n");
        return EXIT_FAILURE;
    }
    if (!mkdtemp(folder) || setenv("XDG_CACHE_HOME", folder, 1) != 0)
        return EXIT_FAILURE;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_own_stream),
        cmocka_unit_test(test_callers_stream),
        cmocka_unit_test(test_capture),
        cmocka_unit_test(test_cluster_and_long_list),
        cmocka_unit_test(test_grid_and_view_limits),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_compile_and_cache),
        cmocka_unit_test(test_compiler_is_asked_late),
        cmocka_unit_test(test_older_kernels),
        cmocka_unit_test(test_out_of_memory),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) != 0 ? EXIT_FAILURE : failed;
}
