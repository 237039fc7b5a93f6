/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* exp2, exp and tanh of each rung against double over a dense sweep, by the worst error in ulp of
 * the result; below 2^-126 an ulp is 2^-149. exp multiplies its argument by log2(e) first, whose
 * rounding grows with the argument: hence the second part of its bound. */

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "math_rungs.h"

enum { CHUNK = 4096 };

static double ulp_of(double y)
{
    int exponent;
    frexp(y, &exponent);
    return ldexp(1.0, (y == 0 || exponent < -125 ? -125 : exponent) - 24);
}

/* The worst error over the floats from `first` to `last`, taken as bits, every `step`-th. */
struct sweep {
    uint32_t first, last, step;
};

typedef void (*vector_fn)(const float *x, float *y, size_t n);

static bool sweep(const char *name, vector_fn f, double (*exact)(double), struct sweep s,
                  double bound, double bound_per_x)
{
    static float x[CHUNK], y[CHUNK];
    double worst = 0, worst_x = 0;
    for (uint64_t bits = s.first; bits <= s.last;) {
        for (int i = 0; i < CHUNK; i++, bits += s.step) {
            const uint32_t here = bits <= s.last ? (uint32_t)bits : s.last;
            memcpy(&x[i], &here, sizeof x[i]);
        }
        f(x, y, CHUNK);
        for (int i = 0; i < CHUNK; i++) {
            const double want = exact(x[i]);
            const double error =
                fabs(y[i] - want) / ulp_of(want) / (bound + bound_per_x * fabs((double)x[i]));
            if (!(error <= worst)) {
                worst = error;
                worst_x = x[i];
            }
        }
    }
    const bool right = worst <= 1;
    printf("%s %s: %.3f of %.1f + %.2f |x| ulp, worst at %a\n", right ? "ok     " : "FAILED ", name,
           worst, bound, bound_per_x, worst_x);
    return right;
}

/* Exactly 1 at 0, +0 at -inf, NaN for NaN. */
static bool ends(const char *name, vector_fn f, float at_zero, float at_low)
{
    float x[64] = {0.0f, -0.0f, -INFINITY, NAN, -FLT_MAX}, y[64];
    f(x, y, 64);
    const bool right = y[0] == at_zero && y[1] == at_zero && y[2] == at_low && !signbit(y[0]) &&
                       isnan(y[3]) && y[4] == at_low && signbit(y[2]) == (at_low < 0);
    if (!right)
        printf("FAILED  %s at an end: %g %g %g %g %g\n", name, (double)y[0], (double)y[1],
               (double)y[2], (double)y[3], (double)y[4]);
    return right;
}

static bool test_rung(const char *rung, const math_rung *m)
{
    const struct sweep negative = {0x80000000, 0xC3200000, 4099}; /* -0 to -160 */
    const struct sweep tiny = {0, 0x41800000, 4099}, below = {0x80000000, 0xC1800000, 4099};
    char name[64];
    bool right = true;
    snprintf(name, sizeof name, "exp2.%s", rung);
    right = sweep(name, m->exp2, exp2, negative, 2, 0) && ends(name, m->exp2, 1, 0) && right;
    snprintf(name, sizeof name, "exp.%s", rung);
    right = sweep(name, m->exp, exp, negative, 2, 1.25) && ends(name, m->exp, 1, 0) && right;
    snprintf(name, sizeof name, "tanh.%s", rung);
    right =
        sweep(name, m->tanh, tanh, tiny, 3, 0) && sweep(name, m->tanh, tanh, below, 3, 0) && right;
    return right;
}

int main(void)
{
    const struct {
        tskip__rung rung;
        const math_rung *math;
    } rungs[] = {
        {TSKIP__CPU_C, &math_c},
#if defined(__x86_64__)
        {TSKIP__CPU_AVX2, &math_avx2},
        {TSKIP__CPU_AVX512, &math_avx512},
#elif defined(__aarch64__)
        {TSKIP__CPU_NEON, &math_neon},
#endif
    };
    bool right = true;
    for (size_t i = 0; i < sizeof rungs / sizeof rungs[0]; i++)
        if (rungs[i].rung <= tskip__cpu_best())
            right = test_rung(tskip__cpu_rung_name(rungs[i].rung), rungs[i].math) && right;
    return !right;
}
