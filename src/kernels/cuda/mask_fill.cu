/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "kernels/cuda/planes.h"

/* Writes a mask as a tensor. A group takes 64 rows of a plane: the first 64 threads find the rows'
 * limits, then every warp writes columns side by side. */

#define ROWS 64

__shared__ struct tskip__row_limits limits[ROWS];

TSKIP__FN void store_mask(void *out, tskip_u32 dtype, tskip_i64 i, float value)
{
    if (dtype == TSKIP__BOOL)
        ((tskip_u8 *)out)[i] = !(value <= TSKIP__MASKED_F32);
    else
        store_element(out, dtype, i, value);
}

struct plane_row {
    struct tskip__row_limits limits;
    const void *cells;  /* null: no tensor */
    float slope;        /* 0: no alibi */
    tskip_i64 distance; /* p - x at column 0 */
};

TSKIP__FN float cell_at(const struct tskip__plane_args &a, const struct plane_row &r,
                        tskip_i64 column)
{
    if (!tskip__row_sees(r.limits, column))
        return -INFINITE;
    float bias = r.cells ? load_cell(r.cells, a.tensor.dtype, column) : 0.0f;
    if (r.slope != 0.0f) {
        tskip_i64 distance = r.distance - column;
        bias += -r.slope * (float)(distance < 0 ? -distance : distance);
    }
    return bias;
}

extern "C" __global__ void __launch_bounds__(256)
    mask_fill(const tskip_i64 *words, const void *tensor, void *out, struct tskip__plane_args a)
{
    tskip_u32 plane = blockIdx.y, batch = plane / a.planes_head, head = plane % a.planes_head;
    tskip_i64 first = (tskip_i64)blockIdx.x * ROWS;
    int rows = (int)tskip__min(ROWS, a.q_len - first);
    if ((int)threadIdx.x < rows)
        limits[threadIdx.x] = limits_of(a, words, batch, first + threadIdx.x);
    __syncthreads();
    bool alibi = a.has_rules && a.rules.flags & TSKIP__RULE_ALIBI;
    float slope = alibi ? ((const float *)words)[a.rules.first_slope + head] : 0.0f;
    for (int i = 0; i < rows; i++) {
        tskip_i64 row = first + i;
        struct plane_row r = {limits[i], cells_of(a, tensor, plane, row), slope,
                              row + a.rules.q_offset - a.rules.k_offset};
        tskip_i64 cell =
            batch * a.out_stride_batch + head * a.out_stride_head + row * a.out_stride_row;
        char *to = (char *)out + cell * element_size(a.out_dtype);
        for (tskip_i64 c = threadIdx.x; c < a.k_len; c += blockDim.x)
            store_mask(to, a.out_dtype, c, cell_at(a, r, c));
    }
}
