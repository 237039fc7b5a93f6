/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "cli_option.h"
#include "table.h"

#define MAX_DEVICES 64

static const char HELP[] =
    "Usage: tileskip devices [--json]\n"
    "Lists what attention can run on here, and what cannot be used and why.\n\n"
    "Options:\n"
    "  --json  print one JSON object\n"
    "  --help  show this\n\n"
    "Example:\n"
    "  tileskip devices\n";

static int print_json(const tskip_device_info *infos, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        const tskip_device_info *info = &infos[i];
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:b}", "name", info->name,
                      "description", info->description, "backend", info->backend, "isa", info->isa,
                      "available", info->available, "computes", info->computes, "threads",
                      (json_int_t)info->threads, "compute_units", (json_int_t)info->compute_units,
                      "memory", (json_int_t)info->memory, "shares_memory", info->shares_memory));
    }
    return cli_print_json(json_pack("{s:o}", "devices", list));
}

static int print_table(const tskip_device_info *infos, size_t n)
{
    table t;
    table_begin(&t, "lllrl", "device|usable|isa|memory|description");
    for (size_t i = 0; i < n; i++) {
        const tskip_device_info *info = &infos[i];
        table_cell(&t, "%s", info->name);
        table_cell(&t, "%s", info->available && info->computes ? "yes" : "no");
        table_cell(&t, "%s", info->isa[0] != 0 ? info->isa : "-");
        if (info->memory > 0)
            table_cell(&t, "%.1f GiB", (double)info->memory / (1 << 30));
        else
            table_cell(&t, "-");
        table_cell(&t, "%s", info->description);
    }
    table_print(&t, stdout);
    return cli_finish();
}

int cmd_devices(int argc, char **argv)
{
    bool json = false;
    const cli_option options[] = {CLI_OPTION("json", cli_read_flag, &json)};
    int status;
    if (!cli_read_options(argc, argv, HELP, options, 1, &status))
        return status;
    tskip_device_info infos[MAX_DEVICES];
    size_t count = 0;
    if (tskip_device_list(infos, MAX_DEVICES, &count) != TSKIP_OK)
        return cli_library_failed("devices");
    if (count > MAX_DEVICES)
        count = MAX_DEVICES;
    return json ? print_json(infos, count) : print_table(infos, count);
}
