/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "tile_map_cpu.h"

#include <string.h>

#include "cell.h"
#include "kernels/shared/tile_class.h"
#include "scan.h"

/* One row of tiles of one plane. */
struct row {
    const struct tskip__plane_args *args;
    tskip_i64 first, rows; /* cells */
    tskip_u8 *map;         /* nk bytes */
};

static struct tskip__rules_entry entry_of(const struct tskip__rules *rules, const tskip_i64 *words,
                                          tskip_u32 batch)
{
    struct tskip__rules_entry entry;
    memcpy(&entry, (const char *)words + (rules->n_entries > 1 ? batch : 0) * sizeof entry,
           sizeof entry);
    return entry;
}

/* Writes the classes under rules, or joins them with those that stand there. */
static void classify_rules(const struct row *row, const tskip_i64 *words, tskip_u32 batch, int join)
{
    const struct tskip__plane_args *a = row->args;
    struct tskip__tile_row t = tskip__tile_row(a->rules, entry_of(&a->rules, words, batch), words,
                                               a->q_len, a->k_len, row->first, a->bq);
    for (tskip_u32 j = 0; j < a->nk; j++) {
        if (join && row->map[j] == TSKIP__SKIP)
            continue;
        tskip_i64 column = (tskip_i64)j * a->bk;
        tskip_u8 class = tskip__tile_class(t, column, tskip__min(column + a->bk, a->k_len));
        row->map[j] = join ? tskip__combine_classes(row->map[j], class) : class;
    }
}

/* SCAN_ bits to classes. */
static void classify(tskip_u8 *map, tskip_u32 tiles)
{
    static const tskip_u8 class_of[4] = {
        [0] = TSKIP__SKIP,
        [TSKIP__SCAN_NONZERO] = TSKIP__SKIP,
        [TSKIP__SCAN_UNMASKED] = TSKIP__FULL,
        [TSKIP__SCAN_UNMASKED | TSKIP__SCAN_NONZERO] = TSKIP__MIXED,
    };
    for (tskip_u32 j = 0; j < tiles; j++)
        map[j] = class_of[map[j]];
}

/* A strip is as many whole tiles as fit, or a part of one. */
static void scan_row(const struct row *row, const char *cells, const tskip__scan_set *set,
                     struct tskip__scan_room *room)
{
    const struct tskip__plane_args *a = row->args;
    const size_t size = tskip__cell_size(a->tensor.dtype);
    const tskip_i64 bk = a->bk, most = TSKIP__SCAN_COLUMNS;
    const tskip_i64 whole = bk > most ? 0 : most / bk * bk;
    for (tskip_i64 begin = 0, columns; begin < a->k_len; begin += columns) {
        const tskip_i64 tile = begin / bk;
        const tskip_i64 left = (whole ? a->k_len : tskip__min((tile + 1) * bk, a->k_len)) - begin;
        columns = tskip__min(whole ? whole : most, left);
        set->judge[a->tensor.dtype](cells + (size_t)begin * size, a->tensor.stride_row, row->rows,
                                    columns, room);
        const tskip_u8 before = begin == tile * bk ? 0 : row->map[tile];
        set->join(room, columns, tskip__min(bk, columns), row->map + tile);
        row->map[tile] |= before;
    }
    classify(row->map, a->nk);
}

static void build_row(const tskip_group *group, void *const *buffers, const void *args,
                      void *memory, const tskip__scan_set *set)
{
    const struct tskip__plane_args *a = args;
    tskip_u32 plane = group->index[1], batch = plane / a->planes_head,
              head = plane % a->planes_head;
    struct row row = {.args = a, .first = (tskip_i64)group->index[0] * a->bq};
    row.rows = tskip__min(a->bq, a->q_len - row.first);
    row.map = (tskip_u8 *)buffers[2] + ((uint64_t)plane * a->nq + group->index[0]) * a->nk;
    if (a->tensor.dtype) {
        tskip_i64 cell = batch * a->tensor.stride_batch + head * a->tensor.stride_head +
                         row.first * a->tensor.stride_row;
        size_t size = tskip__cell_size(a->tensor.dtype);
        scan_row(&row, (const char *)buffers[1] + (size_t)cell * size, set, memory);
    } else if (!a->has_rules) {
        memset(row.map, TSKIP__FULL, a->nk);
    }
    if (a->has_rules)
        classify_rules(&row, buffers[0], batch, a->tensor.dtype != 0);
}

void tskip__tile_map_c(const tskip_group *group, void *const *buffers, const void *args,
                       void *memory)
{
    build_row(group, buffers, args, memory, &tskip__scan_c);
}

#if defined(__x86_64__)
void tskip__tile_map_avx2(const tskip_group *group, void *const *buffers, const void *args,
                          void *memory)
{
    build_row(group, buffers, args, memory, &tskip__scan_avx2);
}

void tskip__tile_map_avx512(const tskip_group *group, void *const *buffers, const void *args,
                            void *memory)
{
    build_row(group, buffers, args, memory, &tskip__scan_avx512);
}
#endif
