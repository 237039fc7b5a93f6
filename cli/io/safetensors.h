/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_IO_SAFETENSORS_H
#define TSKIP_CLI_IO_SAFETENSORS_H

#include "element.h"
#include "file_bytes.h"

/* safetensors files: eight bytes of header length (little endian), the header as JSON
 * {name: {"dtype", "shape", "data_offsets": [begin, end)}}, then the tensors' bytes, which cover
 * the rest of the file without gap or overlap. https://github.com/huggingface/safetensors
 *
 * The reader trusts nothing: sizes are multiplied with overflow checks, every offset is compared
 * with the file's size, duplicate names are refused. */

#define IO_MAX_RANK 8

typedef struct io_tensor {
    const char *name;
    const io_element *element;
    uint32_t rank;
    int64_t shape[IO_MAX_RANK];
    const void *data; /* may be less aligned than its elements need */
    size_t size;      /* bytes */
} io_tensor;

typedef struct st_file st_file;

/* Opens and checks a file. On success *out is the caller's, to be closed. */
bool st_open(const char *path, st_file **out, io_error *error);

/* The same over bytes that the caller keeps alive; `label` stands for the file in messages. */
bool st_open_memory(const char *label, const void *data, size_t size, st_file **out,
                    io_error *error);

/* Accepts NULL. */
void st_close(st_file *file);

size_t st_count(const st_file *file);
const io_tensor *st_tensor(const st_file *file, size_t index);

/* NULL if there is none of that name. Lifetime: the file's. */
const io_tensor *st_find(const st_file *file, const char *name);

/* As st_find, but a missing tensor is an error that lists the names that exist. */
const io_tensor *st_require(const st_file *file, const char *path, const char *name,
                            io_error *error);

/* Writes tensors, in the order given, the data 64-byte aligned. All or nothing. */
bool st_write(const char *path, const io_tensor *tensors, size_t n_tensors, io_error *error);

#endif
