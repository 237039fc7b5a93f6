/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <float.h>
#include <math.h>
#include <string.h>

#include "attention_cpu.h"
#include "base/half.h"
#include "decode_cpu.h"
#include "kernels/shared/kargs.h"

/* Joins a row's parts, the first at `parts`. One that saw nothing has the lowest maximum and a sum
 * of 0. Returns the log-sum-exp; o gets the output. */
static float combine(const struct tskip__attention_args *a, const float *parts, size_t row,
                     size_t rows, const float *sink, float *o)
{
    const size_t stride = tskip__decode_part(rows, a->head_dim_v);
    const float *state = parts + tskip__decode_state(row);
    const float *values = parts + tskip__decode_values(row, rows, a->head_dim_v);
    float top = -FLT_MAX, sum = 0;
    for (tskip_u32 i = 0; i < a->n_splits; i++)
        top = state[i * stride] > top ? state[i * stride] : top;
    if (sink)
        top = *sink > top ? *sink : top;
    memset(o, 0, a->head_dim_v * sizeof *o);
    for (tskip_u32 i = 0; i < a->n_splits; i++, state += stride, values += stride) {
        if (state[1] == 0)
            continue;
        const float weight = expf(state[0] - top);
        sum += state[1] * weight;
        for (tskip_u32 d = 0; d < a->head_dim_v; d++)
            o[d] += values[d] * weight;
    }
    if (sink)
        sum += expf(*sink - top);
    const float factor = sum == 0 ? 0 : 1 / sum;
    for (tskip_u32 d = 0; d < a->head_dim_v; d++) /* + 0: a -0 becomes +0 */
        o[d] = o[d] * factor + 0.0f;
    return sum == 0 ? -INFINITY : top + logf(sum);
}

void tskip__decode_combine_c(const tskip_group *group, void *const *buffers, const void *args,
                             void *memory)
{
    (void)memory;
    const struct tskip__attention_args *a = args;
    const tskip_u32 item = group->index[0], heads = a->n_heads / a->n_kv_heads;
    const tskip_u32 batch = item / a->n_kv_heads, rows = heads * (tskip_u32)a->q_len;
    const float *parts = (const float *)buffers[TSKIP__BIND_PARTS] +
                         (size_t)item * a->n_splits * tskip__decode_part(rows, a->head_dim_v);
    const tskip_dtype dtype = (tskip_dtype)group->constants[TSKIP__ID_out_dtype].u32;
    const size_t size = dtype == TSKIP_F32 ? 4 : 2;
    float o[TSKIP__MAX_HEAD_DIM];
    for (tskip_u32 row = 0; row < rows; row++) {
        const tskip_u32 head = item % a->n_kv_heads * heads + row % heads, query = row / heads;
        const float *sink =
            a->flags & TSKIP__HAS_SINKS ? (const float *)buffers[TSKIP__BIND_SINKS] + head : NULL;
        const float lse = combine(a, parts, row, rows, sink, o);
        const tskip_i64 at =
            batch * a->o_stride[0] + head * a->o_stride[1] + query * a->o_stride[2];
        tskip__narrow(dtype, o, (char *)buffers[TSKIP__BIND_O] + (size_t)at * size, a->head_dim_v);
        if (a->flags & TSKIP__HAS_LSE)
            tskip__narrow(TSKIP_F32, &lse,
                          (float *)buffers[TSKIP__BIND_LSE] +
                              ((size_t)batch * a->n_heads + head) * (size_t)a->q_len + query,
                          1);
    }
}
