/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "problem_check.h"

#include <inttypes.h>
#include <math.h>

#include "base/alloc.h"
#include "base/status.h"
#include "extent.h"
#include "nearest.h"

#define MAX_HEAD_DIM 512

/* A tensor as it lies in memory: sizes and strides from the outermost dimension to the rows. */
struct layout {
    const char *name;
    uint64_t size[3];
    int64_t stride[3];
    uint32_t dim;
};

static tskip_status check_dtypes(tskip_attention_desc *d)
{
    if (d->dtype != TSKIP_F32 && d->dtype != TSKIP_F16 && d->dtype != TSKIP_BF16)
        return tskip__fail(TSKIP_UNSUPPORTED, "dtype is %s (%d), expected f32, f16 or bf16",
                           tskip_dtype_name(d->dtype), (int)d->dtype);
    if (d->out_dtype == TSKIP_DTYPE_NONE)
        d->out_dtype = d->dtype;
    if (d->out_dtype != d->dtype && d->out_dtype != TSKIP_F32)
        return tskip__fail(TSKIP_UNSUPPORTED, "out_dtype is %s (%d), expected %s%s",
                           tskip_dtype_name(d->out_dtype), (int)d->out_dtype,
                           d->dtype == TSKIP_F32 ? "" : tskip_dtype_name(d->dtype),
                           d->dtype == TSKIP_F32 ? "f32" : " or f32");
    return TSKIP_OK;
}

static tskip_status check_heads(tskip_attention_desc *d)
{
    if (d->n_kv_heads == 0)
        d->n_kv_heads = d->extent.n_heads;
    if (d->extent.n_heads % d->n_kv_heads != 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "n_heads is %" PRIu32 ", expected a multiple of n_kv_heads = %" PRIu32,
                           d->extent.n_heads, d->n_kv_heads);
    if (d->head_dim < 1 || d->head_dim > MAX_HEAD_DIM)
        return tskip__fail(TSKIP_UNSUPPORTED, "head_dim is %" PRIu32 ", expected 1 to %d",
                           d->head_dim, MAX_HEAD_DIM);
    if (d->head_dim_v == 0)
        d->head_dim_v = d->head_dim;
    if (d->head_dim_v > MAX_HEAD_DIM)
        return tskip__fail(TSKIP_UNSUPPORTED, "head_dim_v is %" PRIu32 ", expected 1 to %d",
                           d->head_dim_v, MAX_HEAD_DIM);
    return TSKIP_OK;
}

static float usual_scale(uint32_t head_dim)
{
    const int mode = tskip__nearest_enter();
    volatile double dim = head_dim;
    volatile float scale = (float)(1.0 / sqrt(dim));
    tskip__nearest_leave(mode);
    return scale;
}

static tskip_status check_scalars(tskip_attention_desc *d)
{
    if (!isfinite(d->scale))
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "scale is %g, expected a finite number",
                           (double)d->scale);
    if (d->scale == 0)
        d->scale = usual_scale(d->head_dim);
    if (!(d->softcap >= 0) || isinf(d->softcap))
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "softcap is %g, expected a positive number, or 0 for none",
                           (double)d->softcap);
    return TSKIP_OK;
}

static tskip_status fill_strides(struct layout *l, tskip_strides *given)
{
    if (given->batch == 0 && given->head == 0 && given->row == 0) {
        uint64_t head, batch;
        if (!tskip__mul(l->size[2], l->dim, &head) || !tskip__mul(head, l->size[1], &batch) ||
            batch > INT64_MAX)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "%s has %" PRIu64 " heads of %" PRIu64 " rows of %" PRIu32
                               " elements, too many for 64-bit strides",
                               l->name, l->size[1], l->size[2], l->dim);
        *given = (tskip_strides){(int64_t)batch, (int64_t)head, l->dim};
    }
    l->stride[0] = given->batch;
    l->stride[1] = given->head;
    l->stride[2] = given->row;
    for (int i = 0; i < 3; i++) {
        static const char *const axis[3] = {"batch", "head", "row"};
        if (l->stride[i] < 0)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "%s.%s stride is %" PRId64 ", expected at least 0", l->name, axis[i],
                               l->stride[i]);
    }
    return TSKIP_OK;
}

static tskip_status span_bytes(const struct layout *l, size_t element, uint64_t *bytes)
{
    uint64_t elements = l->dim;
    for (int i = 0; i < 3; i++) {
        uint64_t reach;
        if (!tskip__mul(l->size[i] - 1, (uint64_t)l->stride[i], &reach) ||
            !tskip__add(elements, reach, &elements))
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "%s: stride %" PRId64 " times %" PRIu64 " does not fit 64 bits",
                               l->name, l->stride[i], l->size[i] - 1);
    }
    if (!tskip__mul(elements, element, bytes) || *bytes > INT64_MAX)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "%s reaches over %" PRIu64 " elements, more than 2^63 bytes", l->name,
                           elements);
    return TSKIP_OK;
}

/* Rows of an output must not share memory. Checked as nesting: by ascending stride, each dimension
 * steps over all that the smaller ones cover. */
static tskip_status check_no_overlap(const struct layout *l)
{
    int order[3] = {0, 1, 2};
    for (int i = 0; i < 3; i++)
        for (int j = i + 1; j < 3; j++)
            if (l->stride[order[j]] < l->stride[order[i]]) {
                int swap = order[i];
                order[i] = order[j];
                order[j] = swap;
            }
    uint64_t covered = l->dim;
    for (int i = 0; i < 3; i++) {
        uint64_t size = l->size[order[i]], stride = (uint64_t)l->stride[order[i]];
        if (size == 1)
            continue;
        if (stride < covered)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "%s: strides %" PRId64 ", %" PRId64 ", %" PRId64
                               " (batch, head, row) make rows overlap: %" PRIu64
                               " is less than the %" PRIu64 " elements it must step over",
                               l->name, l->stride[0], l->stride[1], l->stride[2], stride, covered);
        covered += (size - 1) * stride;
    }
    return TSKIP_OK;
}

static tskip_status check_layouts(tskip__problem *p)
{
    tskip_attention_desc *d = &p->desc;
    uint64_t batch = d->extent.batch, heads = d->extent.n_heads, kv_heads = d->n_kv_heads;
    uint64_t q_len = (uint64_t)d->extent.q_len, k_len = (uint64_t)d->extent.k_len;
    struct {
        struct layout layout;
        tskip_strides *strides;
        tskip_dtype dtype;
        uint64_t *bytes;
    } tensors[] = {
        {{"q", {batch, heads, q_len}, {0}, d->head_dim}, &d->q, d->dtype, &p->q_bytes},
        {{"k", {batch, kv_heads, k_len}, {0}, d->head_dim}, &d->k, d->dtype, &p->k_bytes},
        {{"v", {batch, kv_heads, k_len}, {0}, d->head_dim_v}, &d->v, d->dtype, &p->v_bytes},
        {{"o", {batch, heads, q_len}, {0}, d->head_dim_v}, &d->o, d->out_dtype, &p->o_bytes},
    };
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++) {
        TSKIP__TRY(fill_strides(&tensors[i].layout, tensors[i].strides));
        TSKIP__TRY(
            span_bytes(&tensors[i].layout, tskip_dtype_size(tensors[i].dtype), tensors[i].bytes));
    }
    TSKIP__TRY(check_no_overlap(&tensors[3].layout));
    uint64_t rows;
    if (!tskip__mul(batch * heads, q_len, &rows) || !tskip__mul(rows, sizeof(float), &rows))
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "batch %" PRIu64 " times n_heads %" PRIu64 " times q_len %" PRIu64
                           " does not fit 64 bits",
                           batch, heads, q_len);
    p->lse_bytes = d->lse ? rows : 0;
    p->sinks_bytes = d->sinks ? heads * sizeof(float) : 0;
    return TSKIP_OK;
}

tskip_status tskip__problem_check(const tskip_attention_desc *desc, tskip__problem *problem)
{
    *problem = (tskip__problem){.desc = *desc};
    tskip_attention_desc *d = &problem->desc;
    TSKIP__TRY(tskip__extent_resolve(&desc->extent, &d->extent));
    TSKIP__TRY(check_dtypes(d));
    TSKIP__TRY(check_heads(d));
    TSKIP__TRY(check_scalars(d));
    return check_layouts(problem);
}
