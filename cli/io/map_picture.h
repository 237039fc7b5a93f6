/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_IO_MAP_PICTURE_H
#define TSKIP_CLI_IO_MAP_PICTURE_H

#include <tileskip/attention.h>

#include "io_error.h"

/* Writes a PNG of one plane of a tile map for people: `title` (e.g. the rules), the lengths and the
 * tile, the map with query tiles down and key tiles right and ticks in tokens, and the three
 * classes with the counts of the plane. */
bool map_picture_write(const tskip_tile_map *map, uint32_t plane, const char *title,
                       const char *path, io_error *error);

#endif
