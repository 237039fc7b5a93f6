/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_IO_ELEMENT_H
#define TSKIP_CLI_IO_ELEMENT_H

#include <tileskip/base.h>

/* Element types as files name them, and the conversion of single elements. */

typedef struct io_element {
    const char *name;  /* "BF16", as safetensors spells it */
    size_t size;       /* bytes */
    tskip_dtype dtype; /* NONE: may lie in a file, but nothing here computes with it */
} io_element;

/* NULL if there is no such type. */
const io_element *io_element_by_name(const char *name, size_t length);

/* The type that a dtype is stored as (BOOL: "BOOL"); NULL for NONE. */
const io_element *io_element_by_dtype(tskip_dtype dtype);

/* "BOOL, U8, …": every name, for messages. */
const char *io_element_names(void);

/* Element `index` of an array of `dtype` (BOOL: 0 or 1), rounded to nearest even; NaN stays NaN.
 * What is loaded may lie at any address. */
float io_load(const void *data, tskip_dtype dtype, size_t index);
void io_store(void *data, tskip_dtype dtype, size_t index, float value);

#endif
