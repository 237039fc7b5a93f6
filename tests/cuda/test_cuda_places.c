/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <tileskip/tileskip.h>

/* Where things lie on GPUs: tensors at odd addresses, masks of more than 2^32 cells, several
 * devices at once. Left out where there is no GPU. */

enum { LEFT_OUT = 77, HEADS = 4, LENGTH = 300, DIM = 64, MAX_DEVICES = 8 };
enum { BYTES = HEADS * LENGTH * DIM * 2 };

#define OK(call) assert_int_equal(call, TSKIP_OK)

static tskip_device *open_device(const char *name)
{
    tskip_device *device;
    OK(tskip_device_open(&(tskip_device_desc){.name = name}, &device));
    return device;
}

static tskip_buffer *buffer_of(tskip_device *device, uint64_t size)
{
    tskip_buffer *buffer;
    OK(tskip_buffer_create(device, size, &buffer));
    return buffer;
}

/* A buffer with halves of ±1 … ±2 from byte `offset` on. */
static tskip_slice upload(tskip_device *device, unsigned seed, uint64_t offset)
{
    uint16_t halves[BYTES / 2];
    for (size_t i = 0; i < BYTES / 2; i++) {
        seed = seed * 1664525u + 1013904223u;
        halves[i] = (uint16_t)(0x3C00u | (seed >> 16 & 0x83FFu));
    }
    tskip_slice slice = {buffer_of(device, BYTES + 64), offset};
    OK(tskip_buffer_write(slice.buffer, offset, halves, BYTES));
    return slice;
}

/* Attention over tensors that begin at byte `offset` of their buffers; the status of encoding. */
static tskip_status run(tskip_device *device, uint64_t offset, bool unaligned, uint8_t out[BYTES])
{
    tskip_mask *mask;
    tskip_plan *plan;
    tskip_encoder *encoder;
    OK(tskip_mask_create(device, &(tskip_mask_desc){.rules = "causal,window=90"}, &mask));
    const tskip_attention_desc desc = {
        .extent = {.n_heads = HEADS, .q_len = LENGTH, .k_len = LENGTH},
        .head_dim = DIM,
        .dtype = TSKIP_F16,
        .mask = mask,
        .unaligned = unaligned};
    OK(tskip_plan_create(device, &desc, &plan));
    OK(tskip_encoder_create(device, NULL, &encoder));
    tskip_attention_tensors t = {
        .q = upload(device, 1, offset),
        .k = upload(device, 2, offset),
        .v = upload(device, 3, offset),
        .o = upload(device, 4, offset),
        .workspace = {.buffer = buffer_of(device, tskip_plan_get_info(plan)->workspace_size)},
    };
    tskip_status status = tskip_attention_encode(plan, encoder, &t);
    if (status == TSKIP_OK) {
        OK(tskip_encoder_submit(encoder));
        OK(tskip_encoder_wait(encoder));
        OK(tskip_buffer_read(t.o.buffer, offset, out, BYTES));
    }
    tskip_encoder_destroy(&encoder);
    tskip_plan_destroy(&plan);
    tskip_mask_destroy(&mask);
    tskip_slice *slices[] = {&t.q, &t.k, &t.v, &t.o, &t.workspace};
    for (size_t i = 0; i < sizeof slices / sizeof slices[0]; i++)
        tskip_buffer_destroy(&slices[i]->buffer);
    return status;
}

/* A plan for tensors that begin anywhere takes them; one that is not refuses them by name, unless
 * its kernel does not mind. */
static void test_unaligned(void **state)
{
    (void)state;
    static uint8_t expected[BYTES], got[BYTES];
    tskip_device *device = open_device("cuda:0");
    OK(run(device, 0, true, expected));
    for (uint64_t offset = 2; offset <= 32; offset *= 2) {
        memset(got, 0, sizeof got);
        OK(run(device, offset, true, got));
        assert_memory_equal(got, expected, BYTES);
    }
    OK(run(device, 16, false, got));
    if (run(device, 2, false, got) != TSKIP_OK)
        assert_non_null(strstr(tskip_last_error(), "q.offset is 2, expected a multiple of 16"));
    tskip_device_destroy(&device);
}

typedef struct visit {
    char name[64];
    uint8_t out[BYTES];
} visit;

static void *visit_device(void *context)
{
    visit *v = context;
    for (int i = 0; i < 10; i++) {
        tskip_device *device = open_device(v->name);
        OK(run(device, 0, false, v->out));
        tskip_device_destroy(&device);
    }
    return NULL;
}

/* Every device at once, each from a thread of its own that knows of no other. */
static void test_devices_at_once(void **state)
{
    (void)state;
    static tskip_device_info infos[64];
    static visit visits[MAX_DEVICES];
    pthread_t threads[MAX_DEVICES];
    size_t count, n = 0;
    OK(tskip_device_list(infos, 64, &count));
    for (size_t i = 0; i < count && i < 64 && n < MAX_DEVICES; i++)
        if (strcmp(infos[i].backend, "cuda") == 0 && infos[i].available)
            strcpy(visits[n++].name, infos[i].name);
    if (n < 2)
        print_message("left out: %zu CUDA device here\n", n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, visit_device, &visits[i]), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 1; i < n; i++)
        if (infos[i].capability == infos[0].capability)
            assert_memory_equal(visits[i].out, visits[0].out, BYTES);
}

/* A plane of more than 2^32 cells, all attended but the last one: only the last tile knows. */
static void test_huge_mask(void **state)
{
    (void)state;
    tskip_device *device = open_device("cuda:0");
    const int64_t rows = 131072, columns = 65536;
    const uint64_t cells = (uint64_t)rows * (uint64_t)columns;
    if (tskip_device_get_info(device)->memory < 3 * cells) {
        print_message("left out: the device has less than %llu bytes\n",
                      (unsigned long long)(3 * cells));
        tskip_device_destroy(&device);
        return;
    }
    tskip_buffer *tensor = buffer_of(device, cells);
    tskip_encoder *encoder;
    tskip_mask *huge;
    tskip_tile_map *map;
    uint8_t classes[1024 * 512];
    OK(tskip_encoder_create(device, NULL, &encoder));
    OK(tskip_encoder_fill(encoder, tensor, 0, cells, 0x01010101));
    OK(tskip_encoder_fill(encoder, tensor, cells - 4, 4, 0x00010101));
    OK(tskip_encoder_submit(encoder));
    OK(tskip_encoder_wait(encoder));
    tskip_encoder_destroy(&encoder);
    OK(tskip_mask_create(
        device,
        &(tskip_mask_desc){
            .tensor = {.buffer = tensor, .dtype = TSKIP_BOOL, .rank = 2, .shape = {rows, columns}}},
        &huge));
    OK(tskip_tile_map_build(&(tskip_tile_map_desc){.mask = huge,
                                                   .extent = {.q_len = rows, .k_len = columns},
                                                   .tile = {128, 128}},
                            &map));
    OK(tskip_tile_map_read(map, classes, sizeof classes));
    for (size_t i = 0; i + 1 < sizeof classes; i++)
        assert_int_equal(classes[i], TSKIP_TILE_FULL);
    assert_int_equal(classes[sizeof classes - 1], TSKIP_TILE_MIXED);
    tskip_tile_map_destroy(&map);
    tskip_mask_destroy(&huge);
    tskip_buffer_destroy(&tensor);
    tskip_device_destroy(&device);
}

int main(void)
{
    tskip_device *probe;
    if (tskip_device_open(&(tskip_device_desc){.name = "cuda:0"}, &probe) != TSKIP_OK) {
        printf("left out: %s\n", tskip_last_error());
        return LEFT_OUT;
    }
    tskip_device_destroy(&probe);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unaligned),
        cmocka_unit_test(test_devices_at_once),
        cmocka_unit_test(test_huge_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
