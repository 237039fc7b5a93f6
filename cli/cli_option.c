/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be put in, taken out or replaced to make `b` of `a`. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 31 };
    size_t row[LONGEST + 1];
    const size_t n = least(strlen(a), LONGEST), m = least(strlen(b), LONGEST);
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[m];
}

bool cli_is_near(const char *word, const char *name)
{
    return edit_distance(word, name) <= 1 + strlen(name) / 4;
}

static const struct option *nearest(const char *word, const struct option *options)
{
    const struct option *best = NULL;
    for (const struct option *o = options; o->name != NULL; o++) {
        if (cli_is_near(word, o->name) &&
            (best == NULL || edit_distance(word, o->name) < edit_distance(word, best->name)))
            best = o;
    }
    return best;
}

/* Says what is wrong with an option that getopt_long refused. */
static void refuse_option(const char *command, const char *text, const struct option *options)
{
    char name[32] = "";
    const size_t length = strcspn(text + strspn(text, "-"), "=");
    memcpy(name, text + strspn(text, "-"), least(length, sizeof(name) - 1));
    size_t n_begin = 0;
    for (const struct option *o = options; o->name != NULL; o++) {
        if (strcmp(o->name, name) == 0) {
            cli_usage(command, "option '--%s' takes no value, but has '%s'", name, text);
            return;
        }
        n_begin += strncmp(o->name, name, strlen(name)) == 0;
    }
    const struct option *near = nearest(name, options);
    if (n_begin > 1 && text[1] == '-')
        cli_usage(command, "option '%s' is the beginning of %zu options", text, n_begin);
    else if (near != NULL)
        cli_usage(command, "unknown option '%s'; the nearest is '--%s'", text, near->name);
    else
        cli_usage(command, "unknown option '%s'", text);
}

int cli_next_option(int argc, char **argv, const struct option *options)
{
    opterr = 0;
    const int at = optind;
    const int c = getopt_long(argc, argv, ":", options, NULL);
    if (c == ':')
        cli_usage(argv[0], "option '%s' needs a value", argv[optind - 1]);
    else if (c == '?')
        refuse_option(argv[0], argv[at < optind ? optind - 1 : at], options);
    else if (c == -1 && optind < argc)
        cli_usage(argv[0], "unexpected argument '%s'", argv[optind]);
    else
        return c;
    return '?';
}

/* Decimal digits and nothing else. */
static bool read_number(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (errno != 0 || text[0] < '0' || text[0] > '9' || *end != 0)
        return false;
    *out = value;
    return true;
}

bool cli_get_i64(const char *command, const char *option, const char *text, int64_t least,
                 int64_t most, int64_t *out)
{
    if (read_number(text, out) && *out >= least && *out <= most)
        return true;
    cli_usage(command, "--%s is '%s', expected a number from %" PRId64 " to %" PRId64, option, text,
              least, most);
    return false;
}

bool cli_get_f32(const char *command, const char *option, const char *text, float *out)
{
    char *end;
    const bool begins_well = (text[0] >= '0' && text[0] <= '9') || text[0] == '.';
    *out = strtof(text, &end);
    if (begins_well && end != text && *end == 0 && isfinite(*out) && *out > 0)
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
        if (read_number(digits, &bq) && read_number(cross + 1, &bk) && bq >= 1 &&
            bq <= UINT32_MAX && bk >= 1 && bk <= UINT32_MAX) {
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
    if (read_number(text, out) && *out <= CLI_MAX_OFFSET)
        return true;
    cli_usage(command, "--%s is '%s', expected a number from 0 to %" PRId64 " or 'end'", option,
              text, CLI_MAX_OFFSET);
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

bool cli_get_rules(const char *command, const char *option, const char *text)
{
    tskip_rules *rules = NULL;
    if (tskip_rules_parse(text, &rules) == TSKIP_OK) {
        tskip_rules_destroy(&rules);
        return true;
    }
    cli_usage(command, "--%s: %s", option, tskip_last_error());
    return false;
}
