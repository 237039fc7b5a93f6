/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_MAP_REPORT_H
#define TSKIP_CLI_MAP_REPORT_H

#include <stdio.h>

#include <tileskip/attention.h>

#include "terminal.h"

/* Prints the classes of a map with their counts and shares, aligned. */
void map_report_counts(const tskip_tile_counts *counts, FILE *stream);

/* Prints a plane as letters, a line a row of tiles: '.' SKIP, '+' MIXED, '#' FULL. Where there are
 * more tiles than `most` has columns and rows (0: no limit), a letter stands for a block of them,
 * '+' if they differ. */
bool map_report_letters(const tskip_tile_map *map, uint32_t plane, terminal_size most,
                        FILE *stream);

#endif
