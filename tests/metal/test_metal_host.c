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

#include "backends/metal/metal_api.h"
#include "base/dynlib.h"
#include "harness/failing_alloc.h"

/* The Metal backend's host code where a caller has a device, queues, command buffers, encoders and
 * buffers of its own, against whatever Metal there is: Apple's or the stand-in. */

#define OK(call) assert_int_equal(call, TSKIP_OK)
#define INVALID(call, text)                                                                        \
    do {                                                                                           \
        assert_int_equal(call, TSKIP_INVALID_ARGUMENT);                                            \
        assert_non_null(strstr(tskip_last_error(), text));                                         \
    } while (0)

enum { NO_DEVICE = 77, N = 1000, THREADS = 64, PAGE = 16384 };

static const tskip__metal_api *metal;

/* Of the stand-in; NULL: a real Metal. */
static size_t (*take_reports)(char *text, size_t size);
static size_t (*count_commits)(void);

static const char TEXT[] = "#include <metal_stdlib>\n"
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
                           "}\n"
                           "kernel void mark(device uint *x [[buffer(0)]],\n"
                           "                 constant uint &bad [[buffer(1)]],\n"
                           "                 constant uint &first [[buffer(2)]],\n"
                           "                 uint3 group [[threadgroup_position_in_grid]],\n"
                           "                 uint i [[thread_index_in_threadgroup]])\n"
                           "{\n"
                           "    uint g = first + group.x;\n"
                           "    x[g * TSKIP_GROUP_THREADS + i + (g == bad ? 4096 : 0)] += g;\n"
                           "}\n";
static const tskip_kernel_body body = {
    .format = TSKIP_CODE_MSL, .code = TEXT, .code_size = sizeof TEXT - 1, .entry = "add"};
static const tskip_constant_decl step[] = {
    {.name = "step", .id = 0, .type = TSKIP_CONSTANT_U32, .preset = {.u32 = 1}}};
static const tskip_kernel_desc add = {.name = "add",
                                      .bodies = &body,
                                      .n_bodies = 1,
                                      .constants = step,
                                      .n_constants = 1,
                                      .n_bindings = 1,
                                      .args_size = sizeof(uint32_t),
                                      .shape = {.group_size = {THREADS, 1, 1}}};

static const tskip_kernel_body copy_body = {
    .format = TSKIP_CODE_MSL, .code = TEXT, .code_size = sizeof TEXT - 1, .entry = "copy"};
static const tskip_kernel_desc copy = {.name = "copy",
                                       .bodies = &copy_body,
                                       .n_bodies = 1,
                                       .constants = step,
                                       .n_constants = 1,
                                       .n_bindings = 2,
                                       .args_size = sizeof(uint32_t),
                                       .shape = {.group_size = {THREADS, 1, 1}}};

enum { MARKED = 15, AT_ONCE = 3 }; /* groups of "mark", and how many go into a command buffer */

static uint64_t mark_work(const tskip_constant_value *constants, const void *args)
{
    (void)constants;
    (void)args;
    return ((uint64_t)1 << 39) / AT_ONCE;
}

static const tskip_kernel_body mark_body = {
    .format = TSKIP_CODE_MSL, .code = TEXT, .code_size = sizeof TEXT - 1, .entry = "mark"};
static const tskip_kernel_desc mark = {.name = "mark",
                                       .bodies = &mark_body,
                                       .n_bodies = 1,
                                       .constants = step,
                                       .n_constants = 1,
                                       .n_bindings = 1,
                                       .args_size = sizeof(uint32_t),
                                       .shape = {.group_size = {THREADS, 1, 1}},
                                       .group_work = mark_work};

typedef struct scene {
    tskip__id native; /* the caller's MTLDevice */
    tskip_device *device;
    tskip_buffer *buffer;
    tskip_encoder *encoder;
    const tskip_kernel *kernel;
} scene;

static void set_up(scene *s)
{
    *s = (scene){.native = metal->default_device()};
    OK(tskip_device_open(&(tskip_device_desc){.name = "metal:0", .native_context = s->native},
                         &s->device));
    OK(tskip_kernel_register(s->device, &add));
    OK(tskip_kernel_get(s->device, "add", NULL, 0, &s->kernel));
    OK(tskip_buffer_create(s->device, N * 4, &s->buffer));
}

static void tear_down(scene *s)
{
    tskip_encoder_destroy(&s->encoder);
    tskip_buffer_destroy(&s->buffer);
    tskip_device_destroy(&s->device);
    metal->release(s->native);
}

static tskip_status encode(const scene *s, uint32_t start)
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

static void check_words(const scene *s, uint32_t value)
{
    uint32_t words[N];
    OK(tskip_buffer_read(s->buffer, 0, words, sizeof words));
    for (int i = 0; i < N; i++)
        assert_int_equal(words[i], value);
}

static void start_encoder(scene *s, void *native_stream)
{
    OK(tskip_encoder_create(s->device, &(tskip_encoder_desc){native_stream}, &s->encoder));
}

static void test_device(void **state)
{
    (void)state;
    scene s;
    tskip_device *other;
    set_up(&s);
    const tskip_device_info *info = tskip_device_get_info(s.device);
    assert_string_equal(info->name, "metal:0");
    assert_string_equal(info->backend, "metal");
    assert_true(info->capability >= 1007 && info->shares_memory && info->available);
    assert_true(info->max_group_memory >= 32768 && info->max_buffer_size >= 1 << 20);
    OK(tskip_device_open(&(tskip_device_desc){.name = "metal"}, &other));
    tskip_device_destroy(&other);
    assert_int_equal(tskip_device_open(&(tskip_device_desc){.name = "metal:1"}, &other),
                     TSKIP_DEVICE_NOT_FOUND);
    tskip__id queue = TSKIP__ASK(metal, new_queue, s.native);
    INVALID(
        tskip_device_open(&(tskip_device_desc){.name = "metal", .native_context = queue}, &other),
        "no id<MTLDevice>");
    metal->release(queue);
    tear_down(&s);
}

static void test_callers_queue(void **state)
{
    (void)state;
    scene s;
    set_up(&s);
    tskip__id queue = TSKIP__ASK(metal, new_queue, s.native);
    start_encoder(&s, queue);
    OK(encode(&s, 10));
    OK(tskip_encoder_submit(s.encoder));
    OK(tskip_encoder_wait(s.encoder));
    check_words(&s, 11);
    tear_down(&s);
    metal->release(queue);
}

static void test_callers_command_buffer(void **state)
{
    (void)state;
    scene s;
    double seconds;
    set_up(&s);
    tskip__id queue = TSKIP__ASK(metal, new_queue, s.native);
    tskip__id buffer = TSKIP__ASK(metal, command_buffer, queue);
    start_encoder(&s, buffer);
    OK(encode(&s, 20));
    OK(tskip_encoder_submit(s.encoder));
    tskip__id after = TSKIP__SEND(metal, compute_encoder, buffer, 0); /* ours is ended */
    TSKIP__ASK(metal, end_encoding, after);
    TSKIP__ASK(metal, commit, buffer);
    OK(tskip_encoder_wait(s.encoder));
    OK(tskip_encoder_elapsed(s.encoder, &seconds));
    check_words(&s, 21);
    OK(tskip_encoder_reset(s.encoder));
    INVALID(encode(&s, 30), "was committed");
    tear_down(&s);
    metal->release(queue);
}

static void test_command_buffer_not_committed(void **state)
{
    (void)state;
    scene s;
    set_up(&s);
    tskip__id queue = TSKIP__ASK(metal, new_queue, s.native);
    tskip__id buffer = TSKIP__ASK(metal, command_buffer, queue);
    start_encoder(&s, buffer);
    OK(encode(&s, 40));
    OK(tskip_encoder_submit(s.encoder));
    INVALID(tskip_encoder_wait(s.encoder), "was not committed");
    tskip_encoder_destroy(&s.encoder);
    TSKIP__ASK(metal, commit, buffer);
    TSKIP__ASK(metal, wait, buffer);
    check_words(&s, 41);
    buffer = TSKIP__ASK(metal, command_buffer, queue);
    start_encoder(&s, buffer);
    OK(encode(&s, 50)); /* destroyed with its encoder open */
    tskip_encoder_destroy(&s.encoder);
    TSKIP__ASK(metal, commit, buffer);
    TSKIP__ASK(metal, wait, buffer);
    tear_down(&s);
    metal->release(queue);
}

/* Between commands of the caller's, without a barrier of the caller's. */
static void test_callers_encoder(void **state)
{
    (void)state;
    scene s;
    double seconds;
    set_up(&s);
    tskip__id queue = TSKIP__ASK(metal, new_queue, s.native);
    tskip__id buffer = TSKIP__ASK(metal, command_buffer, queue);
    tskip__id encoder = TSKIP__SEND(metal, compute_encoder, buffer, TSKIP__MTL_DISPATCH_CONCURRENT);
    for (uint32_t i = 0; i < 3; i++) {
        start_encoder(&s, encoder);
        OK(encode(&s, 60 + i));
        OK(tskip_encoder_submit(s.encoder));
        OK(tskip_encoder_wait(s.encoder));
        assert_int_equal(tskip_encoder_elapsed(s.encoder, &seconds), TSKIP_UNSUPPORTED);
        tskip_encoder_destroy(&s.encoder);
    }
    TSKIP__ASK(metal, end_encoding, encoder);
    TSKIP__ASK(metal, commit, buffer);
    TSKIP__ASK(metal, wait, buffer);
    check_words(&s, 63);
    INVALID(tskip_encoder_create(s.device, &(tskip_encoder_desc){s.native}, &s.encoder),
            "none of id<MTLCommandQueue>");
    tear_down(&s);
    metal->release(queue);
}

static void test_callers_buffer(void **state)
{
    (void)state;
    scene s;
    void *bytes;
    set_up(&s);
    tskip__id given = TSKIP__SEND(metal, new_buffer, s.native, 2 * N * 4, 0);
    uint32_t *words = TSKIP__ASK(metal, contents, given);
    tskip_buffer *whole;
    INVALID(tskip_buffer_import(s.device, given, 2 * N * 4 + 1, &whole), "at most the MTLBuffer's");
    INVALID(tskip_buffer_import(s.device, s.native, 16, &whole), "no id<MTLBuffer>");
    OK(tskip_buffer_import(s.device, given, 2 * N * 4, &whole));
    OK(tskip_buffer_map(whole, &bytes));
    assert_ptr_equal(bytes, words);
    tskip_buffer_destroy(&s.buffer);
    OK(tskip_buffer_view(whole, 4 * N, 4 * N, &s.buffer));
    memset(words, 0, 2 * N * 4);
    start_encoder(&s, NULL);
    OK(encode(&s, 70));
    OK(tskip_encoder_submit(s.encoder));
    OK(tskip_encoder_wait(s.encoder));
    check_words(&s, 71);
    for (int i = 0; i < 2 * N; i++)
        assert_int_equal(words[i], i < N ? 0 : 71);
    tskip_buffer_destroy(&whole);
    tear_down(&s);
    words[0] = 1; /* still the caller's */
    metal->release(given);
}

/* A buffer that only the GPU reaches is written by commands and read by them; the host may not. */
static void test_private_buffer(void **state)
{
    (void)state;
    enum { PRIVATE = 2 << 4, MANAGED = 1 << 4 };
    const uint32_t grid[3] = {(N + THREADS - 1) / THREADS, 1, 1}, n = N;
    const tskip_kernel *kernel;
    scene s;
    void *bytes;
    uint32_t word;
    set_up(&s);
    tskip_buffer *shared = s.buffer;
    tskip__id given = TSKIP__SEND(metal, new_buffer, s.native, N * 4, PRIVATE);
    OK(tskip_buffer_import(s.device, given, N * 4, &s.buffer));
    OK(tskip_kernel_register(s.device, &copy));
    OK(tskip_kernel_get(s.device, "copy", NULL, 0, &kernel));
    start_encoder(&s, NULL);
    OK(encode(&s, 90));
    OK(tskip_encoder_barrier(s.encoder));
    const tskip_binding bindings[] = {{.buffer = s.buffer, .access = TSKIP_READ},
                                      {.buffer = shared, .access = TSKIP_WRITE}};
    OK(tskip_encoder_dispatch(s.encoder, kernel, grid, bindings, 2, &n, sizeof n));
    OK(tskip_encoder_submit(s.encoder));
    OK(tskip_encoder_wait(s.encoder));
    const tskip_status refused[] = {tskip_buffer_read(s.buffer, 0, &word, 4),
                                    tskip_buffer_write(s.buffer, 0, &word, 4),
                                    tskip_buffer_map(s.buffer, &bytes)};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(refused[i], TSKIP_UNSUPPORTED);
    assert_non_null(strstr(tskip_last_error(), "private storage"));
    tskip_buffer_destroy(&s.buffer);
    metal->release(given);
    s.buffer = shared;
    check_words(&s, 91);
    given = TSKIP__SEND(metal, new_buffer, s.native, N * 4, MANAGED);
    if (given)
        INVALID(tskip_buffer_import(s.device, given, N * 4, &shared), "managed storage");
    metal->release(given);
    tear_down(&s);
}

static tskip__id make(tskip__id from, const char *selector)
{
    const tskip__sel name = metal->get_selector(selector);
    const bool answers = TSKIP__SEND(metal, responds_to, from, name) != 0;
    return answers ? metal->messages.make.send(from, name) : NULL;
}

/* Objects of Metal 4 share selectors with those before; none may be taken for one of them. Where
 * the system is older there are none. */
static void test_metal_4(void **state)
{
    (void)state;
    scene s;
    set_up(&s);
    tskip__id queue = make(s.native, "newMTL4CommandQueue");
    if (queue) {
        tskip__id buffer = make(s.native, "newCommandBuffer");
        tskip__id allocator = make(s.native, "newCommandAllocator");
        metal->messages.set_pipeline.send(
            buffer, metal->get_selector("beginCommandBufferWithAllocator:"), allocator);
        tskip__id encoder = make(buffer, "computeCommandEncoder");
        assert_non_null(encoder);
        tskip__id const all[] = {queue, buffer, encoder, allocator};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
            INVALID(tskip_encoder_create(s.device, &(tskip_encoder_desc){all[i]}, &s.encoder),
                    "objects of Metal 4 are others");
        TSKIP__ASK(metal, end_encoding, encoder);
        (void)make(buffer, "endCommandBuffer");
        metal->release(allocator);
        metal->release(buffer);
        metal->release(queue);
    }
    tear_down(&s);
}

/* Before macOS 15 mathematics is safe by another message; Apple's runtime is what it is. */
static void test_macos_14(void **state)
{
    (void)state;
    scene s;
    setenv("TSKIP_METAL_MACOS", "14", 1);
    set_up(&s);
    start_encoder(&s, NULL);
    OK(encode(&s, 100));
    OK(tskip_encoder_submit(s.encoder));
    OK(tskip_encoder_wait(s.encoder));
    check_words(&s, 101);
    tear_down(&s);
    unsetenv("TSKIP_METAL_MACOS");
}

static void test_host_pages(void **state)
{
    (void)state;
    scene s;
    void *bytes;
    set_up(&s);
    char *host = aligned_alloc(PAGE, 2 * PAGE);
    assert_non_null(host);
    tskip_buffer *buffer;
    INVALID(tskip_buffer_import_host(s.device, host + 64, N * 4, &buffer), "not at the start");
    OK(tskip_buffer_import_host(s.device, host, PAGE + 1, &buffer));
    OK(tskip_buffer_map(buffer, &bytes));
    assert_ptr_equal(bytes, host);
    tskip_buffer_destroy(&buffer);
    tear_down(&s);
    free(host);
}

/* Each group adds its number to what "add" left; group `bad` writes far past the end. */
static tskip_status encode_marks(const scene *s, uint32_t bad)
{
    const uint32_t grid[3] = {MARKED, 1, 1};
    const tskip_binding binding = {.buffer = s->buffer, .access = TSKIP_READ_WRITE};
    const tskip_kernel *kernel;
    OK(tskip_kernel_register(s->device, &mark));
    OK(tskip_kernel_get(s->device, "mark", NULL, 0, &kernel));
    OK(encode(s, 100));
    OK(tskip_encoder_barrier(s->encoder));
    OK(tskip_encoder_dispatch(s->encoder, kernel, grid, &binding, 1, &bad, sizeof bad));
    OK(tskip_encoder_barrier(s->encoder));
    const uint32_t all[3] = {(N + THREADS - 1) / THREADS, 1, 1}, n = N;
    return tskip_encoder_dispatch(s->encoder, s->kernel, all, &binding, 1, &n, sizeof n);
}

static void check_marks(const scene *s)
{
    uint32_t words[N];
    OK(tskip_buffer_read(s->buffer, 0, words, sizeof words));
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(words[i], 102 + (i < MARKED * THREADS ? i / THREADS : 0));
}

/* A dispatch that could take seconds goes into command buffers of their own on a queue, and stays
 * in the caller's; each group runs once. */
static void test_dispatch_in_parts(void **state)
{
    (void)state;
    scene s;
    double seconds = -1;
    set_up(&s);
    start_encoder(&s, NULL);
    const size_t before = count_commits ? count_commits() : 0;
    OK(encode_marks(&s, MARKED));
    OK(tskip_encoder_submit(s.encoder));
    OK(tskip_encoder_wait(s.encoder));
    if (count_commits) /* what came before the marks goes with the first, what comes after alone */
        assert_int_equal(count_commits() - before, MARKED / AT_ONCE + 1);
    check_marks(&s);
    OK(tskip_encoder_elapsed(s.encoder, &seconds));
    assert_true(seconds >= 0);
    OK(tskip_encoder_reset(s.encoder));
    tskip_encoder_destroy(&s.encoder);
    tskip__id queue = TSKIP__ASK(metal, new_queue, s.native);
    tskip__id buffer = TSKIP__ASK(metal, command_buffer, queue);
    start_encoder(&s, buffer);
    OK(encode_marks(&s, MARKED));
    OK(tskip_encoder_submit(s.encoder));
    TSKIP__ASK(metal, commit, buffer);
    OK(tskip_encoder_wait(s.encoder));
    check_marks(&s);
    tear_down(&s);
    metal->release(queue);
}

/* One that fails is noticed though later ones run. */
static void test_part_that_fails(void **state)
{
    (void)state;
    char reports[1024];
    scene s;
    if (!take_reports) /* on a GPU nothing notices the write */
        skip();
    set_up(&s);
    start_encoder(&s, NULL);
    for (uint32_t bad = 0; bad < MARKED; bad += MARKED / 2) {
        OK(encode_marks(&s, bad));
        OK(tskip_encoder_submit(s.encoder));
        assert_int_equal(tskip_encoder_wait(s.encoder), TSKIP_DEVICE_LOST);
        assert_int_equal(take_reports(reports, sizeof reports), 1);
        assert_non_null(strstr(reports, "kernel mark"));
        OK(tskip_encoder_reset(s.encoder));
    }
    OK(encode_marks(&s, MARKED));
    OK(tskip_encoder_submit(s.encoder));
    OK(tskip_encoder_wait(s.encoder));
    check_marks(&s);
    tear_down(&s);
}

static void test_compile_errors(void **state)
{
    (void)state;
    static const char BAD[] = "kernel void add(device uint *x [[buffer(0)]]) { x[0] = missing; }\n";
    static const tskip_kernel_body bodies[] = {
        {.format = TSKIP_CODE_MSL, .code = BAD, .code_size = sizeof BAD - 1, .entry = "add"},
        {.format = TSKIP_CODE_MSL, .code = TEXT, .code_size = sizeof TEXT - 1, .entry = "other"}};
    static tskip_kernel_desc descs[2];
    scene s;
    set_up(&s);
    for (int i = 0; i < 2; i++) {
        const tskip_kernel *none;
        descs[i] = add;
        descs[i].name = i == 0 ? "bad" : "lacking";
        descs[i].bodies = &bodies[i];
        OK(tskip_kernel_register(s.device, &descs[i]));
        assert_int_equal(tskip_kernel_get(s.device, descs[i].name, NULL, 0, &none),
                         TSKIP_COMPILATION_FAILED);
        assert_non_null(strstr(tskip_last_error(), i == 0 ? "missing" : "other"));
    }
    tear_down(&s);
}

/* Two values of a constant: one text, two pipelines. */
static void test_function_constants(void **state)
{
    (void)state;
    scene s;
    set_up(&s);
    const tskip_constant five = {"step", {.u32 = 5}};
    OK(tskip_kernel_get(s.device, "add", &five, 1, &s.kernel));
    start_encoder(&s, NULL);
    OK(encode(&s, 80));
    OK(tskip_encoder_submit(s.encoder));
    OK(tskip_encoder_wait(s.encoder));
    check_words(&s, 85);
    tear_down(&s);
}

/* A life of a device with few compilations. */
static tskip_status life(void *context)
{
    scene s = {0};
    (void)context;
    tskip_status status = tskip_device_open(&(tskip_device_desc){.name = "metal:0"}, &s.device);
    if (status == TSKIP_OK)
        status = tskip_kernel_register(s.device, &add);
    if (status == TSKIP_OK)
        status = tskip_kernel_get(s.device, "add", NULL, 0, &s.kernel);
    if (status == TSKIP_OK)
        status = tskip_buffer_create(s.device, N * 4, &s.buffer);
    if (status == TSKIP_OK)
        status = tskip_encoder_create(s.device, NULL, &s.encoder);
    for (uint32_t i = 0; i < 20 && status == TSKIP_OK; i++) {
        status = encode(&s, i);
        if (status == TSKIP_OK)
            status = tskip_encoder_barrier(s.encoder);
    }
    if (status == TSKIP_OK)
        status = tskip_encoder_submit(s.encoder);
    tskip_encoder_destroy(&s.encoder);
    tskip_buffer_destroy(&s.buffer);
    tskip_device_destroy(&s.device);
    return status;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    assert_true(failing_alloc_sweep(life, NULL) >= 12);
}

int main(void)
{
    if (tskip__metal_load(&metal) != TSKIP_OK) {
        fprintf(stderr, "%s\n", tskip_last_error());
        return NO_DEVICE;
    }
    const char *const stand_in[] = {getenv("TSKIP_METAL_LIBRARY"), NULL};
    if (stand_in[0]) {
        tskip__dynlib *library = tskip__dynlib_open(stand_in);
        tskip__dynlib_symbol(library, "metal_standin_take", &take_reports);
        tskip__dynlib_symbol(library, "metal_standin_commits", &count_commits);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device),
        cmocka_unit_test(test_callers_queue),
        cmocka_unit_test(test_callers_command_buffer),
        cmocka_unit_test(test_command_buffer_not_committed),
        cmocka_unit_test(test_callers_encoder),
        cmocka_unit_test(test_callers_buffer),
        cmocka_unit_test(test_private_buffer),
        cmocka_unit_test(test_metal_4),
        cmocka_unit_test(test_macos_14),
        cmocka_unit_test(test_host_pages),
        cmocka_unit_test(test_dispatch_in_parts),
        cmocka_unit_test(test_part_that_fails),
        cmocka_unit_test(test_compile_errors),
        cmocka_unit_test(test_function_constants),
        cmocka_unit_test(test_out_of_memory),
    };
    void *pool = metal->pool_push();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    metal->pool_pop(pool);
    return failed;
}
