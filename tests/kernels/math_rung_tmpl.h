/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* exp and tanh of one rung as functions over arrays: included by math_<rung>.c, which is compiled
 * as that rung's kernels are, after the rung's simd header. n is a multiple of 64. */

#include <stddef.h>

#include "kernels/cpu/math_tmpl.h"
#include "math_rungs.h"

static void run_exp(const float *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i += VL)
        vf_store(y + i, exp_nonpositive(vf_load(x + i)));
}

static void run_exp2(const float *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i += VL)
        vf_store(y + i, exp2_nonpositive(vf_load(x + i)));
}

static void run_tanh(const float *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i += VL)
        vf_store(y + i, tanh_vector(vf_load(x + i)));
}

const math_rung MATH_RUNG = {run_exp2, run_exp, run_tanh};
