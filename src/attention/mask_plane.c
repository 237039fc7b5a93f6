/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>

#include "base/status.h"
#include "extent.h"
#include "mask.h"

static tskip_status check_entry(const tskip_mask *mask, uint32_t e, const tskip_extent *extent)
{
    struct tskip__rules_entry entry = tskip__mask_entry(mask, e);
    if (mask->has_klen && entry.klen > extent->k_len)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "rule klen, entry %" PRIu32 " is %" PRId64
                           ", expected at most k_len = %" PRId64,
                           e, (int64_t)entry.klen, extent->k_len);
    if (entry.kstart >= extent->k_len)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "rule kstart, entry %" PRIu32 " is %" PRId64
                           ", expected less than k_len = %" PRId64,
                           e, (int64_t)entry.kstart, extent->k_len);
    if (!(mask->rules.flags & TSKIP__RULE_SEGMENT))
        return TSKIP_OK;
    int64_t sum = mask->words[mask->rules.first_segment + entry.segments_end - 1];
    if (sum != extent->k_offset + extent->k_len)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "rule segments, entry %" PRIu32 " add up to %" PRId64
                           ", expected k_offset + k_len = %" PRId64,
                           e, sum, extent->k_offset + extent->k_len);
    return TSKIP_OK;
}

static tskip_status check_rules(const tskip_mask *mask, const tskip_extent *extent)
{
    uint32_t n = mask->rules.n_entries;
    if (n > 1 && n != extent->batch)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "the rules have %" PRIu32 " entries, expected one, or batch = %" PRIu32,
                           n, extent->batch);
    if (mask->rules.n_slopes > 0 && mask->rules.n_slopes != extent->n_heads)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "rule alibi has %" PRIu32 " slopes, expected n_heads = %" PRIu32,
                           mask->rules.n_slopes, extent->n_heads);
    for (uint32_t e = 0; e < n; e++)
        TSKIP__TRY(check_entry(mask, e, extent));
    return TSKIP_OK;
}

/* A dimension of the tensor: the problem's size, or a broadcast. *count: distinct planes along
 * it. */
static tskip_status match(const char *name, int64_t size, int64_t stride, int64_t wanted,
                          tskip_i64 *stride_out, tskip_u32 *count)
{
    if (size != 1 && size != wanted)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "the mask tensor's %s dimension is %" PRId64 ", expected 1 or %" PRId64,
                           name, size, wanted);
    *stride_out = size == 1 ? 0 : stride;
    if (count && *stride_out != 0)
        *count = (tskip_u32)wanted;
    return TSKIP_OK;
}

static tskip_status lay_tensor(const tskip_mask *mask, const tskip_extent *extent,
                               struct tskip__plane_args *plane)
{
    const tskip_mask_tensor *t = &mask->tensor;
    TSKIP__TRY(match("batch", t->shape[0], t->strides[0], extent->batch,
                     &plane->tensor.stride_batch, &plane->planes_batch));
    TSKIP__TRY(match("head", t->shape[1], t->strides[1], extent->n_heads,
                     &plane->tensor.stride_head, &plane->planes_head));
    TSKIP__TRY(
        match("query", t->shape[2], t->strides[2], extent->q_len, &plane->tensor.stride_row, NULL));
    if (t->shape[3] != extent->k_len)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "the mask tensor's key dimension is %" PRId64
                           ", expected k_len = %" PRId64,
                           t->shape[3], extent->k_len);
    plane->tensor.dtype = t->dtype;
    return TSKIP_OK;
}

tskip_status tskip__check_planes(uint32_t batch, uint32_t head)
{
    if ((uint64_t)batch * head <= UINT32_MAX)
        return TSKIP_OK;
    return tskip__fail(TSKIP_UNSUPPORTED,
                       "the mask has %" PRIu32 " x %" PRIu32 " planes, expected fewer than 2^32",
                       batch, head);
}

tskip_status tskip__mask_plane(const tskip_mask *mask, const tskip_extent *extent, tskip_tile tile,
                               struct tskip__plane_args *plane)
{
    *plane = (struct tskip__plane_args){
        .q_len = extent->q_len,
        .k_len = extent->k_len,
        .rules = mask->rules,
        .planes_batch = 1,
        .planes_head = 1,
        .bq = tile.bq,
        .bk = tile.bk,
        .has_rules = mask->has_rules,
    };
    TSKIP__TRY(tskip__tile_grid(extent, tile, &plane->nq, &plane->nk));
    if (mask->has_rules) {
        TSKIP__TRY(check_rules(mask, extent));
        plane->rules.q_offset = extent->q_offset;
        plane->rules.k_offset = extent->k_offset;
        if (mask->rules.n_entries > 1)
            plane->planes_batch = extent->batch;
    }
    if (mask->tensor.rank)
        TSKIP__TRY(lay_tensor(mask, extent, plane));
    return tskip__check_planes(plane->planes_batch, plane->planes_head);
}

tskip_status tskip__mask_rows(const tskip_mask *mask, const tskip_extent *extent, const char *task,
                              struct tskip__plane_args *plane)
{
    const int64_t most = (int64_t)UINT32_MAX * TSKIP__ROWS_A_GROUP;
    if (extent->q_len > most)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "q_len is %" PRId64 ", expected at most %" PRId64 " for %s",
                           extent->q_len, most, task);
    return tskip__mask_plane(mask, extent, (tskip_tile){TSKIP__ROWS_A_GROUP, 1 << 16}, plane);
}
