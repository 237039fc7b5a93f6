/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The kernels' exp and tanh on every rung that this machine has, against libm in double: 2^x within
 * 1.25 ulp, e^x within 2^-23 of the largest probability (which is 1), tanh within 2 ulp; and what
 * must be exact. Arguments are all floats of a range, thinned out by a stride that is prime. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/half.h"

#define VECTOR_EXP(rung)                                                                           \
    void vector_exp_##rung(const float *x, size_t n, float *exp2_of, float *exp_of, float *tanh_of)
VECTOR_EXP(c);
#if defined(__x86_64__)
VECTOR_EXP(avx2);
VECTOR_EXP(avx512);
#endif

typedef struct rung {
    const char *name;
    tskip__rung needs;
    void (*run)(const float *, size_t, float *, float *, float *);
} rung;

static const rung rungs[] = {
    {"c", TSKIP__CPU_C, vector_exp_c},
#if defined(__x86_64__)
    {"avx2", TSKIP__CPU_AVX2, vector_exp_avx2},
    {"avx512", TSKIP__CPU_AVX512, vector_exp_avx512},
#endif
};

enum { N_RUNGS = sizeof rungs / sizeof rungs[0], BLOCK = 1024, STRIDE = 251 };

typedef struct worst {
    double exp2_ulps, exp_error, tanh_ulps;
} worst;

/* The gap between neighbours at `value`, no less than among subnormals. */
static double ulp_at(double value)
{
    int exponent;
    (void)frexp(value, &exponent);
    return ldexp(1, (exponent < -125 ? -125 : exponent) - 24);
}

static void measure(const float *x, const float *exp2_of, const float *exp_of, const float *tanh_of,
                    worst *w)
{
    for (int i = 0; i < BLOCK; i++) {
        const double a = x[i];
        w->exp2_ulps = fmax(w->exp2_ulps, fabs(exp2_of[i] - exp2(a)) / ulp_at(exp2(a)));
        w->exp_error = fmax(w->exp_error, fabs(exp_of[i] - exp(a)));
        w->tanh_ulps = fmax(w->tanh_ulps, fabs(tanh_of[i] - tanh(a)) / ulp_at(tanh(a)));
    }
}

static void test_errors(void **state)
{
    (void)state;
    static float x[BLOCK], exp2_of[BLOCK], exp_of[BLOCK], tanh_of[BLOCK];
    for (int r = 0; r < N_RUNGS; r++) {
        if (tskip__cpu_best() < rungs[r].needs)
            continue;
        worst w = {0, 0, 0};
        /* From -2^-126 to -150. */
        uint32_t bits = 0x80800000u;
        while (bits < 0xc3160000u) {
            for (int i = 0; i < BLOCK; i++, bits += STRIDE)
                x[i] = tskip__f32_from_bits(bits < 0xc3160000u ? bits : 0xc3160000u);
            rungs[r].run(x, BLOCK, exp2_of, exp_of, tanh_of);
            measure(x, exp2_of, exp_of, tanh_of, &w);
        }
        print_message("%s: exp2 %.3f ulp, exp %.3g, tanh %.3f ulp\n", rungs[r].name, w.exp2_ulps,
                      w.exp_error, w.tanh_ulps);
        assert_true(w.exp2_ulps <= 1.25);
        assert_true(w.exp_error <= ldexp(1, -23));
        assert_true(w.tanh_ulps <= 2);
    }
}

static void test_exact(void **state)
{
    (void)state;
    for (int r = 0; r < N_RUNGS; r++) {
        if (tskip__cpu_best() < rungs[r].needs)
            continue;
        float x[16] = {0.0f, -0.0f, -INFINITY, NAN, -1.0f, -3e38f, -1000.0f, 0.0f};
        float exp2_of[16], exp_of[16], tanh_of[16];
        rungs[r].run(x, 16, exp2_of, exp_of, tanh_of);
        assert_true(exp2_of[0] == 1 && exp2_of[1] == 1 && exp_of[0] == 1 && exp_of[1] == 1);
        assert_true(exp2_of[4] == 0.5f);
        static const int zeros[] = {2, 5, 6};
        for (int i = 0; i < 3; i++) {
            assert_true(tskip__f32_bits(exp2_of[zeros[i]]) == 0);
            assert_true(tskip__f32_bits(exp_of[zeros[i]]) == 0);
        }
        assert_true(isnan(exp2_of[3]) && isnan(exp_of[3]) && isnan(tanh_of[3]));
        assert_true(tanh_of[0] == 0 && tanh_of[2] == -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
