/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_CLI_OPTION_H
#define TSKIP_CLI_CLI_OPTION_H

#include "problem.h"

/* How every command reads its options: a table with a row an option, whose reader stores the
 * value. */

typedef struct cli_option cli_option;

/* Stores what `text` says where option->value points (text NULL: the option takes no value). False
 * after a usage message that names the option, the text and what was expected. */
typedef bool cli_reader(const char *command, const cli_option *option, const char *text);

struct cli_option {
    const char *name; /* without its dashes */
    cli_reader *read;
    void *value;         /* what it points to is the reader's to say */
    int64_t least, most; /* of cli_read_i64 and cli_read_u32, inclusive */
};

#define CLI_OPTION(name, read, value)                                                              \
    {                                                                                              \
        name, read, value, 0, 0                                                                    \
    }
#define CLI_NUMBER(name, read, value, least, most)                                                 \
    {                                                                                              \
        name, read, value, least, most                                                             \
    }

/* The longest side of a mask and the largest offset, as the library has them. */
#define CLI_MAX_LENGTH  (INT64_C(1) << 40)
#define CLI_MAX_OFFSET  (INT64_C(1) << 59)
#define CLI_MAX_THREADS 4096

cli_reader cli_read_flag;   /* bool, set to true; the only options without a value */
cli_reader cli_read_text;   /* const char *, argv's own */
cli_reader cli_read_rules;  /* the same, refused if it is no rules */
cli_reader cli_read_i64;    /* int64_t */
cli_reader cli_read_u32;    /* uint32_t */
cli_reader cli_read_f32;    /* float, finite and above 0 */
cli_reader cli_read_offset; /* int64_t, or 'end' as TSKIP_OFFSET_END */
cli_reader cli_read_tile;   /* tskip_tile */
cli_reader cli_read_dtype;  /* tskip_dtype: f32, f16 or bf16 */

/* --problem, which may be repeated. */
#define CLI_MAX_PROBLEMS 64
typedef struct cli_problems {
    problem list[CLI_MAX_PROBLEMS];
    size_t n;
} cli_problems;
cli_reader cli_read_problem; /* cli_problems, one more */

/* Reads argv, argv[0] being the command's name. An option with a value is refused the second time,
 * but for --problem. Every command also has --help, which prints `help`.
 * False: the command is over and ends with *status. True: *status is CLI_USAGE, for a command that
 * refuses what it was given. */
bool cli_read_options(int argc, char **argv, const char *help, const cli_option *options, size_t n,
                      int *status);

/* True if `word` may be a misspelling of `name`. */
bool cli_is_near(const char *word, const char *name);

#endif
