/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "kernels/cpu/simd_c.h"

#define MATH_RUNG math_c
#include "math_rung_tmpl.h"
