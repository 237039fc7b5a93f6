/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "cli_option.h"
#include "io/digits.h"
#include "io/map_picture.h"
#include "map_report.h"
#include "mask_file.h"
#include "progress.h"

static const char HELP[] =
    "Usage: tileskip map --rules R --q-len N --k-len N [OPTION]…\n"
    "       tileskip map --mask FILE[:TENSOR] [--rules R] [OPTION]…\n"
    "Builds the tile map of a mask, counts its classes and draws it. Rules and a tensor given\n"
    "together combine: a cell must be visible under both.\n\n"
    "Options:\n"
    "  --rules R        the mask as rules, e.g. causal,window=1024,images=100:380 (docs/masks.md)\n"
    "  --mask FILE[:T]  the mask as a tensor [q,k] or [batch,heads,q,k]: .npy or .safetensors\n"
    "  --heads N        query heads, for alibi without slopes (default 1)\n"
    "  --q-len N        queries (with --mask: the tensor's)\n"
    "  --k-len N        keys (with --mask: the tensor's)\n"
    "  --q-offset N     keys that came before the first query, or 'end' (default 0)\n"
    "  --k-offset N     keys that a sliding cache has dropped (default 0)\n"
    "  --tile BQxBK     query rows × key columns of a tile (default 32x16; attend prints its own)\n"
    "  --device D       where to build it (default auto)\n"
    "  --png FILE       draw the map as a picture\n"
    "  --plane N        the plane to draw, of a mask that has several (default 0)\n"
    "  --letters        print every tile as a letter (on a terminal: as many as fit)\n"
    "  --json           print one JSON object\n"
    "  --help           show this\n\n"
    "Example:\n"
    "  tileskip map --q-len 2455 --k-len 2455 --rules causal,window=1024 --png map.png\n";

typedef struct options {
    const char *rules, *mask, *device, *png;
    tskip_extent extent;
    tskip_tile tile;
    int64_t plane;
    bool letters, json;
} options;

static bool read_table(int argc, char **argv, options *o, int *status)
{
    const cli_option table[] = {
        CLI_OPTION("rules", cli_read_rules, &o->rules),
        CLI_OPTION("mask", cli_read_text, &o->mask),
        CLI_NUMBER("heads", cli_read_u32, &o->extent.n_heads, 1, UINT32_MAX),
        CLI_NUMBER("q-len", cli_read_i64, &o->extent.q_len, 1, CLI_MAX_LENGTH),
        CLI_NUMBER("k-len", cli_read_i64, &o->extent.k_len, 1, CLI_MAX_LENGTH),
        CLI_OPTION("q-offset", cli_read_offset, &o->extent.q_offset),
        CLI_NUMBER("k-offset", cli_read_i64, &o->extent.k_offset, 0, CLI_MAX_OFFSET),
        CLI_OPTION("tile", cli_read_tile, &o->tile),
        CLI_OPTION("device", cli_read_text, &o->device),
        CLI_OPTION("png", cli_read_text, &o->png),
        CLI_NUMBER("plane", cli_read_i64, &o->plane, 0, UINT32_MAX),
        CLI_OPTION("letters", cli_read_flag, &o->letters),
        CLI_OPTION("json", cli_read_flag, &o->json),
    };
    *o = (options){.tile = {32, 16}};
    return cli_read_options(argc, argv, HELP, table, sizeof(table) / sizeof(table[0]), status);
}

static bool read_options(int argc, char **argv, options *o, int *status)
{
    if (!read_table(argc, argv, o, status))
        return false;
    if (o->mask == NULL && o->rules == NULL) {
        cli_usage("map", "expected --rules or --mask");
        return false;
    }
    if (o->mask == NULL && (o->extent.q_len == 0 || o->extent.k_len == 0)) {
        cli_usage("map", "--rules needs --q-len and --k-len");
        return false;
    }
    if (o->json && o->letters) {
        cli_usage("map", "--letters and --json exclude each other");
        return false;
    }
    return true;
}

/* A length may be given beside a tensor, but not another one than it has. */
static bool take_length(const char *option, int64_t length, int64_t *out, const char *file)
{
    if (*out != 0 && *out != length) {
        cli_fail("%s: the mask has %" PRId64 " where --%s says %" PRId64, file, length, option,
                 *out);
        return false;
    }
    *out = length;
    return true;
}

static bool take_shape(const mask_file *file, options *o)
{
    const int64_t *shape = file->tensor.shape;
    if (file->tensor.rank == 4) {
        if (shape[0] > UINT32_MAX || shape[1] > UINT32_MAX) {
            cli_fail("%s: the mask has too many planes", o->mask);
            return false;
        }
        o->extent.batch = (uint32_t)shape[0];
        if (o->extent.n_heads != 0 && shape[1] > 1 && o->extent.n_heads != (uint32_t)shape[1]) {
            cli_fail("%s: the mask has %" PRId64 " heads where --heads says %" PRIu32, o->mask,
                     shape[1], o->extent.n_heads);
            return false;
        }
        if (o->extent.n_heads == 0)
            o->extent.n_heads = (uint32_t)shape[1];
        shape += 2;
    }
    return take_length("q-len", shape[0], &o->extent.q_len, o->mask) &&
           take_length("k-len", shape[1], &o->extent.k_len, o->mask);
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The batch is as large as the rules have entries, unless the tensor says it. */
static bool take_entries(options *o)
{
    tskip_rules *rules = NULL;
    if (o->rules == NULL)
        return true;
    if (tskip_rules_parse(o->rules, &rules) != TSKIP_OK) {
        cli_library_failed("--rules");
        return false;
    }
    size_t entries = most(most(rules->n_images, rules->n_spans), rules->n_segments);
    entries = most(entries, most(rules->n_klen, rules->n_kstart));
    if (o->extent.batch <= 1 && entries > 1)
        o->extent.batch = (uint32_t)entries;
    if (o->extent.n_heads <= 1 && rules->n_slopes > 1)
        o->extent.n_heads = (uint32_t)rules->n_slopes;
    tskip_rules_destroy(&rules);
    return true;
}

static int print_json(const tskip_tile_map_info *info, const tskip_tile_counts *counts,
                      uint64_t visible)
{
    return cli_print_json(json_pack(
        "{s:I, s:I, s:[I,I], s:[I,I], s:I, s:I, s:I, s:I, s:I, s:I}", "q_len",
        (json_int_t)info->extent.q_len, "k_len", (json_int_t)info->extent.k_len, "tile",
        (json_int_t)info->tile.bq, (json_int_t)info->tile.bk, "grid", (json_int_t)info->nq,
        (json_int_t)info->nk, "planes", (json_int_t)info->planes_batch * info->planes_head, "skip",
        (json_int_t)counts->skip, "mixed", (json_int_t)counts->mixed, "full",
        (json_int_t)counts->full, "bytes", (json_int_t)info->size, "visible_pairs",
        (json_int_t)visible));
}

/* On a terminal as many letters as it has room for beside what is printed above them. */
static bool print_letters(const options *o, const tskip_tile_map *map)
{
    enum { LINES_ABOVE = 12, FEWEST = 8 };
    const uint64_t largest = 64 << 20; /* bytes worth reading back for it */
    terminal_size most = terminal_size_of(stdout);
    if (!o->letters && (most.columns == 0 || tskip_tile_map_get_info(map)->size > largest))
        return true;
    most.rows = most.rows > LINES_ABOVE + FEWEST ? most.rows - LINES_ABOVE : FEWEST;
    if (o->letters)
        most = (terminal_size){0};
    putchar('\n');
    return map_report_letters(map, (uint32_t)o->plane, most, stdout);
}

static int print_text(const options *o, const tskip_tile_map *map, const tskip_tile_counts *counts,
                      uint64_t visible)
{
    const tskip_tile_map_info *info = tskip_tile_map_get_info(map);
    const uint64_t planes = (uint64_t)info->planes_batch * info->planes_head;
    const double pairs = (double)info->extent.q_len * (double)info->extent.k_len * (double)planes;
    char text[32], bytes[32];
    printf("%" PRId64 " queries × %" PRId64 " keys, tiles of %" PRIu32 "×%" PRIu32 ": %" PRIu32
           " × %" PRIu32 " tiles, %" PRIu64 " %s, %s bytes\n\n",
           info->extent.q_len, info->extent.k_len, info->tile.bq, info->tile.bk, info->nq, info->nk,
           planes, planes == 1 ? "plane" : "planes", io_digits(bytes, info->size));
    map_report_counts(counts, stdout);
    if (planes > 1)
        printf("\nover %" PRIu64 " planes; a picture shows plane %" PRId64 " (--plane)\n", planes,
               o->plane);
    printf("\nvisible pairs %s (%.2f %%)\n", io_digits(text, visible),
           100.0 * (double)visible / pairs);
    return print_letters(o, map) ? cli_finish() : cli_library_failed("map");
}

static const char *title_of(const options *o)
{
    if (o->rules != NULL && o->rules[0] != 0)
        return o->rules;
    return o->mask != NULL ? o->mask : "every key is visible";
}

static int report(const options *o, const tskip_tile_map *map, const tskip_tile_counts *counts,
                  uint64_t visible)
{
    const tskip_tile_map_info *info = tskip_tile_map_get_info(map);
    io_error error;
    const uint64_t planes = (uint64_t)info->planes_batch * info->planes_head;
    if ((uint64_t)o->plane >= planes)
        return cli_usage("map", "--plane is %" PRId64 ", expected 0 to %" PRIu64, o->plane,
                         planes - 1);
    if (o->png != NULL && !map_picture_write(map, (uint32_t)o->plane, title_of(o), o->png, &error))
        return cli_fail("%s", error.text);
    return o->json ? print_json(info, counts, visible) : print_text(o, map, counts, visible);
}

static int build(const options *o, tskip_device *device, const tskip_mask_desc *desc)
{
    tskip_mask *mask = NULL;
    tskip_tile_map *map = NULL;
    tskip_tile_counts counts;
    uint64_t visible = 0;
    progress *bar = progress_start("map", 0);
    bool ok = tskip_mask_create(device, desc, &mask) == TSKIP_OK;
    const tskip_tile_map_desc map_desc = {mask, o->extent, o->tile};
    ok = ok && tskip_tile_map_build(&map_desc, &map) == TSKIP_OK &&
         tskip_tile_map_count(map, &counts) == TSKIP_OK &&
         tskip_mask_count_pairs(mask, &o->extent, &visible, NULL) == TSKIP_OK;
    progress_stop(&bar);
    const int status = ok ? report(o, map, &counts, visible) : cli_library_failed("map");
    tskip_tile_map_destroy(&map);
    tskip_mask_destroy(&mask);
    return status;
}

int cmd_map(int argc, char **argv)
{
    options o;
    int status;
    if (!read_options(argc, argv, &o, &status))
        return status;
    mask_file file = {0};
    io_error error;
    if (o.mask != NULL && !mask_file_open(o.mask, &file, &error))
        return cli_fail("%s", error.text);
    status = CLI_FAILED;
    tskip_device *device = NULL;
    if ((o.mask == NULL || take_shape(&file, &o)) && take_entries(&o))
        device = cli_open_device(o.device, 0);
    if (device != NULL) {
        tskip_mask_desc desc = {.rules = o.rules, .n_heads = o.extent.n_heads};
        if (o.mask != NULL && !mask_file_describe(&file, device, &desc.tensor, &error))
            cli_fail("%s", error.text);
        else
            status = build(&o, device, &desc);
    }
    mask_file_close(&file);
    tskip_device_destroy(&device);
    return status;
}
