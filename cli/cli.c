/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include "blame.h"

int cli_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("tileskip: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return CLI_FAILED;
}

int cli_usage(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "tileskip %s: ", command);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nSee 'tileskip %s --help'.\n", command);
    va_end(args);
    return CLI_USAGE;
}

int cli_library_failed(const char *what)
{
    return cli_fail("%s: %s", blame(what), tskip_last_error());
}

int cli_finish(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return cli_fail("standard output: %s", strerror(errno));
    return CLI_DONE;
}

int cli_print_json(json_t *object)
{
    char *text = json_dumps(object, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    json_decref(object);
    if (text == NULL)
        return cli_fail("the result cannot be written as JSON");
    puts(text);
    free(text);
    return cli_finish();
}

bool cli_same_file(const char *a, const char *b)
{
    struct stat at_a, at_b;
    if (stat(a, &at_a) != 0 || stat(b, &at_b) != 0)
        return strcmp(a, b) == 0;
    return S_ISREG(at_a.st_mode) && at_a.st_dev == at_b.st_dev && at_a.st_ino == at_b.st_ino;
}

tskip_device *cli_open_device(const char *name, uint32_t threads)
{
    tskip_device *device = NULL;
    const tskip_device_desc desc = {.name = name, .threads = threads};
    if (tskip_device_open(&desc, &device) != TSKIP_OK) {
        cli_fail("%s", tskip_last_error());
    } else if (!tskip_device_get_info(device)->computes) {
        cli_fail("device \"%s\": computes nothing, expected one that does", name);
        tskip_device_destroy(&device);
    }
    return device;
}
