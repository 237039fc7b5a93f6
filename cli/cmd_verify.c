/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "cli.h"
#include "cli_option.h"
#include "clock.h"
#include "designed.h"
#include "progress.h"
#include "random.h"
#include "table.h"
#include "verify.h"

static const char HELP[] =
    "Usage: tileskip verify [OPTION]…\n"
    "Checks every kernel that this machine can run: output within the accuracy bound of a\n"
    "double-precision reference, tile by tile the right map, and not one byte changed by leaving "
    "the\n"
    "map out, by relabelling its tiles or by another number of threads. Begins with one problem "
    "for\n"
    "each device, type and head size of which all three tile classes are required; random ones\n"
    "follow. A case that fails is printed as a problem that can be run again.\n\n"
    "Options:\n"
    "  --device D      only this device (default: all, and every rung of the CPU's ladder)\n"
    "  --cases N       random problems (default 100)\n"
    "  --seed S        where the random problems begin (default 1)\n"
    "  --filter PAT    only cases whose \"DEVICE PROBLEM\" contains PAT; * and ? match anything\n"
    "  --problem TEXT  only this problem, see docs/problems.md; may be repeated\n"
    "  --json          print one JSON object\n"
    "  --help          show this\n\n"
    "Examples:\n"
    "  tileskip verify --cases 20\n"
    "  tileskip verify --problem 'h4/2 q200 d64 bf16 rules=causal,window=70 lse'\n";

typedef struct options {
    const char *device, *filter;
    int64_t cases, seed;
    cli_problems problems;
    bool json;
} options;

static bool read_options(int argc, char **argv, options *o, int *status)
{
    const cli_option table[] = {
        CLI_OPTION("device", cli_read_text, &o->device),
        CLI_NUMBER("cases", cli_read_i64, &o->cases, 0, 100000000),
        CLI_NUMBER("seed", cli_read_i64, &o->seed, 0, INT64_MAX),
        CLI_OPTION("filter", cli_read_text, &o->filter),
        CLI_OPTION("problem", cli_read_problem, &o->problems),
        CLI_OPTION("json", cli_read_flag, &o->json),
    };
    o->cases = 100;
    o->seed = 1;
    return cli_read_options(argc, argv, HELP, table, sizeof(table) / sizeof(table[0]), status);
}

static void sweep(verify *v, const options *o)
{
    if (o->problems.n > 0) {
        for (size_t i = 0; i < o->problems.n; i++)
            verify_problem(v, &o->problems.list[i]);
        return;
    }
    const size_t designed = designed_count();
    progress *bar = progress_start("verify", designed + (uint64_t)o->cases);
    for (size_t i = 0; i < designed; i++) {
        verify_designed(v, i);
        progress_set(bar, i + 1);
    }
    for (int64_t i = 0; i < o->cases; i++) {
        verify_random(v, random_mix((uint64_t)o->seed * UINT64_C(1000003) + (uint64_t)i));
        progress_set(bar, designed + (uint64_t)i + 1);
    }
    progress_stop(&bar);
}

/* JSON knows no infinity: a fault, and a dtype without a case, are null. */
static json_t *ratio(const verify *v, tskip_dtype dtype)
{
    return v->ran[dtype] > 0 && isfinite(v->worst[dtype]) ? json_real(v->worst[dtype])
                                                          : json_null();
}

static int print_json(const verify *v)
{
    json_t *devices = json_array();
    for (size_t i = 0; i < v->n_devices; i++)
        json_array_append_new(devices, json_string(v->devices[i].name));
    return cli_print_json(json_pack(
        "{s:I, s:I, s:{s:o, s:o, s:o}, s:o, s:o}", "cases", (json_int_t)v->cases, "failed",
        (json_int_t)v->failed, "worst", "bf16", ratio(v, TSKIP_BF16), "f16", ratio(v, TSKIP_F16),
        "f32", ratio(v, TSKIP_F32), "worst_lse",
        isfinite(v->worst_lse) ? json_real(v->worst_lse) : json_null(), "devices", devices));
}

static int print_tables(const verify *v, double seconds)
{
    table t;
    table_begin(&t, "lrrl", "type|cases|worst|of the accuracy bound (1 is the limit), at");
    for (int i = TSKIP_BF16; i >= TSKIP_F32; i--) {
        table_cell(&t, "%s", tskip_dtype_name((tskip_dtype)i));
        table_cell(&t, "%" PRIu64, v->ran[i]);
        table_cell(&t, v->ran[i] > 0 ? "%.3f" : "-", v->worst[i]);
        table_cell(&t, "%s", v->worst_text[i]);
    }
    table_print(&t, stdout);
    printf("\n%" PRIu64 " cases on", v->cases);
    for (size_t i = 0; i < v->n_devices; i++)
        printf(" %s", v->devices[i].name);
    if (v->failed == 0)
        printf(": all passed (%.1f s)\n", seconds);
    else
        printf(": %" PRIu64 " FAILED (%.1f s)\n", v->failed, seconds);
    return cli_finish();
}

int cmd_verify(int argc, char **argv)
{
    static options o;
    int status;
    if (!read_options(argc, argv, &o, &status))
        return status;
    static verify v;
    io_error error;
    if (!verify_open(&v, o.device, &error))
        return cli_fail("%s", error.text);
    v.filter = o.filter;
    const double start = clock_seconds();
    sweep(&v, &o);
    status = CLI_FAILED;
    if (v.cases == 0)
        cli_fail("verify: no case matches '%s'", o.filter != NULL ? o.filter : "");
    else
        status = o.json ? print_json(&v) : print_tables(&v, clock_seconds() - start);
    verify_close(&v);
    return status == CLI_DONE && v.failed > 0 ? CLI_FAILED : status;
}
