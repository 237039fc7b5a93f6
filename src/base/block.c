/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "block.h"

#include <string.h>

#include "alloc.h"

enum { FIRST_CAPACITY = 4096 };

static bool grow(tskip__block *block, size_t size, const char *what)
{
    size_t capacity = block->capacity > 0 ? 2 * block->capacity : FIRST_CAPACITY;
    while (capacity - block->used < size)
        capacity *= 2;
    char *bytes = tskip__alloc(capacity, what);
    if (!bytes)
        return false;
    if (block->used > 0)
        memcpy(bytes, block->bytes, block->used);
    tskip__free(block->bytes, block->capacity);
    block->bytes = bytes;
    block->capacity = capacity;
    return true;
}

void *tskip__block_reserve(tskip__block *block, size_t size, const char *what)
{
    if (size > block->capacity - block->used && !grow(block, size, what))
        return NULL;
    return block->bytes + block->used;
}

void tskip__block_free(tskip__block *block)
{
    tskip__free(block->bytes, block->capacity);
    *block = (tskip__block){0};
}
