/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_GUARDED_H
#define TSKIP_CLI_GUARDED_H

#include <stdbool.h>
#include <stddef.h>

/* Memory whose last byte is followed by a page that cannot be touched, so that reading or writing
 * one element too far ends the program there. Aligned only as `size` allows: to the elements. */
typedef struct guarded {
    void *data; /* NULL: none */
    size_t size;
    void *base;
    size_t mapped;
} guarded;

/* Zeroed memory; size 0 gives none. False if there is no memory. */
bool guarded_create(guarded *memory, size_t size);
void guarded_release(guarded *memory);

#endif
