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

bool map_report_is_small(const tskip_tile_map_info *info)
{
    return info->nk <= 100 && info->nq <= 50;
}

bool map_report_letters(const tskip_tile_map *map, uint32_t plane, FILE *stream)
{
    const tskip_tile_map_info *info = tskip_tile_map_get_info(map);
    const size_t n_tiles = (size_t)info->nq * info->nk;
    const size_t planes = (size_t)info->planes_batch * info->planes_head;
    uint8_t *bytes = malloc(n_tiles * planes);
    const bool ok = bytes != NULL && tskip_tile_map_read(map, bytes, n_tiles * planes) == TSKIP_OK;
    fprintf(stream, "key tiles go right, query tiles down: . skip  + mixed  # full\n");
    for (uint32_t i = 0; ok && i < info->nq; i++) {
        for (uint32_t j = 0; j < info->nk; j++)
            fputc(".+#?"[bytes[plane * n_tiles + (size_t)i * info->nk + j] & 3], stream);
        fputc('\n', stream);
    }
    free(bytes);
    return ok;
}
