/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>
#include <stdio.h>

#include "bench.h"
#include "cli.h"
#include "peak.h"
#include "progress.h"
#include "table.h"

#define MAX_PROBLEMS 64

static const char HELP[] =
    "Usage: tileskip bench [OPTION]…\n"
    "Times attention with the map and without it in turns, and sets it beside what the machine "
    "can\n"
    "do: an in-register loop of fused multiply-adds, and reading memory once.\n\n"
    "Options:\n"
    "  --problem TEXT  what to time, see docs/problems.md; may be repeated (default: a list)\n"
    "  --device D      where to compute (default auto)\n"
    "  --threads N     CPU threads (default all)\n"
    "  --scan          time the scan of a mask tensor too\n"
    "  --json          print one JSON object\n"
    "  --help          show this\n\n"
    "Example:\n"
    "  tileskip bench --problem 'h8/4 q2048 d128 f32 rules=causal'\n";

static const char *const DEFAULTS[] = {
    "h4 q8192 k8192 d128 f32 rules=causal,window=1024",
    "h8/4 q2048 k2048 d64 f32 rules=causal",
    "h8/4 q2048 k2048 d128 f32 rules=causal",
    "h8/4 q2455 k2455 d256 f32 rules=causal,window=1024",
    "h8/1 q2455 k2455 d512 f32 rules=causal",
    "h8/4 q4096 k4096 d256 f32 rules=causal,window=512",
    "h8/8 q2048 k2048 d128 f32",
    "h8/4 q2048 k2048 d128 bf16 rules=causal",
    "h8/4 q2455 k2455 d256 bf16 rules=causal,window=1024",
};

typedef struct options {
    const char *device;
    int64_t threads;
    problem problems[MAX_PROBLEMS];
    size_t n_problems;
    bool scan, json, help;
} options;

static bool add_problem(options *o, const char *text)
{
    io_error error;
    if (o->n_problems == MAX_PROBLEMS) {
        cli_usage("bench", "more than %d times --problem", MAX_PROBLEMS);
        return false;
    }
    if (problem_parse(text, &o->problems[o->n_problems], &error)) {
        o->n_problems++;
        return true;
    }
    cli_usage("bench", "%s", error.text);
    return false;
}

static bool read_option(int c, options *o)
{
    switch (c) {
    case 'p':
        return add_problem(o, optarg);
    case 'd':
        o->device = optarg;
        return true;
    case 'T':
        return cli_get_i64("bench", "threads", optarg, 1, 4096, &o->threads);
    case 's':
        o->scan = true;
        return true;
    case 'j':
        o->json = true;
        return true;
    case 'h':
        o->help = true;
        return true;
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv, options *o)
{
    static const struct option OPTIONS[] = {
        {"problem", required_argument, NULL, 'p'},
        {"device", required_argument, NULL, 'd'},
        {"threads", required_argument, NULL, 'T'},
        {"scan", no_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = cli_next_option(argc, argv, OPTIONS)) != -1) {
        if (!read_option(c, o))
            return false;
    }
    for (size_t i = 0; o->n_problems == 0 || i < sizeof(DEFAULTS) / sizeof(DEFAULTS[0]); i++) {
        if (i == 0 && o->n_problems > 0)
            break;
        if (!add_problem(o, DEFAULTS[i]))
            return false;
    }
    return true;
}

/* Everything that is printed, kept until all is measured. */
typedef struct report {
    const tskip_device_info *device;
    double peak_f32, peak_bf16;
    bench_result results[MAX_PROBLEMS];
    bench_scan scans[4];
} report;

static const tskip_dtype SCANNED[4] = {TSKIP_BF16, TSKIP_F16, TSKIP_F32, TSKIP_BOOL};

static double share_of_peak(const options *o, const report *r, size_t i)
{
    const bool bf16 = o->problems[i].dtype == TSKIP_BF16 && r->peak_bf16 > 0;
    return r->results[i].gflops / (bf16 ? r->peak_bf16 : r->peak_f32);
}

static int print_json(const options *o, const report *r)
{
    json_t *results = json_array(), *scans = json_array();
    for (size_t i = 0; i < o->n_problems; i++) {
        char text[PROBLEM_MAX_TEXT];
        const bench_result *b = &r->results[i];
        problem_format(&o->problems[i], text);
        json_array_append_new(results,
                              json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f}", "problem",
                                        text, "device", r->device->name, "plan", b->plan,
                                        "seconds_map", b->seconds_map, "seconds_map_given",
                                        b->seconds_given, "seconds_nomap", b->seconds_nomap,
                                        "gflops", b->gflops, "share_of_peak",
                                        share_of_peak(o, r, i), "visited_share", b->visited_share));
    }
    for (size_t i = 0; i < 4 && o->scan; i++)
        json_array_append_new(
            scans, json_pack("{s:s, s:f, s:f}", "dtype", tskip_dtype_name(SCANNED[i]), "scan_gbs",
                             r->scans[i].scan_gbs, "read_gbs", r->scans[i].read_gbs));
    return cli_print_json(json_pack(
        "{s:{s:s, s:s, s:I, s:f, s:f}, s:o, s:o}", "machine", "description", r->device->description,
        "isa", r->device->isa, "threads", (json_int_t)r->device->threads, "peak_gflops",
        r->peak_f32, "peak_bf16_gflops", r->peak_bf16, "results", results, "scans", scans));
}

static int print_text(const options *o, const report *r)
{
    table t;
    printf("%s\nin-register multiply-adds: f32 %.0f GFLOP/s", r->device->description, r->peak_f32);
    if (r->peak_bf16 > 0)
        printf(", bf16 %.0f GFLOP/s", r->peak_bf16);
    printf("\n\n");
    table_begin(&t, "lrrrrrrr", "problem|map|given|no map|speed-up|visited|GFLOP/s|of peak");
    for (size_t i = 0; i < o->n_problems; i++) {
        char text[PROBLEM_MAX_TEXT];
        const bench_result *b = &r->results[i];
        problem_format(&o->problems[i], text);
        table_cell(&t, "%s", text);
        table_cell(&t, "%.2f ms", b->seconds_map * 1e3);
        table_cell(&t, "%.2f ms", b->seconds_given * 1e3);
        table_cell(&t, "%.2f ms", b->seconds_nomap * 1e3);
        table_cell(&t, "%.2f ×", b->seconds_nomap / b->seconds_map);
        table_cell(&t, "%.1f %%", 100 * b->visited_share);
        table_cell(&t, "%.1f", b->gflops);
        table_cell(&t, "%.0f %%", 100 * share_of_peak(o, r, i));
    }
    table_print(&t, stdout);
    if (!o->scan)
        return cli_finish();
    putchar('\n');
    table_begin(&t, "lrrr", "map scan, 8192 × 8192|GB/s|linear read|share");
    for (size_t i = 0; i < 4; i++) {
        table_cell(&t, "%s", tskip_dtype_name(SCANNED[i]));
        table_cell(&t, "%.1f", r->scans[i].scan_gbs);
        table_cell(&t, "%.1f", r->scans[i].read_gbs);
        table_cell(&t, "%.0f %%", 100 * r->scans[i].scan_gbs / r->scans[i].read_gbs);
    }
    table_print(&t, stdout);
    return cli_finish();
}

static bool measure(const options *o, tskip_device *device, report *r, io_error *error)
{
    progress *bar = progress_start("bench", o->n_problems);
    bool ok = true;
    r->device = tskip_device_get_info(device);
    r->peak_f32 = peak_f32(r->device->threads);
    r->peak_bf16 = peak_bf16(r->device->threads);
    for (size_t i = 0; ok && i < o->n_problems; i++) {
        progress_set(bar, i);
        ok = bench_problem(device, &o->problems[i], &r->results[i], error);
    }
    for (size_t i = 0; ok && o->scan && i < 4; i++)
        ok = bench_scan_mask(device, SCANNED[i], &r->scans[i], error);
    progress_stop(&bar);
    return ok;
}

int cmd_bench(int argc, char **argv)
{
    static options o;
    static report r;
    io_error error;
    if (!read_options(argc, argv, &o))
        return CLI_USAGE;
    if (o.help) {
        fputs(HELP, stdout);
        return cli_finish();
    }
    tskip_device *device = cli_open_device(o.device, (uint32_t)o.threads);
    if (device == NULL)
        return CLI_FAILED;
    int status = CLI_FAILED;
    if (!measure(&o, device, &r, &error))
        cli_fail("%s", error.text);
    else
        status = o.json ? print_json(&o, &r) : print_text(&o, &r);
    tskip_device_destroy(&device);
    return status;
}
