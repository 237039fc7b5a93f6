/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "cli_option.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { MAX_OPTIONS = 32 };

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

static const cli_option *nearest(const char *word, const cli_option *options, size_t n)
{
    const cli_option *best = NULL;
    for (size_t i = 0; i < n; i++) {
        const char *name = options[i].name;
        if (cli_is_near(word, name) &&
            (best == NULL || edit_distance(word, name) < edit_distance(word, best->name)))
            best = &options[i];
    }
    return best;
}

/* Says what is wrong with an option that getopt_long refused. */
static void refuse_option(const char *command, const char *text, const cli_option *options,
                          size_t n)
{
    char name[32] = "";
    const size_t length = strcspn(text + strspn(text, "-"), "=");
    memcpy(name, text + strspn(text, "-"), least(length, sizeof(name) - 1));
    size_t n_begin = 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(options[i].name, name) == 0) {
            cli_usage(command, "option '--%s' takes no value, but has '%s'", name, text);
            return;
        }
        n_begin += strncmp(options[i].name, name, strlen(name)) == 0;
    }
    const cli_option *near = nearest(name, options, n);
    if (n_begin > 1 && text[1] == '-')
        cli_usage(command, "option '%s' is the beginning of %zu options", text, n_begin);
    else if (near != NULL)
        cli_usage(command, "unknown option '%s'; the nearest is '--%s'", text, near->name);
    else
        cli_usage(command, "unknown option '%s'", text);
}

static int show_help(const char *help)
{
    fputs(help, stdout);
    return cli_finish();
}

/* False, after a usage message, where a second value would push out the first. */
static bool is_new(const char *command, const cli_option *option, bool *given)
{
    const bool again = *given && option->read != cli_read_flag && option->read != cli_read_problem;
    if (again)
        cli_usage(command, "option '--%s' is given twice, expected once", option->name);
    *given = true;
    return !again;
}

bool cli_read_options(int argc, char **argv, const char *help, const cli_option *options, size_t n,
                      int *status)
{
    enum { HELP = 'h', FIRST = 256 };
    struct option names[MAX_OPTIONS + 2] = {{"help", no_argument, NULL, HELP}};
    for (size_t i = 0; i < n && i < MAX_OPTIONS; i++)
        names[i + 1] = (struct option){
            options[i].name, options[i].read == cli_read_flag ? no_argument : required_argument,
            NULL, FIRST + (int)i};
    bool given[MAX_OPTIONS] = {false};
    *status = CLI_USAGE;
    opterr = 0;
    for (;;) {
        const int at = optind;
        const int c = getopt_long(argc, argv, ":h", names, NULL);
        if (c == HELP)
            *status = show_help(help);
        else if (c == ':')
            cli_usage(argv[0], "option '%s' needs a value", argv[optind - 1]);
        else if (c == '?')
            refuse_option(argv[0], argv[at < optind ? optind - 1 : at], options, n);
        else if (c == -1 && optind < argc)
            cli_usage(argv[0], "unexpected argument '%s'", argv[optind]);
        else if (c == -1)
            return true;
        else if (is_new(argv[0], &options[c - FIRST], &given[c - FIRST]) &&
                 options[c - FIRST].read(argv[0], &options[c - FIRST], optarg))
            continue;
        return false;
    }
}

/* The end of every reader that has nothing to store. */
static bool refuse(const char *command, const cli_option *option, const char *text,
                   const char *expected)
{
    cli_usage(command, "--%s is '%s', expected %s", option->name, text, expected);
    return false;
}

bool cli_read_flag(const char *command, const cli_option *option, const char *text)
{
    (void)command;
    (void)text;
    *(bool *)option->value = true;
    return true;
}

bool cli_read_text(const char *command, const cli_option *option, const char *text)
{
    (void)command;
    *(const char **)option->value = text;
    return true;
}

bool cli_read_rules(const char *command, const cli_option *option, const char *text)
{
    tskip_rules *rules = NULL;
    if (tskip_rules_parse(text, &rules) != TSKIP_OK) {
        cli_usage(command, "--%s: %s", option->name, tskip_last_error());
        return false;
    }
    tskip_rules_destroy(&rules);
    return cli_read_text(command, option, text);
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

bool cli_read_i64(const char *command, const cli_option *option, const char *text)
{
    char expected[80];
    int64_t value;
    if (read_number(text, &value) && value >= option->least && value <= option->most) {
        *(int64_t *)option->value = value;
        return true;
    }
    snprintf(expected, sizeof(expected), "a number from %" PRId64 " to %" PRId64, option->least,
             option->most);
    return refuse(command, option, text, expected);
}

bool cli_read_u32(const char *command, const cli_option *option, const char *text)
{
    int64_t value;
    cli_option wide = *option;
    wide.value = &value;
    if (!cli_read_i64(command, &wide, text))
        return false;
    *(uint32_t *)option->value = (uint32_t)value;
    return true;
}

bool cli_read_f32(const char *command, const cli_option *option, const char *text)
{
    char *end;
    const bool begins_well = (text[0] >= '0' && text[0] <= '9') || text[0] == '.';
    const float value = strtof(text, &end);
    if (!begins_well || end == text || *end != 0 || !isfinite(value) || value <= 0)
        return refuse(command, option, text, "a number above 0 that a float32 can hold");
    *(float *)option->value = value;
    return true;
}

bool cli_read_tile(const char *command, const cli_option *option, const char *text)
{
    char digits[24];
    const char *cross = strchr(text, 'x');
    int64_t bq, bk;
    if (cross != NULL && (size_t)(cross - text) < sizeof(digits)) {
        memcpy(digits, text, (size_t)(cross - text));
        digits[cross - text] = 0;
        if (read_number(digits, &bq) && read_number(cross + 1, &bk) && bq >= 1 &&
            bq <= UINT32_MAX && bk >= 1 && bk <= UINT32_MAX) {
            *(tskip_tile *)option->value = (tskip_tile){(uint32_t)bq, (uint32_t)bk};
            return true;
        }
    }
    return refuse(command, option, text, "query rows × key columns such as 32x16");
}

bool cli_read_offset(const char *command, const cli_option *option, const char *text)
{
    char expected[80];
    int64_t value = TSKIP_OFFSET_END;
    if (strcmp(text, "end") != 0 && !(read_number(text, &value) && value <= CLI_MAX_OFFSET)) {
        snprintf(expected, sizeof(expected), "a number from 0 to %" PRId64 " or 'end'",
                 CLI_MAX_OFFSET);
        return refuse(command, option, text, expected);
    }
    *(int64_t *)option->value = value;
    return true;
}

bool cli_read_dtype(const char *command, const cli_option *option, const char *text)
{
    for (int i = TSKIP_F32; i <= TSKIP_BF16; i++) {
        if (strcmp(text, tskip_dtype_name((tskip_dtype)i)) == 0) {
            *(tskip_dtype *)option->value = (tskip_dtype)i;
            return true;
        }
    }
    return refuse(command, option, text, "f32, f16 or bf16");
}

bool cli_read_problem(const char *command, const cli_option *option, const char *text)
{
    cli_problems *problems = option->value;
    io_error error;
    if (problems->n == CLI_MAX_PROBLEMS) {
        cli_usage(command, "more than %d times --%s", CLI_MAX_PROBLEMS, option->name);
        return false;
    }
    if (!problem_parse(text, &problems->list[problems->n], &error)) {
        cli_usage(command, "--%s: %s", option->name, error.text);
        return false;
    }
    problems->n++;
    return true;
}
