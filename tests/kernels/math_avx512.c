/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "kernels/cpu/simd_avx512.h"

#define MATH_RUNG math_avx512
#include "math_rung_tmpl.h"
