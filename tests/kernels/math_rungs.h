/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_KERNELS_MATH_RUNGS_H
#define TESTS_KERNELS_MATH_RUNGS_H

#include <stddef.h>

/* The vector functions that attention uses, a set a rung, over arrays of a multiple of 64. */
typedef struct math_rung {
    void (*exp2)(const float *x, float *y, size_t n); /* x <= 0 */
    void (*exp)(const float *x, float *y, size_t n);  /* x <= 0 */
    void (*tanh)(const float *x, float *y, size_t n);
} math_rung;

extern const math_rung math_c, math_avx2, math_avx512, math_neon;

#endif
