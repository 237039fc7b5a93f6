/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>

#include "base/alloc.h"
#include "base/status.h"
#include "extent.h"
#include "kernels.h"
#include "kernels/shared/row_limits.h"
#include "mask.h"

static uint64_t length(tskip_i64 begin, tskip_i64 end)
{
    return end > begin ? (uint64_t)(end - begin) : 0;
}

/* Columns in one of the two intervals or in both. */
static uint64_t count_row(struct tskip__row_limits r)
{
    uint64_t both = length(tskip__max(r.lo, r.sink_lo), tskip__min(r.hi, r.sink_hi));
    return length(r.lo, r.hi) + length(r.sink_lo, r.sink_hi) - both;
}

static uint64_t count_rules(const tskip_mask *mask, const struct tskip__plane_args *plane)
{
    uint64_t pairs = 0;
    for (uint32_t b = 0; b < plane->planes_batch; b++) {
        struct tskip__rules_entry entry = tskip__mask_entry(mask, b);
        for (tskip_i64 row = 0; row < plane->q_len; row++)
            pairs +=
                count_row(tskip__row_limits(plane->rules, entry, mask->words, plane->k_len, row));
    }
    return pairs;
}

struct scan {
    const tskip_mask *mask;
    const struct tskip__plane_args *plane;
    const tskip_kernel *kernel;
    tskip_buffer *partial; /* a u64 a group */
};

static tskip_status encode_scan(void *context, tskip_encoder *encoder)
{
    const struct scan *s = context;
    const tskip_binding bindings[] = {
        tskip__mask_rules_binding(s->mask),
        tskip__mask_tensor_binding(s->mask),
        {.buffer = s->partial, .access = TSKIP_WRITE},
    };
    const uint32_t grid[3] = {s->plane->nq, s->plane->planes_batch * s->plane->planes_head, 1};
    return tskip_encoder_dispatch(encoder, s->kernel, grid, bindings, 3, s->plane,
                                  sizeof *s->plane);
}

static tskip_status add_up(const struct scan *s, uint64_t n, uint64_t *pairs)
{
    uint64_t *partial = tskip__alloc(n * sizeof *partial, "counts of visible pairs"), sum = 0;
    if (!partial)
        return TSKIP_OUT_OF_MEMORY;
    tskip_status status = tskip_buffer_read(s->partial, 0, partial, n * sizeof *partial);
    for (uint64_t i = 0; i < n && status == TSKIP_OK; i++)
        sum += partial[i];
    if (status == TSKIP_OK)
        *pairs = sum;
    tskip__free(partial, n * sizeof *partial);
    return status;
}

static tskip_status count_tensor(const tskip_mask *mask, const struct tskip__plane_args *plane,
                                 uint64_t *pairs)
{
    struct scan s = {.mask = mask, .plane = plane};
    TSKIP__TRY(tskip__kernel_get(mask->device, "mask_count", &s.kernel));
    uint64_t n = (uint64_t)plane->nq * plane->planes_batch * plane->planes_head;
    TSKIP__TRY(tskip_buffer_create(mask->device, n * sizeof *pairs, &s.partial));
    tskip_status status = tskip__run_now(mask->device, encode_scan, &s);
    if (status == TSKIP_OK)
        status = add_up(&s, n, pairs);
    tskip_buffer_destroy(&s.partial);
    return status;
}

/* The sum of all planes must fit 64 bits. */
static tskip_status check_total(const struct tskip__plane_args *plane)
{
    uint64_t planes = (uint64_t)plane->planes_batch * plane->planes_head, pairs;
    if (tskip__mul((uint64_t)plane->q_len, (uint64_t)plane->k_len, &pairs) &&
        tskip__mul(pairs, planes, &pairs))
        return TSKIP_OK;
    return tskip__fail(TSKIP_INVALID_ARGUMENT,
                       "%" PRIu64 " planes of %" PRId64 " x %" PRId64
                       " cells: their pairs do not fit 64 bits",
                       planes, (int64_t)plane->q_len, (int64_t)plane->k_len);
}

tskip_status tskip_mask_count_pairs(const tskip_mask *mask, const tskip_extent *extent,
                                    uint64_t *pairs, uint32_t *planes)
{
    TSKIP__TRY(tskip__require(mask, "mask", "a mask"));
    TSKIP__TRY(tskip__require(extent, "extent", "lengths and offsets"));
    TSKIP__TRY(tskip__require(pairs, "pairs", "where to store the count"));
    static const tskip_tile large = {1 << 16, 1 << 16}; /* of which any length has few enough */
    tskip_extent resolved;
    struct tskip__plane_args plane;
    TSKIP__TRY(tskip__extent_resolve(extent, &resolved));
    TSKIP__TRY(mask->tensor.rank
                   ? tskip__mask_rows(mask, &resolved, "counting a mask tensor", &plane)
                   : tskip__mask_plane(mask, &resolved, large, &plane));
    TSKIP__TRY(check_total(&plane));
    if (mask->tensor.rank)
        TSKIP__TRY(count_tensor(mask, &plane, pairs));
    else
        *pairs = mask->has_rules ? count_rules(mask, &plane)
                                 : (uint64_t)resolved.q_len * (uint64_t)resolved.k_len;
    if (planes)
        *planes = plane.planes_batch * plane.planes_head;
    return TSKIP_OK;
}
