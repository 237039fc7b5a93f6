/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "guarded.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)

bool guarded_create(guarded *memory, size_t size)
{
    *memory = (guarded){0};
    if (size == 0)
        return true;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (size > SIZE_MAX - 2 * page)
        return false;
    const size_t used = (size + page - 1) / page * page;
    uint8_t *base =
        mmap(NULL, used + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return false;
    if (mprotect(base + used, page, PROT_NONE) != 0) {
        munmap(base, used + page);
        return false;
    }
#if defined(MADV_HUGEPAGE) /* as the library's own buffers have it */
    if (used >= HUGE_PAGE)
        (void)madvise(base, used, MADV_HUGEPAGE);
#endif
    *memory = (guarded){base + used - size, size, base, used + page};
    return true;
}

void guarded_release(guarded *memory)
{
    if (memory->base != NULL)
        munmap(memory->base, memory->mapped);
    *memory = (guarded){0};
}
