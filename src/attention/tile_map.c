/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "tile_map.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "base/status.h"
#include "extent.h"
#include "kernels.h"

_Static_assert((int)TSKIP__SKIP == TSKIP_TILE_SKIP && (int)TSKIP__MIXED == TSKIP_TILE_MIXED &&
                   (int)TSKIP__FULL == TSKIP_TILE_FULL,
               "the kernels' classes are the interface's");

tskip_status tskip__tile_map_size(uint64_t planes, uint32_t nq, uint32_t nk, uint64_t *size)
{
    uint64_t bytes;
    if (!tskip__mul(planes, (uint64_t)nq * nk, &bytes) || bytes > INT64_MAX - 32)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "the tile map has %" PRIu64 " planes of %" PRIu32 " x %" PRIu32
                           " tiles, more than 2^63 bytes",
                           planes, nq, nk);
    *size = bytes == 0 ? 32 : (bytes + 31) / 32 * 32;
    return TSKIP_OK;
}

static uint64_t used_bytes(const tskip_tile_map_info *info)
{
    return (uint64_t)info->planes_batch * info->planes_head * info->nq * info->nk;
}

static tskip_status set_info(tskip_tile_map *map, const tskip_tile_map_desc *desc)
{
    tskip_tile_map_info *info = &map->info;
    info->tile = desc->tile;
    TSKIP__TRY(tskip__extent_resolve(&desc->extent, &info->extent));
    if (desc->mask) {
        TSKIP__TRY(tskip__mask_plane(desc->mask, &info->extent, desc->tile, &map->plane));
        info->planes_batch = map->plane.planes_batch;
        info->planes_head = map->plane.planes_head;
    }
    TSKIP__TRY(tskip__tile_grid(&info->extent, desc->tile, &info->nq, &info->nk));
    return tskip__tile_map_size((uint64_t)info->planes_batch * info->planes_head, info->nq,
                                info->nk, &info->size);
}

static tskip_status create(const tskip_tile_map_desc *desc, tskip_tile_map *map)
{
    map->device = tskip_device_retain(desc->mask->device);
    map->mask = tskip__mask_retain(desc->mask);
    TSKIP__TRY(set_info(map, desc));
    TSKIP__TRY(tskip__kernel_get(map->device, "tile_map", &map->kernel));
    return tskip_buffer_create(map->device, map->info.size, &map->buffer);
}

tskip_status tskip_tile_map_create(const tskip_tile_map_desc *desc, tskip_tile_map **out)
{
    TSKIP__TRY(tskip__require(out, "out", "where to store the map"));
    *out = NULL;
    TSKIP__TRY(tskip__require(desc, "desc", "a map's description"));
    TSKIP__TRY(tskip__require(desc->mask, "desc.mask", "a mask"));
    tskip_tile_map *map = tskip__alloc_zero(sizeof *map, "a tile map");
    if (!map)
        return TSKIP_OUT_OF_MEMORY;
    tskip_status status = create(desc, map);
    if (status != TSKIP_OK)
        tskip_tile_map_destroy(&map);
    *out = map;
    return status;
}

tskip_status tskip__tile_map_dispatch(const tskip_kernel *kernel, const tskip_mask *mask,
                                      const struct tskip__plane_args *plane, const tskip_slice *to,
                                      uint64_t bytes, tskip_encoder *encoder)
{
    const tskip_binding bindings[] = {
        tskip__mask_rules_binding(mask),
        tskip__mask_tensor_binding(mask),
        {.buffer = to->buffer, .offset = to->offset, .size = bytes, .access = TSKIP_WRITE},
    };
    const tskip_device *device = tskip_encoder_get_device(encoder);
    const uint32_t grid[3] = {
        plane->nq, plane->planes_batch * plane->planes_head,
        tskip__map_groups_across(tskip_device_get_info(device)->code_format, plane)};
    return tskip_encoder_dispatch(encoder, kernel, grid, bindings, 3, plane, sizeof *plane);
}

tskip_status tskip_tile_map_encode(tskip_tile_map *map, tskip_encoder *encoder)
{
    TSKIP__TRY(tskip__require(map, "map", "a tile map"));
    TSKIP__TRY(tskip__require(encoder, "encoder", "an encoder of the map's device"));
    if (!map->kernel)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "the map was made from bytes, expected one that a mask can rebuild");
    const tskip_slice all = {.buffer = map->buffer};
    return tskip__tile_map_dispatch(map->kernel, map->mask, &map->plane, &all, map->info.size,
                                    encoder);
}

static tskip_status encode_map(void *context, tskip_encoder *encoder)
{
    return tskip_tile_map_encode(context, encoder);
}

tskip_status tskip_tile_map_build(const tskip_tile_map_desc *desc, tskip_tile_map **out)
{
    TSKIP__TRY(tskip_tile_map_create(desc, out));
    tskip_status status = tskip__run_now((*out)->device, encode_map, *out);
    if (status != TSKIP_OK)
        tskip_tile_map_destroy(out);
    return status;
}

static tskip_status check_bytes(const tskip_tile_map_info *info, const uint8_t *bytes, size_t size)
{
    uint64_t used = used_bytes(info);
    if (size < used)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "size is %zu, expected at least %" PRIu64 ": %" PRIu32 " x %" PRIu32
                           " planes of %" PRIu32 " x %" PRIu32 " tiles",
                           size, used, info->planes_batch, info->planes_head, info->nq, info->nk);
    for (uint64_t i = 0; i < used; i++)
        if (bytes[i] > TSKIP_TILE_FULL)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "byte %" PRIu64 " of the map is %u, expected 0, 1 or 2", i,
                               bytes[i]);
    return TSKIP_OK;
}

static tskip_status check_planes(const tskip_tile_map_info *info, uint32_t batch, uint32_t head)
{
    if ((batch != 1 && batch != info->extent.batch) || (head != 1 && head != info->extent.n_heads))
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "planes are %" PRIu32 " x %" PRIu32 ", expected 1 or %" PRIu32
                           " (batch) by 1 or %" PRIu32 " (heads)",
                           batch, head, info->extent.batch, info->extent.n_heads);
    return TSKIP_OK;
}

static tskip_status create_from_bytes(const tskip_tile_map_desc *desc, uint32_t planes_batch,
                                      uint32_t planes_head, const uint8_t *bytes, size_t size,
                                      tskip_tile_map *map)
{
    if (desc->mask)
        TSKIP__TRY(tskip__mask_check_device(desc->mask, map->device));
    map->mask = tskip__mask_retain(desc->mask);
    map->info.planes_batch = planes_batch;
    map->info.planes_head = planes_head;
    TSKIP__TRY(set_info(map, desc));
    if (desc->mask &&
        (map->info.planes_batch != planes_batch || map->info.planes_head != planes_head))
        return tskip__fail(
            TSKIP_INVALID_ARGUMENT,
            "planes are %" PRIu32 " x %" PRIu32 ", expected the mask's %" PRIu32 " x %" PRIu32,
            planes_batch, planes_head, map->info.planes_batch, map->info.planes_head);
    TSKIP__TRY(check_planes(&map->info, planes_batch, planes_head));
    TSKIP__TRY(check_bytes(&map->info, bytes, size));
    TSKIP__TRY(tskip_buffer_create(map->device, map->info.size, &map->buffer));
    return tskip_buffer_write(map->buffer, 0, bytes, used_bytes(&map->info));
}

tskip_status tskip_tile_map_from_bytes(tskip_device *device, const tskip_tile_map_desc *desc,
                                       uint32_t planes_batch, uint32_t planes_head,
                                       const uint8_t *bytes, size_t size, tskip_tile_map **out)
{
    TSKIP__TRY(tskip__require(out, "out", "where to store the map"));
    *out = NULL;
    TSKIP__TRY(tskip__require(device, "device", "an open device"));
    TSKIP__TRY(tskip__require(desc, "desc", "a map's description"));
    TSKIP__TRY(tskip__require(bytes, "bytes", "the classes of the tiles"));
    tskip_tile_map *map = tskip__alloc_zero(sizeof *map, "a tile map");
    if (!map)
        return TSKIP_OUT_OF_MEMORY;
    map->device = tskip_device_retain(device);
    tskip_status status = create_from_bytes(desc, planes_batch, planes_head, bytes, size, map);
    if (status != TSKIP_OK)
        tskip_tile_map_destroy(&map);
    *out = map;
    return status;
}

void tskip_tile_map_destroy(tskip_tile_map **map)
{
    if (!map || !*map)
        return;
    tskip_buffer_destroy(&(*map)->buffer);
    tskip_mask_destroy(&(*map)->mask);
    tskip_device_destroy(&(*map)->device);
    tskip__free(*map, sizeof **map);
    *map = NULL;
}

const tskip_tile_map_info *tskip_tile_map_get_info(const tskip_tile_map *map)
{
    return map ? &map->info : NULL;
}

tskip_slice tskip__tile_map_slice(const tskip_tile_map *map)
{
    return (tskip_slice){.buffer = map->buffer};
}

tskip_status tskip_tile_map_read(const tskip_tile_map *map, uint8_t *bytes, size_t capacity)
{
    TSKIP__TRY(tskip__require(map, "map", "a tile map"));
    TSKIP__TRY(tskip__require(bytes, "bytes", "room for the classes of the tiles"));
    uint64_t used = used_bytes(&map->info);
    if (capacity < used)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "capacity is %zu, expected at least %" PRIu64 " bytes", capacity, used);
    return tskip_buffer_read(map->buffer, 0, bytes, used);
}
