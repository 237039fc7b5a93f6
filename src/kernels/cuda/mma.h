/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CUDA_MMA_H
#define TSKIP_KERNELS_CUDA_MMA_H

#include "kernels/cuda/numbers.h"

/* The warp-wide instructions of Ampere under readable names; 16-bit type by TSKIP_C_DTYPE. */

TSKIP__FN tskip_u32 shared_pointer(const void *p)
{
    return (tskip_u32)__cvta_generic_to_shared(p);
}

/* Starts copying 16 bytes from global to shared memory, or zeroes them; both aligned. */
TSKIP__FN void copy_16(void *to, const void *from, bool there)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_pointer(to)),
                 "l"(from), "r"(there ? 16 : 0)
                 : "memory");
}

/* Until all copies of this thread have arrived. */
TSKIP__FN void copies_wait()
{
    asm volatile("cp.async.wait_all;" ::: "memory");
}

/* Four 8 x 8 matrices of 16 bits; lane l gives the address of row l % 8 of matrix l / 8. */
TSKIP__FN void load_matrices(tskip_u32 (&m)[4], const tskip_u16 *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(m[0]), "=r"(m[1]), "=r"(m[2]), "=r"(m[3])
                 : "r"(shared_pointer(row))
                 : "memory");
}

TSKIP__FN void load_matrices_transposed(tskip_u32 (&m)[4], const tskip_u16 *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(m[0]), "=r"(m[1]), "=r"(m[2]), "=r"(m[3])
                 : "r"(shared_pointer(row))
                 : "memory");
}

/* d[16][8] += a[16][16] · b[16][8]. */
TSKIP__FN void multiply_add(float (&d)[4], const tskip_u32 (&a)[4], tskip_u32 b0, tskip_u32 b1)
{
#if TSKIP_C_DTYPE == 2
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#endif
}

/* Two numbers rounded to 16 bits, the first in the lower half. */
TSKIP__FN tskip_u32 pack(float low, float high)
{
    tskip_u32 both;
#if TSKIP_C_DTYPE == 2
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
#else
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
#endif
    return both;
}

TSKIP__FN tskip_u16 to_16_bits(float value)
{
    return TSKIP_C_DTYPE == TSKIP__F16 ? f32_to_f16(value) : f32_to_bf16(value);
}

/* 2^x; exact at 0 and -inf. */
TSKIP__FN float exp2_fast(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

#endif
