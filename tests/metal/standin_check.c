/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin_run.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Every load and store of a kernel comes here: is it inside of what the dispatch may touch, and is
 * it ordered with the accesses of others? */

/* ---- memory ---------------------------------------------------------------------------------- */

/* Address space is plenty: nothing lies near a buffer, so that what runs past it hits nothing. */
enum { GAP = 1 << 30, GARBAGE = 0xA5, MAX_GARBAGE = 1 << 28, PAGE_SIZE = 4096 };

static uint64_t whole_pages(uint64_t length)
{
    return (length + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
}

void *standin_memory_new(uint64_t length)
{
    uint64_t size = whole_pages(length);
    unsigned char *all = mmap(NULL, size + 2 * (uint64_t)GAP, PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    if (mprotect(all + GAP, size, PROT_READ | PROT_WRITE) != 0) {
        (void)munmap(all, size + 2 * (uint64_t)GAP);
        return NULL;
    }
    memset(all + GAP, GARBAGE, length < MAX_GARBAGE ? length : MAX_GARBAGE);
    return all + GAP;
}

void standin_memory_free(void *bytes, uint64_t length)
{
    (void)munmap((unsigned char *)bytes - GAP, whole_pages(length) + 2 * (uint64_t)GAP);
}

/* ---- shadows --------------------------------------------------------------------------------- */

/* Two words for each byte of a buffer: the last write and the last read. A word:
 *
 *     level 2 | tick 19 | thread 11 | group 18 | dispatch 14
 *
 * `level` of a read says who else has read since the last barrier that orders it. Words of group
 * memory have no dispatch and no group: there the tick alone tells. */
enum {
    DISPATCH_BITS = 14,
    GROUP_BITS = 18,
    THREAD_BITS = 11,
    TICK_BITS = 19,
    COLLECTIVE = 1024, /* thread numbers from here on: a SIMD group as one */
    ATOMIC = 2047,
};
typedef enum readers { ONE, SEVERAL_OF_A_SIMD, SEVERAL_OF_A_GROUP, SEVERAL_GROUPS } readers;

typedef struct stamp {
    uint32_t dispatch, group, thread, tick;
    readers level;
} stamp;

static uint64_t pack(stamp s)
{
    return (uint64_t)s.dispatch | (uint64_t)(s.group & ((1u << GROUP_BITS) - 1)) << DISPATCH_BITS |
           (uint64_t)s.thread << (DISPATCH_BITS + GROUP_BITS) |
           (uint64_t)s.tick << (DISPATCH_BITS + GROUP_BITS + THREAD_BITS) |
           (uint64_t)s.level << (DISPATCH_BITS + GROUP_BITS + THREAD_BITS + TICK_BITS);
}

static stamp unpack(uint64_t word)
{
    stamp s = {
        .dispatch = word & ((1u << DISPATCH_BITS) - 1),
        .group = word >> DISPATCH_BITS & ((1u << GROUP_BITS) - 1),
        .thread = word >> (DISPATCH_BITS + GROUP_BITS) & ((1u << THREAD_BITS) - 1),
        .tick = word >> (DISPATCH_BITS + GROUP_BITS + THREAD_BITS) & ((1u << TICK_BITS) - 1),
        .level = word >> (DISPATCH_BITS + GROUP_BITS + THREAD_BITS + TICK_BITS),
    };
    return s;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static standin_buffer **placed;
static size_t n_placed, capacity;

void standin_buffer_placed(standin_buffer *buffer)
{
    pthread_mutex_lock(&lock);
    if (n_placed == capacity) {
        capacity = capacity ? 2 * capacity : 64;
        placed = realloc(placed, capacity * sizeof *placed);
    }
    placed[n_placed++] = buffer;
    pthread_mutex_unlock(&lock);
}

static void drop_shadow(standin_buffer *buffer)
{
    if (buffer->shadow)
        (void)munmap(buffer->shadow, buffer->length * 16);
    buffer->shadow = NULL;
}

void standin_buffer_gone(standin_buffer *buffer)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < n_placed; i++)
        if (placed[i] == buffer) {
            placed[i] = placed[--n_placed];
            break;
        }
    drop_shadow(buffer);
    pthread_mutex_unlock(&lock);
}

uint64_t *standin_shadow_of(standin_buffer *buffer)
{
    if (!buffer->shadow) {
        void *shadow = mmap(NULL, buffer->length * 16, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (shadow == MAP_FAILED)
            abort();
        buffer->shadow = shadow;
    }
    return buffer->shadow;
}

void standin_forget_shadows(void)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < n_placed; i++)
        drop_shadow(placed[i]);
    pthread_mutex_unlock(&lock);
}

/* ---- races ----------------------------------------------------------------------------------- */

typedef struct accessor {
    const standin_worker *worker;
    const standin_simd *simd;
    stamp now;
    unsigned memory; /* 0: device, 1: threadgroup; indexes the barriers' ticks */
    uint32_t group_barrier, simd_barrier;
} accessor;

static unsigned simd_of(uint32_t thread)
{
    return thread >= COLLECTIVE ? thread - COLLECTIVE : thread / 32;
}

/* Whether `old` is before the accessor in every execution. */
static bool is_ordered(const accessor *a, stamp old)
{
    if (old.dispatch != a->now.dispatch || old.group != a->now.group)
        return false;
    if (old.tick < a->group_barrier)
        return true;
    if (old.thread == a->now.thread)
        return old.thread < COLLECTIVE;
    if (old.thread == ATOMIC)
        return old.tick < a->simd_barrier;
    return simd_of(old.thread) == a->simd->index && old.tick < a->simd_barrier;
}

/* Whether a write now is after all the reads that `old` stands for. */
static bool is_after_reads(const accessor *a, stamp old)
{
    bool same_group = old.dispatch == a->now.dispatch && old.group == a->now.group;
    if (old.level == SEVERAL_GROUPS || !same_group)
        return false;
    if (old.tick < a->group_barrier)
        return true;
    if (old.level == SEVERAL_OF_A_GROUP)
        return false;
    if (old.level == SEVERAL_OF_A_SIMD)
        return simd_of(old.thread) == a->simd->index && old.tick < a->simd_barrier;
    return is_ordered(a, old);
}

/* The level of a read now, after those of `old`. */
static readers join_readers(const accessor *a, stamp old)
{
    if (old.dispatch != a->now.dispatch || old.group != a->now.group || old.level == SEVERAL_GROUPS)
        return SEVERAL_GROUPS;
    if (old.tick < a->group_barrier)
        return ONE;
    if (old.thread == a->now.thread)
        return old.level;
    if (simd_of(old.thread) != a->simd->index || old.level == SEVERAL_OF_A_GROUP)
        return SEVERAL_OF_A_GROUP;
    return old.tick < a->simd_barrier ? ONE : SEVERAL_OF_A_SIMD;
}

static _Noreturn void race(const accessor *a, bool writes, stamp old, const char *did,
                           const void *where)
{
    const char *memory = a->memory == 0 ? "device" : "threadgroup";
    char whole[32] = "";
    const char *what = writes ? "writes" : "reads";
    if (old.thread >= COLLECTIVE && old.thread != ATOMIC)
        (void)snprintf(whole, sizeof whole, "SIMD group %u", old.thread - COLLECTIVE);
    else if (old.thread == ATOMIC)
        (void)snprintf(whole, sizeof whole, "an atomic operation");
    else
        (void)snprintf(whole, sizeof whole, "thread %u", old.thread);
    if (old.dispatch != a->now.dispatch)
        standin_violate(where,
                        "race: it %s %s memory that an earlier dispatch %s, with no barrier "
                        "between the two",
                        what, memory, did);
    if (old.group != a->now.group)
        standin_violate(where, "race: it %s %s memory that group %u of the same dispatch %s", what,
                        memory, old.group, did);
    standin_violate(where, "race: it %s %s memory that %s %s, with no barrier between the two",
                    what, memory, whole, did);
}

static bool is_recent(const accessor *a, stamp old)
{
    return old.tick > 0 && old.dispatch >= a->worker->first_dispatch;
}

static void track_write(const accessor *a, uint64_t *cell, uint64_t mine, const void *where)
{
    uint64_t before = __atomic_exchange_n(&cell[0], mine, __ATOMIC_RELAXED);
    stamp old = unpack(before);
    bool is_atomic_pair = old.thread == ATOMIC && a->now.thread == ATOMIC;
    if (is_recent(a, old) && !is_atomic_pair && !is_ordered(a, old))
        race(a, true, old, "wrote", where);
    old = unpack(__atomic_load_n(&cell[1], __ATOMIC_RELAXED));
    if (is_recent(a, old) && !is_after_reads(a, old))
        race(a, true, old, "read", where);
}

static void track_read(const accessor *a, uint64_t *cell, uint64_t mine, const void *where)
{
    stamp old = unpack(__atomic_load_n(&cell[0], __ATOMIC_RELAXED));
    bool is_atomic_pair = old.thread == ATOMIC && a->now.thread == ATOMIC;
    if (is_recent(a, old) && !is_atomic_pair && !is_ordered(a, old))
        race(a, false, old, "wrote", where);
    if (is_atomic_pair)
        return;
    uint64_t before = __atomic_load_n(&cell[1], __ATOMIC_RELAXED);
    if (before == mine)
        return;
    old = unpack(before);
    stamp now = a->now;
    if (is_recent(a, old))
        now.level = join_readers(a, old);
    __atomic_store_n(&cell[1], pack(now), __ATOMIC_RELAXED);
}

static accessor who(const standin_worker *w, uint32_t thread, unsigned memory)
{
    const standin_simd *s = w->current->simd;
    accessor a = {
        .worker = w,
        .simd = s,
        .memory = memory,
        .group_barrier = w->group_barrier[memory],
        .simd_barrier = s->barrier_tick[memory],
        .now = {.dispatch = w->dispatch,
                .group = w->group_index & ((1u << GROUP_BITS) - 1),
                .thread = thread,
                .tick = w->tick},
    };
    return a;
}

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
    if (nearest && least < GAP)
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

/* ---- threadgroup memory ---------------------------------------------------------------------- */

/* Its shadow has half the words' size: thread 11, tick 19, level 2. */
static stamp unpack_group(const accessor *a, uint32_t word)
{
    stamp s = {.dispatch = a->now.dispatch,
               .group = a->now.group,
               .thread = word & ((1u << THREAD_BITS) - 1),
               .tick = word >> THREAD_BITS & ((1u << TICK_BITS) - 1),
               .level = word >> (THREAD_BITS + TICK_BITS)};
    return s;
}

static uint32_t pack_group(stamp s)
{
    return s.thread | s.tick << THREAD_BITS | (uint32_t)s.level << (THREAD_BITS + TICK_BITS);
}

static void track_group_write(const accessor *a, uint32_t *cell, uint32_t mine, const void *where)
{
    stamp old = unpack_group(a, cell[0]);
    uint32_t begin = a->worker->group_begin;
    bool is_atomic_pair = old.thread == ATOMIC && a->now.thread == ATOMIC;
    if (old.tick >= begin && !is_atomic_pair && !is_ordered(a, old))
        race(a, true, old, "wrote", where);
    old = unpack_group(a, cell[1]);
    if (old.tick >= begin && !is_after_reads(a, old))
        race(a, true, old, "read", where);
    cell[0] = mine;
}

static void track_group_read(const accessor *a, uint32_t *cell, uint32_t mine, const void *where)
{
    stamp old = unpack_group(a, cell[0]);
    uint32_t begin = a->worker->group_begin;
    bool is_atomic_pair = old.thread == ATOMIC && a->now.thread == ATOMIC;
    if (old.tick >= begin && !is_atomic_pair && !is_ordered(a, old))
        race(a, false, old, "wrote", where);
    if (is_atomic_pair || cell[1] == mine)
        return;
    old = unpack_group(a, cell[1]);
    stamp now = a->now;
    if (old.tick >= begin)
        now.level = join_readers(a, old);
    cell[1] = pack_group(now);
}

/* ---- the hooks ------------------------------------------------------------------------------- */

/* Neighbouring bytes mostly have the same history: what was found for one holds for the next. */
static void track_group(const accessor *a, uint32_t *cell, size_t size, bool writes,
                        const void *where)
{
    const uint32_t mine = pack_group(a->now);
    uint64_t before, after = 0, last = 0;
    for (size_t i = 0; i < size; i++, cell += 2) {
        memcpy(&before, cell, sizeof before);
        if (i > 0 && before == last) {
            memcpy(cell, &after, sizeof after);
            continue;
        }
        last = before;
        (writes ? track_group_write : track_group_read)(a, cell, mine, where);
        memcpy(&after, cell, sizeof after);
    }
}

static void track(standin_worker *w, const standin_view *v, uintptr_t address, size_t size,
                  bool writes, uint32_t thread, const void *where)
{
    size_t block = (size_t)(v - w->views);
    if (block >= MSL_MAX_BUFFERS) {
        const accessor a = who(w, thread, 1);
        track_group(&a, w->group_shadow[block - MSL_MAX_BUFFERS] + 2 * (address - v->origin), size,
                    writes, where);
        return;
    }
    if (!v->is_tracked)
        return;
    const accessor a = who(w, thread, 0);
    uint64_t mine = pack(a.now), *cell = v->shadow + 2 * (address - v->origin);
    for (size_t i = 0; i < size; i++, cell += 2)
        (writes ? track_write : track_read)(&a, cell, mine, where);
}

void standin_judge(uintptr_t address, size_t size, bool writes, bool collective, const void *where)
{
    standin_worker *w = standin_self;
    const standin_view *v = check(w, address, size, writes, where);
    if (v && w->judges_races)
        track(w, v, address, size, writes,
              collective ? COLLECTIVE + w->current->simd->index : w->current->index, where);
}

void standin_judge_atomic(uintptr_t address, bool writes, const void *where)
{
    standin_worker *w = standin_self;
    const standin_view *v = check(w, address, 4, writes, where);
    if (address % 4 != 0)
        standin_violate(where, "an atomic operation at %p: no multiple of 4", (void *)address);
    if (v && w->judges_races)
        track(w, v, address, 4, writes, ATOMIC, where);
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
