/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#if defined(__linux__)
#define _DEFAULT_SOURCE /* madvise */
#endif
#include "alloc.h"

#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "status.h"

#define HUGE_PAGE ((size_t)2 << 20)

/* From one huge page on, memory is aligned to it and asks for it: packed tiles and tensors then
 * need a five-hundredth of the address translations. */
static void *default_allocate(void *user, size_t size, size_t alignment)
{
    (void)user;
    bool huge = size >= HUGE_PAGE;
    void *memory = NULL;
    if (posix_memalign(&memory, huge ? HUGE_PAGE : alignment, size) != 0)
        return NULL;
#if defined(MADV_HUGEPAGE)
    if (huge)
        (void)madvise(memory, size, MADV_HUGEPAGE);
#endif
    return memory;
}

static void default_release(void *user, void *memory, size_t size)
{
    (void)user;
    (void)size;
    free(memory);
}

static const tskip_allocator default_allocator = {default_allocate, default_release, NULL};
static tskip_allocator current = {default_allocate, default_release, NULL};

void tskip_set_allocator(const tskip_allocator *allocator)
{
    current = allocator ? *allocator : default_allocator;
}

void *tskip__alloc_aligned(size_t size, size_t alignment, const char *what)
{
    if (size == 0)
        size = 1;
    void *memory = current.allocate(current.user, size, alignment);
    if (!memory)
        tskip__fail(TSKIP_OUT_OF_MEMORY, "out of memory: %zu bytes for %s", size, what);
    return memory;
}

void *tskip__alloc(size_t size, const char *what)
{
    return tskip__alloc_aligned(size, 64, what);
}

void *tskip__alloc_zero(size_t size, const char *what)
{
    void *memory = tskip__alloc(size, what);
    if (memory)
        memset(memory, 0, size);
    return memory;
}

void tskip__free(void *memory, size_t size)
{
    if (memory)
        current.release(current.user, memory, size ? size : 1);
}

bool tskip__mul(uint64_t a, uint64_t b, uint64_t *product)
{
    *product = a * b;
    return b == 0 || a <= UINT64_MAX / b;
}

bool tskip__add(uint64_t a, uint64_t b, uint64_t *sum)
{
    *sum = a + b;
    return a <= UINT64_MAX - b;
}
