/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "message.h"
#include "standin.h"

/* Each fault that the stand-in must notice, planted, beside a twin that must pass. */

enum { GROUPS = 4, THREADS = 64, N = GROUPS * THREADS, GROUP_MEMORY = 4 * THREADS };

static char reports[1 << 16];

static void expect_report(const char *expected)
{
    size_t n = metal_standin_take(reports, sizeof reports);
    if (expected && !strstr(reports, expected))
        fail_msg("expected \"%s\", reported: %s", expected, n ? reports : "nothing");
    if (!expected && n > 0)
        fail_msg("expected nothing, reported: %s", reports);
}

/* ---- a dispatch of a kernel of faults.metal -------------------------------------------------- */

typedef struct scene {
    void *pool;
    id device, library, queue, in, out;
} scene;

static char *read_all(const char *path)
{
    static char text[1 << 16];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

/* As a host must have it. Owned by the caller. */
static id safe_options(void)
{
    id options = SEND(id, objc_getClass("MTLCompileOptions"), "new");
    SEND1(void, options, "setMathMode:", int64_t, 0);
    SEND1(void, options, "setMathFloatingPointFunctions:", int64_t, 1);
    SEND1(void, options, "setLanguageVersion:", uint64_t, 3 << 16 | 1);
    return options;
}

static id library_of(const scene *s, const char *text, id *error)
{
    id options = safe_options();
    *error = NULL;
    id library = SEND3(id, s->device, "newLibraryWithSource:options:error:", id, id, id *,
                       string(text), options, error);
    objc_release(options);
    return library;
}

static void begin(scene *s)
{
    s->pool = objc_autoreleasePoolPush();
    s->device = MTLCreateSystemDefaultDevice();
    id error;
    s->library = library_of(s, read_all(STANDIN_FOLDER "/faults.metal"), &error);
    if (!s->library)
        fail_msg("%s", utf8(SEND(id, error, "localizedDescription")));
    s->queue = SEND(id, s->device, "newCommandQueue");
    s->in = SEND2(id, s->device, "newBufferWithLength:options:", uint64_t, uint64_t, 4 * N, 0);
    s->out = SEND2(id, s->device, "newBufferWithLength:options:", uint64_t, uint64_t, 4 * N, 0);
    uint32_t *in = SEND(void *, s->in, "contents");
    for (uint32_t i = 0; i < N; i++)
        in[i] = i * 2654435761u >> 8;
}

static void end(scene *s)
{
    objc_release(s->in);
    objc_release(s->out);
    objc_release(s->queue);
    objc_release(s->library);
    objc_release(s->device);
    objc_autoreleasePoolPop(s->pool);
}

static id pipeline_of(scene *s, const char *name)
{
    id function = SEND1(id, s->library, "newFunctionWithName:", id, string(name));
    assert_non_null(function);
    id pipeline = SEND2(id, s->device, "newComputePipelineStateWithFunction:error:", id, id *,
                        function, NULL);
    objc_release(function);
    return pipeline;
}

static void set_all(scene *s, id encoder)
{
    SEND3(void, encoder, "setBuffer:offset:atIndex:", id, uint64_t, uint64_t, s->in, 0, 0);
    SEND3(void, encoder, "setBuffer:offset:atIndex:", id, uint64_t, uint64_t, s->out, 0, 1);
    SEND2(void, encoder, "setThreadgroupMemoryLength:atIndex:", uint64_t, uint64_t, GROUP_MEMORY,
          0);
}

static void dispatch(scene *s, id encoder, const char *name)
{
    id pipeline = pipeline_of(s, name);
    const mtl_size groups = {GROUPS, 1, 1}, threads = {THREADS, 1, 1};
    SEND1(void, encoder, "setComputePipelineState:", id, pipeline);
    SEND2(void, encoder, "dispatchThreadgroups:threadsPerThreadgroup:", mtl_size, mtl_size, groups,
          threads);
    objc_release(pipeline);
}

/* The command buffer's status at its end: 4 done, 5 failed with an NSError of `expected`. */
static void expect_end(id buffer, const char *expected)
{
    SEND(void, buffer, "commit");
    SEND(void, buffer, "waitUntilCompleted");
    uint64_t status = SEND(uint64_t, buffer, "status");
    id error = SEND(id, buffer, "error");
    if (status != (expected ? 5u : 4u))
        fail_msg("status %d, %s", (int)status,
                 error ? utf8(SEND(id, error, "localizedDescription")) : "no error");
    if (expected)
        assert_non_null(strstr(utf8(SEND(id, error, "localizedDescription")), expected));
}

static void run(scene *s, const char *name, const char *expected)
{
    id buffer = SEND(id, s->queue, "commandBuffer");
    id encoder = SEND1(id, buffer, "computeCommandEncoderWithDispatchType:", uint64_t, 1);
    set_all(s, encoder);
    dispatch(s, encoder, name);
    SEND(void, encoder, "endEncoding");
    expect_end(buffer, expected);
}

/* ---- kernels --------------------------------------------------------------------------------- */

static void test_kernels(void **state)
{
    (void)state;
    static const struct {
        const char *kernel, *expected; /* NULL: it passes */
    } cases[] = {
        {"no_barrier", "threadgroup memory that thread"},
        {"barrier", NULL},
        {"no_barrier_after", "threadgroup memory that thread"},
        {"barrier_after", NULL},
        {"barrier_of_other_memory", "threadgroup memory that thread"},
        {"simd_barrier_of_nothing", "threadgroup memory that thread"},
        {"simd_barrier", NULL},
        {"simd_barrier_between_simds", "threadgroup memory that thread"},
        {"device_no_barrier", "device memory that thread"},
        {"reads_past", "reads 4 bytes at 1024 of in, which has 1024"},
        {"writes_past", "writes 4 bytes at 1024 of out, which has 1024"},
        {"writes_group_memory_past", "writes 4 bytes at 256 of shared, which has 256"},
        {"copies", NULL},
        {"writes_what_is_const", "writes 4 bytes of a buffer that it takes as const"},
        {"half_of_the_threads_at_a_barrier", "divergence"},
        {"a_lane_is_not_at_the_barrier", "divergence"},
        {"half_of_the_lanes_at_a_sum", "divergence"},
        {"all_lanes_at_a_sum", NULL},
        {"lanes_at_different_barriers", "divergence"},
        {"groups_write_the_same", "device memory that group"},
        {"order_by_arrival", "results depend on the order"},
        {"counts_arrivals", NULL},
        {"matrix_without_barrier", "threadgroup memory that thread"},
        {"matrix", NULL},
        {"matrix_over_the_edge", NULL},
        {"elements", NULL},
        {"matrix_never_set", "uses a simdgroup_matrix that holds nothing yet"},
        {"matrix_set_by_its_elements", NULL},
    };
    scene s;
    begin(&s);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run(&s, cases[i].kernel, cases[i].expected);
        expect_report(cases[i].expected);
        if (cases[i].expected) /* names the kernel */
            assert_non_null(strstr(reports, cases[i].kernel));
        if (strcmp(cases[i].kernel, "reads_past") == 0) /* and shows the line */
            assert_non_null(strstr(reports, "in[64 * group + i + 1]"));
    }
    end(&s);
    expect_report(NULL);
}

static void test_results(void **state)
{
    (void)state;
    scene s;
    begin(&s);
    const uint32_t *in = SEND(void *, s.in, "contents"), *out = SEND(void *, s.out, "contents");
    assert_int_equal(out[0], 0xA5A5A5A5);
    run(&s, "uses_group_memory_as_it_was", NULL);
    assert_int_equal(out[0], 0xFFFFFFFF);
    run(&s, "elements", NULL);
    for (uint32_t lane = 0; lane < 32; lane++) {
        uint32_t row = lane / 16 * 4 + lane / 2 % 4, column = lane / 8 % 2 * 4 + lane % 2 * 2;
        assert_int_equal(out[8 * row + column], 2 * lane);
        assert_int_equal(out[8 * row + column + 1], 2 * lane + 1);
    }
    run(&s, "matrix", NULL);
    for (uint32_t r = 0; r < 8; r++)
        for (uint32_t c = 0; c < 8; c++) {
            uint32_t sum = 0;
            for (uint32_t k = 0; k < 8; k++)
                sum += (in[8 * r + k] & 7) * (in[8 * c + k] & 7);
            assert_int_equal(out[8 * r + c], sum);
        }
    end(&s);
    expect_report(NULL);
}

/* ---- between dispatches ---------------------------------------------------------------------- */

/* The second copies what the first wrote. */
static void chain(scene *s, uint64_t dispatch_type, bool barrier, const char *expected)
{
    id buffer = SEND(id, s->queue, "commandBuffer");
    id encoder =
        SEND1(id, buffer, "computeCommandEncoderWithDispatchType:", uint64_t, dispatch_type);
    set_all(s, encoder);
    dispatch(s, encoder, "copies");
    if (barrier)
        SEND1(void, encoder, "memoryBarrierWithScope:", uint64_t, 1);
    SEND3(void, encoder, "setBuffer:offset:atIndex:", id, uint64_t, uint64_t, s->out, 0, 0);
    SEND3(void, encoder, "setBuffer:offset:atIndex:", id, uint64_t, uint64_t, s->in, 0, 1);
    dispatch(s, encoder, "copies");
    SEND(void, encoder, "endEncoding");
    expect_end(buffer, expected);
    expect_report(expected);
}

static void test_dispatches(void **state)
{
    (void)state;
    scene s;
    begin(&s);
    chain(&s, 1, true, NULL);
    chain(&s, 0, false, NULL);
    chain(&s, 1, false, "that an earlier dispatch wrote");
    chain(&s, 1, true, NULL);
    end(&s);
    expect_report(NULL);
}

/* What a wait does not ask for is not there: a missing wait shows. */
static void test_waiting(void **state)
{
    (void)state;
    scene s;
    begin(&s);
    id buffer = SEND(id, s.queue, "commandBuffer");
    id encoder = SEND1(id, buffer, "computeCommandEncoderWithDispatchType:", uint64_t, 1);
    set_all(&s, encoder);
    dispatch(&s, encoder, "copies");
    SEND(void, encoder, "endEncoding");
    SEND(void, buffer, "commit");
    const uint32_t *out = SEND(void *, s.out, "contents");
    assert_int_equal(out[0], 0xA5A5A5A5);
    (void)SEND(id, buffer, "error");
    expect_report("error of a command buffer before its end");
    SEND(void, buffer, "waitUntilCompleted");
    assert_int_not_equal(out[0], 0xA5A5A5A5);
    assert_true(SEND(double, buffer, "GPUEndTime") >= SEND(double, buffer, "GPUStartTime"));
    end(&s);
    expect_report(NULL);
}

/* ---- the host's mistakes --------------------------------------------------------------------- */

static void test_limits(void **state)
{
    (void)state;
    scene s;
    begin(&s);
    const mtl_size one = {1, 1, 1}, none = {1, 0, 1}, many = {1025, 1, 1};
    char bytes[4096] = {0};
    id buffer = SEND(id, s.queue, "commandBuffer");
    id encoder = SEND1(id, buffer, "computeCommandEncoderWithDispatchType:", uint64_t, 1);
#define DISPATCH(groups, threads)                                                                  \
    SEND2(void, encoder, "dispatchThreadgroups:threadsPerThreadgroup:", mtl_size, mtl_size,        \
          groups, threads)
    DISPATCH(one, one);
    expect_report("without a pipeline");
    id pipeline = pipeline_of(&s, "copies");
    SEND1(void, encoder, "setComputePipelineState:", id, pipeline);
    objc_release(pipeline);
    DISPATCH(one, many);
    expect_report("with 1025 threads a group, expected 1 … 1024");
    const mtl_size above = {65, 1, 1};
    pipeline = pipeline_of(&s, "small_groups");
    assert_int_equal(SEND(uint64_t, pipeline, "maxTotalThreadsPerThreadgroup"), 64);
    SEND1(void, encoder, "setComputePipelineState:", id, pipeline);
    objc_release(pipeline);
    DISPATCH(one, above);
    expect_report("kernel small_groups with 65 threads a group, expected 1 … 64");
    DISPATCH(none, one);
    expect_report("over a grid of 1 x 0 x 1");
    SEND3(void, encoder, "setBytes:length:atIndex:", const void *, uint64_t, uint64_t, bytes, 4096,
          2);
    expect_report("4096 bytes, expected 1 … 4095");
    SEND3(void, encoder, "setBuffer:offset:atIndex:", id, uint64_t, uint64_t, s.in, 0, 31);
    expect_report("index 31, there are 31 buffers");
    SEND3(void, encoder, "setBuffer:offset:atIndex:", id, uint64_t, uint64_t, s.in, 4 * N, 0);
    expect_report("offset 1024 of a buffer of 1024 bytes");
    SEND2(void, encoder, "setThreadgroupMemoryLength:atIndex:", uint64_t, uint64_t, 24, 0);
    expect_report("expected a multiple of 16");
    SEND2(void, encoder, "setThreadgroupMemoryLength:atIndex:", uint64_t, uint64_t, 32768 + 16, 0);
    DISPATCH(one, one);
    expect_report("with 32784 bytes of threadgroup memory, at most 32768");
    (void)SEND1(id, buffer, "computeCommandEncoderWithDispatchType:", uint64_t, 1);
    expect_report("has an open encoder");
    SEND(void, buffer, "commit");
    expect_report("has an open encoder");
    SEND(void, encoder, "endEncoding");
    DISPATCH(one, one);
    expect_report("after endEncoding");
    SEND(void, buffer, "waitUntilCompleted");
    expect_report("was not committed");
    expect_end(buffer, NULL);
    SEND(void, buffer, "commit");
    expect_report("was committed");
    end(&s);
    expect_report(NULL);
}

static void test_unbound_buffer(void **state)
{
    (void)state;
    scene s;
    begin(&s);
    id buffer = SEND(id, s.queue, "commandBuffer");
    id encoder = SEND1(id, buffer, "computeCommandEncoderWithDispatchType:", uint64_t, 1);
    set_all(&s, encoder);
    SEND3(void, encoder, "setBuffer:offset:atIndex:", id, uint64_t, uint64_t, NULL, 0, 0);
    dispatch(&s, encoder, "copies");
    SEND(void, encoder, "endEncoding");
    expect_end(buffer, "a buffer that is not bound");
    expect_report("a buffer that is not bound");
    end(&s);
}

static void test_ownership(void **state)
{
    (void)state;
    scene s;
    begin(&s);
    size_t before = metal_standin_live(false);
    id extra = SEND2(id, s.device, "newBufferWithLength:options:", uint64_t, uint64_t, 64, 0);
    assert_int_equal(metal_standin_live(false), before + 1);
    (void)metal_standin_live(true);
    expect_report("leak: a MTLBuffer is still owned, 1 times");
    objc_release(extra);
    assert_int_equal(metal_standin_live(false), before);
    objc_release(extra);
    expect_report("release to a MTLBuffer that was released for the last time");
    (void)SEND(uint64_t, extra, "length");
    expect_report("-length to a MTLBuffer that was released for the last time");
    (void)SEND(uint64_t, s.in, "lenght");
    expect_report("unrecognized selector -lenght sent to a MTLBuffer");
    assert_int_equal(SEND(uint64_t, NULL, "length"), 0);
    id buffer = SEND(id, s.queue, "commandBuffer");
    void *pool = objc_autoreleasePoolPush();
    (void)SEND1(id, buffer, "computeCommandEncoderWithDispatchType:", uint64_t, 1);
    objc_autoreleasePoolPop(pool);
    expect_report("an encoder goes without endEncoding");
    end(&s);
    expect_report("goes while its encoder is open");
    id leaked = string("x");
    expect_report("autoreleased and there is no pool");
    objc_release(leaked);
    assert_int_equal(metal_standin_live(false), 0);
}

/* A process that ends with something still owned, or with a report, does not end well. */
static int status_of(void (*run_and_exit)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        run_and_exit();
    assert_true(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void end_well(void)
{
    objc_release(MTLCreateSystemDefaultDevice());
    exit(0);
}

static void end_with_a_leak(void)
{
    (void)MTLCreateSystemDefaultDevice();
    exit(0);
}

static void end_with_a_report(void)
{
    objc_autoreleasePoolPop(NULL);
    exit(0);
}

static void test_exit_status(void **state)
{
    (void)state;
    expect_report(NULL);
    assert_int_equal(status_of(end_well), 0);
    assert_int_equal(status_of(end_with_a_leak), STANDIN_EXIT);
    assert_int_equal(status_of(end_with_a_report), STANDIN_EXIT);
}

/* ---- what the compiler refuses --------------------------------------------------------------- */

#define HEAD   "#pragma METAL fp contract(off)\n#include <metal_stdlib>\nusing namespace metal;\n"
#define KERNEL "kernel void f(device float *x [[buffer(0)]], uint i [[thread_position_in_grid]])\n"

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"#include <metal_stdlib>\nusing namespace metal;\n" KERNEL "{ x[i] = 1; }\n",
         "does not begin with #pragma METAL fp contract(off)"},
        {HEAD "int g(int n) { return n ? g(n - 1) : 0; }\n" KERNEL "{ x[i] = g(3); }\n",
         "g calls itself"},
        {HEAD KERNEL "{ double d = x[i]; x[i] = float(d); }\n", "there is no double"},
        {HEAD KERNEL "{ goto out; out: x[i] = 1; }\n", "there is no goto"},
        {HEAD "float g() { return 1; }\n" KERNEL "{ float (*p)() = g; x[i] = p(); }\n",
         "a function pointer"},
        {HEAD "void g(thread float *p) { *p = 1; }\n" KERNEL "{ g(x + i); }\n",
         "address spaces do not match"},
        {HEAD "kernel void f(device float *x [[buffer(0)]],\n"
              "              threadgroup float *m [[threadgroup(0)]])\n"
              "{ device float *y = m; x[0] = *y; }\n",
         "address spaces do not match"},
        {HEAD KERNEL "{\n    threadgroup float m[4];\n    m[0] = 1; x[i] = m[0];\n}\n",
         "threadgroup memory in a body"},
        {HEAD KERNEL "{ x[i] = 1 }\n", "expected ';'"},
        {HEAD KERNEL "{ float y[i]; y[0] = 1; x[i] = y[0]; }\n", "variable length array"},
        {HEAD "constant uint N [[function_constant(0)]];\n" KERNEL
              "{ float y[N]; y[0] = 1; x[i] = y[0]; }\n",
         "variable length array"},
        {HEAD KERNEL "{ x[i] = tanh(x[i]); }\n", "say precise::"},
        {HEAD "#define FIRST 0\nkernel void f(device float *x [[buffer(FIRST)]],\n"
              "              device float *y [[buffer(0)]])\n{ x[0] = y[0]; }\n",
         "two parameters at buffer(0)"},
        {HEAD "kernel void f(device float *x [[buffer(0)]], uint i [[thread_position_in_grid]],\n"
              "              uint2 n [[threads_per_grid]])\n{ x[i] = n.x; }\n",
         "positions of 1 and 2 components"},
        {HEAD KERNEL "{ float y = x[i]; x[i] = y * y + 1.5; }\n", NULL},
    };
    scene s;
    begin(&s);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        id error, library = library_of(&s, cases[i].text, &error);
        if ((library == NULL) != (cases[i].expected != NULL))
            fail_msg("case %zu: %s", i,
                     error ? utf8(SEND(id, error, "localizedDescription")) : "was taken");
        if (error) {
            const char *text = utf8(SEND(id, error, "localizedDescription"));
            if (!strstr(text, cases[i].expected))
                fail_msg("case %zu says %s", i, text);
        }
        objc_release(library);
    }
    end(&s);
    expect_report(NULL);
}

/* What the options forget shows; macOS 14 has others. */
static void test_options(void **state)
{
    (void)state;
    scene s;
    begin(&s);
    id error, text = string(HEAD KERNEL "{ x[i] = 1; }\n"), options = safe_options();
    const struct {
        const char *selector, *expected; /* NULL: nothing to report */
        int64_t value;
    } cases[] = {
        {"setMathMode:", "relaxed mathematics", 1},
        {"setMathMode:", NULL, 0},
        {"setMathFloatingPointFunctions:", "relaxed mathematics", 0},
        {"setMathFloatingPointFunctions:", NULL, 1},
        {"setLanguageVersion:", "language version", 3 << 16},
        {"setLanguageVersion:", NULL, 3 << 16 | 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SEND1(void, options, cases[i].selector, int64_t, cases[i].value);
        objc_release(SEND3(id, s.device, "newLibraryWithSource:options:error:", id, id, id *, text,
                           options, &error));
        expect_report(cases[i].expected);
    }
    SEND1(void, options, "setFastMathEnabled:", signed char, 0);
    expect_report("has setMathMode:");
    objc_release(options);
    setenv("TSKIP_METAL_MACOS", "14", 1);
    options = SEND(id, objc_getClass("MTLCompileOptions"), "new");
    SEND1(void, options, "setMathMode:", int64_t, 0);
    expect_report("unrecognized selector -setMathMode:");
    SEND1(void, options, "setLanguageVersion:", uint64_t, 3 << 16 | 1);
    for (int fast = 1; fast >= 0; fast--) {
        SEND1(void, options, "setFastMathEnabled:", signed char, (signed char)fast);
        objc_release(SEND3(id, s.device, "newLibraryWithSource:options:error:", id, id, id *, text,
                           options, &error));
        expect_report(fast ? "relaxed mathematics" : NULL);
    }
    unsetenv("TSKIP_METAL_MACOS");
    objc_release(options);
    end(&s);
}

static void test_storage(void **state)
{
    (void)state;
    scene s;
    begin(&s);
    for (uint64_t mode = 0; mode < 4; mode++) {
        id buffer =
            SEND2(id, s.device, "newBufferWithLength:options:", uint64_t, uint64_t, 64, mode << 4);
        if (mode < 3)
            assert_int_equal(SEND(uint64_t, buffer, "storageMode"), mode);
        assert_int_equal(SEND(void *, buffer, "contents") != NULL, mode < 2);
        expect_report(mode < 2 ? NULL : mode == 2 ? "private storage" : "no buffer has that");
        objc_release(buffer);
    }
    end(&s);
}

static void test_function_constants(void **state)
{
    (void)state;
    scene s;
    begin(&s);
    id error, values = SEND(id, objc_getClass("MTLFunctionConstantValues"), "new");
    id library = library_of(
        &s, HEAD "constant uint N [[function_constant(4)]];\n" KERNEL "{ x[i] = N; }\n", &error);
    assert_non_null(library);
    const uint32_t n = 7;
    const struct {
        uint64_t type; /* 0: no value yet */
        const char *expected;
    } cases[] = {
        {0, "function constant N (index 4) has no value"},
        {29, "function constant N (index 4) is of type 33, not 29"},
        {33, NULL},
    };
    for (size_t i = 0; i < 3; i++) {
        if (cases[i].type)
            SEND3(void, values, "setConstantValue:type:atIndex:", const void *, uint64_t, uint64_t,
                  &n, cases[i].type, 4);
        error = NULL;
        id function = SEND3(id, library, "newFunctionWithName:constantValues:error:", id, id, id *,
                            string("f"), values, &error);
        assert_true((function == NULL) == (cases[i].expected != NULL));
        if (error)
            assert_non_null(
                strstr(utf8(SEND(id, error, "localizedDescription")), cases[i].expected));
        objc_release(function);
    }
    objc_release(values);
    objc_release(library);
    end(&s);
    expect_report(NULL);
}

int main(void)
{
    id device = MTLCreateSystemDefaultDevice();
    if (!device)
        return 77; /* CTest counts it as skipped */
    objc_release(device);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels),    cmocka_unit_test(test_results),
        cmocka_unit_test(test_dispatches), cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_unbound_buffer),
        cmocka_unit_test(test_options),    cmocka_unit_test(test_storage),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_function_constants),
        cmocka_unit_test(test_ownership),  cmocka_unit_test(test_exit_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
