/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "check_map.h"

#include <inttypes.h>
#include <stdlib.h>

#include "io/element.h"

/* The batch entry or head of which plane `index` is an example. */
static bool check_plane(const trial *t, const witness *w, const uint8_t *bytes, int64_t batch,
                        int64_t head, uint64_t classes[3], io_error *error)
{
    const tskip_tile_map_info *info = tskip_tile_map_get_info(t->map);
    const size_t n_tiles = (size_t)info->nq * info->nk;
    uint8_t *expected = malloc(n_tiles);
    if (expected == NULL)
        return io_fail(error, "not enough memory to check the map");
    oracle_classify(&w->mask, batch, head, info->tile.bq, info->tile.bk, expected, NULL);
    const bool combined = w->mask.rules != NULL && w->mask.tensor != NULL;
    const bool filled_alibi = t->data->problem->mask == PROBLEM_MASK_RULES && w->rules.alibi;
    bool ok = true;
    for (size_t i = 0; i < n_tiles && ok; i++) {
        const bool unseen =
            combined && expected[i] == TSKIP_TILE_SKIP && bytes[i] == TSKIP_TILE_MIXED;
        /* In a tensor made of alibi a bias of 0 is 0; under the rule itself it is a bias. */
        const bool no_bias =
            filled_alibi && expected[i] == TSKIP_TILE_MIXED && bytes[i] == TSKIP_TILE_FULL;
        ok = bytes[i] == expected[i] || unseen || no_bias;
        if (!ok)
            io_fail(error,
                    "map: tile (%zu, %zu) of batch entry %" PRId64 ", head %" PRId64
                    " is %d, the mask's cells say %d (tile %" PRIu32 "x%" PRIu32 ")",
                    i / info->nk, i % info->nk, batch, head, bytes[i], expected[i], info->tile.bq,
                    info->tile.bk);
        else
            classes[bytes[i]]++;
    }
    free(expected);
    return ok;
}

static bool check_pairs(const trial *t, const witness *w, io_error *error)
{
    uint64_t pairs = 0;
    uint32_t planes = 0;
    if (tskip_mask_count_pairs(t->mask, &t->data->problem->extent, &pairs, &planes) != TSKIP_OK)
        return io_fail(error, "visible pairs: %s", tskip_last_error());
    int64_t expected = 0;
    for (int64_t b = 0; b < w->planes_batch; b++) {
        for (int64_t h = 0; h < w->planes_head; h++)
            expected += oracle_visible_pairs(&w->mask, b, h);
    }
    /* A plane that the library tells apart and the reference does not shows up as a multiple. */
    const uint64_t ours = (uint64_t)w->planes_batch * (uint64_t)w->planes_head;
    if (pairs * ours == (uint64_t)expected * planes)
        return true;
    return io_fail(error,
                   "visible pairs: %" PRIu64 " over %" PRIu32
                   " planes, the mask's cells say %" PRId64 " over %" PRIu64,
                   pairs, planes, expected, ours);
}

bool check_map(const trial *t, const witness *w, uint64_t classes[3], io_error *error)
{
    const tskip_tile_map_info *info = tskip_tile_map_get_info(t->map);
    const size_t n_tiles = (size_t)info->nq * info->nk;
    const size_t size = n_tiles * info->planes_batch * info->planes_head;
    uint8_t *bytes = malloc(size);
    bool ok = bytes != NULL && tskip_tile_map_read(t->map, bytes, size) == TSKIP_OK;
    if (!ok)
        io_fail(error, "map: %s", bytes == NULL ? "not enough memory" : tskip_last_error());
    for (uint32_t b = 0; b < info->planes_batch && ok; b++) {
        for (uint32_t h = 0; h < info->planes_head && ok; h++)
            ok = check_plane(t, w, bytes + n_tiles * ((size_t)b * info->planes_head + h), b, h,
                             classes, error);
    }
    free(bytes);
    return ok && check_pairs(t, w, error);
}

/* One plane of a tensor made of the rules, from cell `at` on. */
static bool check_filled_plane(const trial *t, const witness *w, const void *cells, size_t at,
                               int64_t batch, int64_t head, io_error *error)
{
    const tskip_dtype dtype = t->data->tensor.dtype;
    for (int64_t i = 0; i < w->mask.q_len; i++) {
        for (int64_t j = 0; j < w->mask.k_len; j++, at++) {
            const struct oracle_cell expected = oracle_mask_cell(&w->mask, batch, head, i, j);
            const struct oracle_cell found =
                oracle_cell_from_value(witness_dtype(dtype), cells, (int64_t)at);
            if (found.masked != expected.masked || found.bias != expected.bias)
                return io_fail(error,
                               "mask fill: cell (%" PRId64 ", %" PRId64 ") of batch entry %" PRId64
                               ", head %" PRId64 " is %g, the rules say %s %g",
                               i, j, batch, head, (double)io_load(cells, dtype, at),
                               expected.masked ? "masked" : "visible with bias", expected.bias);
        }
    }
    return true;
}

bool check_cells(trial *t, const witness *w, io_error *error)
{
    if (t->data->problem->mask != PROBLEM_MASK_RULES)
        return true;
    const problem *p = t->data->problem;
    const uint64_t size = tskip_buffer_size(t->cells);
    void *cells = malloc((size_t)size);
    bool ok = cells != NULL && tskip_buffer_read(t->cells, 0, cells, size) == TSKIP_OK;
    if (!ok)
        io_fail(error, "mask fill: %s", cells == NULL ? "not enough memory" : tskip_last_error());
    const int64_t batch = p->mask_per_batch ? p->extent.batch : 1;
    const int64_t heads = p->mask_per_head ? p->extent.n_heads : 1;
    const size_t plane = (size_t)p->extent.q_len * (size_t)p->extent.k_len;
    for (int64_t b = 0; b < batch && ok; b++) {
        for (int64_t h = 0; h < heads && ok; h++)
            ok = check_filled_plane(t, w, cells, plane * (size_t)(b * heads + h), b, h, error);
    }
    free(cells);
    return ok;
}
