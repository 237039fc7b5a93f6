/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_IO_NPY_H
#define TSKIP_CLI_IO_NPY_H

#include "safetensors.h"

/* numpy's .npy files, versions 1 to 3: magic, version, header length, a Python dictionary with
 * 'descr', 'fortran_order' and 'shape', then the elements in C order.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * Types: float32 '<f4', float16 '<f2', bool '|b1', uint8 '|u1', and two raw bytes '|V2' or '<V2',
 * which is how bfloat16 arrays are saved. */

typedef struct npy_file {
    io_bytes bytes; /* empty if the caller keeps the memory */
    io_tensor tensor;
} npy_file;

/* On success the contents of *out are the caller's, to be closed. */
bool npy_open(const char *path, npy_file *out, io_error *error);
bool npy_open_memory(const char *label, const void *data, size_t size, npy_file *out,
                     io_error *error);
void npy_close(npy_file *file);

#endif
