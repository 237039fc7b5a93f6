/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tileskip/tileskip.h>

#include "backends/cuda/cuda_api.h"
#include "base/dynlib.h"

/* The caller's world on a GPU: their memory, context and stream, graph capture, several threads.
 * Each test runs one attention in its own way and wants the bytes of the plain call. Left out where
 * there is no GPU. */

enum { LEFT_OUT = 77, HEADS = 4, LENGTH = 300, DIM = 64, THREADS = 4 };
enum { BYTES = HEADS * LENGTH * DIM * 2 };

static const tskip__cuda_api *cuda;
static tskip_device *device;
static tskip_buffer *q, *k, *v;
static tskip_mask *mask;
static tskip_plan *plan;
static uint8_t expected[BYTES];

#define OK(call) assert_int_equal(call, TSKIP_OK)
#define CU(call) assert_int_equal(call, TSKIP__CU_SUCCESS)

static tskip_attention_desc describe(void)
{
    return (tskip_attention_desc){.extent = {.n_heads = HEADS, .q_len = LENGTH, .k_len = LENGTH},
                                  .head_dim = DIM,
                                  .dtype = TSKIP_F16,
                                  .mask = mask};
}

static tskip_buffer *upload(unsigned seed)
{
    static uint16_t halves[BYTES / 2];
    tskip_buffer *buffer;
    for (size_t i = 0; i < BYTES / 2; i++) { /* ±1 … ±2 */
        seed = seed * 1664525u + 1013904223u;
        halves[i] = (uint16_t)(0x3C00u | (seed >> 16 & 0x83FFu));
    }
    OK(tskip_buffer_create(device, BYTES, &buffer));
    OK(tskip_buffer_write(buffer, 0, halves, BYTES));
    return buffer;
}

static tskip_buffer *make(uint64_t size)
{
    tskip_buffer *buffer;
    OK(tskip_buffer_create(device, size, &buffer));
    return buffer;
}

/* What one run writes to: the output, wiped, and a workspace. */
typedef struct job {
    tskip_attention_tensors tensors;
} job;

static void job_begin(job *j)
{
    static const uint8_t wiped[BYTES] = {0};
    j->tensors = (tskip_attention_tensors){
        .q = {.buffer = q},
        .k = {.buffer = k},
        .v = {.buffer = v},
        .o = {.buffer = make(BYTES)},
        .workspace = {.buffer = make(tskip_plan_get_info(plan)->workspace_size)},
    };
    OK(tskip_buffer_write(j->tensors.o.buffer, 0, wiped, BYTES));
}

static bool job_done(const job *j)
{
    static _Thread_local uint8_t got[BYTES];
    return tskip_buffer_read(j->tensors.o.buffer, 0, got, BYTES) == TSKIP_OK &&
           memcmp(got, expected, BYTES) == 0;
}

static void job_end(job *j)
{
    tskip_buffer_destroy(&j->tensors.o.buffer);
    tskip_buffer_destroy(&j->tensors.workspace.buffer);
}

static int set_up(void **state)
{
    (void)state;
    OK(tskip_device_open(&(tskip_device_desc){.name = "cuda:0"}, &device));
    q = upload(1);
    k = upload(2);
    v = upload(3);
    OK(tskip_mask_create(device, &(tskip_mask_desc){.rules = "causal,window=90"}, &mask));
    const tskip_attention_desc desc = describe();
    OK(tskip_plan_create(device, &desc, &plan));
    job j;
    job_begin(&j);
    OK(tskip_attention_run(device, &desc, &j.tensors));
    OK(tskip_buffer_read(j.tensors.o.buffer, 0, expected, BYTES));
    job_end(&j);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tskip_plan_destroy(&plan);
    tskip_mask_destroy(&mask);
    tskip_buffer_destroy(&q);
    tskip_buffer_destroy(&k);
    tskip_buffer_destroy(&v);
    tskip_device_destroy(&device);
    return 0;
}

/* The device's primary context, current on this thread until context_end. */
static tskip__cu_context context_begin(void)
{
    tskip__cu_context context;
    CU(cuda->primary_retain(&context, 0));
    CU(cuda->context_push(context));
    return context;
}

static void context_end(void)
{
    tskip__cu_context context;
    CU(cuda->context_pop(&context));
    CU(cuda->primary_release(0));
}

static void test_native_stream(void **state)
{
    (void)state;
    tskip__cu_stream stream;
    tskip_encoder *encoder;
    job j;
    job_begin(&j);
    context_begin();
    CU(cuda->stream_create(&stream, TSKIP__CU_STREAM_NON_BLOCKING));
    OK(tskip_encoder_create(device, &(tskip_encoder_desc){.native_stream = stream}, &encoder));
    OK(tskip_attention_encode(plan, encoder, &j.tensors));
    CU(cuda->stream_wait(stream)); /* the commands went out before submit */
    assert_true(job_done(&j));
    OK(tskip_encoder_submit(encoder));
    OK(tskip_encoder_wait(encoder));
    tskip_encoder_destroy(&encoder);
    CU(cuda->stream_destroy(stream));
    context_end();
    job_end(&j);
}

static void test_not_submitted(void **state)
{
    (void)state;
    tskip_encoder *encoder;
    job j;
    job_begin(&j);
    OK(tskip_encoder_create(device, NULL, &encoder));
    OK(tskip_attention_encode(plan, encoder, &j.tensors));
    tskip_encoder_destroy(&encoder);
    assert_false(job_done(&j));
    job_end(&j);
}

/* The driver's graph calls, used here alone. */
typedef struct graph_api {
    int (*begin)(tskip__cu_stream, int);
    int (*end)(tskip__cu_stream, void **);
    int (*instantiate)(void **, void *, unsigned long long);
    int (*launch)(void *, tskip__cu_stream);
    int (*destroy_exec)(void *);
    int (*destroy)(void *);
} graph_api;

static void load_graph_api(graph_api *api)
{
    static const char *const names[] = {"libcuda.so.1", NULL};
    tskip__dynlib *driver = tskip__dynlib_open(names);
    assert_non_null(driver);
    assert_true(tskip__dynlib_symbol(driver, "cuStreamBeginCapture_v2", &api->begin));
    assert_true(tskip__dynlib_symbol(driver, "cuStreamEndCapture", &api->end));
    assert_true(tskip__dynlib_symbol(driver, "cuGraphInstantiateWithFlags", &api->instantiate));
    assert_true(tskip__dynlib_symbol(driver, "cuGraphLaunch", &api->launch));
    assert_true(tskip__dynlib_symbol(driver, "cuGraphExecDestroy", &api->destroy_exec));
    assert_true(tskip__dynlib_symbol(driver, "cuGraphDestroy", &api->destroy));
}

static void test_graph_capture(void **state)
{
    (void)state;
    graph_api api;
    tskip__cu_stream stream;
    tskip_encoder *encoder;
    void *graph, *exec;
    double seconds;
    job j;
    load_graph_api(&api);
    job_begin(&j);
    context_begin();
    CU(cuda->stream_create(&stream, TSKIP__CU_STREAM_NON_BLOCKING));
    CU(api.begin(stream, 0)); /* global: any call that synchronises or allocates breaks it */
    OK(tskip_encoder_create(device, &(tskip_encoder_desc){.native_stream = stream}, &encoder));
    OK(tskip_attention_encode(plan, encoder, &j.tensors));
    OK(tskip_encoder_submit(encoder));
    OK(tskip_encoder_wait(encoder));
    assert_int_equal(tskip_encoder_elapsed(encoder, &seconds), TSKIP_UNSUPPORTED);
    tskip_encoder_destroy(&encoder);
    CU(api.end(stream, &graph));
    assert_false(job_done(&j)); /* nothing has run yet */
    CU(api.instantiate(&exec, graph, 0));
    for (int i = 0; i < 3; i++)
        CU(api.launch(exec, stream));
    CU(cuda->stream_wait(stream));
    assert_true(job_done(&j));
    CU(api.destroy_exec(exec));
    CU(api.destroy(graph));
    CU(cuda->stream_destroy(stream));
    context_end();
    job_end(&j);
}

static void test_native_context(void **state)
{
    (void)state;
    tskip_device *own = device, *theirs;
    tskip_buffer *imported;
    tskip__cu_address address;
    uint8_t bytes[256];
    tskip__cu_context context = context_begin();
    CU(cuda->memory_alloc(&address, sizeof bytes));
    OK(tskip_device_open(&(tskip_device_desc){.name = "cuda:0", .native_context = context},
                         &theirs));
    assert_string_equal(tskip_device_get_info(theirs)->name, tskip_device_get_info(own)->name);
    OK(tskip_buffer_import(theirs, (void *)(uintptr_t)address, sizeof bytes, &imported));
    tskip_encoder *encoder;
    OK(tskip_encoder_create(theirs, NULL, &encoder));
    OK(tskip_encoder_fill(encoder, imported, 0, sizeof bytes, 0x01020304));
    OK(tskip_encoder_submit(encoder));
    OK(tskip_encoder_wait(encoder));
    OK(tskip_buffer_read(imported, 0, bytes, sizeof bytes));
    assert_int_equal(bytes[252], 4);
    assert_int_equal(bytes[255], 1);
    tskip_encoder_destroy(&encoder);
    tskip_buffer_destroy(&imported);
    tskip_device_destroy(&theirs);
    CU(cuda->memory_free(address)); /* still there: it was never ours */
    context_end();
}

static void test_import_of_host_memory(void **state)
{
    (void)state;
    static char host[64];
    tskip_buffer *buffer;
    assert_int_equal(tskip_buffer_import(device, host, sizeof host, &buffer),
                     TSKIP_INVALID_ARGUMENT);
    assert_non_null(strstr(tskip_last_error(), "expected a device pointer"));
}

static void *run_many(void *result)
{
    bool good = true;
    job j;
    tskip_encoder *encoder;
    job_begin(&j);
    OK(tskip_encoder_create(device, NULL, &encoder));
    for (int i = 0; i < 20 && good; i++) {
        good = tskip_attention_encode(plan, encoder, &j.tensors) == TSKIP_OK &&
               tskip_encoder_submit(encoder) == TSKIP_OK &&
               tskip_encoder_wait(encoder) == TSKIP_OK && job_done(&j) &&
               tskip_encoder_reset(encoder) == TSKIP_OK;
    }
    tskip_encoder_destroy(&encoder);
    job_end(&j);
    *(bool *)result = good;
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    bool good[THREADS] = {false};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, &good[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_true(good[i]);
}

/* Entries that were damaged on disk are built again, and the kernels work. */
static void test_damaged_cache(void **state)
{
    (void)state;
    char command[256];
    tskip_device *again;
    tskip_mask *same;
    tskip_tile_map *map;
    tskip_tile_counts counts;
    const char *folder = getenv("XDG_CACHE_HOME");
    assert_non_null(folder);
    snprintf(command, sizeof command,
             "for f in '%s'/tileskip/cuda/*; do printf xxxx | dd of=\"$f\" bs=1 seek=900 "
             "conv=notrunc 2>/dev/null || exit 1; done",
             folder);
    assert_int_equal(system(command), 0);
    OK(tskip_device_open(&(tskip_device_desc){.name = "cuda:0"}, &again));
    OK(tskip_mask_create(again, &(tskip_mask_desc){.rules = "causal"}, &same));
    OK(tskip_tile_map_build(&(tskip_tile_map_desc){.mask = same,
                                                   .extent = {.q_len = 2455, .k_len = 2455},
                                                   .tile = {32, 16}},
                            &map));
    OK(tskip_tile_map_count(map, &counts));
    assert_int_equal(counts.skip, 5852);
    assert_int_equal(counts.mixed, 154);
    assert_int_equal(counts.full, 5852);
    tskip_tile_map_destroy(&map);
    tskip_mask_destroy(&same);
    tskip_device_destroy(&again);
}

int main(void)
{
    static char folder[] = "/tmp/tileskip-cuda-XXXXXX";
    tskip_device *probe;
    if (tskip__cuda_load(&cuda) != TSKIP_OK ||
        tskip_device_open(&(tskip_device_desc){.name = "cuda:0"}, &probe) != TSKIP_OK) {
        printf("left out: %s\n", tskip_last_error());
        return LEFT_OUT;
    }
    tskip_device_destroy(&probe);
    if (!mkdtemp(folder) || setenv("XDG_CACHE_HOME", folder, 1) != 0)
        return EXIT_FAILURE;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_native_stream),         cmocka_unit_test(test_not_submitted),
        cmocka_unit_test(test_graph_capture),         cmocka_unit_test(test_native_context),
        cmocka_unit_test(test_import_of_host_memory), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_damaged_cache),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
