/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#pragma METAL fp contract(off)
#include <metal_stdlib>
using namespace metal;

/* The kernels of the suite for Metal; conformance.h says what each does. A kernel's constants are
 * declared only when it is the one that is compiled. */

struct length_args {
    uint n;
};

struct block_args {
    uint words[256];
};

#ifdef TSKIP_ENTRY_iota
kernel void iota(device uint *out [[buffer(0)]], constant length_args &a [[buffer(1)]],
                 uint i [[thread_position_in_grid]])
{
    if (i < a.n)
        out[i] = TSKIP_C_FIRST + TSKIP_C_STEP * i;
}
#endif

kernel void increment(const device uint *in [[buffer(0)]], device uint *out [[buffer(1)]],
                      constant length_args &a [[buffer(2)]], uint i [[thread_position_in_grid]])
{
    if (i < a.n)
        out[i] = in[i] + 1;
}

kernel void reverse(const device uint *in [[buffer(0)]], device uint *out [[buffer(1)]],
                    threadgroup uint *words [[threadgroup(0)]],
                    uint group [[threadgroup_position_in_grid]],
                    uint i [[thread_index_in_threadgroup]])
{
    uint first = group * TSKIP_GROUP_THREADS;
    words[i] = in[first + i];
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[first + i] = words[TSKIP_GROUP_THREADS - 1 - i];
}

#ifdef TSKIP_ENTRY_constants
kernel void constants(device uint *out [[buffer(0)]])
{
    out[0] = TSKIP_C_U;
    out[1] = uint(TSKIP_C_I);
    out[2] = as_type<uint>(TSKIP_C_F);
    out[3] = TSKIP_C_B ? 1 : 0;
}
#endif

/* An empty binding is a buffer of the backend's: it may be written. */
kernel void bindings(device uint *b0 [[buffer(0)]], device uint *b1 [[buffer(1)]],
                     device uint *b2 [[buffer(2)]], device uint *b3 [[buffer(3)]],
                     device uint *b4 [[buffer(4)]], device uint *b5 [[buffer(5)]],
                     device uint *b6 [[buffer(6)]], device uint *b7 [[buffer(7)]],
                     device uint *b8 [[buffer(8)]], device uint *b9 [[buffer(9)]],
                     device uint *b10 [[buffer(10)]], device uint *b11 [[buffer(11)]],
                     device uint *b12 [[buffer(12)]], device uint *b13 [[buffer(13)]],
                     device uint *b14 [[buffer(14)]], device uint *b15 [[buffer(15)]])
{
    device uint *all[16] = {b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15};
    for (uint i = 0; i < 16; i++)
        *all[i] = i + 1;
}

kernel void arguments(device uint *out [[buffer(0)]], constant block_args &a [[buffer(1)]])
{
    for (uint i = 0; i < 256; i++)
        out[i] = a.words[i];
}

kernel void products(const device float *in [[buffer(0)]], device float *out [[buffer(1)]])
{
    out[0] = in[0] * in[1] + in[2];
    out[1] = in[3] - in[4] * in[5];
    out[2] = fma(in[6], in[7], in[8]);
}

kernel void grid(device uint *out [[buffer(0)]], uint3 at [[threadgroup_position_in_grid]],
                 uint3 of [[threadgroups_per_grid]])
{
    out[at.x + of.x * (at.y + of.y * at.z)] = at.x + 1000 * at.y + 1000000 * at.z;
}
