/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* f16 and bf16: every one of the 65,536 values both ways, and around every midpoint between
 * neighbours what rounding to nearest, ties to even, must give. The expected values come from
 * ldexp, not from bit tricks. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/half.h"

typedef struct format {
    const char *name;
    int exponent_bits, fraction_bits;
    uint16_t nan;
    float (*widen)(uint16_t);
    uint16_t (*narrow)(float);
} format;

static const format formats[] = {
    {"f16", 5, 10, TSKIP__F16_NAN, tskip__f16_to_f32, tskip__f32_to_f16},
    {"bf16", 8, 7, TSKIP__BF16_NAN, tskip__bf16_to_f32, tskip__f32_to_bf16},
};

enum { FORMATS = 2 };

/* What the bits mean by the definition of the format. */
static double meaning(const format *f, uint16_t bits)
{
    int bias = (1 << (f->exponent_bits - 1)) - 1;
    int exponent = (bits >> f->fraction_bits) & ((1 << f->exponent_bits) - 1);
    int fraction = bits & ((1 << f->fraction_bits) - 1);
    double sign = bits & 0x8000 ? -1 : 1;
    if (exponent == (1 << f->exponent_bits) - 1)
        return fraction ? (double)NAN : sign * (double)INFINITY;
    if (exponent == 0)
        return sign * ldexp(fraction, 1 - bias - f->fraction_bits);
    return sign * ldexp((1 << f->fraction_bits) + fraction, exponent - bias - f->fraction_bits);
}

static void test_every_value_widens(void **state)
{
    (void)state;
    for (const format *f = formats; f < formats + FORMATS; f++)
        for (uint32_t bits = 0; bits <= 0xffff; bits++) {
            double expected = meaning(f, (uint16_t)bits);
            float got = f->widen((uint16_t)bits);
            uint32_t word = tskip__f32_bits(got);
            bool right = isnan(expected)
                             ? word == TSKIP__F32_NAN
                             : (double)got == expected && (word >> 31) == (uint32_t)(bits >> 15);
            if (!right)
                fail_msg("%s %04x: %08x, not %a", f->name, bits, word, expected);
        }
}

static void test_every_value_returns(void **state)
{
    (void)state;
    for (const format *f = formats; f < formats + FORMATS; f++)
        for (uint32_t bits = 0; bits <= 0xffff; bits++) {
            uint16_t expected = isnan(meaning(f, (uint16_t)bits)) ? f->nan : (uint16_t)bits;
            uint16_t got = f->narrow(f->widen((uint16_t)bits));
            if (got != expected)
                fail_msg("%s %04x: returns as %04x", f->name, bits, got);
        }
}

static void expect_narrow(const format *f, float value, uint16_t expected)
{
    if (f->narrow(value) != expected)
        fail_msg("%s: %a gives %04x, not %04x", f->name, (double)value, f->narrow(value), expected);
    if (f->narrow(-value) != (expected | 0x8000))
        fail_msg("%s: %a gives %04x, not %04x", f->name, (double)-value, f->narrow(-value),
                 expected | 0x8000);
}

/* Neighbours low and low + 1, from 0 up to the largest finite value and infinity, which rounding
 * treats as the power of two that would come next. */
static void test_every_midpoint(void **state)
{
    (void)state;
    for (const format *f = formats; f < formats + FORMATS; f++) {
        uint16_t infinity = (uint16_t)(((1 << f->exponent_bits) - 1) << f->fraction_bits);
        for (uint16_t low = 0; low < infinity; low++) {
            double a = meaning(f, low);
            double b = low + 1 < infinity ? meaning(f, (uint16_t)(low + 1))
                                          : 2 * a - meaning(f, (uint16_t)(low - 1));
            float middle = (float)((a + b) / 2);
            assert_true((double)middle == (a + b) / 2);
            uint16_t even = (uint16_t)(low + (low & 1));
            expect_narrow(f, middle, even);
            expect_narrow(f, nextafterf(middle, 0), low);
            expect_narrow(f, nextafterf(middle, INFINITY), (uint16_t)(low + 1));
        }
    }
}

static void test_extremes(void **state)
{
    (void)state;
    for (const format *f = formats; f < formats + FORMATS; f++) {
        uint16_t infinity = (uint16_t)(((1 << f->exponent_bits) - 1) << f->fraction_bits);
        expect_narrow(f, INFINITY, infinity);
        expect_narrow(f, 0x1.fffffep127f, infinity);
        expect_narrow(f, 0, 0);
        expect_narrow(f, 0x1p-149f, 0);
        static const uint32_t nans[] = {0x7f800001, 0x7fc00000, 0x7fffffff, 0xff800001, 0xffffffff};
        for (size_t i = 0; i < sizeof nans / sizeof nans[0]; i++) {
            assert_int_equal(f->narrow(tskip__f32_from_bits(nans[i])), f->nan);
            assert_int_equal(tskip__f32_bits(tskip__f32_canonical(tskip__f32_from_bits(nans[i]))),
                             TSKIP__F32_NAN);
        }
    }
    assert_int_equal(tskip__f32_bits(tskip__f32_canonical(-0.0f)), 0x80000000u);
}

/* Arrays at addresses that no element is aligned to; not a byte past the last element is
 * touched. */
static void test_arrays(void **state)
{
    (void)state;
    enum { N = 4 };
    static const float values[N] = {1.5f, -0.0f, 65536.0f, -3.140625f};
    static const struct {
        tskip_dtype dtype;
        float widened[N];
    } cases[] = {
        {TSKIP_F32, {1.5f, -0.0f, 65536.0f, -3.140625f}},
        {TSKIP_F16, {1.5f, -0.0f, INFINITY, -3.140625f}},
        {TSKIP_BF16, {1.5f, -0.0f, 65536.0f, -3.140625f}},
    };
    for (size_t d = 0; d < sizeof cases / sizeof cases[0]; d++) {
        char packed[4 * N + 2];
        float wide[N + 1] = {0, 0, 0, 0, 7};
        size_t size = N * tskip_dtype_size(cases[d].dtype);
        memset(packed, 0x7f, sizeof packed);
        tskip__narrow(cases[d].dtype, values, packed + 1, N);
        assert_int_equal(packed[0], 0x7f);
        assert_int_equal(packed[1 + size], 0x7f);
        tskip__widen(cases[d].dtype, packed + 1, wide, N);
        assert_memory_equal(wide, cases[d].widened, sizeof cases[d].widened);
        assert_true(wide[N] == 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_value_widens),
        cmocka_unit_test(test_every_value_returns),
        cmocka_unit_test(test_every_midpoint),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
