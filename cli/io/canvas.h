/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_IO_CANVAS_H
#define TSKIP_CLI_IO_CANVAS_H

#include <stddef.h>
#include <stdint.h>

#include "io_error.h"

/* An RGB picture in memory and the few things drawn on it. All drawing is cut off at the edges. */

typedef struct io_color {
    uint8_t r, g, b;
} io_color;

typedef struct io_canvas {
    uint32_t width, height;
    uint8_t *rgb; /* row-major, 3 bytes a pixel */
} io_canvas;

/* White. False if out of memory. The pixels are the caller's to release. */
bool canvas_create(io_canvas *canvas, uint32_t width, uint32_t height);
void canvas_release(io_canvas *canvas);

void canvas_fill(io_canvas *canvas, int64_t x, int64_t y, int64_t width, int64_t height,
                 io_color color);

/* An outline one pixel wide, just outside the rectangle. */
void canvas_frame(io_canvas *canvas, int64_t x, int64_t y, int64_t width, int64_t height,
                  io_color color);

/* Text in a fixed-width font: a cell is CANVAS_CELL_WIDTH × CANVAS_CELL_HEIGHT pixels. (x, y) is
 * the upper left corner; UTF-8 knows only the multiplication sign beside ASCII. */
#define CANVAS_CELL_WIDTH  12
#define CANVAS_CELL_HEIGHT 18
void canvas_text(io_canvas *canvas, int64_t x, int64_t y, const char *text, io_color color);

/* The same, turned to read upwards: (x, y) is the lower left corner of the first cell's column. */
void canvas_text_up(io_canvas *canvas, int64_t x, int64_t y, const char *text, io_color color);

/* Pixels that the text takes. */
uint32_t canvas_text_width(const char *text);

/* Writes a PNG file; on failure no file is left behind. */
bool canvas_write_png(const io_canvas *canvas, const char *path, io_error *error);

#endif
