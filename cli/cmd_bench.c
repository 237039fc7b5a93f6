/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "bench_problems.h"
#include "cli.h"
#include "cli_option.h"
#include "peak.h"
#include "progress.h"
#include "table.h"

static const char HELP[] =
    "Usage: tileskip bench [OPTION]…\n"
    "Times attention with the map and without it in turns, and sets it beside what the machine\n"
    "can do, measured in the same run: multiply-adds in registers, and reading memory once.\n\n"
    "Options:\n"
    "  --problem TEXT  what to time, see docs/problems.md; may be repeated (default: the list\n"
    "                  of bench/problems.txt and the scans)\n"
    "  --scan          time the scan of a mask tensor; alone: nothing else\n"
    "  --device D      where to compute (default auto)\n"
    "  --threads N     CPU threads (default all)\n"
    "  --json          print one JSON object\n"
    "  --help          show this\n\n"
    "Example:\n"
    "  tileskip bench --problem 'h8/4 q2048 d128 f32 rules=causal'\n";

typedef struct options {
    const char *device;
    uint32_t threads;
    cli_problems problems;
    bool scan, json;
} options;

static bool read_options(int argc, char **argv, options *o, int *status)
{
    const cli_option problem = CLI_OPTION("problem", cli_read_problem, &o->problems);
    const cli_option table[] = {
        problem,
        CLI_OPTION("device", cli_read_text, &o->device),
        CLI_NUMBER("threads", cli_read_u32, &o->threads, 1, CLI_MAX_THREADS),
        CLI_OPTION("scan", cli_read_flag, &o->scan),
        CLI_OPTION("json", cli_read_flag, &o->json),
    };
    if (!cli_read_options(argc, argv, HELP, table, sizeof(table) / sizeof(table[0]), status))
        return false;
    if (o->problems.n > 0 || o->scan)
        return true;
    o->scan = true;
    for (size_t i = 0; i < sizeof(BENCH_PROBLEMS) / sizeof(BENCH_PROBLEMS[0]); i++)
        if (!cli_read_problem(argv[0], &problem, BENCH_PROBLEMS[i]))
            return false;
    return true;
}

/* Everything that is printed, kept until all is measured. Peaks are the processor's, 0 for a device
 * that is none: nothing is then said of shares. */
typedef struct report {
    const tskip_device_info *device;
    double peak_f32, peak_bf16, read_one, read_all;
    bench_result results[CLI_MAX_PROBLEMS];
    bench_scan scans[4];
} report;

static const tskip_dtype SCANNED[4] = {TSKIP_BF16, TSKIP_F16, TSKIP_F32, TSKIP_BOOL};

/* bf16 is measured against the machine's bf16 products where it has them; f16 has none. */
static double peak_for(const options *o, const report *r, size_t i)
{
    const bool bf16 = o->problems.list[i].dtype == TSKIP_BF16 && r->peak_bf16 > 0;
    return bf16 ? r->peak_bf16 : r->peak_f32;
}

static void cell_share(table *t, double value, double of)
{
    if (of > 0)
        table_cell(t, "%.0f %%", 100 * value / of);
    else
        table_cell(t, "-");
}

static void cell_measured(table *t, const char *format, double value)
{
    if (value > 0)
        table_cell(t, format, value);
    else
        table_cell(t, "-");
}

static json_t *json_measured(double value)
{
    return value > 0 ? json_real(value) : json_null();
}

static double kv_gbs(const bench_result *b)
{
    return b->kv_bytes / b->seconds_map * 1e-9;
}

static json_t *json_result(const options *o, const report *r, size_t i)
{
    char text[PROBLEM_MAX_TEXT];
    const bench_result *b = &r->results[i];
    const double peak = peak_for(o, r, i);
    problem_format(&o->problems.list[i], text);
    json_t *result = json_pack(
        "{s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:o, s:f, s:f, s:o, s:o}", "problem", text, "device",
        r->device->name, "plan", b->plan, "seconds_map", b->seconds_map, "seconds_map_given",
        b->seconds_given, "seconds_nomap", b->seconds_nomap, "gflops", b->gflops, "share_of_peak",
        json_measured(peak > 0 ? b->gflops / peak : 0), "visited_share", b->visited_share, "kv_gbs",
        kv_gbs(b), "kv_read_gbs", json_measured(b->read_gbs), "dense_gflops",
        json_measured(b->dense_gflops));
    return result;
}

static int print_json(const options *o, const report *r)
{
    json_t *results = json_array(), *scans = json_array();
    for (size_t i = 0; i < o->problems.n; i++)
        json_array_append_new(results, json_result(o, r, i));
    for (size_t i = 0; i < 4 && o->scan; i++)
        json_array_append_new(scans,
                              json_pack("{s:s, s:f, s:o}", "dtype", tskip_dtype_name(SCANNED[i]),
                                        "scan_gbs", r->scans[i].scan_gbs, "read_gbs",
                                        json_measured(r->scans[i].read_gbs)));
    json_t *machine =
        json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "description", r->device->description,
                  "isa", r->device->isa, "threads", (json_int_t)r->device->threads, "compute_units",
                  (json_int_t)r->device->compute_units, "peak_gflops", json_measured(r->peak_f32),
                  "peak_bf16_gflops", json_measured(r->peak_bf16), "read_gbs_one_thread",
                  json_measured(r->read_one), "read_gbs", json_measured(r->read_all));
    return cli_print_json(
        json_pack("{s:o, s:o, s:o}", "machine", machine, "results", results, "scans", scans));
}

static void print_machine(const report *r)
{
    printf("%s\n", r->device->description);
    if (r->peak_f32 == 0) {
        putchar('\n');
        return;
    }
    printf("  multiply-adds in registers  f32 %.0f GFLOP/s", r->peak_f32);
    if (r->peak_bf16 > 0)
        printf(", bf16 %.0f GFLOP/s", r->peak_bf16);
    printf("\n  reading memory once         %.1f GB/s", r->read_all);
    if (r->device->threads > 1)
        printf(", one thread %.1f GB/s", r->read_one);
    printf("\n\n");
}

static void print_prefill(const options *o, const report *r)
{
    table t;
    table_begin(&t, "lrrrrrrr", "prefill|map|given|no map|speed-up|of ideal|GFLOP/s|of peak");
    for (size_t i = 0; i < o->problems.n; i++) {
        char text[PROBLEM_MAX_TEXT];
        const bench_result *b = &r->results[i];
        if (bench_is_decode(&o->problems.list[i]))
            continue;
        problem_format(&o->problems.list[i], text);
        table_cell(&t, "%s", text);
        table_cell(&t, "%.2f ms", b->seconds_map * 1e3);
        table_cell(&t, "%.2f ms", b->seconds_given * 1e3);
        table_cell(&t, "%.2f ms", b->seconds_nomap * 1e3);
        table_cell(&t, "%.2f ×", b->seconds_nomap / b->seconds_map);
        table_cell(&t, "%.0f %%", 100 * b->seconds_nomap / b->seconds_map * b->visited_share);
        table_cell(&t, "%.1f", b->gflops);
        cell_share(&t, b->gflops, peak_for(o, r, i));
    }
    table_print(&t, stdout);
    puts(
        "\nmap: built in the same call; given: built before. Ideal: all tiles over those visited.\n"
        "GFLOP/s count visible pairs only, the map's build included.");
    if (r->device->code_format != TSKIP_CODE_C)
        puts("A GPU's runs are timed back to back.");
    putchar('\n');
}

static void print_decode(const options *o, const report *r)
{
    table t;
    table_begin(&t, "lrrrrrrr", "decode|time|K and V|read|of read|GFLOP/s|dense|of lesser");
    for (size_t i = 0; i < o->problems.n; i++) {
        char text[PROBLEM_MAX_TEXT];
        const bench_result *b = &r->results[i];
        if (!bench_is_decode(&o->problems.list[i]))
            continue;
        problem_format(&o->problems.list[i], text);
        table_cell(&t, "%s", text);
        table_cell(&t, "%.2f ms", b->seconds_map * 1e3);
        table_cell(&t, "%.1f GB/s", kv_gbs(b));
        cell_measured(&t, "%.1f GB/s", b->read_gbs);
        cell_share(&t, kv_gbs(b), b->read_gbs);
        table_cell(&t, "%.1f", b->gflops);
        cell_measured(&t, "%.1f", b->dense_gflops);
        cell_share(&t, bench_share_of_lesser(b), b->read_gbs > 0);
    }
    table_print(&t, stdout);
    puts("\nread: K and V once, in the same rounds; dense: 8 heads of 1024 queries and keys.\n"
         "Of lesser: the time of the slower of those two over the time measured.\n");
}

static void print_scans(const report *r)
{
    table t;
    table_begin(&t, "lrrr", "scan of a mask, 8192 × 8192|scan|read once|of read");
    for (size_t i = 0; i < 4; i++) {
        table_cell(&t, "%s", tskip_dtype_name(SCANNED[i]));
        table_cell(&t, "%.1f GB/s", r->scans[i].scan_gbs);
        cell_measured(&t, "%.1f GB/s", r->scans[i].read_gbs);
        cell_share(&t, r->scans[i].scan_gbs, r->scans[i].read_gbs);
    }
    table_print(&t, stdout);
}

static int print_text(const options *o, const report *r)
{
    size_t n_decode = 0;
    for (size_t i = 0; i < o->problems.n; i++)
        n_decode += bench_is_decode(&o->problems.list[i]);
    print_machine(r);
    if (n_decode < o->problems.n)
        print_prefill(o, r);
    if (n_decode > 0)
        print_decode(o, r);
    if (o->scan)
        print_scans(r);
    return cli_finish();
}

static bool measure_machine(report *r, io_error *error)
{
    const size_t size = (size_t)256 << 20; /* more than caches hold */
    const uint32_t threads = r->device->threads;
    char *memory = peak_memory(size);
    if (memory == NULL)
        return io_fail(error, "not enough memory to measure reading it");
    memset(memory, 1, size);
    r->peak_f32 = peak_f32(threads);
    r->peak_bf16 = peak_bf16(threads);
    r->read_one = peak_read(memory, size, 1, 5);
    r->read_all = peak_read(memory, size, threads, 5);
    free(memory);
    return true;
}

static bool measure(const options *o, tskip_device *device, report *r, io_error *error)
{
    const size_t n_scans = o->scan ? 4 : 0;
    progress *bar = progress_start("bench", o->problems.n + n_scans);
    r->device = tskip_device_get_info(device);
    bool ok = r->device->code_format != TSKIP_CODE_C || measure_machine(r, error);
    for (size_t i = 0; ok && i < o->problems.n; i++) {
        progress_set(bar, i);
        ok = bench_problem(device, &o->problems.list[i], &r->results[i], error);
    }
    for (size_t i = 0; ok && i < n_scans; i++) {
        progress_set(bar, o->problems.n + i);
        ok = bench_scan_mask(device, SCANNED[i], &r->scans[i], error);
    }
    progress_stop(&bar);
    return ok;
}

int cmd_bench(int argc, char **argv)
{
    static options o;
    static report r;
    io_error error;
    int status;
    if (!read_options(argc, argv, &o, &status))
        return status;
    tskip_device *device = cli_open_device(o.device, o.threads);
    if (device == NULL)
        return CLI_FAILED;
    status = CLI_FAILED;
    if (!measure(&o, device, &r, &error))
        cli_fail("%s", error.text);
    else
        status = o.json ? print_json(&o, &r) : print_text(&o, &r);
    tskip_device_destroy(&device);
    return status;
}
