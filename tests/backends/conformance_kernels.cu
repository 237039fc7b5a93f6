/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The kernels of the suite for CUDA; conformance.h says what each does. A kernel's constants are
 * defined only when it is the one that is compiled. */

typedef unsigned int u32;

struct length {
    u32 n;
};

struct block {
    u32 words[256];
};

#ifdef TSKIP_C_FIRST
extern "C" __global__ void iota(u32 *out, length length)
{
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < length.n)
        out[i] = TSKIP_C_FIRST + TSKIP_C_STEP * i;
}
#endif

extern "C" __global__ void increment(const u32 *in, u32 *out, length length)
{
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < length.n)
        out[i] = in[i] + 1;
}

extern "C" __global__ void reverse(const u32 *in, u32 *out)
{
    extern __shared__ u32 words[];
    u32 i = threadIdx.x, first = blockIdx.x * blockDim.x;
    words[i] = in[first + i];
    __syncthreads();
    out[first + i] = words[blockDim.x - 1 - i];
}

#ifdef TSKIP_C_U
extern "C" __global__ void constants(u32 *out)
{
    out[0] = TSKIP_C_U;
    out[1] = (u32)TSKIP_C_I;
    out[2] = __float_as_uint(TSKIP_C_F);
    out[3] = TSKIP_C_B;
}
#endif

extern "C" __global__ void bindings(u32 *b0, u32 *b1, u32 *b2, u32 *b3, u32 *b4, u32 *b5, u32 *b6,
                                    u32 *b7, u32 *b8, u32 *b9, u32 *b10, u32 *b11, u32 *b12,
                                    u32 *b13, u32 *b14, u32 *b15)
{
    u32 *all[16] = {b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15};
    for (u32 i = 0; i < 16; i++)
        if (all[i])
            *all[i] = i + 1;
}

extern "C" __global__ void arguments(u32 *out, block block)
{
    for (u32 i = 0; i < 256; i++)
        out[i] = block.words[i];
}

extern "C" __global__ void products(const float *in, float *out)
{
    out[0] = in[0] * in[1] + in[2];
    out[1] = in[3] - in[4] * in[5];
    out[2] = __fmaf_rn(in[6], in[7], in[8]);
}

extern "C" __global__ void grid(u32 *out)
{
    out[blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z)] =
        blockIdx.x + 1000 * blockIdx.y + 1000000 * blockIdx.z;
}
