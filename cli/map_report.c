/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "map_report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "io/digits.h"
#include "table.h"

void map_report_counts(const tskip_tile_counts *counts, FILE *stream)
{
    static const char *const WHAT[3] = {"leaves it out", "applies the mask", "does no mask work"};
    static const char *const NAMES[3] = {"skip", "mixed", "full"};
    const uint64_t numbers[3] = {counts->skip, counts->mixed, counts->full};
    const uint64_t total = counts->skip + counts->mixed + counts->full;
    char text[32];
    table t;
    table_begin(&t, "lrrl", "class|tiles|share|with the map attention");
    for (int i = 0; i < 3; i++) {
        table_cell(&t, "%s", NAMES[i]);
        table_cell(&t, "%s", io_digits(text, numbers[i]));
        table_cell(&t, "%.2f %%", total > 0 ? 100.0 * (double)numbers[i] / (double)total : 0.0);
        table_cell(&t, "%s", WHAT[i]);
    }
    table_print(&t, stream);
}

/* How many of n a letter stands for, so that there are `most` letters at most. */
static uint32_t a_letter(uint32_t n, uint32_t most)
{
    return most > 0 && n > most ? (n - 1) / most + 1 : 1;
}

static char letter_of(const uint8_t *tiles, const tskip_tile_map_info *info, uint32_t row,
                      uint32_t column, tskip_tile block)
{
    bool seen[3] = {false, false, false};
    for (uint32_t i = row; i < info->nq && i - row < block.bq; i++) {
        for (uint32_t j = column; j < info->nk && j - column < block.bk; j++)
            seen[tiles[(size_t)i * info->nk + j] % 3] = true;
    }
    if (seen[TSKIP_TILE_MIXED] || (seen[TSKIP_TILE_SKIP] && seen[TSKIP_TILE_FULL]))
        return '+';
    return seen[TSKIP_TILE_FULL] ? '#' : '.';
}

bool map_report_letters(const tskip_tile_map *map, uint32_t plane, terminal_size most, FILE *stream)
{
    const tskip_tile_map_info *info = tskip_tile_map_get_info(map);
    const size_t n_tiles = (size_t)info->nq * info->nk;
    const size_t planes = (size_t)info->planes_batch * info->planes_head;
    const tskip_tile block = {a_letter(info->nq, most.rows), a_letter(info->nk, most.columns)};
    uint8_t *bytes = malloc(n_tiles * planes);
    const bool ok = bytes != NULL && tskip_tile_map_read(map, bytes, n_tiles * planes) == TSKIP_OK;
    fprintf(stream, "key tiles go right, query tiles down: . skip  + mixed  # full\n");
    if (block.bq > 1 || block.bk > 1)
        fprintf(stream, "a letter is %" PRIu32 " × %" PRIu32 " tiles: + where they differ\n",
                block.bq, block.bk);
    for (uint32_t i = 0; ok && i < info->nq; i += block.bq) {
        for (uint32_t j = 0; j < info->nk; j += block.bk)
            fputc(letter_of(bytes + plane * n_tiles, info, i, j, block), stream);
        fputc('\n', stream);
    }
    free(bytes);
    return ok;
}
