/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_METAL_MSL_H
#define TESTS_METAL_MSL_H

/* The Metal shading language as far as C++17 goes, put before every text that msl_compile.py
 * compiles. */

#include "msl_types.h"
#include "msl_math.h"
#include "msl_simd.h"
#include "msl_matrix.h"

#define is_function_constant_defined(name) msl_defined_##name

/* A parameter of a kernel that says where its lane stands, in the type that the kernel wants. */
typedef uint2 msl_uint2; /* names that are no macros */
typedef uint3 msl_uint3;
typedef ushort2 msl_ushort2;
typedef ushort3 msl_ushort3;
struct msl_position {
    const unsigned *words;
    operator uint() const { return words[0]; }
    operator ushort() const { return (ushort)words[0]; }
    operator msl_uint2() const { return uint2(words[0], words[1]); }
    operator msl_uint3() const { return uint3(words[0], words[1], words[2]); }
    operator msl_ushort2() const { return ushort2(words[0], words[1]); }
    operator msl_ushort3() const { return ushort3(words[0], words[1], words[2]); }
};

#endif
