/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Pins the accuracy bound: one output that is just within it, one just beyond, and one for each
 * fault. */

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "oracle.h"

/* One batch entry, one head, head size 1; scale 1. */
static struct oracle_problem small(const float *q, int64_t q_len, const float *k, const float *v,
                                   int64_t k_len)
{
    return (struct oracle_problem){.q = oracle_tensor_packed(q, ORACLE_F32, 1, 1, q_len, 1),
                                   .k = oracle_tensor_packed(k, ORACLE_F32, 1, 1, k_len, 1),
                                   .v = oracle_tensor_packed(v, ORACLE_F32, 1, 1, k_len, 1),
                                   .scale = 1.0f};
}

static struct oracle_mask sized(int64_t q_len, int64_t k_len)
{
    return (struct oracle_mask){.n_batch = 1, .n_heads = 1, .q_len = q_len, .k_len = k_len};
}

static const float zeros[8] = {0};
static const float ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};

/* Rows: keys 0 only; none; keys 0 and 1; NaN. Values 1 and 2 in f32. */
struct judged {
    struct oracle_reference reference;
    float out[4];
    float lse[4];
};

static void judged_begin(struct judged *j, const float *sinks, enum oracle_dtype out_dtype)
{
    static const float bias[] = {0, -INFINITY, -INFINITY, -INFINITY, 0, 0, NAN, 0};
    static const float v[] = {1, 2};
    struct oracle_tensor tensor = {bias, ORACLE_F32, 2, {4, 2}, {2, 1}};
    struct oracle_mask mask = sized(4, 2);
    struct oracle_problem problem = small(ones, 4, zeros, v, 2);
    mask.tensor = &tensor;
    problem.mask = &mask;
    problem.sinks = sinks;
    problem.out_dtype = out_dtype;
    assert_true(oracle_reference_create(&problem, &j->reference, NULL, 0));
    memcpy(j->out, j->reference.textbook, sizeof j->out);
    memcpy(j->lse, j->reference.textbook_lse, sizeof j->lse);
    oracle_store(ORACLE_F32, j->out, 3, NAN);
    oracle_store(ORACLE_F32, j->lse, 3, NAN);
}

static struct oracle_report judge(const struct judged *j)
{
    struct oracle_tensor output = oracle_tensor_packed(j->out, ORACLE_F32, 1, 1, 4, 1);
    return oracle_judge(&j->reference, &output);
}

static void test_judge_accepts(void **state)
{
    (void)state;
    struct judged j;
    judged_begin(&j, NULL, ORACLE_F32);
    struct oracle_report report = judge(&j);
    assert_int_equal(report.fault, ORACLE_FAULT_NONE);
    assert_true(report.left == 0 && report.ratio == 0 && report.largest == 1.5);
    assert_true(report.right == 8 * 0x1p-23 && report.ulp == 0x1p-23);
    assert_int_equal(report.rows, 4);
    assert_int_equal(report.nan_rows, 1);
    assert_int_equal(report.empty_rows, 1);

    j.reference.textbook[0] = 1 - 0x1p-22f;
    report = judge(&j);
    assert_true(report.textbook_error == 0x1p-22 && report.right == 2 * 0x1p-22 + 0x1p-20);
    j.reference.textbook[0] = 1;

    j.out[2] = 1.5f + 0x1p-20f;
    report = judge(&j);
    assert_true(report.ratio == 1 && report.i == 2 && report.got == 1.5 + 0x1p-20);
    j.out[2] = 1.5f - 0x1.2p-20f;
    report = judge(&j);
    assert_true(report.ratio == 1.125 && report.left == 0x1.2p-20);
    assert_int_equal(report.fault, ORACLE_FAULT_NONE);
    char text[200];
    oracle_report_text(&report, text, sizeof text);
    assert_non_null(strstr(text, "ratio 1.125"));
    assert_non_null(strstr(text, "[b0 h0 i2 d0]"));
    oracle_reference_free(&j.reference);
}

static void expect_fault(struct judged *j, int row, float value, enum oracle_fault fault)
{
    float saved = j->out[row];
    memcpy(&j->out[row], &value, sizeof value);
    struct oracle_report report = judge(j);
    assert_int_equal(report.fault, fault);
    assert_int_equal(report.i, row);
    assert_true(isinf(report.ratio) && report.ratio > 0);
    memcpy(&j->out[row], &saved, sizeof saved);
}

static void test_judge_faults(void **state)
{
    (void)state;
    struct judged j;
    float other_nan;
    uint32_t bits = 0xFFC00000u;
    memcpy(&other_nan, &bits, sizeof bits);
    judged_begin(&j, NULL, ORACLE_F32);
    expect_fault(&j, 0, NAN, ORACLE_FAULT_NAN);
    expect_fault(&j, 1, NAN, ORACLE_FAULT_NAN);
    expect_fault(&j, 3, 0.0f, ORACLE_FAULT_NAN);
    expect_fault(&j, 3, INFINITY, ORACLE_FAULT_NAN);
    expect_fault(&j, 3, other_nan, ORACLE_FAULT_NAN_BITS);
    expect_fault(&j, 1, -0.0f, ORACLE_FAULT_EMPTY);
    expect_fault(&j, 1, 1e-30f, ORACLE_FAULT_EMPTY); /* far below the bound of the call */
    expect_fault(&j, 1, 1.5f, ORACLE_FAULT_EMPTY);   /* mean(V) */
    expect_fault(&j, 2, INFINITY, ORACLE_FAULT_INFINITE);
    j.reference.textbook[2] = INFINITY;
    expect_fault(&j, 2, 1.5f, ORACLE_FAULT_TEXTBOOK);

    struct oracle_tensor shape = oracle_tensor_packed(j.out, ORACLE_F32, 1, 1, 2, 2);
    assert_int_equal(oracle_judge(&j.reference, &shape).fault, ORACLE_FAULT_MISMATCH);
    struct oracle_tensor dtype = oracle_tensor_packed(j.out, ORACLE_BF16, 1, 1, 4, 1);
    assert_int_equal(oracle_judge(&j.reference, &dtype).fault, ORACLE_FAULT_MISMATCH);
    oracle_reference_free(&j.reference);
}

static void test_judge_bf16(void **state)
{
    (void)state;
    struct judged j;
    float sink = 0;
    uint16_t out[4 * 2] = {0}; /* a row stride of 2 */
    judged_begin(&j, &sink, ORACLE_BF16);
    for (int i = 0; i < 4; ++i)
        out[2 * i] = oracle_bf16_from_f32(j.reference.textbook[i]);
    struct oracle_tensor output = {out, ORACLE_BF16, 4, {1, 1, 4, 1}, {0, 0, 2, 1}};
    struct oracle_report report = oracle_judge(&j.reference, &output);
    assert_int_equal(report.fault, ORACLE_FAULT_NONE); /* O* = 0.5, 0, 1, NaN */
    assert_true(report.right == 0x1p-7 && report.ratio == 0);
    out[4] += 1;
    assert_true(oracle_judge(&j.reference, &output).ratio == 1);
    out[4] += 1;
    report = oracle_judge(&j.reference, &output);
    assert_true(report.ratio == 2 && report.i == 2);
    out[4] -= 2;
    out[6] = 0xFFC0;
    assert_int_equal(oracle_judge(&j.reference, &output).fault, ORACLE_FAULT_NAN_BITS);
    oracle_reference_free(&j.reference);
}

static void test_judge_lse(void **state)
{
    (void)state;
    struct judged j;
    judged_begin(&j, NULL, ORACLE_F32);
    struct oracle_report report = oracle_judge_lse(&j.reference, j.lse);
    assert_int_equal(report.fault, ORACLE_FAULT_NONE);
    assert_true(report.ratio < 0.5 && report.largest == log(2));
    j.lse[2] += 32 * 0x1p-24f;
    report = oracle_judge_lse(&j.reference, j.lse);
    assert_true(report.ratio > 1 && report.i == 2);
    j.lse[2] = j.reference.textbook_lse[2];
    j.lse[1] = -FLT_MAX;
    assert_int_equal(oracle_judge_lse(&j.reference, j.lse).fault, ORACLE_FAULT_EMPTY);
    j.lse[1] = -INFINITY;
    j.lse[0] = -INFINITY;
    assert_int_equal(oracle_judge_lse(&j.reference, j.lse).fault, ORACLE_FAULT_INFINITE);
    oracle_reference_free(&j.reference);

    float sink = 3;
    judged_begin(&j, &sink, ORACLE_F32);
    j.lse[1] = 3 + 0x1p-22f;
    assert_int_equal(oracle_judge_lse(&j.reference, j.lse).fault, ORACLE_FAULT_NONE);
    j.lse[1] = 3 + 0x1p-21f;
    assert_int_equal(oracle_judge_lse(&j.reference, j.lse).fault, ORACLE_FAULT_EMPTY);
    oracle_reference_free(&j.reference);
}

static void test_all_zero_call(void **state)
{
    (void)state;
    struct oracle_problem problem = small(ones, 1, zeros, zeros, 2);
    struct oracle_reference reference;
    assert_true(oracle_reference_create(&problem, &reference, NULL, 0));
    float out = 0;
    struct oracle_tensor output = oracle_tensor_packed(&out, ORACLE_F32, 1, 1, 1, 1);
    assert_true(oracle_judge(&reference, &output).ratio == 0);
    out = 1e-30f;
    assert_true(oracle_judge(&reference, &output).ratio > 1);
    oracle_reference_free(&reference);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge_accepts), cmocka_unit_test(test_judge_faults),
        cmocka_unit_test(test_judge_bf16),    cmocka_unit_test(test_judge_lse),
        cmocka_unit_test(test_all_zero_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
