/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/status.h"
#include "kernels/kernel_table.h"
#include "mask.h"
#include "slice_check.h"

static tskip_status widen(const char *name, const tskip_mask_tensor *tensor, tskip_mask_tensor *out)
{
    if (tensor->rank != 2 && tensor->rank != 4)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "%s has rank %" PRIu32
                           ", expected 2 ([q, k]) or 4 ([batch, heads, q, k])",
                           name, tensor->rank);
    *out = *tensor;
    if (tensor->rank == 4)
        return TSKIP_OK;
    out->rank = 4;
    for (int i = 0; i < 2; i++) {
        out->shape[i] = 1;
        out->strides[i] = 0;
        out->shape[2 + i] = tensor->shape[i];
        out->strides[2 + i] = tensor->strides[i];
    }
    return TSKIP_OK;
}

static tskip_status fill_strides(const char *name, tskip_mask_tensor *t)
{
    bool contiguous = true;
    for (int i = 0; i < 4; i++) {
        if (t->shape[i] < 1)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "%s: dimension %d has size %" PRId64 ", expected at least 1", name,
                               i, t->shape[i]);
        if (t->strides[i] < 0)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "%s: dimension %d has stride %" PRId64 ", expected at least 0", name,
                               i, t->strides[i]);
        contiguous = contiguous && t->strides[i] == 0;
    }
    if (!contiguous && t->strides[3] != 1 && t->shape[3] != 1)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "%s: the innermost stride is %" PRId64 ", expected 1", name,
                           t->strides[3]);
    if (!contiguous)
        return TSKIP_OK;
    uint64_t stride = 1;
    for (int i = 3; i >= 0; i--) {
        t->strides[i] = (int64_t)stride;
        if (!tskip__mul(stride, (uint64_t)t->shape[i], &stride) || stride > INT64_MAX)
            return tskip__fail(TSKIP_INVALID_ARGUMENT, "%s has more than 2^63 cells", name);
    }
    return TSKIP_OK;
}

static tskip_status check_reach(const char *name, const tskip_mask_tensor *t)
{
    uint64_t element = tskip_dtype_size(t->dtype), cells = 1, bytes;
    for (int i = 0; i < 4; i++) {
        uint64_t reach;
        if (!tskip__mul((uint64_t)t->shape[i] - 1, (uint64_t)t->strides[i], &reach) ||
            !tskip__add(cells, reach, &cells))
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "%s: stride %" PRId64 " times %" PRId64 " does not fit 64 bits",
                               name, t->strides[i], t->shape[i] - 1);
    }
    if (!tskip__mul(cells, element, &bytes))
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "%s reaches over %" PRIu64 " cells, more than 2^64 bytes", name, cells);
    return tskip__slice_check(name, (tskip_slice){t->buffer, t->offset}, bytes, element);
}

static tskip_status check_dtype(const char *name, tskip_dtype dtype)
{
    char list[64];
    size_t used = 0;
    for (const tskip_dtype *known = tskip__mask_dtypes; *known != TSKIP_DTYPE_NONE; known++) {
        if (dtype == *known)
            return TSKIP_OK;
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                                     tskip_dtype_name(*known));
    }
    return tskip__fail(TSKIP_UNSUPPORTED, "%s has dtype %d, expected one of %s", name, (int)dtype,
                       list);
}

tskip_status tskip__mask_tensor_check(const char *name, const tskip_mask_tensor *tensor,
                                      tskip_mask_tensor *out)
{
    TSKIP__TRY(widen(name, tensor, out));
    TSKIP__TRY(check_dtype(name, tensor->dtype));
    if (!tensor->buffer)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "%s.buffer is NULL, expected a buffer", name);
    TSKIP__TRY(fill_strides(name, out));
    return check_reach(name, out);
}
