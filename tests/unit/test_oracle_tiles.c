/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Pins the oracle's mask views, geometry checks and tile classes: published counts, and tensors
 * small enough to read. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oracle.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct oracle_mask rules_mask(const char *text, struct oracle_rules *rules, int64_t q_len,
                                     int64_t k_len)
{
    assert_true(oracle_rules_parse(text, rules, NULL, 0));
    return (struct oracle_mask){
        .rules = rules, .n_batch = 1, .n_heads = 1, .q_len = q_len, .k_len = k_len};
}

static struct oracle_tensor view2(const void *data, enum oracle_dtype dtype, int64_t q, int64_t k,
                                  int64_t stride)
{
    return (struct oracle_tensor){
        .data = data, .dtype = dtype, .rank = 2, .dims = {q, k}, .strides = {stride, 1}};
}

static void test_known_counts(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        int64_t bq, bk;
        struct oracle_counts counts;
        int64_t pairs;
    } cases[] = {
        {"causal", 32, 16, {5852, 154, 5852}, 2455 * 2456 / 2},
        {"causal,window=1024", 32, 16, {7832, 244, 3782}, 2455 * 2456 / 2 - 1431 * 1432 / 2},
        {"causal", 8, 64, {5928, 307, 5738}, 2455 * 2456 / 2},
        {"causal,window=1024", 8, 64, {7842, 486, 3645}, 2455 * 2456 / 2 - 1431 * 1432 / 2},
    };
    for (size_t i = 0; i < COUNT(cases); ++i) {
        struct oracle_rules rules;
        struct oracle_counts counts;
        struct oracle_mask mask = rules_mask(cases[i].rules, &rules, 2455, 2455);
        oracle_classify(&mask, 0, 0, cases[i].bq, cases[i].bk, NULL, &counts);
        assert_int_equal(counts.skip, cases[i].counts.skip);
        assert_int_equal(counts.mixed, cases[i].counts.mixed);
        assert_int_equal(counts.full, cases[i].counts.full);
        assert_int_equal(oracle_visible_pairs(&mask, 0, 0), cases[i].pairs);
        oracle_rules_free(&rules);
    }
}

static void test_edge_tiles(void **state)
{
    (void)state;
    /* 4 rows, 5 columns in tiles of 3 x 2: the last row and the last column stand alone */
    static const uint8_t want[] = {1, 1, 0, 2, 2, 0};
    struct oracle_rules rules;
    uint8_t map[6];
    struct oracle_mask mask = rules_mask("causal", &rules, 4, 5);
    oracle_classify(&mask, 0, 0, 3, 2, map, NULL);
    assert_memory_equal(map, want, sizeof want);
    assert_int_equal(oracle_tile_class(&mask, 0, 0, 100, 100, 0, 0), ORACLE_MIXED);
    assert_int_equal(oracle_tile_class(&mask, 0, 0, INT64_MAX, INT64_MAX, 0, 0), ORACLE_MIXED);
    oracle_rules_free(&rules);
}

/* The 33rd column of a 64-wide tile decides. */
static void test_last_columns_count(void **state)
{
    (void)state;
    float cells[64] = {0};
    struct oracle_tensor tensor = view2(cells, ORACLE_F32, 1, 64, 64);
    struct oracle_mask mask = {
        .tensor = &tensor, .n_batch = 1, .n_heads = 1, .q_len = 1, .k_len = 64};
    assert_int_equal(oracle_tile_class(&mask, 0, 0, 8, 64, 0, 0), ORACLE_FULL);
    for (int k = 0; k < 64; ++k) {
        cells[k] = -1.0f;
        assert_int_equal(oracle_tile_class(&mask, 0, 0, 8, 64, 0, 0), ORACLE_MIXED);
        cells[k] = -INFINITY;
        assert_int_equal(oracle_tile_class(&mask, 0, 0, 8, 64, 0, 0), ORACLE_MIXED);
        cells[k] = 0;
    }
}

static void test_tensor_classes(void **state)
{
    (void)state;
    static const struct {
        float cells[4];
        uint8_t class;
    } cases[] = {
        {{0, 0, 0, 0}, ORACLE_FULL},
        {{0, -0.0f, -0.0f, 0}, ORACLE_FULL},
        {{-INFINITY, -1e30f, -3e38f, -2e30f}, ORACLE_SKIP},
        {{0, 0, -1e30f, 0}, ORACLE_MIXED},
        {{-0.5f, -0.5f, -0.5f, -0.5f}, ORACLE_MIXED},
        {{-1e29f, -1e29f, -1e29f, -1e29f}, ORACLE_MIXED},
        {{NAN, NAN, NAN, NAN}, ORACLE_MIXED},
        {{0, 0, 0, NAN}, ORACLE_MIXED},
        {{NAN, 0, 0, 0}, ORACLE_MIXED},
        {{-INFINITY, -INFINITY, -INFINITY, NAN}, ORACLE_MIXED},
        {{NAN, -INFINITY, -INFINITY, -INFINITY}, ORACLE_MIXED},
        {{0, 0, 0, INFINITY}, ORACLE_MIXED},
    };
    for (size_t i = 0; i < COUNT(cases); ++i) {
        struct oracle_tensor tensor = view2(cases[i].cells, ORACLE_F32, 2, 2, 2);
        struct oracle_mask mask = {
            .tensor = &tensor, .n_batch = 1, .n_heads = 1, .q_len = 2, .k_len = 2};
        assert_int_equal(oracle_tile_class(&mask, 0, 0, 2, 2, 0, 0), cases[i].class);
    }
}

/* Each cell holds its own index, so that a wrong stride shows as a wrong number. */
static void test_views(void **state)
{
    (void)state;
    float cells[2 * 3 * 4 * 8];
    for (size_t i = 0; i < COUNT(cells); ++i)
        cells[i] = (float)i;
    struct oracle_mask mask = {.n_batch = 2, .n_heads = 3, .q_len = 4, .k_len = 5};
    struct oracle_tensor full = {cells, ORACLE_F32, 4, {2, 3, 4, 5}, {96, 32, 8, 1}};
    struct oracle_tensor swapped = {cells, ORACLE_F32, 4, {2, 3, 4, 5}, {96, 8, 24, 1}};
    struct oracle_tensor by_row = {cells, ORACLE_F32, 4, {1, 1, 4, 5}, {96, 32, 8, 1}};
    struct oracle_tensor by_head = {cells, ORACLE_F32, 4, {2, 3, 1, 5}, {0, 8, 7, 1}};
    struct oracle_tensor plane = view2(cells, ORACLE_F32, 4, 5, 8);
    static const int64_t planes[5][2] = {{2, 3}, {2, 3}, {1, 1}, {1, 3}, {1, 1}};
    const struct oracle_tensor *views[] = {&full, &swapped, &by_row, &by_head, &plane};
    const double want[] = {96 + 2 * 32 + 3 * 8 + 4, 96 + 2 * 8 + 3 * 24 + 4, 3 * 8 + 4, 2 * 8 + 4,
                           3 * 8 + 4};
    for (size_t i = 0; i < COUNT(views); ++i) {
        int64_t batch_planes, head_planes;
        mask.tensor = views[i];
        assert_true(oracle_mask_check(&mask, NULL, 0));
        assert_true(oracle_mask_cell(&mask, 1, 2, 3, 4).bias == want[i]);
        oracle_mask_planes(&mask, &batch_planes, &head_planes);
        assert_int_equal(batch_planes, planes[i][0]);
        assert_int_equal(head_planes, planes[i][1]);
    }
}

static void test_combination(void **state)
{
    (void)state;
    static const float cells[9] = {-2.5f, NAN, 0, -INFINITY, 0, INFINITY, 0, -1.0f, 0};
    struct oracle_rules rules;
    struct oracle_mask mask = rules_mask("causal", &rules, 3, 3);
    struct oracle_tensor tensor = view2(cells, ORACLE_F32, 3, 3, 3);
    mask.tensor = &tensor;
    assert_true(oracle_mask_cell(&mask, 0, 0, 0, 0).bias == -2.5);
    assert_true(oracle_mask_cell(&mask, 0, 0, 0, 1).masked); /* a NaN that the rules mask */
    assert_true(oracle_mask_cell(&mask, 0, 0, 1, 0).masked);
    assert_false(oracle_mask_cell(&mask, 0, 0, 1, 1).masked);
    assert_true(oracle_mask_cell(&mask, 0, 0, 1, 2).masked);
    assert_int_equal(oracle_visible_pairs(&mask, 0, 0), 5);
    static const uint8_t want[] = {1, 0, 0, 0, 2, 0, 2, 1, 2};
    uint8_t map[9];
    oracle_classify(&mask, 0, 0, 1, 1, map, NULL);
    assert_memory_equal(map, want, sizeof want);
    oracle_rules_free(&rules);
}

static void test_alibi_cells(void **state)
{
    (void)state;
    struct oracle_rules rules;
    struct oracle_mask mask = rules_mask("alibi=0.1/4,causal", &rules, 4, 4);
    mask.n_heads = 2;
    assert_true(oracle_mask_cell(&mask, 0, 1, 3, 1).bias == -8.0);
    assert_true(oracle_mask_cell(&mask, 0, 0, 3, 0).bias == (double)(-0.1f * 3.0f));
    assert_true(oracle_mask_cell(&mask, 0, 0, 0, 1).masked);
    assert_int_equal(oracle_tile_class(&mask, 0, 0, 1, 1, 2, 2), ORACLE_MIXED); /* bias 0 there */
    assert_int_equal(oracle_tile_class(&mask, 0, 0, 1, 1, 2, 3), ORACLE_SKIP);
    oracle_rules_free(&rules);
}

static void test_per_entry_planes(void **state)
{
    (void)state;
    struct oracle_rules rules;
    int64_t batch_planes, head_planes;
    struct oracle_mask mask = rules_mask("causal,klen=2/4/3", &rules, 4, 4);
    mask.n_batch = 3;
    assert_true(oracle_mask_check(&mask, NULL, 0));
    oracle_mask_planes(&mask, &batch_planes, &head_planes);
    assert_int_equal(batch_planes, 3);
    assert_int_equal(head_planes, 1);
    assert_int_equal(oracle_visible_pairs(&mask, 0, 0), 7);
    assert_int_equal(oracle_visible_pairs(&mask, 1, 0), 10);
    assert_int_equal(oracle_visible_pairs(&mask, 2, 0), 9);
    oracle_rules_free(&rules);
}

/* Rows of a mask with 65,536 keys that begin past 2^31 elements. Only a few pages are touched. */
static void test_far_rows(void **state)
{
    (void)state;
    const int64_t n = 65536;
    uint8_t *cells = calloc((size_t)n, (size_t)n);
    if (cells == NULL)
        skip();
    cells[(size_t)40000 * 65536 + 7] = 1;
    cells[(size_t)65535 * 65536 + 65535] = 1;
    struct oracle_tensor tensor = view2(cells, ORACLE_BOOL, n, n, n);
    struct oracle_mask mask = {
        .tensor = &tensor, .n_batch = 1, .n_heads = 1, .q_len = n, .k_len = n};
    assert_false(oracle_mask_cell(&mask, 0, 0, 40000, 7).masked);
    assert_true(oracle_mask_cell(&mask, 0, 0, 40000, 8).masked);
    assert_false(oracle_mask_cell(&mask, 0, 0, 65535, 65535).masked);
    assert_true(oracle_mask_cell(&mask, 0, 0, 65534, 65535).masked);
    assert_int_equal(oracle_tile_class(&mask, 0, 0, 16, 16, 4095, 4095), ORACLE_MIXED);
    assert_int_equal(oracle_tile_class(&mask, 0, 0, 16, 16, 4095, 4094), ORACLE_SKIP);
    free(cells);
}

static void test_far_positions(void **state)
{
    (void)state;
    struct oracle_rules rules;
    struct oracle_mask mask = rules_mask("causal", &rules, 65536, 65536);
    mask.q_offset = (int64_t)1 << 40;
    mask.k_offset = (int64_t)1 << 40;
    assert_false(oracle_mask_cell(&mask, 0, 0, 40000, 40000).masked);
    assert_true(oracle_mask_cell(&mask, 0, 0, 40000, 40001).masked);
    oracle_rules_free(&rules);
}

static void test_geometry_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        int64_t k_offset;
        const char *says;
    } cases[] = {
        {"klen=9", 0, "klen=9"},
        {"kstart=8", 0, "kstart=8"},
        {"klen=1/2/3", 0, "3 batch entries of 2"},
        {"segments=3+4", 0, "add up to 7"},
        {"segments=3+6", 0, "add up to 9"},
        {"segments=3+5", 2, "not to 10"},
        {"segments=3+5/3+4", 0, "add up to 7"},
        {"alibi=1/2", 0, "2 slopes for 3 heads"},
    };
    char err[200];
    for (size_t i = 0; i < COUNT(cases); ++i) {
        struct oracle_rules rules;
        struct oracle_mask mask = rules_mask(cases[i].rules, &rules, 8, 8);
        mask.n_batch = 2;
        mask.n_heads = 3;
        mask.k_offset = cases[i].k_offset;
        assert_false(oracle_mask_check(&mask, err, sizeof err));
        assert_non_null(strstr(err, cases[i].says));
        oracle_rules_free(&rules);
    }
    assert_true(oracle_q_offset_end(3, 5, 4) == 6);
    assert_true(oracle_q_offset_end(9, 5, 0) < 0);
}

static void test_tensor_refusals(void **state)
{
    (void)state;
    static const float cells[64];
    static const struct oracle_tensor tensors[] = {
        {NULL, ORACLE_F32, 2, {8, 8}, {8, 1}},
        {cells, ORACLE_F32, 1, {8}, {1}},
        {cells, ORACLE_F32, 3, {1, 8, 8}, {0, 8, 1}},
        {cells, ORACLE_F32, 2, {7, 8}, {8, 1}},
        {cells, ORACLE_F32, 2, {8, 1}, {8, 1}},
        {cells, ORACLE_F32, 2, {8, 8}, {1, 8}},
        {cells, ORACLE_F32, 2, {8, 8}, {-8, 1}},
        {cells, ORACLE_F32, 4, {2, 1, 8, 8}, {0, 0, 8, 1}},
    };
    for (size_t i = 0; i < COUNT(tensors); ++i) {
        struct oracle_mask mask = {
            .tensor = &tensors[i], .n_batch = 1, .n_heads = 1, .q_len = 8, .k_len = 8};
        assert_false(oracle_mask_check(&mask, NULL, 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_counts),
        cmocka_unit_test(test_edge_tiles),
        cmocka_unit_test(test_last_columns_count),
        cmocka_unit_test(test_tensor_classes),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_combination),
        cmocka_unit_test(test_alibi_cells),
        cmocka_unit_test(test_per_entry_planes),
        cmocka_unit_test(test_far_rows),
        cmocka_unit_test(test_geometry_refusals),
        cmocka_unit_test(test_tensor_refusals),
        cmocka_unit_test(test_far_positions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
