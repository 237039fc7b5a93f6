/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The kernels' exp and tanh over arrays, for the rung whose simd header was included before. `n` is
 * a multiple of 16. */

#include <stddef.h>

#include "kernels/cpu/math_tmpl.h"

static void vector_exp(const float *x, size_t n, float *exp2_of, float *exp_of, float *tanh_of)
{
    for (size_t i = 0; i < n; i += VL) {
        vf a = vf_load(x + i);
        vf_store(exp2_of + i, exp2_nonpositive(a));
        vf_store(exp_of + i, exp_nonpositive(a));
        vf_store(tanh_of + i, tanh_vector(a));
    }
}
