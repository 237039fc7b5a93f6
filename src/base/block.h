/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BASE_BLOCK_H
#define TSKIP_BASE_BLOCK_H

#include <tileskip/base.h>

/* Memory that grows at its end, for an encoder's commands. Zeroed it is empty and ready. What lies
 * in it moves when it grows: keep offsets, not pointers. */
typedef struct tskip__block {
    char *bytes; /* on a 64-byte boundary; NULL while the capacity is 0 */
    size_t capacity, used;
} tskip__block;

/* The next `size` bytes behind `used`, contents undefined; they count once the caller moves `used`
 * past them. NULL with the last error set, and the block as it was, if memory is out. Say what for,
 * as in tskip__alloc. */
void *tskip__block_reserve(tskip__block *block, size_t size, const char *what);

/* Leaves it empty and ready. */
void tskip__block_free(tskip__block *block);

#endif
