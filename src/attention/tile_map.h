/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_ATTENTION_TILE_MAP_H
#define TSKIP_ATTENTION_TILE_MAP_H

#include "mask.h"

struct tskip_tile_map {
    tskip_tile_map_info info;
    tskip_device *device;       /* counted */
    tskip_mask *mask;           /* counted; NULL: made from bytes, for any mask */
    const tskip_kernel *kernel; /* "tile_map"; NULL for a map from bytes */
    struct tskip__plane_args plane;
    tskip_buffer *buffer;
};

/* Bytes of a map: planes · nq · nk padded to a multiple of 32, at least 32. */
tskip_status tskip__tile_map_size(uint64_t planes, uint32_t nq, uint32_t nk, uint64_t *size);

/* Refuses a map that was built from anything but this mask over this resolved extent, laid out
 * like this; names what differs. */
tskip_status tskip__tile_map_check(const tskip_tile_map *map, const tskip_mask *mask,
                                   const tskip_extent *extent,
                                   const struct tskip__plane_args *plane);

/* Where the map's bytes lie. */
tskip_slice tskip__tile_map_slice(const tskip_tile_map *map);

/* Adds the command that writes `bytes` bytes of map to `to`. */
tskip_status tskip__tile_map_dispatch(const tskip_kernel *kernel, const tskip_mask *mask,
                                      const struct tskip__plane_args *plane, const tskip_slice *to,
                                      uint64_t bytes, tskip_encoder *encoder);

#endif
