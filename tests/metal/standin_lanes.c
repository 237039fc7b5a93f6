/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "standin_meet.h"
#include "standin_source.h"

/* A threadgroup on one thread. Each lane is a fiber; it runs until it meets the others of its SIMD
 * group in an operation, or of its threadgroup at a barrier. The last to arrive does the work and
 * goes on; the others follow in a circle. All run the same course, so whoever finds another in a
 * different place has found a divergence. */

__thread standin_worker *standin_self __attribute__((tls_model("initial-exec")));

/* ---- fibers ---------------------------------------------------------------------------------- */

enum { STACK_SIZE = 64 * 1024, STACK_GUARD = 4096, ARGUMENTS_SIZE = 4096, LINE_SIZE = 64 };

/* Keeps the caller's registers on its stack, the stack in *from, and goes on with `to`. */
void standin_switch(void **from, void *to);
void standin_lane_begins(void);

#if defined(__x86_64__)
enum { SAVED_WORDS = 6 };
__asm__(".text\n"
        ".hidden standin_switch\n"
        ".hidden standin_lane_begins\n"
        "standin_switch:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        "standin_lane_begins:\n"
        "    call standin_lane_main\n"
        "    ud2\n");

static void *prime(uintptr_t top)
{
    void **words = (void **)(top - 16);
    *--words = (void *)standin_lane_begins;
    words -= SAVED_WORDS;
    memset(words, 0, SAVED_WORDS * sizeof *words);
    return words;
}
#elif defined(__aarch64__)
__asm__(".text\n"
        ".hidden standin_switch\n"
        ".hidden standin_lane_begins\n"
        "standin_switch:\n"
        "    sub sp, sp, #160\n"
        "    stp x19, x20, [sp, #0]\n"
        "    stp x21, x22, [sp, #16]\n"
        "    stp x23, x24, [sp, #32]\n"
        "    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n"
        "    stp x29, x30, [sp, #80]\n"
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    mov x9, sp\n"
        "    str x9, [x0]\n"
        "    mov sp, x1\n"
        "    ldp x19, x20, [sp, #0]\n"
        "    ldp x21, x22, [sp, #16]\n"
        "    ldp x23, x24, [sp, #32]\n"
        "    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n"
        "    ldp x29, x30, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    add sp, sp, #160\n"
        "    ret\n"
        "standin_lane_begins:\n"
        "    bl standin_lane_main\n"
        "    brk #0\n");

static void *prime(uintptr_t top)
{
    void **words = (void **)(top - 16 - 160);
    memset(words, 0, 160);
    words[11] = (void *)standin_lane_begins;
    return words;
}
#endif

static uintptr_t stack_top(const standin_worker *w, unsigned lane)
{
    /* tops a few cache lines apart: else all lanes' frames would share a few sets of the cache */
    return w->stacks + (uintptr_t)(lane + 1) * STACK_SIZE - (lane % 32) * LINE_SIZE;
}

bool standin_worker_init(standin_worker *w)
{
    size_t size = ARGUMENTS_SIZE + (size_t)STANDIN_MAX_GROUP_THREADS * STACK_SIZE;
    unsigned char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    w->arguments = (msl_arguments *)(void *)memory;
    w->stacks = (uintptr_t)memory + ARGUMENTS_SIZE;
    w->stacks_end = w->stacks + (uintptr_t)STANDIN_MAX_GROUP_THREADS * STACK_SIZE;
    for (unsigned i = 0; i < STANDIN_MAX_GROUP_THREADS; i++)
        (void)mprotect((void *)(w->stacks + (uintptr_t)i * STACK_SIZE), STACK_GUARD, PROT_NONE);
    w->lanes = calloc(STANDIN_MAX_GROUP_THREADS, sizeof *w->lanes);
    w->views = calloc(MSL_MAX_BUFFERS + STANDIN_GROUP_BLOCKS, sizeof *w->views);
    for (unsigned i = 0; i < STANDIN_GROUP_BLOCKS; i++) {
        w->group_memory[i] = standin_memory_new(STANDIN_MAX_GROUP_MEMORY);
        w->group_shadow[i] = calloc(2 * STANDIN_MAX_GROUP_MEMORY, sizeof *w->group_shadow[i]);
    }
    w->tick = 1;
    return w->lanes && w->views;
}

/* ---- violations ------------------------------------------------------------------------------ */

void standin_violate(const void *where, const char *format, ...)
{
    standin_worker *w = standin_self;
    char what[512], line[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    standin_source_line(w->command->pipeline->function->library, where, line, sizeof line);
    (void)snprintf(w->reason, sizeof w->reason, "kernel %s, group (%u, %u, %u), thread %u: %s%s%s",
                   w->kernel->name, w->position[0], w->position[1], w->position[2],
                   w->current->index, what, line[0] ? "; " : "", line);
    w->has_failed = true;
    void *nowhere;
    standin_switch(&nowhere, w->host_stack_pointer);
    abort();
}

/* The lane at hand reached `what`, of line `line` (0: its end), and others are elsewhere. */
static _Noreturn void diverge(standin_simd *s, const char *what, int line)
{
    standin_worker *w = standin_self;
    char here[256] = "", text[200], there[256];
    standin_source_text(w->command->pipeline->function->library, line, text, sizeof text);
    if (line)
        (void)snprintf(here, sizeof here, " of line %d (%s)", line, text);
    if (s->n_arrived)
        (void)snprintf(there, sizeof there, "%u lanes are in %s of line %d", s->n_arrived, s->what,
                       s->line);
    else if (w->n_at_barrier)
        (void)snprintf(there, sizeof there, "%u threads are at the barrier of line %d",
                       w->n_at_barrier, w->barrier_line);
    else
        (void)snprintf(there, sizeof there, "%u threads have ended", w->n_ended);
    standin_violate(NULL, "divergence: it reaches %s%s while %s", what, here, there);
}

/* ---- taking turns ---------------------------------------------------------------------------- */

static unsigned following(const standin_worker *w, unsigned i, unsigned n)
{
    return w->backwards ? (i + n - 1) % n : (i + 1) % n;
}

static void go_to(standin_worker *w, standin_lane *from, standin_lane *to)
{
    w->current = to;
    standin_switch(&from->stack_pointer, to->stack_pointer);
    w->current = from;
}

void standin_yield(standin_worker *w, standin_lane *me)
{
    standin_simd *s = me->simd;
    unsigned next = following(w, me->index - s->first, s->n_lanes);
    go_to(w, me, &w->lanes[s->first + next]);
}

/* To the SIMD group after this one, to the lane whose turn it is there. */
static void yield_in_group(standin_worker *w, standin_lane *me)
{
    standin_simd *s = me->simd;
    s->turn = following(w, me->index - s->first, s->n_lanes);
    const standin_simd *next = &w->simds[following(w, s->index, w->n_simds)];
    go_to(w, me, &w->lanes[next->first + next->turn]);
}

/* Arrives at an operation of the SIMD group. True for the last, who has to do the work. */
bool standin_arrive(standin_simd *s, const char *what, int line)
{
    if (s->n_at_barrier || s->n_ended || (s->n_arrived && (s->line != line || s->what != what)))
        diverge(s, what, line);
    s->what = what;
    s->line = line;
    if (++s->n_arrived < s->n_lanes)
        return false;
    s->n_arrived = 0;
    s->parity ^= 1;
    return true;
}

/* ---- barriers -------------------------------------------------------------------------------- */

static uint32_t next_tick(standin_worker *w)
{
    if (w->tick >= STANDIN_MAX_TICK)
        standin_violate(NULL, "more than %u barriers in one threadgroup", STANDIN_MAX_TICK);
    return ++w->tick;
}

STANDIN_EXPORT void msl_simdgroup_barrier(unsigned flags, int line)
{
    standin_worker *w = standin_self;
    standin_lane *me = w->current;
    standin_simd *s = me->simd;
    if (!standin_arrive(s, "simdgroup_barrier", line)) {
        standin_yield(w, me);
        return;
    }
    uint32_t tick = next_tick(w);
    for (unsigned memory = 0; memory < 2; memory++)
        if (flags & (1u << memory))
            s->barrier_tick[memory] = tick;
}

STANDIN_EXPORT void msl_threadgroup_barrier(unsigned flags, int line)
{
    standin_worker *w = standin_self;
    standin_lane *me = w->current;
    standin_simd *s = me->simd;
    if (s->n_arrived || w->n_ended || (w->n_at_barrier && w->barrier_line != line))
        diverge(s, "threadgroup_barrier", line);
    w->barrier_line = line;
    s->n_at_barrier++;
    if (++w->n_at_barrier < w->n_lanes) {
        if (s->n_at_barrier < s->n_lanes)
            standin_yield(w, me);
        else
            yield_in_group(w, me);
        return;
    }
    w->n_at_barrier = 0;
    for (unsigned i = 0; i < w->n_simds; i++)
        w->simds[i].n_at_barrier = 0;
    uint32_t tick = next_tick(w);
    for (unsigned memory = 0; memory < 2; memory++)
        if (flags & (1u << memory))
            w->group_barrier[memory] = tick;
}

/* ---- a lane's life --------------------------------------------------------------------------- */

static void set3(unsigned to[3], unsigned x, unsigned y, unsigned z)
{
    to[0] = x;
    to[1] = y;
    to[2] = z;
}

static void find_place(const standin_worker *w, const standin_lane *lane, const unsigned size[3],
                       msl_place *p)
{
    const standin_command *c = w->command;
    unsigned i = lane->index;
    set3(p->thread_position_in_threadgroup, i % size[0], i / size[0] % size[1],
         i / size[0] / size[1]);
    for (int d = 0; d < 3; d++) {
        p->threadgroup_position_in_grid[d] = w->position[d];
        p->threads_per_threadgroup[d] = size[d];
        p->dispatch_threads_per_threadgroup[d] = c->group[d];
        p->threadgroups_per_grid[d] = c->groups[d];
        p->threads_per_grid[d] = c->threads[d];
        p->thread_position_in_grid[d] =
            w->position[d] * c->group[d] + p->thread_position_in_threadgroup[d];
    }
    set3(p->thread_index_in_threadgroup, i, 0, 0);
    set3(p->thread_index_in_simdgroup, i - lane->simd->first, 0, 0);
    set3(p->simdgroup_index_in_threadgroup, lane->simd->index, 0, 0);
    set3(p->simdgroups_per_threadgroup, w->n_simds, 0, 0);
    set3(p->threads_per_simdgroup, 32, 0, 0);
}

/* Threads of the group at hand: fewer at the grid's edge. */
static void size_of_group(const standin_worker *w, unsigned size[3])
{
    const standin_command *c = w->command;
    for (int d = 0; d < 3; d++) {
        unsigned left = c->threads[d] - w->position[d] * c->group[d];
        size[d] = left < c->group[d] ? left : c->group[d];
    }
}

__attribute__((used)) void standin_lane_main(void)
{
    standin_worker *w = standin_self;
    standin_lane *me = w->current;
    standin_simd *s = me->simd;
    unsigned size[3];
    msl_place place;
    size_of_group(w, size);
    find_place(w, me, size, &place);
    w->kernel->enter(w->arguments, &place);
    if (s->n_arrived || w->n_at_barrier)
        diverge(s, "its end", 0);
    me->state = STANDIN_ENDED;
    s->n_ended++;
    if (++w->n_ended == w->n_lanes) {
        void *nowhere;
        standin_switch(&nowhere, w->host_stack_pointer);
    }
    if (s->n_ended < s->n_lanes)
        standin_yield(w, me);
    yield_in_group(w, me);
    abort();
}

/* ---- a threadgroup --------------------------------------------------------------------------- */

static void begin_memory(standin_worker *w)
{
    if (w->tick > STANDIN_MAX_TICK / 2) {
        for (unsigned i = 0; i < STANDIN_GROUP_BLOCKS; i++)
            memset(w->group_shadow[i], 0, 2 * STANDIN_MAX_GROUP_MEMORY * sizeof(uint32_t));
        w->tick = 1;
    }
    w->group_begin = w->group_barrier[0] = w->group_barrier[1] = ++w->tick;
    for (unsigned i = 0; i < STANDIN_GROUP_BLOCKS; i++) {
        uint32_t size = w->command->group_memory[i];
        standin_view *view = &w->views[MSL_MAX_BUFFERS + i];
        *view = (standin_view){.is_writable = true};
        w->arguments->group_blocks[i] = size ? w->group_memory[i] : NULL;
        if (size == 0)
            continue;
        memset(w->group_memory[i], 0xFF, size);
        view->begin = view->origin = (uintptr_t)w->group_memory[i];
        view->end = view->begin + size;
    }
}

static void begin_lanes(standin_worker *w, unsigned n)
{
    w->n_lanes = n;
    w->n_simds = (n + 31) / 32;
    w->n_at_barrier = w->n_ended = 0;
    for (unsigned i = 0; i < w->n_simds; i++) {
        standin_simd *s = &w->simds[i];
        s->index = i;
        s->first = 32 * i;
        s->n_lanes = n - s->first < 32 ? n - s->first : 32;
        s->n_arrived = s->n_at_barrier = s->n_ended = s->parity = 0;
        s->turn = w->backwards ? s->n_lanes - 1 : 0;
        s->barrier_tick[0] = s->barrier_tick[1] = w->group_begin;
    }
    for (unsigned i = 0; i < n; i++)
        w->lanes[i] = (standin_lane){
            .stack_pointer = prime(stack_top(w, i)), .index = i, .simd = &w->simds[i / 32]};
}

void standin_run_group(standin_worker *w, const uint32_t position[3])
{
    unsigned size[3];
    standin_self = w;
    memcpy(w->position, position, sizeof w->position);
    size_of_group(w, size);
    begin_memory(w);
    begin_lanes(w, size[0] * size[1] * size[2]);
    const standin_simd *first = &w->simds[w->backwards ? w->n_simds - 1 : 0];
    w->current = &w->lanes[first->first + first->turn];
    standin_switch(&w->host_stack_pointer, w->current->stack_pointer);
}
