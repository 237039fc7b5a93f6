/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "variant.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/status.h"
#include "mask.h"

/* Whether the copy engine can walk the tensor: distances of 16 bytes' multiples, none of them 0, in
 * dimensions that have more than one place, and lengths that leave room in a 32-bit coordinate. */
static bool walks(const tskip_strides *s, const tskip_attention_desc *d, uint32_t heads,
                  int64_t rows)
{
    const int64_t element = (int64_t)tskip_dtype_size(d->dtype);
    const int64_t sizes[] = {d->extent.batch, heads, rows};
    const int64_t strides[] = {s->batch, s->head, s->row};
    for (int i = 0; i < 3; i++)
        if (sizes[i] > 1 && (strides[i] <= 0 || strides[i] >= (INT64_C(1) << 40) / element ||
                             strides[i] * element % 16 != 0))
            return false;
    return rows < INT64_C(1) << 30;
}

static bool has_needs(uint32_t needs, const tskip_attention_desc *d)
{
    if (needs & TSKIP__NEEDS_HALVES &&
        (tskip_dtype_size(d->dtype) != 2 || d->out_dtype != d->dtype))
        return false;
    if (needs & TSKIP__NEEDS_BF16 && (d->dtype != TSKIP_BF16 || d->out_dtype != TSKIP_BF16))
        return false;
    if (needs & TSKIP__NEEDS_NO_TENSOR && d->mask && d->mask->tensor.rank > 0)
        return false;
    return !(needs & TSKIP__NEEDS_ALIGNED) ||
           (!d->unaligned && walks(&d->q, d, d->extent.n_heads, d->extent.q_len) &&
            walks(&d->k, d, d->n_kv_heads, d->extent.k_len) &&
            walks(&d->v, d, d->n_kv_heads, d->extent.k_len));
}

/* max_rows 0: any number. */
static bool has_rows(const tskip__variant *v, const tskip_attention_desc *d)
{
    if (v->max_rows == 0)
        return true;
    if (d->extent.q_len > v->bq)
        return false;
    const int64_t rows = d->extent.q_len * (d->extent.n_heads / d->n_kv_heads);
    return rows >= v->min_rows && rows <= v->max_rows;
}

static bool is_for(const tskip__variant *v, const tskip_device_info *device)
{
    return v->format == device->code_format && v->min_capability <= device->capability &&
           (v->max_capability == 0 || device->capability <= v->max_capability);
}

static bool fits(const tskip__variant *v, const tskip_device_info *device,
                 const tskip_attention_desc *d)
{
    uint32_t larger = d->head_dim > d->head_dim_v ? d->head_dim : d->head_dim_v;
    return is_for(v, device) && larger <= v->max_head_dim && d->head_dim % v->multiple == 0 &&
           d->head_dim_v % v->multiple == 0 && has_needs(v->needs, d) && has_rows(v, d);
}

static bool has_tile(const tskip__variant *v, tskip_tile tile)
{
    return v->bq == tile.bq && v->bk == tile.bk;
}

/* "32x64, 32x128": the tiles of the rows that fit but for the tile. */
static void list_tiles(const tskip_device_info *device, const tskip_attention_desc *d, char *text,
                       size_t capacity)
{
    size_t length = 0;
    text[0] = '\0';
    for (const tskip__variant *v = tskip__variants; v->kernel && length < capacity; v++) {
        if (!fits(v, device, d))
            continue;
        int n = snprintf(text + length, capacity - length, "%s%" PRIu32 "x%" PRIu32,
                         length ? ", " : "", v->bq, v->bk);
        length += n > 0 ? (size_t)n : 0;
    }
}

static tskip_status refuse_head_dims(const tskip_device_info *device, const tskip_attention_desc *d)
{
    uint32_t multiple = UINT32_MAX, largest = 0;
    for (const tskip__variant *v = tskip__variants; v->kernel; v++) {
        if (!is_for(v, device))
            continue;
        multiple = v->multiple < multiple ? v->multiple : multiple;
        largest = v->max_head_dim > largest ? v->max_head_dim : largest;
    }
    if (largest == 0)
        return tskip__fail(TSKIP_UNSUPPORTED, "device %s has no kernels for attention",
                           device->name);
    return tskip__fail(TSKIP_UNSUPPORTED,
                       "head_dim %" PRIu32 " with head_dim_v %" PRIu32
                       ": device %s has kernels for multiples of %" PRIu32 " up to %" PRIu32,
                       d->head_dim, d->head_dim_v, device->name, multiple, largest);
}

tskip_status tskip__variant_find(const tskip_device_info *device, const tskip__problem *problem,
                                 const tskip__variant **out)
{
    const tskip_attention_desc *d = &problem->desc;
    bool any_tile = d->tile.bq == 0 && d->tile.bk == 0;
    for (const tskip__variant *v = tskip__variants; v->kernel; v++)
        if (fits(v, device, d) && (any_tile || has_tile(v, d->tile))) {
            *out = v;
            return TSKIP_OK;
        }
    char tiles[256];
    list_tiles(device, d, tiles, sizeof tiles);
    if (tiles[0] == '\0')
        return refuse_head_dims(device, d);
    return tskip__fail(TSKIP_UNSUPPORTED,
                       "tile is %" PRIu32 "x%" PRIu32 ", device %s has kernels for %s", d->tile.bq,
                       d->tile.bk, device->name, tiles);
}
