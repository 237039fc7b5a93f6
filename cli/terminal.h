/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_TERMINAL_H
#define TSKIP_CLI_TERMINAL_H

#include <stdint.h>
#include <stdio.h>

/* What a stream is shown on. 0 × 0: a file or a pipe, where nothing is cut. A terminal that does
 * not say its size is taken for 80 × 24. */
typedef struct terminal_size {
    uint32_t columns, rows;
} terminal_size;

terminal_size terminal_size_of(FILE *stream);

#endif
