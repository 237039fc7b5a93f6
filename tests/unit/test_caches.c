/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Blocks that follow the caches: their sizes, and that results do not. */

#include "harness/refused.h"

#include <stdlib.h>
#include <string.h>

#include <tileskip/attention.h>

#include "attention/plan.h"
#include "kernels/cpu/decode_cpu.h"

enum { HEADS = 3, QUERIES = 2, KEYS = 210, DIM = 300 };

static void test_keys_of_values(void **state)
{
    (void)state;
    static const struct {
        size_t l1_bytes, row_bytes;
        int keys;
    } cases[] = {
        {32768, 512, TSKIP__MANY_VALUES}, {32768, 516, TSKIP__FEW_VALUES},
        {49152, 768, TSKIP__MANY_VALUES}, {0, 512, TSKIP__MANY_VALUES},
        {0, 516, TSKIP__FEW_VALUES},      {UINT32_MAX, 2048, TSKIP__MANY_VALUES},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(tskip__value_keys(cases[i].l1_bytes, cases[i].row_bytes), cases[i].keys);
}

static tskip_slice make_buffer(tskip_device *device, size_t size, uint32_t seed)
{
    tskip_slice slice = {0};
    void *bytes;
    assert_done(tskip_buffer_create(device, size, &slice.buffer));
    assert_done(tskip_buffer_map(slice.buffer, &bytes));
    for (size_t i = 0; i + 4 <= size; i += 4) { /* both halves are numbers of ordinary size */
        seed = seed * 1664525u + 1013904223u;
        const uint32_t bits = (seed & 0x807f807fu) | 0x3f003f00u;
        memcpy((char *)bytes + i, &bits, 4);
    }
    return slice;
}

/* The output for a machine with so large an L1 cache; the caller frees it. */
static void *output_with(tskip_device *device, tskip_dtype dtype, uint32_t l1_bytes)
{
    const size_t element = tskip_dtype_size(dtype), size = (size_t)HEADS * QUERIES * DIM * element;
    const size_t keys = (size_t)KEYS * DIM * element;
    const tskip_attention_desc desc = {
        .extent = {.n_heads = HEADS, .q_len = QUERIES, .k_len = KEYS},
        .n_kv_heads = 1,
        .head_dim = DIM,
        .dtype = dtype};
    tskip_plan *plan;
    tskip_encoder *encoder;
    assert_done(tskip_plan_create(device, &desc, &plan));
    plan->args.l1_bytes = l1_bytes;
    tskip_attention_tensors t = {.q = make_buffer(device, size, 1),
                                 .k = make_buffer(device, keys, 2),
                                 .v = make_buffer(device, keys, 3),
                                 .o = make_buffer(device, size, 4)};
    t.workspace = make_buffer(device, (size_t)plan->info.workspace_size, 5);
    assert_done(tskip_encoder_create(device, NULL, &encoder));
    assert_done(tskip_attention_encode(plan, encoder, &t));
    assert_done(tskip_encoder_submit(encoder));
    assert_done(tskip_encoder_wait(encoder));
    void *out = malloc(size);
    assert_non_null(out);
    assert_done(tskip_buffer_read(t.o.buffer, 0, out, size));
    tskip_encoder_destroy(&encoder);
    tskip_slice *const slices[] = {&t.q, &t.k, &t.v, &t.o, &t.workspace};
    for (int i = 0; i < 5; i++)
        tskip_buffer_destroy(&slices[i]->buffer);
    tskip_plan_destroy(&plan);
    return out;
}

static void test_results_do_not_follow(void **state)
{
    (void)state;
    static const tskip_dtype dtypes[] = {TSKIP_F32, TSKIP_F16, TSKIP_BF16};
    static const uint32_t sizes[] = {4096, 65536, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        tskip_device *device;
        const size_t size = (size_t)HEADS * QUERIES * DIM * tskip_dtype_size(dtypes[i]);
        assert_done(tskip_device_open(&(tskip_device_desc){.name = "cpu"}, &device));
        void *usual = output_with(device, dtypes[i], 0);
        for (size_t j = 0; j < 3; j++) {
            void *other = output_with(device, dtypes[i], sizes[j]);
            assert_memory_equal(other, usual, size);
            free(other);
        }
        free(usual);
        tskip_device_destroy(&device);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_values),
        cmocka_unit_test(test_results_do_not_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
