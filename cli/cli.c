/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    return cli_fail("%s: %s", what, tskip_last_error());
}

int cli_next_option(int argc, char **argv, const struct option *options)
{
    opterr = 0;
    const int at = optind;
    const int c = getopt_long(argc, argv, ":", options, NULL);
    if (c == ':')
        cli_usage(argv[0], "option '%s' needs a value", argv[optind - 1]);
    else if (c == '?')
        cli_usage(argv[0], "unknown option '%s'", argv[at < optind ? optind - 1 : at]);
    else if (c == -1 && optind < argc)
        cli_usage(argv[0], "unexpected argument '%s'", argv[optind]);
    else
        return c;
    return '?';
}

static bool read_i64(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != 0 || text[0] == ' ' || text[0] == '+')
        return false;
    *out = value;
    return true;
}

bool cli_get_i64(const char *command, const char *option, const char *text, int64_t least,
                 int64_t most, int64_t *out)
{
    if (read_i64(text, out) && *out >= least && *out <= most)
        return true;
    cli_usage(command, "--%s is '%s', expected a number from %" PRId64 " to %" PRId64, option, text,
              least, most);
    return false;
}

bool cli_get_f32(const char *command, const char *option, const char *text, float *out)
{
    char *end;
    *out = strtof(text, &end);
    if (end != text && *end == 0 && isfinite(*out) && *out > 0)
        return true;
    cli_usage(command, "--%s is '%s', expected a finite number above 0", option, text);
    return false;
}

bool cli_get_tile(const char *command, const char *option, const char *text, tskip_tile *out)
{
    char digits[24];
    const char *cross = strchr(text, 'x');
    int64_t bq, bk;
    if (cross != NULL && (size_t)(cross - text) < sizeof(digits)) {
        memcpy(digits, text, (size_t)(cross - text));
        digits[cross - text] = 0;
        if (read_i64(digits, &bq) && read_i64(cross + 1, &bk) && bq >= 1 && bq <= UINT32_MAX &&
            bk >= 1 && bk <= UINT32_MAX) {
            *out = (tskip_tile){(uint32_t)bq, (uint32_t)bk};
            return true;
        }
    }
    cli_usage(command, "--%s is '%s', expected query rows × key columns such as 32x16", option,
              text);
    return false;
}

bool cli_get_offset(const char *command, const char *option, const char *text, int64_t *out)
{
    if (strcmp(text, "end") == 0) {
        *out = TSKIP_OFFSET_END;
        return true;
    }
    if (read_i64(text, out) && *out >= 0)
        return true;
    cli_usage(command, "--%s is '%s', expected a number >= 0 or 'end'", option, text);
    return false;
}

bool cli_get_dtype(const char *command, const char *option, const char *text, tskip_dtype *out)
{
    for (int i = TSKIP_F32; i <= TSKIP_BF16; i++) {
        if (strcmp(text, tskip_dtype_name((tskip_dtype)i)) == 0) {
            *out = (tskip_dtype)i;
            return true;
        }
    }
    cli_usage(command, "--%s is '%s', expected f32, f16 or bf16", option, text);
    return false;
}

int cli_finish(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return cli_fail("standard output: %s", strerror(errno));
    return CLI_DONE;
}

int cli_print_json(json_t *object)
{
    const int status = json_dumpf(object, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    json_decref(object);
    if (object == NULL || status != 0)
        return cli_fail("standard output: cannot write the result");
    putchar('\n');
    return cli_finish();
}

tskip_device *cli_open_device(const char *name, uint32_t threads)
{
    tskip_device *device = NULL;
    const tskip_device_desc desc = {.name = name, .threads = threads};
    if (tskip_device_open(&desc, &device) != TSKIP_OK)
        cli_library_failed("device");
    return device;
}
