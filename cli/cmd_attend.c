/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "attend.h"
#include "cli.h"
#include "io/digits.h"
#include "io/map_picture.h"
#include "map_report.h"
#include "progress.h"

static const char HELP[] =
    "Usage: tileskip attend --input FILE.safetensors [OPTION]…\n"
    "Computes attention over tensors q, k and v of a file. Tensors named mask and sinks in it are\n"
    "used when they are there. Rules and a mask tensor combine as in tileskip map; without either\n"
    "every key is visible.\n\n"
    "Options:\n"
    "  --input FILE      q, k, v as [batch, heads, tokens, head_dim]\n"
    "  --layout L        bhld (default), or blhd: [batch, tokens, heads, head_dim]\n"
    "  --q, --k, --v N   other names of those tensors\n"
    "  --rules R         the mask as rules, e.g. causal,window=1024 (docs/masks.md)\n"
    "  --mask FILE[:T]   the mask as a tensor, instead of the input's: .npy or .safetensors\n"
    "  --q-offset N      keys that came before the first query, or 'end' (default 0)\n"
    "  --k-offset N      keys that a sliding cache has dropped (default 0)\n"
    "  --scale S         softmax scale (default 1 / sqrt(head_dim))\n"
    "  --softcap C       scores become C·tanh(score / C)\n"
    "  --tile BQxBK      one of the device's tiles (default: its best)\n"
    "  --device D        where to compute (default auto)\n"
    "  --threads N       CPU threads (default all)\n"
    "  --no-skip         visit every tile, whatever class is printed; the output is the same\n"
    "  --out FILE        write o (and lse) as safetensors\n"
    "  --out-dtype T     f32, or the input's type (default)\n"
    "  --lse             compute the log-sum-exp of every row too\n"
    "  --map-png FILE    draw the tile map\n"
    "  --json            print one JSON object; its time includes the map's build\n"
    "  --help            show this\n\n"
    "Examples:\n"
    "  tileskip attend --input examples/data/smollm2-layer29-600.safetensors --rules causal\n"
    "  tileskip attend --input examples/data/smollm2-layer29-600.safetensors \\\n"
    "      --rules causal,window=128 --lse --out attention.safetensors --map-png map.png\n";

static const struct option OPTIONS[] = {
    {"input", required_argument, NULL, 'i'},
    {"layout", required_argument, NULL, 'L'},
    {"q", required_argument, NULL, 'q'},
    {"k", required_argument, NULL, 'k'},
    {"v", required_argument, NULL, 'v'},
    {"rules", required_argument, NULL, 'r'},
    {"mask", required_argument, NULL, 'm'},
    {"q-offset", required_argument, NULL, 'Q'},
    {"k-offset", required_argument, NULL, 'K'},
    {"scale", required_argument, NULL, 's'},
    {"softcap", required_argument, NULL, 'c'},
    {"tile", required_argument, NULL, 't'},
    {"device", required_argument, NULL, 'd'},
    {"threads", required_argument, NULL, 'T'},
    {"no-skip", no_argument, NULL, 'n'},
    {"out", required_argument, NULL, 'o'},
    {"out-dtype", required_argument, NULL, 'D'},
    {"lse", no_argument, NULL, 'l'},
    {"map-png", required_argument, NULL, 'p'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool read_layout(attend_options *o)
{
    o->blhd = strcmp(optarg, "blhd") == 0;
    if (o->blhd || strcmp(optarg, "bhld") == 0)
        return true;
    cli_usage("attend", "--layout is '%s', expected bhld or blhd", optarg);
    return false;
}

static bool read_value(int c, attend_options *o)
{
    int64_t threads;
    switch (c) {
    case 'L':
        return read_layout(o);
    case 'Q':
        return cli_get_offset("attend", "q-offset", optarg, &o->q_offset);
    case 'K':
        return cli_get_i64("attend", "k-offset", optarg, 0, CLI_MAX_OFFSET, &o->k_offset);
    case 's':
        return cli_get_f32("attend", "scale", optarg, &o->scale);
    case 'c':
        return cli_get_f32("attend", "softcap", optarg, &o->softcap);
    case 't':
        return cli_get_tile("attend", "tile", optarg, &o->tile);
    case 'T':
        if (!cli_get_i64("attend", "threads", optarg, 1, 4096, &threads))
            return false;
        o->threads = (uint32_t)threads;
        return true;
    case 'D':
        return cli_get_dtype("attend", "out-dtype", optarg, &o->out_dtype);
    default:
        return false;
    }
}

static bool read_option(int c, attend_options *o)
{
    const struct {
        int c;
        const char **text;
    } texts[] = {{'i', &o->input}, {'q', &o->q},     {'k', &o->k},
                 {'v', &o->v},     {'r', &o->rules}, {'m', &o->mask},
                 {'o', &o->out},   {'p', &o->png},   {'d', &o->device}};
    const struct {
        int c;
        bool *flag;
    } flags[] = {{'n', &o->no_skip}, {'l', &o->lse}, {'j', &o->json}, {'h', &o->help}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].c == c) {
            *texts[i].text = optarg;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (flags[i].c == c) {
            *flags[i].flag = true;
            return true;
        }
    }
    return read_value(c, o);
}

static bool read_options(int argc, char **argv, attend_options *o)
{
    int c;
    *o = (attend_options){.q = "q", .k = "k", .v = "v"};
    while ((c = cli_next_option(argc, argv, OPTIONS)) != -1) {
        if (!read_option(c, o))
            return false;
    }
    if (o->help)
        return true;
    if (o->input == NULL) {
        cli_usage("attend", "expected --input FILE.safetensors");
        return false;
    }
    if (o->out_dtype != TSKIP_DTYPE_NONE && o->out == NULL) {
        cli_usage("attend", "--out-dtype needs --out");
        return false;
    }
    if (o->lse && o->out == NULL) {
        cli_usage("attend", "--lse needs --out");
        return false;
    }
    return o->rules == NULL || cli_get_rules("attend", "rules", o->rules);
}

static int print_json(const attend_result *r)
{
    return cli_print_json(json_pack("{s:s, s:s, s:f, s:I, s:I, s:I, s:I, s:f}", "device", r->device,
                                    "plan", r->plan, "seconds", r->seconds, "skip",
                                    (json_int_t)r->counts.skip, "mixed",
                                    (json_int_t)r->counts.mixed, "full", (json_int_t)r->counts.full,
                                    "visible_pairs", (json_int_t)r->visible, "gflops", r->gflops));
}

static int print_text(const attend_result *r)
{
    char text[32];
    printf("%s\n\n", r->plan);
    map_report_counts(&r->counts, stdout);
    printf("\nvisible pairs  %s\ntime           %.3f ms, %.1f GFLOP/s on visible "
           "pairs\n",
           io_digits(text, r->visible), r->seconds * 1e3, r->gflops);
    return cli_finish();
}

int cmd_attend(int argc, char **argv)
{
    attend_options o;
    attend_result result;
    io_error error;
    if (!read_options(argc, argv, &o))
        return CLI_USAGE;
    if (o.help) {
        fputs(HELP, stdout);
        return cli_finish();
    }
    tskip_device *device = cli_open_device(o.device, o.threads);
    if (device == NULL)
        return CLI_FAILED;
    progress *bar = progress_start("attend", 0);
    const bool ok = attend_file(&o, device, &result, &error);
    progress_stop(&bar);
    int status = CLI_FAILED;
    if (!ok)
        cli_fail("%s", error.text);
    else
        status = o.json ? print_json(&result) : print_text(&result);
    tskip_device_destroy(&device);
    return status;
}
