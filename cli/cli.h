/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_CLI_H
#define TSKIP_CLI_CLI_H

#include <getopt.h>
#include <jansson.h>
#include <tileskip/tileskip.h>

#include "io/io_error.h"

/* What the commands share: exit statuses, messages, option values, printing. Results go to stdout,
 * everything else to stderr. */

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* One command each; argv[0] is the command's name. They return the exit status. */
int cmd_devices(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_attend(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_bench(int argc, char **argv);

#if defined(__GNUC__)
#define CLI_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define CLI_PRINTF(text, first)
#endif

/* Prints "tileskip: …" and returns CLI_FAILED. */
int cli_fail(const char *format, ...) CLI_PRINTF(1, 2);

/* Prints "tileskip COMMAND: …" and where help is, and returns CLI_USAGE. */
int cli_usage(const char *command, const char *format, ...) CLI_PRINTF(2, 3);

/* Prints the library's last error after `what` and returns CLI_FAILED. */
int cli_library_failed(const char *what);

/* The next option's value as getopt_long gives it, -1 at the end; '?' after a message for one that
 * is unknown or lacks its argument. Operands are refused the same way. */
int cli_next_option(int argc, char **argv, const struct option *options);

/* True if `word` may be a misspelling of `name`. */
bool cli_is_near(const char *word, const char *name);

/* The longest side of a mask and the largest offset, as the library has them. */
#define CLI_MAX_LENGTH (INT64_C(1) << 40)
#define CLI_MAX_OFFSET (INT64_C(1) << 59)

/* Option values. On failure they print a usage message and return false. */
bool cli_get_i64(const char *command, const char *option, const char *text, int64_t least,
                 int64_t most, int64_t *out);
bool cli_get_f32(const char *command, const char *option, const char *text, float *out);
bool cli_get_tile(const char *command, const char *option, const char *text, tskip_tile *out);
bool cli_get_offset(const char *command, const char *option, const char *text, int64_t *out);
bool cli_get_rules(const char *command, const char *option, const char *text);
bool cli_get_dtype(const char *command, const char *option, const char *text, tskip_dtype *out);

/* Prints one JSON object and a newline, and gives it back. Returns CLI_DONE or CLI_FAILED. */
int cli_print_json(json_t *object);

/* Flushes stdout; a full disk or closed pipe is a failure. */
int cli_finish(void);

/* Opens a device with a message on failure. threads 0: all. */
tskip_device *cli_open_device(const char *name, uint32_t threads);

#endif
