/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "attend.h"
#include "cli.h"
#include "cli_option.h"
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

static bool read_layout(const char *command, const cli_option *option, const char *text)
{
    if (strcmp(text, "blhd") != 0 && strcmp(text, "bhld") != 0) {
        cli_usage(command, "--%s is '%s', expected bhld or blhd", option->name, text);
        return false;
    }
    *(bool *)option->value = text[1] == 'l';
    return true;
}

static bool read_table(int argc, char **argv, attend_options *o, int *status)
{
    const cli_option table[] = {
        CLI_OPTION("input", cli_read_text, &o->input),
        CLI_OPTION("layout", read_layout, &o->blhd),
        CLI_OPTION("q", cli_read_text, &o->q),
        CLI_OPTION("k", cli_read_text, &o->k),
        CLI_OPTION("v", cli_read_text, &o->v),
        CLI_OPTION("rules", cli_read_rules, &o->rules),
        CLI_OPTION("mask", cli_read_text, &o->mask),
        CLI_OPTION("q-offset", cli_read_offset, &o->q_offset),
        CLI_NUMBER("k-offset", cli_read_i64, &o->k_offset, 0, CLI_MAX_OFFSET),
        CLI_OPTION("scale", cli_read_f32, &o->scale),
        CLI_OPTION("softcap", cli_read_f32, &o->softcap),
        CLI_OPTION("tile", cli_read_tile, &o->tile),
        CLI_OPTION("device", cli_read_text, &o->device),
        CLI_NUMBER("threads", cli_read_u32, &o->threads, 1, CLI_MAX_THREADS),
        CLI_OPTION("no-skip", cli_read_flag, &o->no_skip),
        CLI_OPTION("out", cli_read_text, &o->out),
        CLI_OPTION("out-dtype", cli_read_dtype, &o->out_dtype),
        CLI_OPTION("lse", cli_read_flag, &o->lse),
        CLI_OPTION("map-png", cli_read_text, &o->png),
        CLI_OPTION("json", cli_read_flag, &o->json),
    };
    *o = (attend_options){.q = "q", .k = "k", .v = "v"};
    return cli_read_options(argc, argv, HELP, table, sizeof(table) / sizeof(table[0]), status);
}

/* Whether what is written to `out` would be lost, or would take the place of what is read. */
static bool is_written_over(const char *option, const char *out, const char *other_option,
                            const char *other)
{
    const bool same = out != NULL && other != NULL && cli_same_file(out, other);
    if (same)
        cli_usage("attend", "--%s is '%s', expected another file than --%s", option, out,
                  other_option);
    return same;
}

static bool read_options(int argc, char **argv, attend_options *o, int *status)
{
    if (!read_table(argc, argv, o, status))
        return false;
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
    return !is_written_over("out", o->out, "input", o->input) &&
           !is_written_over("map-png", o->png, "input", o->input) &&
           !is_written_over("map-png", o->png, "out", o->out);
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
    int status;
    if (!read_options(argc, argv, &o, &status))
        return status;
    tskip_device *device = cli_open_device(o.device, o.threads);
    if (device == NULL)
        return CLI_FAILED;
    progress *bar = progress_start("attend", 0);
    const bool ok = attend_file(&o, device, bar, &result, &error);
    progress_stop(&bar);
    status = CLI_FAILED;
    if (!ok)
        cli_fail("%s", error.text);
    else
        status = o.json ? print_json(&result) : print_text(&result);
    tskip_device_destroy(&device);
    return status;
}
