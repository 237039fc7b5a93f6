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

/* Tiles [begin, end) of a row of tiles. */
struct run {
    tskip_i64 begin, end;
};

/* The runs of tiles whose class the ends of the first and the last row settle. What lies between
 * them takes the closed form tile by tile. */
struct runs {
    struct run before, full, after; /* SKIP, FULL, SKIP */
};

/* The tiles that lie within positions [from, to), after those of the run before. */
static struct run tiles_within(const struct tskip__plane_args *a, tskip_i64 from, tskip_i64 to,
                               tskip_i64 after)
{
    const tskip_i64 offset = a->rules.k_offset, bk = a->bk;
    const tskip_i64 first = tskip__max(from - offset, 0);
    const tskip_i64 last = tskip__min(tskip__max(to - offset, 0), a->k_len);
    struct run run;
    run.begin = tskip__max(tskip__min((first + bk - 1) / bk, a->nk), after);
    run.end = tskip__max(last == a->k_len ? a->nk : last / bk, run.begin);
    return run;
}

static struct runs find_runs(const struct tskip__plane_args *a, const struct tskip__tile_row *t)
{
    const tskip_i64 sink = t->rules.sink;
    const tskip_i64 reach =
        tskip__max(tskip__reach(t->last, 0), tskip__min(tskip__reach(t->last, 1), sink));
    const tskip_i64 full = tskip__max(tskip__max(t->n0, t->last.a), t->last.l);
    const tskip_i64 full_end = t->rules.flags & TSKIP__RULE_ALIBI
                                   ? 0
                                   : tskip__min(tskip__min(t->n1, t->first.b), t->first.h);
    struct runs r;
    r.before = tiles_within(a, sink, tskip__max(t->first.l, t->first.a), 0);
    r.full = tiles_within(a, full, full_end, r.before.end);
    r.after = tiles_within(a, reach, TSKIP__FAR, r.full.end);
    return r;
}

static void classify_tiles(const struct row *row, const struct tskip__tile_row *t, struct run tiles,
                           int join)
{
    const struct tskip__plane_args *a = row->args;
    for (tskip_i64 j = tiles.begin; j < tiles.end; j++) {
        if (join && row->map[j] == TSKIP__SKIP)
            continue;
        tskip_i64 column = j * a->bk;
        tskip_u8 class = tskip__tile_class(*t, column, tskip__min(column + a->bk, a->k_len));
        row->map[j] = join ? tskip__combine_classes(row->map[j], class) : class;
    }
}

/* Writes the classes under rules, or joins them with those that stand there: FULL changes none. */
static void classify_rules(const struct row *row, const tskip_i64 *words, tskip_u32 batch, int join)
{
    const struct tskip__plane_args *a = row->args;
    const struct tskip__tile_row t = tskip__tile_row(a->rules, entry_of(&a->rules, words, batch),
                                                     words, a->q_len, a->k_len, row->first, a->bq);
    const struct runs r = find_runs(a, &t);
    classify_tiles(row, &t, (struct run){0, r.before.begin}, join);
    memset(row->map + r.before.begin, TSKIP__SKIP, (size_t)(r.before.end - r.before.begin));
    classify_tiles(row, &t, (struct run){r.before.end, r.full.begin}, join);
    if (!join)
        memset(row->map + r.full.begin, TSKIP__FULL, (size_t)(r.full.end - r.full.begin));
    classify_tiles(row, &t, (struct run){r.full.end, r.after.begin}, join);
    memset(row->map + r.after.begin, TSKIP__SKIP, (size_t)(r.after.end - r.after.begin));
    classify_tiles(row, &t, (struct run){r.after.end, a->nk}, join);
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
#elif defined(__aarch64__)
void tskip__tile_map_neon(const tskip_group *group, void *const *buffers, const void *args,
                          void *memory)
{
    build_row(group, buffers, args, memory, &tskip__scan_neon);
}
#endif
