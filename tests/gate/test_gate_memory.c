/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Offsets past 2^32 elements. The far tensors are sparse
 * mappings: only the pages that exist in the tensor take memory. */

#define _GNU_SOURCE /* MAP_ANONYMOUS, MAP_NORESERVE */
#include "harness/refused.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <tileskip/attention.h>

#include "harness/rungs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { ROWS = 3, COLUMNS = 150, D = 24 };
#define FAR_STRIDE ((int64_t)1 << 31) /* elements: row 1 leaves int32, row 2 leaves uint32 */

static rungs all;

static void *map_sparse(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(memory != MAP_FAILED);
    return memory;
}

/* The same rows near and far. */
struct rows {
    uint8_t *near, *far;
    size_t near_size, far_size;
    tskip_buffer *near_buffer, *far_buffer;
};

static void make_rows(tskip_device *device, size_t row_bytes, size_t stride_bytes, uint32_t seed,
                      struct rows *out)
{
    out->near_size = ROWS * row_bytes;
    out->far_size = (ROWS - 1) * stride_bytes + row_bytes;
    out->near = malloc(out->near_size);
    assert_non_null(out->near);
    out->far = map_sparse(out->far_size);
    for (size_t i = 0; i < out->near_size; i++)
        out->near[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
    assert_done(tskip_buffer_import(device, out->near, out->near_size, &out->near_buffer));
    assert_done(tskip_buffer_import(device, out->far, out->far_size, &out->far_buffer));
}

static void copy_rows(struct rows *r, size_t row_bytes, size_t stride_bytes)
{
    for (size_t i = 0; i < ROWS; i++)
        memcpy(r->far + i * stride_bytes, r->near + i * row_bytes, row_bytes);
}

static void free_rows(struct rows *r)
{
    tskip_buffer_destroy(&r->near_buffer);
    tskip_buffer_destroy(&r->far_buffer);
    munmap(r->far, r->far_size);
    free(r->near);
}

static void set_floats(struct rows *r, size_t row, uint32_t seed)
{
    float *x = (float *)(void *)r->near;
    for (size_t i = 0; i < ROWS * row; i++)
        x[i] = (float)((seed = seed * 1664525u + 1013904223u) >> 8) * 0x1p-23f - 1;
}

static void run(tskip_device *device, const tskip_attention_desc *desc,
                const tskip_attention_tensors *tensors, tskip_buffer *o, float *out)
{
    assert_done(tskip_attention_run(device, desc, tensors));
    assert_done(tskip_buffer_read(o, 0, out, ROWS * D * sizeof(float)));
}

static void set_cells(struct rows *r, tskip_dtype dtype)
{
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        const bool masked = (i / 40 + i / COLUMNS) % 3 == 0;
        const float bias = i % 5 ? 0.0f : 1.5f;
        if (dtype == TSKIP_BOOL)
            r->near[i] = !masked;
        else if (dtype == TSKIP_F32)
            ((float *)(void *)r->near)[i] = masked ? -INFINITY : bias;
        else
            ((uint16_t *)(void *)r->near)[i] =
                (uint16_t)(masked ? (dtype == TSKIP_F16 ? 0xFC00 : 0xFF80) : (i % 5 ? 0 : 0x3F80));
    }
}

static void check_far_mask(tskip_device *device, tskip_dtype dtype)
{
    static float x[(2 * COLUMNS + ROWS) * D], out[2][ROWS * D];
    const size_t size = tskip_dtype_size(dtype);
    struct rows cells;
    tskip_buffer *inputs, *o;
    uint8_t classes[2][ROWS * COLUMNS];
    uint64_t pairs[2];
    make_rows(device, COLUMNS * size, (size_t)FAR_STRIDE * size, 1, &cells);
    set_cells(&cells, dtype);
    copy_rows(&cells, COLUMNS * size, (size_t)FAR_STRIDE * size);
    for (size_t i = 0; i < COUNT(x); i++)
        x[i] = sinf((float)i * 1.7f);
    assert_done(tskip_buffer_import(device, x, sizeof x, &inputs));
    assert_done(tskip_buffer_create(device, sizeof out[0], &o));
    for (int far = 0; far < 2; far++) {
        tskip_mask *mask;
        tskip_tile_map *map;
        const tskip_mask_desc desc = {.tensor = {far ? cells.far_buffer : cells.near_buffer,
                                                 0,
                                                 dtype,
                                                 2,
                                                 {ROWS, COLUMNS},
                                                 {far ? FAR_STRIDE : COLUMNS, 1}}};
        assert_done(tskip_mask_create(device, &desc, &mask));
        const tskip_extent extent = {.q_len = ROWS, .k_len = COLUMNS};
        const tskip_tile_map_desc tiles = {mask, extent, {1, 1}};
        assert_done(tskip_tile_map_build(&tiles, &map));
        assert_done(tskip_tile_map_read(map, classes[far], sizeof classes[far]));
        tskip_tile_map_destroy(&map);
        assert_done(tskip_mask_count_pairs(mask, &extent, &pairs[far], NULL));
        const tskip_attention_desc problem = {
            .extent = extent, .head_dim = D, .dtype = TSKIP_F32, .mask = mask};
        const tskip_attention_tensors t = {.q = {inputs, 0},
                                           .k = {inputs, 4 * ROWS * D},
                                           .v = {inputs, 4 * (ROWS + COLUMNS) * D},
                                           .o = {o, 0}};
        run(device, &problem, &t, o, out[far]);
        tskip_mask_destroy(&mask);
    }
    assert_memory_equal(classes[0], classes[1], sizeof classes[0]);
    assert_int_equal(pairs[0], pairs[1]);
    assert_memory_equal(out[0], out[1], sizeof out[0]);
    tskip_buffer_destroy(&inputs);
    tskip_buffer_destroy(&o);
    free_rows(&cells);
}

static void test_far_mask_rows(void **state)
{
    (void)state;
    static const tskip_dtype DTYPES[] = {TSKIP_F32, TSKIP_F16, TSKIP_BF16, TSKIP_BOOL};
    for (size_t r = 0; r < all.n; r++)
        for (size_t i = 0; i < COUNT(DTYPES); i++)
            check_far_mask(all.devices[r], DTYPES[i]);
}

/* The fill writes rows that far apart, too. */
static void test_far_fill(void **state)
{
    (void)state;
    struct rows cells;
    tskip_device *device = all.devices[0];
    tskip_mask *mask;
    tskip_encoder *encoder;
    make_rows(device, COLUMNS, (size_t)FAR_STRIDE, 1, &cells);
    const tskip_mask_tensor out = {cells.far_buffer, 0, TSKIP_BOOL, 2, {ROWS, COLUMNS},
                                   {FAR_STRIDE, 1}};
    assert_done(tskip_mask_create(device, &(tskip_mask_desc){.rules = "causal"}, &mask));
    assert_done(tskip_encoder_create(device, NULL, &encoder));
    assert_done(tskip_mask_fill_encode(
        mask, &(tskip_extent){.q_len = ROWS, .k_len = COLUMNS, .q_offset = 70}, &out, encoder));
    assert_done(tskip_encoder_submit(encoder));
    assert_done(tskip_encoder_wait(encoder));
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            assert_int_equal(cells.far[(size_t)i * (size_t)FAR_STRIDE + (size_t)j], j <= i + 70);
    tskip_encoder_destroy(&encoder);
    tskip_mask_destroy(&mask);
    free_rows(&cells);
}

/* Q, K, V and O with three rows each, 2^31 elements apart: rows, heads and batch entries in
 * turn. */
static void test_far_tensors(void **state)
{
    (void)state;
    const size_t row = D * sizeof(float), stride = (size_t)FAR_STRIDE * sizeof(float);
    for (size_t r = 0; r < all.n; r++) {
        tskip_device *device = all.devices[r];
        struct rows q, k, v, o;
        make_rows(device, row, stride, 1, &q);
        make_rows(device, row, stride, 2, &k);
        make_rows(device, row, stride, 3, &v);
        make_rows(device, row, stride, 4, &o);
        set_floats(&q, D, 5);
        set_floats(&k, D, 6);
        set_floats(&v, D, 7);
        copy_rows(&q, row, stride);
        copy_rows(&k, row, stride);
        copy_rows(&v, row, stride);
        for (int axis = 0; axis < 3; axis++) {
            tskip_attention_desc desc = {
                .extent = {.batch = axis == 0 ? ROWS : 1,
                           .n_heads = axis == 1 ? ROWS : 1,
                           .q_len = axis == 2 ? ROWS : 1,
                           .k_len = axis == 2 ? ROWS : 1},
                .head_dim = D,
                .dtype = TSKIP_F32,
            };
            const tskip_attention_tensors near = {.q = {q.near_buffer, 0},
                                                  .k = {k.near_buffer, 0},
                                                  .v = {v.near_buffer, 0},
                                                  .o = {o.near_buffer, 0}};
            const tskip_attention_tensors far = {.q = {q.far_buffer, 0},
                                                 .k = {k.far_buffer, 0},
                                                 .v = {v.far_buffer, 0},
                                                 .o = {o.far_buffer, 0}};
            assert_done(tskip_attention_run(device, &desc, &near));
            desc.q = desc.k = desc.v = desc.o = (tskip_strides){
                axis == 0 ? FAR_STRIDE : D, axis == 1 ? FAR_STRIDE : D, axis == 2 ? FAR_STRIDE : D};
            assert_done(tskip_attention_run(device, &desc, &far));
            for (size_t i = 0; i < ROWS; i++)
                assert_memory_equal(o.far + i * stride, o.near + i * row, row);
        }
        free_rows(&q);
        free_rows(&k);
        free_rows(&v);
        free_rows(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_far_mask_rows),
        cmocka_unit_test(test_far_fill),
        cmocka_unit_test(test_far_tensors),
    };
    rungs_open(&all, 2);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rungs_close(&all);
    return failed;
}
