/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "canvas.h"

#include <stdlib.h>
#include <string.h>

#include "font.h"

#define DOT 2 /* pixels a dot of the font takes, in each direction */

bool canvas_create(io_canvas *canvas, uint32_t width, uint32_t height)
{
    const size_t size = (size_t)width * height * 3;
    *canvas = (io_canvas){width, height, malloc(size)};
    if (canvas->rgb == NULL)
        return false;
    memset(canvas->rgb, 0xff, size);
    return true;
}

void canvas_release(io_canvas *canvas)
{
    free(canvas->rgb);
    *canvas = (io_canvas){0};
}

void canvas_fill(io_canvas *canvas, int64_t x, int64_t y, int64_t width, int64_t height,
                 io_color color)
{
    const int64_t x1 = x + width < canvas->width ? x + width : canvas->width;
    const int64_t y1 = y + height < canvas->height ? y + height : canvas->height;
    for (int64_t row = y > 0 ? y : 0; row < y1; row++) {
        for (int64_t column = x > 0 ? x : 0; column < x1; column++) {
            uint8_t *pixel = &canvas->rgb[((size_t)row * canvas->width + (size_t)column) * 3];
            pixel[0] = color.r;
            pixel[1] = color.g;
            pixel[2] = color.b;
        }
    }
}

void canvas_frame(io_canvas *canvas, int64_t x, int64_t y, int64_t width, int64_t height,
                  io_color color)
{
    canvas_fill(canvas, x - 1, y - 1, width + 2, 1, color);
    canvas_fill(canvas, x - 1, y + height, width + 2, 1, color);
    canvas_fill(canvas, x - 1, y, 1, height, color);
    canvas_fill(canvas, x + width, y, 1, height, color);
}

/* The next character's glyph; *text moves past it. */
static const uint8_t *next_glyph(const char **text)
{
    const unsigned char c = (unsigned char)*(*text)++;
    if (c == 0xc3 && (unsigned char)**text == 0x97) {
        ++*text;
        return FONT[FONT_TIMES];
    }
    if (c < 0x20 || c > 0x7e)
        return FONT['?' - ' '];
    return FONT[c - ' '];
}

void canvas_text(io_canvas *canvas, int64_t x, int64_t y, const char *text, io_color color)
{
    for (; *text != 0; x += CANVAS_CELL_WIDTH) {
        const uint8_t *glyph = next_glyph(&text);
        for (int column = 0; column < FONT_COLUMNS; column++) {
            for (int row = 0; row < FONT_ROWS; row++) {
                if (glyph[column] >> row & 1)
                    canvas_fill(canvas, x + column * DOT, y + row * DOT, DOT, DOT, color);
            }
        }
    }
}

void canvas_text_up(io_canvas *canvas, int64_t x, int64_t y, const char *text, io_color color)
{
    for (; *text != 0; y -= CANVAS_CELL_WIDTH) {
        const uint8_t *glyph = next_glyph(&text);
        for (int column = 0; column < FONT_COLUMNS; column++) {
            for (int row = 0; row < FONT_ROWS; row++) {
                if (glyph[column] >> row & 1)
                    canvas_fill(canvas, x + row * DOT, y - (column + 1) * DOT, DOT, DOT, color);
            }
        }
    }
}

uint32_t canvas_text_width(const char *text)
{
    uint32_t width = 0;
    while (*text != 0) {
        next_glyph(&text);
        width += CANVAS_CELL_WIDTH;
    }
    return width;
}
