/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_CLI_H
#define TSKIP_CLI_CLI_H

#include <jansson.h>
#include <tileskip/tileskip.h>

#include "io/io_error.h"

/* What the commands share: exit statuses, messages, printing. Results go to stdout,
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

/* Prints the library's last error after `what`, or after the option --rules if it is about a rule,
 * and returns CLI_FAILED. */
int cli_library_failed(const char *what);

/* Prints one JSON object and a newline, and gives it back. Returns CLI_DONE or CLI_FAILED. */
int cli_print_json(json_t *object);

/* Flushes stdout; a full disk or closed pipe is a failure. */
int cli_finish(void);

/* Whether two paths name one file: an existing one, or the same new one. */
bool cli_same_file(const char *a, const char *b);

/* Opens a device with a message on failure. threads 0: all. */
tskip_device *cli_open_device(const char *name, uint32_t threads);

#endif
