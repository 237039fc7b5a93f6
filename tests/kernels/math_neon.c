/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "kernels/cpu/simd_neon.h"

#define MATH_RUNG math_neon
#include "math_rung_tmpl.h"
