/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_SHARED_TYPES_H
#define TSKIP_KERNELS_SHARED_TYPES_H

/* Fixed-width words and function qualifiers for the headers that C, CUDA C (NVRTC, which finds no
 * standard header) and Metal read alike. Nothing else may be included by those headers. */

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
typedef long long tskip_i64;
typedef unsigned long long tskip_u64;
typedef int tskip_i32;
typedef unsigned int tskip_u32;
typedef unsigned char tskip_u8;
#define TSKIP__FN     static __device__ __forceinline__
#define TSKIP__GLOBAL const
#elif defined(__METAL_VERSION__)
typedef long tskip_i64;
typedef ulong tskip_u64;
typedef int tskip_i32;
typedef uint tskip_u32;
typedef uchar tskip_u8;
#define TSKIP__FN     static inline
#define TSKIP__GLOBAL const device
#else
#include <stdint.h>
typedef int64_t tskip_i64;
typedef uint64_t tskip_u64;
typedef int32_t tskip_i32;
typedef uint32_t tskip_u32;
typedef uint8_t tskip_u8;
#define TSKIP__FN     static inline
#define TSKIP__GLOBAL const
#endif

#endif
