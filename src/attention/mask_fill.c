/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>

#include "base/status.h"
#include "extent.h"
#include "kernels.h"
#include "mask.h"

/* An output dimension may be 1 only where the mask has one plane along it. */
static tskip_status check_planes(const char *name, int64_t size, uint32_t planes, uint32_t wanted)
{
    if (size == wanted || (size == 1 && planes == 1))
        return TSKIP_OK;
    return tskip__fail(TSKIP_INVALID_ARGUMENT,
                       "out: the %s dimension is %" PRId64 ", expected %" PRIu32 "%s", name, size,
                       wanted, planes == 1 ? " or 1" : "");
}

static tskip_status check_out(const tskip_extent *extent, const struct tskip__plane_args *plane,
                              const tskip_mask_tensor *out)
{
    TSKIP__TRY(check_planes("batch", out->shape[0], plane->planes_batch, extent->batch));
    TSKIP__TRY(check_planes("head", out->shape[1], plane->planes_head, extent->n_heads));
    if (out->shape[2] != extent->q_len || out->shape[3] != extent->k_len)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "out is [%" PRId64 ", %" PRId64 "] queries by keys, expected [%" PRId64
                           ", %" PRId64 "]",
                           out->shape[2], out->shape[3], extent->q_len, extent->k_len);
    int64_t covered = out->shape[3]; /* fits: the tensor lies in its buffer */
    for (int i = 2; i >= 0; i--) {
        if (out->shape[i] > 1 && out->strides[i] < covered)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "out: dimension %d has stride %" PRId64
                               ", expected at least %" PRId64 ": rows must not overlap",
                               i, out->strides[i], covered);
        if (out->shape[i] > 1)
            covered += out->strides[i] * (out->shape[i] - 1);
    }
    return TSKIP_OK;
}

/* Writes every plane that `out` has, repeated where the mask has one for all. */
static void set_out(const tskip_mask_tensor *out, struct tskip__plane_args *plane)
{
    plane->out_stride_batch = out->strides[0];
    plane->out_stride_head = out->strides[1];
    plane->out_stride_row = out->strides[2];
    plane->out_dtype = out->dtype;
    plane->planes_batch = (uint32_t)out->shape[0];
    plane->planes_head = (uint32_t)out->shape[1];
}

tskip_status tskip_mask_fill_encode(const tskip_mask *mask, const tskip_extent *extent,
                                    const tskip_mask_tensor *out, tskip_encoder *encoder)
{
    TSKIP__TRY(tskip__require(mask, "mask", "a mask"));
    TSKIP__TRY(tskip__require(extent, "extent", "lengths and offsets"));
    TSKIP__TRY(tskip__require(out, "out", "the tensor to fill"));
    TSKIP__TRY(tskip__require(encoder, "encoder", "an encoder of the mask's device"));
    tskip_extent resolved;
    struct tskip__plane_args plane;
    tskip_mask_tensor to;
    const tskip_kernel *kernel;
    TSKIP__TRY(tskip__extent_resolve(extent, &resolved));
    TSKIP__TRY(tskip__mask_rows(mask, &resolved, "filling a mask", &plane));
    if (plane.rules.flags & TSKIP__RULE_ALIBI) {
        plane.planes_head = resolved.n_heads; /* a slope a head */
        if (out->dtype != TSKIP_F32)
            return tskip__fail(TSKIP_UNSUPPORTED, "out has dtype %s, expected f32: alibi needs it",
                               tskip_dtype_name(out->dtype));
    }
    TSKIP__TRY(tskip__mask_tensor_check("out", out, &to));
    TSKIP__TRY(check_out(&resolved, &plane, &to));
    TSKIP__TRY(tskip__kernel_get(mask->device, "mask_fill", &kernel));
    set_out(&to, &plane);
    TSKIP__TRY(tskip__check_planes(plane.planes_batch, plane.planes_head));
    const tskip_binding bindings[] = {
        tskip__mask_rules_binding(mask),
        tskip__mask_tensor_binding(mask),
        {.buffer = to.buffer, .offset = to.offset, .access = TSKIP_WRITE},
    };
    const uint32_t grid[3] = {plane.nq, plane.planes_batch * plane.planes_head, 1};
    return tskip_encoder_dispatch(encoder, kernel, grid, bindings, 3, &plane, sizeof plane);
}
