/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin_run.h"

#include <string.h>

/* Every load and store of a kernel comes here: is it inside of what the dispatch may touch? Then
 * standin_race.c judges its order. */

enum { NEAR = 1 << 30, PAGE_SIZE = 4096 };

/* ---- bounds ---------------------------------------------------------------------------------- */

static const standin_view *view_of(const standin_worker *w, uintptr_t address, size_t size,
                                   bool writes)
{
    const standin_view *read_only = NULL;
    for (unsigned i = 0; i < STANDIN_GROUP_BLOCKS; i++) {
        const standin_view *v = &w->views[MSL_MAX_BUFFERS + i];
        if (address >= v->begin && address + size <= v->end)
            return v;
    }
    for (unsigned i = 0; i < w->n_views; i++) {
        const standin_view *v = &w->views[i];
        if (address < v->begin || address + size > v->end)
            continue;
        if (v->is_writable || !writes)
            return v;
        read_only = v;
    }
    return read_only;
}

static _Noreturn void out_of_bounds(const standin_worker *w, uintptr_t address, size_t size,
                                    bool writes, const void *where)
{
    const char *what = writes ? "writes" : "reads";
    if (address < PAGE_SIZE)
        standin_violate(where, "%s %zu bytes through a null pointer: a buffer that is not bound",
                        what, size);
    const msl_kernel *kernel = w->kernel;
    const msl_parameter *nearest = NULL;
    uintptr_t base = 0, length = 0, least = UINTPTR_MAX;
    for (unsigned i = 0; i < kernel->n_parameters; i++) {
        const msl_parameter *p = &kernel->parameters[i];
        bool is_block = p->kind == MSL_GROUP_BLOCK;
        uintptr_t at = (uintptr_t)(is_block ? w->arguments->group_blocks[p->index]
                                            : w->arguments->buffers[p->index]);
        uintptr_t distance = at > address ? at - address : address - at;
        if (at == 0 || distance >= least)
            continue;
        least = distance;
        nearest = p;
        base = at;
        const standin_binding *b = &w->command->bindings[p->index];
        length = is_block    ? w->command->group_memory[p->index]
                 : b->buffer ? b->buffer->length - b->offset
                             : b->n_bytes;
    }
    if (nearest && least < NEAR)
        standin_violate(where, "%s %zu bytes at %ld of %s, which has %lu", what, size,
                        (long)(address - base), nearest->name, (unsigned long)length);
    standin_violate(where, "%s %zu bytes at %p, which is in no buffer of it", what, size,
                    (void *)address);
}

/* The memory of [address, address + size), NULL for a lane's own; ends the group if it has no right
 * to it. */
static const standin_view *check(standin_worker *w, uintptr_t address, size_t size, bool writes,
                                 const void *where)
{
    const standin_view *v = w->last_hit;
    if (v && address >= v->begin && address + size <= v->end && (v->is_writable || !writes))
        return v;
    if (address >= w->stacks - PAGE_SIZE && address + size <= w->stacks_end)
        return NULL;
    v = view_of(w, address, size, writes);
    if (!v && !writes && address >= w->code_begin && address + size <= w->code_end)
        return NULL;
    if (!v)
        out_of_bounds(w, address, size, writes, where);
    if (writes && !v->is_writable)
        standin_violate(where, "writes %zu bytes of a buffer that it takes as const or constant",
                        size);
    w->last_hit = v;
    return v;
}

/* ---- the hooks ------------------------------------------------------------------------------- */

void standin_judge(uintptr_t address, size_t size, bool writes, bool collective, const void *where)
{
    standin_worker *w = standin_self;
    const standin_view *v = check(w, address, size, writes, where);
    if (v && w->judges_races)
        standin_track(w, v, address, size, writes,
                      collective ? STANDIN_COLLECTIVE + w->current->simd->index : w->current->index,
                      where);
}

void standin_judge_atomic(uintptr_t address, bool writes, const void *where)
{
    standin_worker *w = standin_self;
    const standin_view *v = check(w, address, 4, writes, where);
    if (address % 4 != 0)
        standin_violate(where, "an atomic operation at %p: no multiple of 4", (void *)address);
    if (v && w->judges_races)
        standin_track(w, v, address, 4, writes, STANDIN_ATOMIC, where);
}

static inline void judge_scalar(uintptr_t address, size_t size, bool writes, const void *where)
{
    if (size <= 8 && address % size != 0)
        standin_violate(where, "%s %zu bytes at %p: no multiple of %zu",
                        writes ? "writes" : "reads", size, (void *)address, size);
    standin_judge(address, size, writes, false, where);
}

#define HOOKS(size)                                                                                \
    STANDIN_EXPORT void __asan_load##size##_noabort(uintptr_t address)                             \
    {                                                                                              \
        judge_scalar(address, size, false, __builtin_return_address(0));                           \
    }                                                                                              \
    STANDIN_EXPORT void __asan_store##size##_noabort(uintptr_t address)                            \
    {                                                                                              \
        judge_scalar(address, size, true, __builtin_return_address(0));                            \
    }
HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

STANDIN_EXPORT void __asan_loadN_noabort(uintptr_t address, size_t size)
{
    standin_judge(address, size, false, false, __builtin_return_address(0));
}

STANDIN_EXPORT void __asan_storeN_noabort(uintptr_t address, size_t size)
{
    standin_judge(address, size, true, false, __builtin_return_address(0));
}

STANDIN_EXPORT void *__asan_memcpy(void *to, const void *from, size_t size)
{
    standin_judge((uintptr_t)from, size, false, false, __builtin_return_address(0));
    standin_judge((uintptr_t)to, size, true, false, __builtin_return_address(0));
    return memmove(to, from, size);
}

STANDIN_EXPORT void *__asan_memmove(void *to, const void *from, size_t size)
{
    standin_judge((uintptr_t)from, size, false, false, __builtin_return_address(0));
    standin_judge((uintptr_t)to, size, true, false, __builtin_return_address(0));
    return memmove(to, from, size);
}

STANDIN_EXPORT void *__asan_memset(void *to, int value, size_t size)
{
    standin_judge((uintptr_t)to, size, true, false, __builtin_return_address(0));
    return memset(to, value, size);
}

STANDIN_EXPORT void __asan_handle_no_return(void) {}
