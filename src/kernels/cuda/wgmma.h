/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CUDA_WGMMA_H
#define TSKIP_KERNELS_CUDA_WGMMA_H

#include "kernels/shared/kargs.h"

/* The tensor cores' products of a warpgroup: D[64][N] += A[64][16] · B[16][N], f32 from 16-bit
 * factors. Element e of lane l in warp w is row 16 w + l / 4 + 8 (e / 2 % 2), column 8 (e / 4) +
 * 2 (l % 4) + e % 2. N follows from the length of D: N / 2 numbers a thread.
 *
 * Products run on by themselves from products_commit; until products_wait has returned neither D
 * nor a register factor may be touched, and keep() then tells the compiler that D has changed. */

#if TSKIP_C_DTYPE == 2
#define FACTOR "f16"
#else
#define FACTOR "bf16"
#endif

/* Panels are 64 columns of 16 bits: rows of 128 bytes, swizzled as the tensor copies do it, first
 * row at a multiple of 1024 bytes. */
#define PANEL_COLUMNS 64
#define ROW_BYTES     128

/* A factor whose depth lies along the rows' bytes (Q, K, P). */
TSKIP__FN tskip_u64 along_rows(tskip_u32 at)
{
    return (tskip_u64)1 << 62 | (tskip_u64)64 << 32 | (tskip_u64)1 << 16 | (at & 0x3FFFF) >> 4;
}

/* A factor whose depth is the number of rows (V), in panels of `panel_bytes`. */
TSKIP__FN tskip_u64 across_rows(tskip_u32 at, tskip_u32 panel_bytes)
{
    return (tskip_u64)1 << 62 | (tskip_u64)64 << 32 | (tskip_u64)(panel_bytes >> 4) << 16 |
           (at & 0x3FFFF) >> 4;
}

/* The factor that begins `bytes` further on: an addition to the lower word alone, since no factor
 * leaves shared memory. */
TSKIP__FN tskip_u64 farther(tskip_u64 factor, tskip_u32 bytes)
{
    return factor >> 32 << 32 | ((tskip_u32)factor + bytes / 16);
}

TSKIP__FN void products_begin()
{
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

TSKIP__FN void products_commit()
{
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

/* Until at most `LEFT` committed groups still run. */
template <int LEFT> TSKIP__FN void products_wait()
{
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(LEFT) : "memory");
}

template <int N> TSKIP__FN void keep(float (&d)[N])
{
#pragma unroll
    for (int i = 0; i < N; i++)
        asm volatile("" : "+f"(d[i])::"memory");
}

#define TEN(t)                                                                                     \
    "%" #t "0, %" #t "1, %" #t "2, %" #t "3, %" #t "4, %" #t "5, %" #t "6, %" #t "7, %" #t         \
    "8, %" #t "9"
#define D32  TEN() ", " TEN(1) ", " TEN(2) ", %30, %31"
#define D40  TEN() ", " TEN(1) ", " TEN(2) ", " TEN(3)
#define D48  D40 ", %40, %41, %42, %43, %44, %45, %46, %47"
#define D60  D40 ", " TEN(4) ", " TEN(5)
#define D64  D60 ", %60, %61, %62, %63"
#define D90  D60 ", " TEN(6) ", " TEN(7) ", " TEN(8)
#define D96  D90 ", %90, %91, %92, %93, %94, %95"
#define D120 D90 ", " TEN(9) ", " TEN(10) ", " TEN(11)
#define D128 D120 ", %120, %121, %122, %123, %124, %125, %126, %127"

#define F4(i)  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define F8(i)  F4(i), F4(i + 4)
#define F32(i) F8(i), F8(i + 8), F8(i + 16), F8(i + 24)
#define F40    F32(0), F8(32)
#define F48    F40, F8(40)
#define F64    F32(0), F32(32)
#define F96    F64, F32(64)
#define F128   F96, F32(96)

#define ALWAYS     "{\n.reg .pred p;\nsetp.eq.b32 p, 0, 0;\n"
#define PRODUCT(n) "wgmma.mma_async.sync.aligned.m64n" #n "k16.f32." FACTOR "." FACTOR " "

/* multiply_keys:   both factors in shared memory, depth along the rows of both; add 0: D = A B.
 * multiply_values: A in registers, B across rows.
 * multiply_shared: A in shared memory along rows, B across rows. */
#define PRODUCTS(count, n, list, outs, o0, o1, o2, o3, o4)                                         \
    TSKIP__FN void multiply_keys(float(&d)[count], tskip_u64 a, tskip_u64 b, int add)              \
    {                                                                                              \
        asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" #o2                                      \
                     ", 0;\n" PRODUCT(n) "{" list "}, %" #o0 ", %" #o1 ", p, 1, 1, 0, 0;\n}"       \
                     : outs                                                                        \
                     : "l"(a), "l"(b), "r"(add));                                                  \
    }                                                                                              \
    TSKIP__FN void multiply_shared(float(&d)[count], tskip_u64 a, tskip_u64 b)                     \
    {                                                                                              \
        asm volatile(ALWAYS PRODUCT(n) "{" list "}, %" #o0 ", %" #o1 ", p, 1, 1, 0, 1;\n}"         \
                     : outs                                                                        \
                     : "l"(a), "l"(b));                                                            \
    }                                                                                              \
    TSKIP__FN void multiply_values(float(&d)[count], const tskip_u32 *a, tskip_u64 b)              \
    {                                                                                              \
        asm volatile(ALWAYS PRODUCT(n) "{" list "}, {%" #o0 ", %" #o1 ", %" #o2 ", %" #o3          \
                                       "}, %" #o4 ", p, 1, 1, 1;\n}"                               \
                     : outs                                                                        \
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));                        \
    }

PRODUCTS(32, 64, D32, F32(0), 32, 33, 34, 35, 36)
PRODUCTS(40, 80, D40, F40, 40, 41, 42, 43, 44)
PRODUCTS(48, 96, D48, F48, 48, 49, 50, 51, 52)
PRODUCTS(64, 128, D64, F64, 64, 65, 66, 67, 68)
PRODUCTS(96, 192, D96, F96, 96, 97, 98, 99, 100)
PRODUCTS(128, 256, D128, F128, 128, 129, 130, 131, 132)

/* The width N of a product that holds `columns`, in numbers a thread. */
#define PRODUCT_SIZE(columns)                                                                      \
    ((columns) <= 64    ? 32                                                                       \
     : (columns) <= 80  ? 40                                                                       \
     : (columns) <= 96  ? 48                                                                       \
     : (columns) <= 128 ? 64                                                                       \
     : (columns) <= 192 ? 96                                                                       \
                        : 128)

#endif
