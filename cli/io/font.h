/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_IO_FONT_H
#define TSKIP_CLI_IO_FONT_H

#include <stdint.h>

/* Dot-matrix letters of 5 columns and 8 rows (the eighth for descenders): bit r of a column is its
 * row r from the top. Index: character - ' '; the last is the multiplication sign. */
#define FONT_COLUMNS 5
#define FONT_ROWS    8
#define FONT_TIMES   95
#define FONT_GLYPHS  96

extern const uint8_t FONT[FONT_GLYPHS][FONT_COLUMNS];

#endif
