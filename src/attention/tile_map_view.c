/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>

#include "base/alloc.h"
#include "base/status.h"
#include "tile_map.h"

/* Calls `look` with the map's bytes in host memory. */
static tskip_status with_bytes(const tskip_tile_map *map,
                               tskip_status (*look)(const tskip_tile_map *map, const uint8_t *bytes,
                                                    void *context),
                               void *context)
{
    void *bytes;
    if (tskip_device_get_info(map->device)->shares_memory) {
        TSKIP__TRY(tskip_buffer_map(map->buffer, &bytes));
        return look(map, bytes, context);
    }
    bytes = tskip__alloc((size_t)map->info.size, "a host copy of a tile map");
    if (!bytes)
        return TSKIP_OUT_OF_MEMORY;
    tskip_status status = tskip_tile_map_read(map, bytes, (size_t)map->info.size);
    if (status == TSKIP_OK)
        status = look(map, bytes, context);
    tskip__free(bytes, (size_t)map->info.size);
    return status;
}

static tskip_status not_built(uint64_t tile, uint8_t byte)
{
    return tskip__fail(TSKIP_INVALID_ARGUMENT,
                       "byte %" PRIu64
                       " of the map is %u, expected 0, 1 or 2: the map has not been built",
                       tile, byte);
}

static tskip_status count(const tskip_tile_map *map, const uint8_t *bytes, void *context)
{
    const tskip_tile_map_info *i = &map->info;
    uint64_t used = (uint64_t)i->planes_batch * i->planes_head * i->nq * i->nk;
    uint64_t n[3] = {0, 0, 0};
    for (uint64_t t = 0; t < used; t++) {
        if (bytes[t] > TSKIP_TILE_FULL)
            return not_built(t, bytes[t]);
        n[bytes[t]]++;
    }
    *(tskip_tile_counts *)context = (tskip_tile_counts){.skip = n[0], .mixed = n[1], .full = n[2]};
    return TSKIP_OK;
}

tskip_status tskip_tile_map_count(const tskip_tile_map *map, tskip_tile_counts *counts)
{
    TSKIP__TRY(tskip__require(map, "map", "a tile map"));
    TSKIP__TRY(tskip__require(counts, "counts", "where to store the counts"));
    return with_bytes(map, count, counts);
}

static const uint8_t colours[3][3] = {
    [TSKIP_TILE_SKIP] = {232, 234, 237},
    [TSKIP_TILE_MIXED] = {245, 150, 40},
    [TSKIP_TILE_FULL] = {38, 96, 186},
};

struct picture {
    uint32_t plane, width, height;
    uint8_t *rgb;
};

/* The tiles [*begin, *end) that pixel i of n shows of `tiles`; at least one. */
static void covered(uint32_t i, uint32_t n, uint32_t tiles, uint32_t *begin, uint32_t *end)
{
    *begin = (uint32_t)((uint64_t)i * tiles / n);
    *end = (uint32_t)(((uint64_t)i + 1) * tiles / n);
    if (*end <= *begin)
        *end = *begin + 1;
}

/* `first` is the plane's first tile. */
static tskip_status draw_pixel(const uint8_t *bytes, uint64_t first, uint32_t nk,
                               const uint32_t rows[2], const uint32_t columns[2], uint8_t *pixel)
{
    uint64_t sum[3] = {0, 0, 0}, n = 0;
    for (uint32_t i = rows[0]; i < rows[1]; i++)
        for (uint32_t j = columns[0]; j < columns[1]; j++, n++) {
            uint64_t tile = first + (uint64_t)i * nk + j;
            if (bytes[tile] > TSKIP_TILE_FULL)
                return not_built(tile, bytes[tile]);
            for (int c = 0; c < 3; c++)
                sum[c] += colours[bytes[tile]][c];
        }
    for (int c = 0; c < 3; c++)
        pixel[c] = (uint8_t)((sum[c] + n / 2) / n);
    return TSKIP_OK;
}

static tskip_status draw(const tskip_tile_map *map, const uint8_t *bytes, void *context)
{
    const struct picture *p = context;
    const tskip_tile_map_info *info = &map->info;
    const uint64_t first = (uint64_t)p->plane * info->nq * info->nk;
    for (uint32_t y = 0; y < p->height; y++) {
        uint32_t rows[2], columns[2];
        covered(y, p->height, info->nq, &rows[0], &rows[1]);
        for (uint32_t x = 0; x < p->width; x++) {
            covered(x, p->width, info->nk, &columns[0], &columns[1]);
            uint8_t *pixel = p->rgb + 3 * ((size_t)y * p->width + x);
            TSKIP__TRY(draw_pixel(bytes, first, info->nk, rows, columns, pixel));
        }
    }
    return TSKIP_OK;
}

tskip_status tskip_tile_map_draw(const tskip_tile_map *map, uint32_t plane, uint32_t width,
                                 uint32_t height, uint8_t *rgb, size_t capacity)
{
    TSKIP__TRY(tskip__require(map, "map", "a tile map"));
    TSKIP__TRY(tskip__require(rgb, "rgb", "room for the pixels"));
    uint32_t planes = map->info.planes_batch * map->info.planes_head;
    if (plane >= planes)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "plane is %" PRIu32 ", the map has %" PRIu32,
                           plane, planes);
    if (width == 0 || height == 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "the picture is %" PRIu32 " x %" PRIu32 ", expected at least 1 x 1",
                           width, height);
    uint64_t bytes;
    if (!tskip__mul((uint64_t)width * height, 3, &bytes) || bytes > capacity)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "capacity is %zu bytes, expected at least %" PRIu32 " x %" PRIu32
                           " x 3 = %" PRIu64,
                           capacity, width, height, bytes);
    struct picture picture = {plane, width, height, rgb};
    return with_bytes(map, draw, &picture);
}
