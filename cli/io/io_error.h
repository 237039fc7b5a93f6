/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_IO_ERROR_H
#define TSKIP_CLI_IO_ERROR_H

#include <stdbool.h>

/* Why a reader or writer failed: one sentence that names the file, the field, the value found and
 * what was expected. */
typedef struct io_error {
    char text[640];
} io_error;

/* Formats the reason and returns false, so that `return io_fail(error, …)` reads as it acts.
 * Bytes that no terminal should see are written as '?'. */
bool io_fail(io_error *error, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

#endif
