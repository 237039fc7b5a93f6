/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Pins O* and T on inputs whose answer is known without a computer: head size 1, few
 * keys, scores that are 0 or cancel. */

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

/* Checks O* to a relative 1e-12 and T to a relative 1e-6 against the same answer. */
static void expect(const struct oracle_problem *problem, const double *out, const double *lse,
                   int64_t rows)
{
    double star[8], star_lse[8];
    float text[8], text_lse[8];
    char err[200] = "";
    if (!oracle_attention(problem, star, star_lse, NULL, err, sizeof err) ||
        !oracle_textbook(problem, text, text_lse, err, sizeof err))
        fail_msg("%s", err);
    for (int64_t i = 0; i < rows; ++i) {
        const double got[] = {star[i], star_lse[i], text[i], text_lse[i]};
        const double want[] = {out[i], lse[i], out[i], lse[i]};
        for (int n = 0; n < 4; ++n) {
            double slack = fabs(want[n]) * (n < 2 ? 1e-12 : 1e-6);
            bool same = isnan(want[n]) ? isnan(got[n]) : got[n] == want[n];
            if (!same && !(fabs(got[n] - want[n]) <= slack))
                fail_msg("row %d, value %d: %.17g, not %.17g", (int)i, n, got[n], want[n]);
            if (want[n] == 0 && signbit(got[n]))
                fail_msg("row %d, value %d: -0", (int)i, n);
        }
    }
}

static const float zeros[8] = {0};
static const float ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};

static void test_mean_and_weights(void **state)
{
    (void)state;
    static const float v[] = {-2, 4, 10};
    struct oracle_problem problem = small(ones, 1, zeros, v, 3);
    expect(&problem, (const double[]){4}, (const double[]){log(3)}, 1);

    /* scores 0, 2, -2 */
    static const float k[] = {0, 4, -4};
    problem = small(ones, 1, k, v, 3);
    problem.scale = 0.5f;
    double total = 1 + exp(2) + exp(-2);
    expect(&problem, (const double[]){(-2 + 4 * exp(2) + 10 * exp(-2)) / total},
           (const double[]){log(total)}, 1);

    /* capped at 3 before the mask: 3 tanh(2/3), so that the order shows */
    static const float bias[] = {1, 0, -1};
    struct oracle_tensor tensor = {bias, ORACLE_F32, 2, {1, 3}, {3, 1}};
    struct oracle_mask mask = sized(1, 3);
    mask.tensor = &tensor;
    problem.mask = &mask;
    problem.softcap = 3;
    double a = exp(1), b = exp(3 * tanh(2.0 / 3)), c = exp(-3 * tanh(2.0 / 3) - 1);
    expect(&problem, (const double[]){(-2 * a + 4 * b + 10 * c) / (a + b + c)},
           (const double[]){log(a + b + c)}, 1);
}

static void test_large_scores(void **state)
{
    (void)state;
    static const float k[] = {30000, -30000, 30000};
    static const float v[] = {1, 50, 3};
    struct oracle_problem problem = small(ones, 1, k, v, 3);
    expect(&problem, (const double[]){2}, (const double[]){30000 + log(2)}, 1);
    problem.scale = -1;
    expect(&problem, (const double[]){50}, (const double[]){30000}, 1);
}

static void test_sentinel_rows(void **state)
{
    (void)state;
    static const float bias[] = {-1e30f,    -1e30f,   -FLT_MAX, -FLT_MAX, -INFINITY,
                                 -INFINITY, -9.9e29f, -9.9e29f, -1e30f,   0};
    static const float v[] = {2, 4};
    struct oracle_tensor tensor = {bias, ORACLE_F32, 2, {5, 2}, {2, 1}};
    struct oracle_mask mask = sized(5, 2);
    struct oracle_problem problem = small(ones, 5, zeros, v, 2);
    mask.tensor = &tensor;
    problem.mask = &mask;
    expect(&problem, (const double[]){0, 0, 0, 3, 4},
           (const double[]){-INFINITY, -INFINITY, -INFINITY, (double)-9.9e29f, 0}, 5);
    static const float sink = 1.5f;
    problem.sinks = &sink;
    double total = 1 + exp(1.5);
    expect(&problem, (const double[]){0, 0, 0, 0, 4 / total},
           (const double[]){1.5, 1.5, 1.5, 1.5, log(total)}, 5);
}

static void test_nan_and_infinity(void **state)
{
    (void)state;
    static const float bias[] = {0, NAN, INFINITY, 0, NAN, -INFINITY, 0, -INFINITY};
    static const float v[] = {2, 4};
    struct oracle_tensor tensor = {bias, ORACLE_F32, 2, {4, 2}, {2, 1}};
    struct oracle_mask mask = sized(4, 2);
    struct oracle_problem problem = small(ones, 4, zeros, v, 2);
    mask.tensor = &tensor;
    problem.mask = &mask;
    expect(&problem, (const double[]){NAN, NAN, NAN, 2}, (const double[]){NAN, NAN, NAN, 0}, 4);

    static const float k_nan[] = {0, NAN}, k_inf[] = {0, INFINITY}, k_low[] = {0, -INFINITY};
    static const float q[] = {1, -1, 0};
    problem = small(q, 3, k_nan, v, 2);
    expect(&problem, (const double[]){NAN, NAN, NAN}, (const double[]){NAN, NAN, NAN}, 3);
    problem = small(q, 3, k_inf, v, 2); /* 0 * inf is NaN */
    expect(&problem, (const double[]){NAN, 2, NAN}, (const double[]){NAN, 0, NAN}, 3);
    problem = small(ones, 1, k_low, v, 2);
    expect(&problem, (const double[]){2}, (const double[]){0}, 1);
    problem = small(ones, 1, k_low + 1, v, 1);
    expect(&problem, (const double[]){0}, (const double[]){-INFINITY}, 1);
}

/* The judge asks for NaN, or for +0.0, by a row's kind. */
static void test_kinds(void **state)
{
    (void)state;
    static const float q[] = {1, -1, 0}, k[] = {INFINITY}, v[] = {2};
    static const float no_sink = -INFINITY, bad_sink = NAN;
    uint8_t kinds[3];
    double out[3];
    struct oracle_problem problem = small(q, 3, k, v, 1);
    problem.sinks = &no_sink;
    assert_true(oracle_attention(&problem, out, NULL, kinds, NULL, 0));
    assert_int_equal(kinds[0], ORACLE_ROW_NAN); /* +inf */
    assert_int_equal(kinds[1], ORACLE_ROW_EMPTY);
    assert_int_equal(kinds[2], ORACLE_ROW_NAN); /* 0 * inf */
    problem.k.data = zeros;
    assert_true(oracle_attention(&problem, out, NULL, kinds, NULL, 0));
    assert_int_equal(kinds[1], ORACLE_ROW_NORMAL);
    problem.sinks = &bad_sink;
    assert_true(oracle_attention(&problem, out, NULL, kinds, NULL, 0));
    assert_int_equal(kinds[1], ORACLE_ROW_NAN);
}

static void test_sinks(void **state)
{
    (void)state;
    static const float v[] = {2, 4};
    static const float sinks[] = {0, -INFINITY, NAN, INFINITY, 5};
    const double out[] = {2, 3, NAN, NAN, 6 / (2 + exp(5))};
    const double lse[] = {log(3), log(2), NAN, NAN, log(2 + exp(5))};
    for (int i = 0; i < 5; ++i) {
        struct oracle_problem problem = small(ones, 1, zeros, v, 2);
        problem.sinks = &sinks[i];
        problem.softcap = 1;
        expect(&problem, &out[i], &lse[i], 1);
    }
}

static void test_rules_and_absent_keys(void **state)
{
    (void)state;
    static const float k[] = {NAN, 0, 0, INFINITY};
    static const float v[] = {NAN, 2, 4, INFINITY};
    struct oracle_rules rules;
    assert_true(oracle_rules_parse("klen=3,kstart=1,causal", &rules, NULL, 0));
    struct oracle_mask mask = sized(4, 4);
    struct oracle_problem problem = small(ones, 4, k, v, 4);
    mask.rules = &rules;
    problem.mask = &mask;
    expect(&problem, (const double[]){0, 2, 3, 3}, (const double[]){-INFINITY, 0, log(2), log(2)},
           4);
    oracle_rules_free(&rules);

    assert_true(oracle_rules_parse("causal,alibi=0.5", &rules, NULL, 0));
    problem = small(ones, 2, zeros, v + 1, 2);
    mask = sized(2, 2);
    mask.rules = &rules;
    problem.mask = &mask;
    double far = exp(-0.5);
    expect(&problem, (const double[]){2, (2 * far + 4) / (far + 1)},
           (const double[]){0, log(far + 1)}, 2);
    oracle_rules_free(&rules);
}

/* 2 entries, 4 query heads on 2 key heads, 3 queries, 2 keys, value size 2; rows of K and V are
 * placed two ways in memory and V tells batch, head, key and element apart. */
static void test_heads_and_strides(void **state)
{
    (void)state;
    float q[2 * 4 * 3], k[2 * 2 * 2] = {0}, packed[2 * 2 * 2 * 2], swapped[2 * 2 * 2 * 2];
    for (int i = 0; i < 24; ++i)
        q[i] = (float)i - 12;
    for (int b = 0; b < 2; ++b)
        for (int g = 0; g < 2; ++g)
            for (int j = 0; j < 2; ++j)
                for (int d = 0; d < 2; ++d) {
                    float value = (float)(1000 * b + 100 * g + 10 * j - d);
                    packed[((b * 2 + g) * 2 + j) * 2 + d] = value;
                    swapped[((b * 2 + j) * 2 + g) * 2 + d] = value;
                }
    struct oracle_problem problem = {.q = oracle_tensor_packed(q, ORACLE_F32, 2, 4, 3, 1),
                                     .k = oracle_tensor_packed(k, ORACLE_F32, 2, 2, 2, 1),
                                     .v = oracle_tensor_packed(packed, ORACLE_F32, 2, 2, 2, 2),
                                     .scale = 1};
    struct oracle_tensor other = {swapped, ORACLE_F32, 4, {2, 2, 2, 2}, {8, 2, 4, 1}};
    for (int layout = 0; layout < 2; ++layout) {
        double out[2 * 4 * 3 * 2];
        assert_true(oracle_attention(&problem, out, NULL, NULL, NULL, 0));
        for (int n = 0; n < 48; ++n) {
            int b = n / 24, h = n / 6 % 4, d = n % 2;
            assert_true(fabs(out[n] - (1000 * b + 100 * (h / 2) + 5 - d)) < 1e-9);
        }
        problem.v = other;
    }
}

/* In order and in f32, 2^24 + 1 - 2^24 is 0; in double it is 1. */
static void test_textbook_is_f32(void **state)
{
    (void)state;
    static const float k[] = {0x1p24f, 1, -0x1p24f}, v[] = {0x1.01p0f};
    struct oracle_problem problem = {.q = oracle_tensor_packed(ones, ORACLE_F32, 1, 1, 1, 3),
                                     .k = oracle_tensor_packed(k, ORACLE_F32, 1, 1, 1, 3),
                                     .v = oracle_tensor_packed(v, ORACLE_F32, 1, 1, 1, 1),
                                     .scale = 1,
                                     .out_dtype = ORACLE_BF16};
    double star, star_lse;
    float text, text_lse;
    assert_true(oracle_attention(&problem, &star, &star_lse, NULL, NULL, 0));
    assert_true(oracle_textbook(&problem, &text, &text_lse, NULL, 0));
    assert_true(star == 0x1.01p0 && text == 1.0f); /* halfway between bf16 values: to even */
    assert_true(star_lse == 1.0 && text_lse == 0.0f);
    problem.out_dtype = ORACLE_F16;
    assert_true(oracle_textbook(&problem, &text, NULL, NULL, 0));
    assert_true(text == 0x1.01p0f);
}

static void test_half_inputs(void **state)
{
    (void)state;
    static const uint16_t q[] = {0x3C00}, k[] = {0x3F80, 0xBF80}; /* 1 in f16; 1 and -1 in bf16 */
    static const float v[] = {0, 1};
    struct oracle_problem problem = small(ones, 1, zeros, v, 2);
    problem.q = oracle_tensor_packed(q, ORACLE_F16, 1, 1, 1, 1);
    problem.k = oracle_tensor_packed(k, ORACLE_BF16, 1, 1, 2, 1);
    double low = exp(-1), total = exp(1) + low;
    expect(&problem, (const double[]){low / total}, (const double[]){log(total)}, 1);
}

static void test_row_step(void **state)
{
    (void)state;
    static const uint8_t want[] = {1, 0, 0, 1, 0, 1};
    double out[6] = {9, 9, 9, 9, 9, 9};
    uint8_t kinds[6];
    struct oracle_problem problem = small(ones, 6, zeros, ones, 2);
    problem.row_step = 3;
    assert_true(oracle_attention(&problem, out, NULL, kinds, NULL, 0));
    for (int i = 0; i < 6; ++i) {
        assert_int_equal(kinds[i], want[i]);
        assert_true(out[i] == (want[i] ? 1 : 9));
    }
}

static void test_problem_refusals(void **state)
{
    (void)state;
    struct oracle_problem good = small(ones, 2, zeros, ones, 4);
    struct oracle_mask mask = sized(2, 3);
    assert_true(oracle_problem_check(&good, NULL, 0));
    struct oracle_problem bad[7];
    for (int i = 0; i < 7; ++i)
        bad[i] = good;
    bad[0].q.rank = 2;
    bad[1].k.dtype = ORACLE_BOOL;
    bad[2].v.dims[2] = 3;
    bad[3].k.dims[1] = bad[3].v.dims[1] = 2;
    bad[4].softcap = -1;
    bad[5].mask = &mask;
    bad[6].out_dtype = ORACLE_BOOL;
    for (int i = 0; i < 7; ++i) {
        char err[100] = "";
        assert_false(oracle_problem_check(&bad[i], err, sizeof err));
        assert_true(err[0] != '\0');
    }
    assert_true(oracle_default_scale(64) == 0.125f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mean_and_weights),
        cmocka_unit_test(test_large_scores),
        cmocka_unit_test(test_sentinel_rows),
        cmocka_unit_test(test_nan_and_infinity),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_sinks),
        cmocka_unit_test(test_rules_and_absent_keys),
        cmocka_unit_test(test_heads_and_strides),
        cmocka_unit_test(test_textbook_is_f32),
        cmocka_unit_test(test_half_inputs),
        cmocka_unit_test(test_row_step),
        cmocka_unit_test(test_problem_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
