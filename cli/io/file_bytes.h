/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_IO_FILE_BYTES_H
#define TSKIP_CLI_IO_FILE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "io_error.h"

/* A file's contents, mapped read-only. An empty file has data NULL and size 0. */
typedef struct io_bytes {
    const uint8_t *data;
    size_t size;
} io_bytes;

/* On success *out is the caller's, to be released. On failure there is nothing to release. */
bool io_bytes_open(const char *path, io_bytes *out, io_error *error);
void io_bytes_release(io_bytes *bytes);

typedef struct io_piece {
    const void *data;
    size_t size;
} io_piece;

/* Writes the pieces to `path`, all of them or none: on failure a file that was there before is as
 * it was. Devices and pipes are written to, not replaced. */
bool io_bytes_write(const char *path, const io_piece *pieces, size_t n_pieces, io_error *error);

#endif
