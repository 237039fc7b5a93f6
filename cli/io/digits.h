/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_IO_DIGITS_H
#define TSKIP_CLI_IO_DIGITS_H

#include <stdint.h>

/* "11,858" in a buffer of at least 32 bytes, which it returns. */
const char *io_digits(char text[32], uint64_t number);

#endif
