/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_MAP_REPORT_H
#define TSKIP_CLI_MAP_REPORT_H

#include <stdio.h>

#include <tileskip/attention.h>

/* Prints the classes of a map with their counts and shares, aligned. */
void map_report_counts(const tskip_tile_counts *counts, FILE *stream);

/* True if a plane of the map fits a terminal as letters. */
bool map_report_is_small(const tskip_tile_map_info *info);

/* Prints a plane as letters, a line a row of tiles: '.' SKIP, '+' MIXED, '#' FULL. */
bool map_report_letters(const tskip_tile_map *map, uint32_t plane, FILE *stream);

#endif
