/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "map_picture.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "digits.h"

enum {
    PLOT = 720,
    PLOT_MAX = 1440,
    PLOT_MIN = 136,
    MARGIN = 24,
    TICK = 6,
    GRID_FROM = 9,
    SWATCH = 40,
    LEGEND = 47
};

static const io_color INK = {32, 32, 36}, FAINT = {120, 120, 128}, LINE = {255, 255, 255};

typedef struct picture {
    io_canvas canvas;
    const tskip_tile_map_info *info;
    int64_t x, y, width, height; /* of the plot */
    io_color colors[3];          /* of the classes, as the library draws them */
    uint64_t counts[3];
} picture;

/* The legend's colours are the plot's own where a class can be seen in it. */
static void read_colors(picture *pic, const uint8_t *bytes, size_t n_tiles, const uint8_t *rgb,
                        uint32_t width, uint32_t height)
{
    const io_color usual[3] = {{232, 234, 237}, {245, 150, 40}, {38, 96, 186}};
    memcpy(pic->colors, usual, sizeof(usual));
    bool seen[3] = {false, false, false};
    for (size_t i = 0; i < n_tiles; i++) {
        const uint32_t tile_class = bytes[i] < 3 ? bytes[i] : 1;
        pic->counts[tile_class]++;
        if (seen[tile_class] || width < pic->info->nk || height < pic->info->nq)
            continue;
        const uint64_t row = i / pic->info->nk, column = i % pic->info->nk;
        const uint64_t x = (2 * column + 1) * width / (2 * (uint64_t)pic->info->nk);
        const uint64_t y = (2 * row + 1) * height / (2 * (uint64_t)pic->info->nq);
        const uint8_t *pixel = &rgb[(y * width + x) * 3];
        pic->colors[tile_class] = (io_color){pixel[0], pixel[1], pixel[2]};
        seen[tile_class] = true;
    }
}

/* Ticks at most 8 a side, at round numbers: of two if the length is, else 1, 2 or 5 times 10^n. */
static int64_t tick_step(int64_t length)
{
    int64_t step = 1;
    if (length % 64 == 0) {
        while (length / step > 8)
            step *= 2;
        return step;
    }
    for (int i = 0; length / step > 8; i++)
        step = i % 3 == 1 ? step / 2 * 5 : step * 2;
    return step;
}

/* One side of the plot: tokens, the tiles that cover them, pixels. */
typedef struct axis {
    int64_t length, covered, pixels;
} axis;

static axis axis_right(const picture *pic)
{
    const tskip_tile_map_info *info = pic->info;
    return (axis){info->extent.k_len, (int64_t)info->nk * info->tile.bk, pic->width};
}

static axis axis_down(const picture *pic)
{
    const tskip_tile_map_info *info = pic->info;
    return (axis){info->extent.q_len, (int64_t)info->nq * info->tile.bq, pic->height};
}

/* Tiles are drawn whole, the last one too, so a token lies where its tile does. */
static int64_t pixel_of(axis a, int64_t token)
{
    return (int64_t)((double)token / (double)a.covered * (double)a.pixels);
}

/* The step between ticks, doubled until labels of that size do not touch. */
static int64_t spread(axis a, int64_t label)
{
    int64_t step = tick_step(a.length);
    while (step < a.length && pixel_of(a, step) < label)
        step *= 2;
    return step;
}

static void draw_ticks_right(picture *pic)
{
    const axis a = axis_right(pic);
    char text[32];
    snprintf(text, sizeof(text), "%" PRId64, a.length);
    const int64_t label = canvas_text_width(text) + CANVAS_CELL_WIDTH;
    const int64_t step = spread(a, label);
    for (int64_t t = 0; t == 0 || (t <= a.length && pixel_of(a, t) >= label); t += step) {
        const int64_t x = pic->x + pixel_of(a, t);
        snprintf(text, sizeof(text), "%" PRId64, t);
        const int64_t width = canvas_text_width(text);
        canvas_fill(&pic->canvas, x, pic->y - TICK, 1, TICK, INK);
        canvas_text(&pic->canvas, x - width / 2 + 1, pic->y - TICK - CANVAS_CELL_HEIGHT, text, INK);
    }
}

static void draw_ticks_down(picture *pic)
{
    const axis a = axis_down(pic);
    const int64_t label = CANVAS_CELL_HEIGHT + 2, step = spread(a, label);
    for (int64_t t = 0; t == 0 || (t <= a.length && pixel_of(a, t) >= label); t += step) {
        const int64_t y = pic->y + pixel_of(a, t);
        char text[32];
        snprintf(text, sizeof(text), "%" PRId64, t);
        canvas_fill(&pic->canvas, pic->x - TICK, y, TICK, 1, INK);
        canvas_text(&pic->canvas, pic->x - TICK - 2 - canvas_text_width(text), y - 7, text, INK);
    }
}

/* Thin lines between tiles that are large enough to be told apart. */
static void draw_grid(picture *pic)
{
    const int64_t nq = pic->info->nq, nk = pic->info->nk;
    if (pic->width / nk < GRID_FROM || pic->height / nq < GRID_FROM)
        return;
    for (int64_t i = 1; i < nk; i++)
        canvas_fill(&pic->canvas, pic->x + i * pic->width / nk, pic->y, 1, pic->height, LINE);
    for (int64_t i = 1; i < nq; i++)
        canvas_fill(&pic->canvas, pic->x, pic->y + i * pic->height / nq, pic->width, 1, LINE);
}

static void draw_legend(picture *pic)
{
    static const char *const NAMES[3] = {"SKIP   not computed       ", "MIXED  mask applied       ",
                                         "FULL   no mask work needed"};
    const double n_tiles = (double)pic->info->nq * pic->info->nk;
    int64_t y = pic->y + pic->height + MARGIN;
    for (int i = 0; i < 3; i++, y += CANVAS_CELL_HEIGHT + 8) {
        char text[96];
        char digits[32];
        snprintf(text, sizeof(text), "%s  %12s  %5.1f %%", NAMES[i],
                 io_digits(digits, pic->counts[i]), 100.0 * (double)pic->counts[i] / n_tiles);
        canvas_fill(&pic->canvas, pic->x, y - 2, 28, CANVAS_CELL_HEIGHT, pic->colors[i]);
        canvas_frame(&pic->canvas, pic->x, y - 2, 28, CANVAS_CELL_HEIGHT, FAINT);
        canvas_text(&pic->canvas, pic->x + SWATCH, y, text, INK);
    }
}

/* Cuts the text to what fits, so that a long rule does not widen the picture. */
static void fit(char *text, int64_t width)
{
    const size_t room = (size_t)(width / CANVAS_CELL_WIDTH);
    if (strlen(text) > room && room > 3)
        memcpy(text + room - 3, "...", 4);
}

static void draw_frame(picture *pic, uint32_t plane, const char *title)
{
    const tskip_tile_map_info *info = pic->info;
    const uint32_t planes = info->planes_batch * info->planes_head;
    char head[512], line[160];
    snprintf(head, sizeof(head), "%s", title);
    fit(head, (int64_t)pic->canvas.width - 2 * MARGIN);
    canvas_text(&pic->canvas, MARGIN, MARGIN, head, INK);
    snprintf(line, sizeof(line),
             "%" PRIu32 "×%" PRIu32 " tiles of %" PRIu32 " queries × %" PRIu32 " keys", info->nq,
             info->nk, info->tile.bq, info->tile.bk);
    if (planes > 1)
        snprintf(line + strlen(line), sizeof(line) - strlen(line),
                 ", plane %" PRIu32 " of %" PRIu32, plane, planes);
    if (info->extent.q_offset > 0)
        snprintf(line + strlen(line), sizeof(line) - strlen(line), ", q_offset %" PRId64,
                 info->extent.q_offset);
    if (info->extent.k_offset > 0)
        snprintf(line + strlen(line), sizeof(line) - strlen(line), ", k_offset %" PRId64,
                 info->extent.k_offset);
    canvas_text(&pic->canvas, MARGIN, MARGIN + CANVAS_CELL_HEIGHT + 6, line, FAINT);
    canvas_text(&pic->canvas, pic->x, pic->y - TICK - 2 * CANVAS_CELL_HEIGHT - 4,
                "key tiles (first key) ->", FAINT);
    const char *down = "query tiles";
    if (pic->height >= 28 * CANVAS_CELL_WIDTH)
        down = "<- query tiles (first query)";
    canvas_text_up(&pic->canvas, MARGIN, pic->y + canvas_text_width(down), down, FAINT);
    canvas_frame(&pic->canvas, pic->x, pic->y, pic->width, pic->height, INK);
    draw_ticks_right(pic);
    draw_ticks_down(pic);
}

/* How many pixels n tiles of so many tokens take at `scale` pixels a token: a whole number a tile
 * looks even; where that is none, averages do. */
static uint32_t side(double scale, uint32_t n_tiles, uint32_t tile)
{
    const double a_tile = scale * tile;
    const double pixels = a_tile < 1 ? n_tiles * a_tile : n_tiles * floor(a_tile + 0.5);
    return pixels < PLOT_MIN ? PLOT_MIN : (uint32_t)pixels;
}

/* One scale for both sides, so that a diagonal is one: the larger side has PLOT pixels or a little
 * less, the tile's shorter side a whole number of them. Up to PLOT_MAX tiles have one each. */
static void measure(const tskip_tile_map_info *info, uint32_t *width, uint32_t *height)
{
    const uint32_t shorter = info->tile.bq < info->tile.bk ? info->tile.bq : info->tile.bk;
    const double right = (double)info->nk * info->tile.bk, down = (double)info->nq * info->tile.bq;
    const double longest = right > down ? right : down;
    double a_tile = PLOT / longest * shorter;
    if (a_tile < 1 && longest / shorter <= PLOT_MAX)
        a_tile = 1;
    if (a_tile >= 1)
        a_tile = floor(a_tile);
    *width = side(a_tile / shorter, info->nk, info->tile.bk);
    *height = side(a_tile / shorter, info->nq, info->tile.bq);
}

static bool place(picture *pic, uint32_t width, uint32_t height)
{
    char text[32];
    snprintf(text, sizeof(text), "%" PRId64, pic->info->extent.q_len);
    pic->x = MARGIN + CANVAS_CELL_HEIGHT + 10 + canvas_text_width(text) + TICK + 2;
    pic->y = MARGIN + 4 * CANVAS_CELL_HEIGHT + 6 + TICK + MARGIN;
    pic->width = width;
    pic->height = height;
    const int64_t legend = SWATCH + LEGEND * CANVAS_CELL_WIDTH;
    const int64_t inner = legend > pic->width ? legend : pic->width;
    return canvas_create(&pic->canvas, (uint32_t)(pic->x + inner + 2 * MARGIN),
                         (uint32_t)(pic->y + height + 2 * MARGIN + 3 * (CANVAS_CELL_HEIGHT + 8)));
}

static bool draw(picture *pic, const tskip_tile_map *map, uint32_t plane, const char *title,
                 uint8_t *bytes, uint8_t *rgb, io_error *error)
{
    const uint32_t width = (uint32_t)pic->width, height = (uint32_t)pic->height;
    const size_t n_tiles = (size_t)pic->info->nq * pic->info->nk;
    const size_t planes = (size_t)pic->info->planes_batch * pic->info->planes_head;
    if (tskip_tile_map_read(map, bytes, n_tiles * planes) != TSKIP_OK ||
        tskip_tile_map_draw(map, plane, width, height, rgb, (size_t)width * height * 3) != TSKIP_OK)
        return io_fail(error, "tile map: %s", tskip_last_error());
    read_colors(pic, bytes + plane * n_tiles, n_tiles, rgb, width, height);
    for (uint32_t row = 0; row < height; row++)
        memcpy(&pic->canvas.rgb[((size_t)(pic->y + row) * pic->canvas.width + (size_t)pic->x) * 3],
               &rgb[(size_t)row * width * 3], (size_t)width * 3);
    draw_grid(pic);
    draw_frame(pic, plane, title);
    draw_legend(pic);
    return true;
}

bool map_picture_write(const tskip_tile_map *map, uint32_t plane, const char *title,
                       const char *path, io_error *error)
{
    const tskip_tile_map_info *info = tskip_tile_map_get_info(map);
    picture pic = {.info = info};
    uint32_t width, height;
    measure(info, &width, &height);
    const size_t planes = (size_t)info->planes_batch * info->planes_head;
    uint8_t *bytes = malloc(planes * info->nq * info->nk);
    uint8_t *rgb = malloc((size_t)width * height * 3);
    bool ok = false;
    if (bytes == NULL || rgb == NULL || !place(&pic, width, height))
        io_fail(error, "%s: out of memory for the picture", path);
    else
        ok = draw(&pic, map, plane, title, bytes, rgb, error) &&
             canvas_write_png(&pic.canvas, path, error);
    canvas_release(&pic.canvas);
    free(rgb);
    free(bytes);
    return ok;
}
