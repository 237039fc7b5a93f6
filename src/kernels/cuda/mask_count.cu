/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "kernels/cuda/planes.h"

/* Counts the visible cells of 64 rows of a plane: one number a group. */

#define ROWS 64

__shared__ struct tskip__row_limits limits[ROWS];
__shared__ tskip_u64 total;

extern "C" __global__ void __launch_bounds__(256)
    mask_count(const tskip_i64 *words, const void *tensor, tskip_u64 *counts,
               struct tskip__plane_args a)
{
    tskip_u32 plane = blockIdx.y;
    tskip_i64 first = (tskip_i64)blockIdx.x * ROWS;
    int rows = (int)tskip__min(ROWS, a.q_len - first);
    if ((int)threadIdx.x < rows)
        limits[threadIdx.x] = limits_of(a, words, plane / a.planes_head, first + threadIdx.x);
    if (threadIdx.x == 0)
        total = 0;
    __syncthreads();
    tskip_u64 visible = 0;
    for (int i = 0; i < rows; i++) {
        const void *cells = cells_of(a, tensor, plane, first + i);
        for (tskip_i64 c = threadIdx.x; c < a.k_len; c += blockDim.x)
            visible += tskip__row_sees(limits[i], c) &&
                       (!cells || !(load_cell(cells, a.tensor.dtype, c) <= TSKIP__MASKED_F32));
    }
    atomicAdd(&total, visible);
    __syncthreads();
    if (threadIdx.x == 0)
        counts[(tskip_u64)plane * gridDim.x + blockIdx.x] = total;
}
