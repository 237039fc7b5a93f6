/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "kernels/cpu/simd_c.h"

#include "vector_exp_tmpl.h"

void vector_exp_c(const float *x, size_t n, float *exp2_of, float *exp_of, float *tanh_of)
{
    vector_exp(x, n, exp2_of, exp_of, tanh_of);
}
