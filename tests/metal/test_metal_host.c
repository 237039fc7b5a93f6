/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "metal_scene.h"

#include "harness/failing_alloc.h"

/* The Metal backend's host code where a caller has a device, queues, command buffers and encoders
 * of its own. */

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

static const char MARK[] = "#include <metal_stdlib>\n"
                           "using namespace metal;\n"
                           "kernel void mark(device uint *x [[buffer(0)]],\n"
                           "                 constant uint &bad [[buffer(1)]],\n"
                           "                 constant uint &first [[buffer(2)]],\n"
                           "                 uint3 group [[threadgroup_position_in_grid]],\n"
                           "                 uint i [[thread_index_in_threadgroup]])\n"
                           "{\n"
                           "    uint g = first + group.x;\n"
                           "    x[g * TSKIP_GROUP_THREADS + i + (g == bad ? 4096 : 0)] += g;\n"
                           "}\n";

enum { MARKED = 15, AT_ONCE = 3 }; /* groups of "mark", and how many go into a command buffer */

static uint64_t mark_work(const tskip_constant_value *constants, const void *args)
{
    (void)constants;
    (void)args;
    return ((uint64_t)1 << 39) / AT_ONCE;
}

static const tskip_kernel_body mark_body = {
    .format = TSKIP_CODE_MSL, .code = MARK, .code_size = sizeof MARK - 1, .entry = "mark"};
static const tskip_kernel_desc mark = {.name = "mark",
                                       .bodies = &mark_body,
                                       .n_bodies = 1,
                                       .n_bindings = 1,
                                       .args_size = sizeof(uint32_t),
                                       .shape = {.group_size = {THREADS, 1, 1}},
                                       .group_work = mark_work};

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
    static tskip_kernel_body bodies[] = {
        {.format = TSKIP_CODE_MSL, .code = BAD, .code_size = sizeof BAD - 1, .entry = "add"}, {0}};
    static tskip_kernel_desc descs[2];
    scene s;
    set_up(&s);
    bodies[1] = metal_add.bodies[0];
    bodies[1].entry = "other";
    for (int i = 0; i < 2; i++) {
        const tskip_kernel *none;
        descs[i] = metal_add;
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
        status = tskip_kernel_register(s.device, &metal_add);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device),
        cmocka_unit_test(test_callers_queue),
        cmocka_unit_test(test_callers_command_buffer),
        cmocka_unit_test(test_command_buffer_not_committed),
        cmocka_unit_test(test_callers_encoder),
        cmocka_unit_test(test_macos_14),
        cmocka_unit_test(test_dispatch_in_parts),
        cmocka_unit_test(test_part_that_fails),
        cmocka_unit_test(test_compile_errors),
        cmocka_unit_test(test_function_constants),
        cmocka_unit_test(test_out_of_memory),
    };
    if (!metal_begin())
        return NO_DEVICE;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    metal_end();
    return failed;
}
