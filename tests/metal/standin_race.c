/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin_run.h"

#include <stdio.h>
#include <string.h>

/* Is an access ordered with those of others before it? */

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
    return thread >= STANDIN_COLLECTIVE ? thread - STANDIN_COLLECTIVE : thread / 32;
}

/* Whether `old` is before the accessor in every execution. */
static bool is_ordered(const accessor *a, stamp old)
{
    if (old.dispatch != a->now.dispatch || old.group != a->now.group)
        return false;
    if (old.tick < a->group_barrier)
        return true;
    if (old.thread == a->now.thread)
        return old.thread < STANDIN_COLLECTIVE;
    if (old.thread == STANDIN_ATOMIC)
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
    if (old.thread >= STANDIN_COLLECTIVE && old.thread != STANDIN_ATOMIC)
        (void)snprintf(whole, sizeof whole, "SIMD group %u", old.thread - STANDIN_COLLECTIVE);
    else if (old.thread == STANDIN_ATOMIC)
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
    bool is_atomic_pair = old.thread == STANDIN_ATOMIC && a->now.thread == STANDIN_ATOMIC;
    if (is_recent(a, old) && !is_atomic_pair && !is_ordered(a, old))
        race(a, true, old, "wrote", where);
    old = unpack(__atomic_load_n(&cell[1], __ATOMIC_RELAXED));
    if (is_recent(a, old) && !is_after_reads(a, old))
        race(a, true, old, "read", where);
}

static void track_read(const accessor *a, uint64_t *cell, uint64_t mine, const void *where)
{
    stamp old = unpack(__atomic_load_n(&cell[0], __ATOMIC_RELAXED));
    bool is_atomic_pair = old.thread == STANDIN_ATOMIC && a->now.thread == STANDIN_ATOMIC;
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
    bool is_atomic_pair = old.thread == STANDIN_ATOMIC && a->now.thread == STANDIN_ATOMIC;
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
    bool is_atomic_pair = old.thread == STANDIN_ATOMIC && a->now.thread == STANDIN_ATOMIC;
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

/* ---- a range of bytes ------------------------------------------------------------------------ */

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

void standin_track(standin_worker *w, const standin_view *v, uintptr_t address, size_t size,
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
