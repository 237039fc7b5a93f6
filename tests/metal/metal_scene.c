/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "metal_scene.h"

#include "base/dynlib.h"

const tskip__metal_api *metal;
size_t (*take_reports)(char *text, size_t size);
size_t (*count_commits)(void);
tskip__id (*other_device)(void);

static const char text[] = "#include <metal_stdlib>\n"
                           "using namespace metal;\n"
                           "kernel void add(device uint *x [[buffer(0)]],\n"
                           "                constant uint &n [[buffer(1)]],\n"
                           "                uint i [[thread_position_in_grid]])\n"
                           "{\n"
                           "    if (i < n)\n"
                           "        x[i] += TSKIP_C_STEP;\n"
                           "}\n"
                           "kernel void copy(const device uint *x [[buffer(0)]],\n"
                           "                 device uint *y [[buffer(1)]],\n"
                           "                 constant uint &n [[buffer(2)]],\n"
                           "                 uint i [[thread_position_in_grid]])\n"
                           "{\n"
                           "    if (i < n)\n"
                           "        y[i] = x[i];\n"
                           "}\n";

static const tskip_kernel_body add_body = {
    .format = TSKIP_CODE_MSL, .code = text, .code_size = sizeof text - 1, .entry = "add"};
static const tskip_constant_decl step[] = {
    {.name = "step", .id = 0, .type = TSKIP_CONSTANT_U32, .preset = {.u32 = 1}}};
const tskip_kernel_desc metal_add = {.name = "add",
                                     .bodies = &add_body,
                                     .n_bodies = 1,
                                     .constants = step,
                                     .n_constants = 1,
                                     .n_bindings = 1,
                                     .args_size = sizeof(uint32_t),
                                     .shape = {.group_size = {THREADS, 1, 1}}};

static const tskip_kernel_body copy_body = {
    .format = TSKIP_CODE_MSL, .code = text, .code_size = sizeof text - 1, .entry = "copy"};
const tskip_kernel_desc metal_copy = {.name = "copy",
                                      .bodies = &copy_body,
                                      .n_bodies = 1,
                                      .constants = step,
                                      .n_constants = 1,
                                      .n_bindings = 2,
                                      .args_size = sizeof(uint32_t),
                                      .shape = {.group_size = {THREADS, 1, 1}}};

void set_up(scene *s)
{
    *s = (scene){.native = metal->default_device()};
    OK(tskip_device_open(&(tskip_device_desc){.name = "metal:0", .native_context = s->native},
                         &s->device));
    OK(tskip_kernel_register(s->device, &metal_add));
    OK(tskip_kernel_get(s->device, "add", NULL, 0, &s->kernel));
    OK(tskip_buffer_create(s->device, N * 4, &s->buffer));
}

void tear_down(scene *s)
{
    tskip_encoder_destroy(&s->encoder);
    tskip_buffer_destroy(&s->buffer);
    tskip_device_destroy(&s->device);
    metal->release(s->native);
}

tskip_status encode(const scene *s, uint32_t start)
{
    const uint32_t grid[3] = {(N + THREADS - 1) / THREADS, 1, 1}, n = N;
    const tskip_binding binding = {.buffer = s->buffer, .access = TSKIP_READ_WRITE};
    tskip_status status = tskip_encoder_fill(s->encoder, s->buffer, 0, N * 4, start);
    if (status == TSKIP_OK)
        status = tskip_encoder_barrier(s->encoder);
    if (status == TSKIP_OK)
        status = tskip_encoder_dispatch(s->encoder, s->kernel, grid, &binding, 1, &n, sizeof n);
    return status;
}

void check_words(const scene *s, uint32_t value)
{
    uint32_t words[N];
    OK(tskip_buffer_read(s->buffer, 0, words, sizeof words));
    for (int i = 0; i < N; i++)
        assert_int_equal(words[i], value);
}

void start_encoder(scene *s, void *native_stream)
{
    OK(tskip_encoder_create(s->device, &(tskip_encoder_desc){native_stream}, &s->encoder));
}

static void *pool;

bool metal_begin(void)
{
    const char *const stand_in[] = {getenv("TSKIP_METAL_LIBRARY"), NULL};
    if (tskip__metal_load(&metal) != TSKIP_OK) {
        fprintf(stderr, "%s\n", tskip_last_error());
        return false;
    }
    if (stand_in[0]) {
        tskip__dynlib *library = tskip__dynlib_open(stand_in);
        tskip__dynlib_symbol(library, "metal_standin_take", &take_reports);
        tskip__dynlib_symbol(library, "metal_standin_commits", &count_commits);
        tskip__dynlib_symbol(library, "metal_standin_other_device", &other_device);
    }
    pool = metal->pool_push();
    return true;
}

void metal_end(void)
{
    metal->pool_pop(pool);
}
