/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "kernels/cpu/simd_avx2.h"

#define MATH_RUNG math_avx2
#include "math_rung_tmpl.h"
