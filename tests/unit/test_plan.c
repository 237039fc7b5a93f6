/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Plans: the values they settle on, and every argument they refuse. */

#include "harness/refused.h"

#include <fenv.h>
#include <math.h>
#include <stdio.h>

#include <tileskip/attention.h>

#include "kernels/kernel_table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static tskip_device *device;

static const tskip_attention_desc usual = {
    .extent = {.batch = 2, .n_heads = 4, .q_len = 70, .k_len = 90},
    .n_kv_heads = 2,
    .head_dim = 24,
    .dtype = TSKIP_BF16,
};

static void test_zeros_become_values(void **state)
{
    (void)state;
    tskip_plan *plan;
    const tskip_attention_desc least = {
        .extent = {.q_len = 3, .k_len = 5, .q_offset = TSKIP_OFFSET_END, .k_offset = 4},
        .head_dim = 16,
        .dtype = TSKIP_F16};
    assert_done(tskip_plan_create(device, &least, &plan));
    const tskip_plan_info *info = tskip_plan_get_info(plan);
    assert_int_equal(info->desc.extent.batch, 1);
    assert_int_equal(info->desc.extent.n_heads, 1);
    assert_int_equal(info->desc.extent.q_offset, 6);
    assert_int_equal(info->desc.n_kv_heads, 1);
    assert_int_equal(info->desc.head_dim_v, 16);
    assert_int_equal(info->desc.out_dtype, TSKIP_F16);
    assert_true(info->desc.scale == 0.25f);
    assert_int_equal(info->desc.q.row, 16);
    assert_int_equal(info->desc.q.head, 48);
    assert_int_equal(info->desc.v.head, 80);
    assert_int_equal(info->desc.o.batch, 48);
    assert_false(info->uses_map);
    assert_int_equal(info->workspace_size, 256); /* a part's 3 rows of 2 + 16 floats */
    assert_true(info->tile.bq > 0 && info->tile.bk > 0);
    assert_int_equal(info->desc.tile.bq, info->tile.bq);
    assert_non_null(strstr(tskip_plan_describe(plan), "decode[f16 d16 bq"));
    assert_non_null(strstr(tskip_plan_describe(plan), "mask=none map=0] on cpu"));
    tskip_plan_destroy(&plan);
    assert_null(plan);
    assert_done(tskip_plan_create(device, &usual, &plan));
    assert_int_equal(tskip_plan_get_info(plan)->workspace_size, 0);
    tskip_plan_destroy(&plan);
}

/* A thread's scratch memory is at most 2 MiB, and what the keys' parts leave is at most that or
 * what O takes in f32: nothing else grows with q_len times k_len but the map. */
static void test_memory_is_bounded(void **state)
{
    (void)state;
    static const uint32_t dims[] = {1, 64, 128, 512}, heads[] = {1, 8, 64};
    static const int64_t lengths[] = {1, 16, 17, 4096};
    const uint64_t most = (uint64_t)2 << 20;
    for (size_t i = 0; i < COUNT(dims) * COUNT(heads) * COUNT(lengths) * 2; i++) {
        tskip_plan *plan;
        const int64_t q_len = lengths[i / 2 % COUNT(lengths)], k_len = i % 2 ? 1 << 20 : 4096;
        const uint32_t dim = dims[i / 2 / COUNT(lengths) % COUNT(dims)];
        const uint32_t n_heads = heads[i / 2 / COUNT(lengths) / COUNT(dims)];
        const tskip_attention_desc desc = {
            .extent = {.n_heads = n_heads, .q_len = q_len, .k_len = k_len},
            .n_kv_heads = 1,
            .head_dim = dim,
            .dtype = TSKIP_F32};
        assert_done(tskip_plan_create(device, &desc, &plan));
        const tskip_plan_info *info = tskip_plan_get_info(plan);
        const uint64_t parts = (uint64_t)q_len * n_heads * (dim + 2) * sizeof(float);
        assert_true(info->group_memory <= most);
        assert_true(info->workspace_size <= (parts > most ? parts + 63 : most));
        tskip_plan_destroy(&plan);
    }
}

static void test_describes_masks(void **state)
{
    (void)state;
    static float cells[70 * 90];
    tskip_buffer *buffer;
    assert_done(tskip_buffer_import(device, cells, sizeof cells, &buffer));
    const tskip_mask_tensor tensor = {buffer, 0, TSKIP_F32, 2, {70, 90}, {0}};
    const struct {
        tskip_mask_desc mask;
        bool no_skip;
        const char *text;
    } cases[] = {
        {{.rules = "causal"}, false, "mask=rules map=1]"},
        {{.rules = "causal"}, true, "mask=rules map=0]"},
        {{.tensor = tensor}, false, "mask=f32 map=1]"},
        {{.rules = "causal", .tensor = tensor}, false, "mask=rules+f32 map=1]"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        tskip_mask *mask;
        tskip_plan *plan;
        tskip_attention_desc desc = usual;
        assert_done(tskip_mask_create(device, &cases[i].mask, &mask));
        desc.mask = mask;
        desc.no_skip = cases[i].no_skip;
        assert_done(tskip_plan_create(device, &desc, &plan));
        tskip_mask_destroy(&mask); /* the plan keeps it */
        assert_non_null(strstr(tskip_plan_describe(plan), cases[i].text));
        assert_int_equal(tskip_plan_get_info(plan)->uses_map, !cases[i].no_skip);
        assert_int_equal(tskip_plan_get_info(plan)->workspace_size > 0, !cases[i].no_skip);
        tskip_plan_destroy(&plan);
    }
    tskip_buffer_destroy(&buffer);
}

/* Each case changes one thing of `usual`. */
#define WITH(...)                                                                                  \
    {                                                                                              \
        .extent = {.batch = 2, .n_heads = 4, .q_len = 70, .k_len = 90}, .n_kv_heads = 2,           \
        .head_dim = 24, .dtype = TSKIP_BF16, __VA_ARGS__                                           \
    }

static void test_refused(void **state)
{
    (void)state;
    const tskip_status bad = TSKIP_INVALID_ARGUMENT, no = TSKIP_UNSUPPORTED;
    const int64_t huge = INT64_MAX;
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
    const struct {
        tskip_attention_desc desc;
        tskip_status status;
        const char *error;
    } cases[] = {
        {WITH(.extent.q_len = 0), bad, "q_len is 0"},
        {WITH(.extent.k_len = -1), bad, "k_len is -1"},
        {WITH(.extent.q_offset = -3), bad, "q_offset is -3"},
        {WITH(.extent.k_offset = -3), bad, "k_offset is -3"},
        {WITH(.extent.q_len = 91, .extent.q_offset = TSKIP_OFFSET_END), bad, "= -1, expected at"},
        {WITH(.n_kv_heads = 3), bad, "n_heads is 4, expected a multiple of n_kv_heads = 3"},
        {WITH(.n_kv_heads = 8), bad, "n_heads is 4, expected a multiple of n_kv_heads = 8"},
        {WITH(.head_dim = 0), no, "head_dim is 0, expected 1 to 512"},
        {WITH(.head_dim = 513), no, "head_dim is 513, expected 1 to 512"},
        {WITH(.head_dim_v = 513), no, "head_dim_v is 513, expected 1 to 512"},
        {WITH(.dtype = TSKIP_DTYPE_NONE), no, "dtype is none (0), expected f32, f16 or bf16"},
        {WITH(.dtype = TSKIP_BOOL), no, "dtype is bool (4)"},
        {WITH(.dtype = (tskip_dtype)77), no, "dtype is none (77)"},
        {WITH(.out_dtype = TSKIP_F16), no, "out_dtype is f16 (2), expected bf16 or f32"},
        {WITH(.out_dtype = TSKIP_BOOL), no, "out_dtype is bool"},
        {WITH(.dtype = TSKIP_F32, .out_dtype = TSKIP_BF16), no,
         "out_dtype is bf16 (3), expected f32"},
        {WITH(.scale = NAN), bad, "scale is nan, expected a finite number"},
        {WITH(.scale = INFINITY), bad, "scale is inf"},
        {WITH(.scale = -INFINITY), bad, "scale is -inf"},
        {WITH(.softcap = -1), bad, "softcap is -1, expected a positive number"},
        {WITH(.softcap = NAN), bad, "softcap is nan"},
        {WITH(.softcap = INFINITY), bad, "softcap is inf"},
        {WITH(.tile = {33, 64}), no, "tile is 33x64, device cpu"},
        {WITH(.tile = {32, 0}), no, "tile is 32x0"},
        {WITH(.q = {1, 1, -24}), bad, "q.row stride is -24, expected at least 0"},
        {WITH(.k = {1, -1, 24}), bad, "k.head stride is -1"},
        {WITH(.v = {-9, 1, 24}), bad, "v.batch stride is -9"},
        {WITH(.o = {-9, 1, 24}), bad, "o.batch stride is -9"},
        {WITH(.q = {1, 1, huge}), bad, "q: stride 9223372036854775807 times 69 does not fit"},
        {WITH(.k = {huge, huge, 24}), bad, "does not fit 64 bits"},
        {WITH(.v = {huge, 1, 24}), bad, "v reaches over"},
        {WITH(.o = {6720, 1680, 23}), bad, "make rows overlap: 23 is less than the 24 elements"},
        {WITH(.o = {6720, 1679, 24}), bad, "make rows overlap: 1679 is less than the 1680"},
        {WITH(.o = {6719, 1680, 24}), bad, "make rows overlap: 6719 is less than the 6720"},
        {WITH(.o = {0, 1680, 24}), bad, "make rows overlap: 0 is less than the 24"},
        {WITH(.o = {6720, 24, 95}), bad, "make rows overlap: 95 is less than the 96"},
        {WITH(.extent.q_len = INT64_C(1) << 40, .extent.batch = UINT32_MAX,
              .extent.n_heads = UINT32_MAX - 1),
         bad, "too many for 64-bit strides"},
    };
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
    for (size_t i = 0; i < COUNT(cases); i++) {
        tskip_plan *plan = (tskip_plan *)&state;
        tskip_status status = tskip_plan_create(device, &cases[i].desc, &plan);
        if (status == TSKIP_OK)
            fail_msg("case %zu was accepted, expected: %s", i, cases[i].error);
        assert_refused(status, cases[i].status, cases[i].error);
        assert_null(plan);
    }
}

/* What a plan computes itself does not depend on how the caller's thread rounds. */
static void test_callers_rounding(void **state)
{
    (void)state;
    static const int MODES[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    tskip_attention_desc desc = usual;
    desc.head_dim = 80;
    for (size_t i = 0; i < COUNT(MODES); i++) {
        tskip_plan *plan;
        assert_int_equal(fesetround(MODES[i]), 0);
        tskip_status status = tskip_plan_create(device, &desc, &plan);
        const int after = fegetround();
        fesetround(FE_TONEAREST);
        assert_int_equal(status, TSKIP_OK);
        assert_int_equal(after, MODES[i]);
        assert_true(tskip_plan_get_info(plan)->desc.scale == 0x1.c9f25cp-4f);
        tskip_plan_destroy(&plan);
    }
}

/* [B,L,H,D], gaps, and inputs that repeat memory are all fine. */
static void test_accepted_strides(void **state)
{
    (void)state;
    const tskip_strides blhd = {70 * 4 * 24, 24, 4 * 24}, gaps = {10000, 2400, 30};
    const tskip_strides inside = {24, 48, 200}, repeat = {0, 0, 24}, one = {0, 0, 1};
    tskip_plan *plan;
    const struct {
        tskip_strides q, o;
    } cases[] = {{blhd, blhd}, {gaps, gaps}, {inside, inside}, {repeat, blhd}, {one, gaps}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        tskip_attention_desc desc = usual;
        desc.q = cases[i].q;
        desc.o = cases[i].o;
        assert_done(tskip_plan_create(device, &desc, &plan));
        assert_memory_equal(&tskip_plan_get_info(plan)->desc.q, &cases[i].q, sizeof desc.q);
        tskip_plan_destroy(&plan);
    }
}

static void test_null(void **state)
{
    (void)state;
    tskip_plan *plan;
    tskip_mask *mask;
    tskip_device *other;
    const tskip_status bad = TSKIP_INVALID_ARGUMENT;
    assert_refused(tskip_plan_create(NULL, &usual, &plan), bad, "device is NULL");
    assert_null(plan);
    assert_refused(tskip_plan_create(device, NULL, &plan), bad, "desc is NULL");
    assert_refused(tskip_plan_create(device, &usual, NULL), bad, "out is NULL");
    assert_null(tskip_plan_get_info(NULL));
    assert_string_equal(tskip_plan_describe(NULL), "");
    plan = NULL;
    tskip_plan_destroy(&plan);
    tskip_plan_destroy(NULL);
    assert_done(tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = 1}, &other));
    assert_done(tskip_mask_create(other, &(tskip_mask_desc){.rules = "causal"}, &mask));
    tskip_attention_desc desc = usual;
    desc.mask = mask;
    assert_refused(tskip_plan_create(device, &desc, &plan), bad, "mask was made on device cpu");
    tskip_mask_destroy(&mask);
    tskip_device_destroy(&other);
}

/* A mask that does not fit the problem is refused by the plan, with the mask's own words. */
static void test_refused_masks(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *error;
    } cases[] = {
        {"klen=91", "klen, entry 0 is 91, expected at most k_len = 90"},
        {"klen=1/2/3", "the rules have 3 entries, expected one, or batch = 2"},
        {"segments=90/89", "segments, entry 1 add up to 89"},
        {"alibi=1/2", "alibi has 2 slopes, expected n_heads = 4"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        tskip_mask *mask;
        tskip_plan *plan;
        tskip_attention_desc desc = usual;
        assert_done(tskip_mask_create(device, &(tskip_mask_desc){.rules = cases[i].rules}, &mask));
        desc.mask = mask;
        assert_refused(tskip_plan_create(device, &desc, &plan), TSKIP_INVALID_ARGUMENT,
                       cases[i].error);
        tskip_mask_destroy(&mask);
    }
}

/* Which kernel takes few rows, of queries times heads a KV head. */
static void test_kernel_for_few_rows(void **state)
{
    (void)state;
    static const struct {
        uint32_t heads;
        int64_t q_len;
        const char *kernel;
    } cases[] = {
        {1, 16, "decode[f16"},          {16, 16, "decode[f16"},   {17, 16, "attention[f16"},
        {1, 17, "attention_parts[f16"}, {256, 1, "decode[f16"},   {1, 33, "attention[f16"},
        {8, 32, "attention_parts[f16"}, {9, 32, "attention[f16"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        tskip_plan *plan;
        const tskip_attention_desc desc = {
            .extent = {.n_heads = cases[i].heads, .q_len = cases[i].q_len, .k_len = 300},
            .n_kv_heads = 1,
            .head_dim = 16,
            .dtype = TSKIP_F16};
        assert_done(tskip_plan_create(device, &desc, &plan));
        assert_ptr_equal(strstr(tskip_plan_describe(plan), cases[i].kernel),
                         tskip_plan_describe(plan));
        tskip_plan_destroy(&plan);
    }
}

static uint64_t workspace_of(uint32_t threads)
{
    tskip_device *own;
    tskip_mask *mask;
    tskip_plan *plan;
    tskip_attention_desc desc = usual;
    assert_done(tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = threads}, &own));
    assert_done(tskip_mask_create(own, &(tskip_mask_desc){.rules = "causal"}, &mask));
    desc.mask = mask;
    assert_done(tskip_plan_create(own, &desc, &plan));
    uint64_t size = tskip_plan_get_info(plan)->workspace_size;
    tskip_plan_destroy(&plan);
    tskip_mask_destroy(&mask);
    tskip_device_destroy(&own);
    return size;
}

/* The usual problem has four work items. A device that starts all of them at once needs no order
 * and no counters, a part of the workspace each. */
static void test_order_where_it_matters(void **state)
{
    (void)state;
    assert_int_equal(workspace_of(4), 64);
    assert_int_equal(workspace_of(3), 3 * 64);
}

/* A kernel that works the keys in parts has one item for all rows of a KV head: its panels, if it
 * has any, hold them. */
static void test_parts_take_a_whole_head(void **state)
{
    (void)state;
    int n = 0;
    for (const tskip__variant *v = tskip__variants; v->kernel; v++) {
        if (!v->combine)
            continue;
        assert_true(v->max_rows > v->min_rows && v->split % v->bk == 0);
        assert_true(v->panels == 0 || v->max_rows <= v->panels * v->bq);
        n++;
    }
    assert_true(n > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeros_become_values),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_describes_masks),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_callers_rounding),
        cmocka_unit_test(test_accepted_strides),
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_refused_masks),
        cmocka_unit_test(test_kernel_for_few_rows),
        cmocka_unit_test(test_order_where_it_matters),
        cmocka_unit_test(test_parts_take_a_whole_head),
    };
    if (tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = 2}, &device) != TSKIP_OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tskip_device_destroy(&device);
    return failed;
}
