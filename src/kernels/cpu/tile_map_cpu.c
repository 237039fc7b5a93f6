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

/* What the columns seen so far say of the tile they lie in. */
struct verdict {
    int masked, zero;
};

static struct verdict judge(tskip_u32 dtype, const void *high, const void *any, tskip_i64 begin,
                            tskip_i64 end)
{
    struct verdict v = {1, 1};
    uint32_t h = 0, o = 0;
    if (dtype == TSKIP__F32) {
        for (tskip_i64 c = begin; c < end; c++) {
            h = ((const uint32_t *)high)[c] > h ? ((const uint32_t *)high)[c] : h;
            o |= ((const uint32_t *)any)[c];
        }
        v.masked = h <= 0xFF800000u - 0xF149F2CAu;
        v.zero = (o & 0x7FFFFFFFu) == 0;
    } else if (dtype == TSKIP__BOOL) {
        for (tskip_i64 c = begin; c < end; c++) {
            h |= ((const uint8_t *)high)[c];
            o |= ((const uint8_t *)any)[c];
        }
        v.masked = o == 0;
        v.zero = h == 0;
    } else {
        for (tskip_i64 c = begin; c < end; c++) {
            h = ((const uint16_t *)high)[c] > h ? ((const uint16_t *)high)[c] : h;
            o |= ((const uint16_t *)any)[c];
        }
        v.masked = h <= (dtype == TSKIP__F16 ? 0xFC00u - 0xFBFFu : 0xFF80u - 0xF14Au);
        v.zero = (o & 0x7FFFu) == 0;
    }
    return v;
}

static tskip_u8 class_of(struct verdict v)
{
    return v.masked ? TSKIP__SKIP : v.zero ? TSKIP__FULL : TSKIP__MIXED;
}

static void scan_row(const struct row *row, const char *cells, const tskip__scan_set *set,
                     void *memory)
{
    const struct tskip__plane_args *a = row->args;
    size_t size = tskip__cell_size(a->tensor.dtype);
    char *high = memory, *any = high + size * TSKIP__SCAN_COLUMNS;
    struct verdict tile = {1, 1};
    tskip_u32 j = 0;
    for (tskip_i64 begin = 0; begin < a->k_len; begin += TSKIP__SCAN_COLUMNS) {
        tskip_i64 columns = tskip__min(TSKIP__SCAN_COLUMNS, a->k_len - begin);
        memset(high, 0, size * (size_t)columns);
        memset(any, 0, size * (size_t)columns);
        set->fold[a->tensor.dtype](cells + (size_t)begin * size, a->tensor.stride_row, row->rows,
                                   columns, high, any);
        for (tskip_i64 c = 0; c < columns;) {
            tskip_i64 tile_end = tskip__min((tskip_i64)(j + 1) * a->bk, a->k_len) - begin;
            tskip_i64 end = tskip__min(tile_end, columns);
            struct verdict v = judge(a->tensor.dtype, high, any, c, end);
            tile.masked &= v.masked;
            tile.zero &= v.zero;
            if (tile_end <= columns) {
                row->map[j++] = class_of(tile);
                tile = (struct verdict){1, 1};
            }
            c = end;
        }
    }
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
