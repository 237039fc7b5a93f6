/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_METAL_STANDIN_RUN_H
#define TESTS_METAL_STANDIN_RUN_H

#include "msl_runtime.h"
#include "standin.h"

/* The execution of a command buffer: commands (standin_encoder.c) are cut into intervals at their
 * barriers and run there and back (standin_execute.c), a threadgroup at a time on fibers
 * (standin_lanes.c), with each access judged (standin_check.c). */

enum { STANDIN_GROUP_BLOCKS = 4, STANDIN_REASON_SIZE = 1024, STANDIN_MAX_TICK = (1 << 19) - 1 };

/* ---- commands -------------------------------------------------------------------------------- */

typedef struct standin_binding {
    standin_buffer *buffer; /* retained by the command buffer; NULL: nothing, or bytes */
    uint64_t offset;
    unsigned char *bytes; /* of setBytes; owned by the command */
    uint32_t n_bytes;
} standin_binding;

typedef struct standin_command {
    standin_pipeline *pipeline; /* NULL: a barrier */
    standin_binding bindings[MSL_MAX_BUFFERS];
    uint32_t group_memory[STANDIN_GROUP_BLOCKS];
    uint32_t groups[3], group[3]; /* threadgroups, threads in each */
    uint32_t threads[3];          /* of the grid: fewer where the last groups are cut */
} standin_command;

/* Runs all in order, each interval between barriers forth and then back. On failure `reason` says
 * what was violated; it was reported. One caller at a time runs, the others wait. */
bool standin_execute(const standin_command *commands, size_t n, char reason[STANDIN_REASON_SIZE]);

standin_id standin_queue_new(standin_device *device);

/* ---- memory that kernels may touch (standin_memory.c) ---------------------------------------- */

/* A buffer came to be; it is about to go. */
void standin_buffer_placed(standin_buffer *buffer);
void standin_buffer_gone(standin_buffer *buffer);

/* What a dispatch may touch. Memory that no dispatch of the interval writes is checked for its
 * bounds only. */
typedef struct standin_view {
    uintptr_t begin, end;
    bool is_writable; /* by this dispatch */
    bool is_tracked;  /* written in this interval */
    uint64_t *shadow; /* two words a byte, of the memory from `origin` on; NULL if untracked */
    uintptr_t origin;
} standin_view;

/* Two words a byte of the buffer: who wrote it last and who read it, since when. */
uint64_t *standin_shadow_of(standin_buffer *buffer);
void standin_forget_shadows(void);

/* ---- one threadgroup on one thread ----------------------------------------------------------- */

typedef enum standin_state { STANDIN_RUNS, STANDIN_ENDED } standin_state;

typedef struct standin_lane {
    void *stack_pointer;
    standin_state state;
    unsigned index; /* in the threadgroup */
    struct standin_simd *simd;
} standin_lane;

typedef struct standin_simd {
    unsigned index, first, n_lanes;
    unsigned n_arrived, n_at_barrier, n_ended;
    unsigned turn; /* the lane that goes on when the SIMD group does */
    unsigned parity;
    const char *what; /* the operation that lanes wait in */
    int line;
    uint64_t argument;
    uint64_t slots[2][32];
    uint64_t result[2];
    msl_pair a[2][32], b[2][32], c[2][32];
    uint32_t barrier_tick[2]; /* of the last barrier for device and group memory */
} standin_simd;

/* What orders accesses of one threadgroup: `tick` rises at each barrier. */
typedef struct standin_worker {
    const standin_command *command;
    const msl_kernel *kernel;
    msl_arguments *arguments; /* lies before the stacks */
    standin_view *views;      /* of the dispatch: MSL_MAX_BUFFERS, then the group's blocks */
    unsigned n_views;
    const standin_view *last_hit;
    uintptr_t code_begin, code_end; /* the library: its program-scope constants may be read */
    uintptr_t stacks, stacks_end;
    unsigned char *group_memory[STANDIN_GROUP_BLOCKS];
    uint32_t *group_shadow[STANDIN_GROUP_BLOCKS];

    bool backwards, judges_races;
    uint32_t dispatch, first_dispatch; /* numbers of this one and of the interval's first */
    uint32_t group_index;
    uint32_t tick, group_begin, group_barrier[2];

    standin_lane *lanes;
    standin_simd simds[STANDIN_MAX_GROUP_THREADS / 32];
    unsigned n_lanes, n_simds, n_at_barrier, n_ended;
    int barrier_line;
    unsigned position[3]; /* of the group */
    standin_lane *current;
    void *host_stack_pointer;
    bool has_failed;
    char reason[STANDIN_REASON_SIZE];
} standin_worker;

extern __thread standin_worker *standin_self __attribute__((tls_model("initial-exec")));

bool standin_worker_init(standin_worker *worker);

/* Runs the threadgroup at `position` to its end or to the first violation. */
void standin_run_group(standin_worker *worker, const uint32_t position[3]);

/* Ends the threadgroup with a violation; called on a lane, does not return. */
_Noreturn void standin_violate(const void *where, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Threads as races number them: beyond the lanes a SIMD group as one, and whoever is atomic. */
enum { STANDIN_COLLECTIVE = 1024, STANDIN_ATOMIC = 2047 };

/* Notes an access to memory of `view` by `thread`; ends the group if no barrier orders it with one
 * before (standin_race.c). */
void standin_track(standin_worker *worker, const standin_view *view, uintptr_t address, size_t size,
                   bool writes, uint32_t thread, const void *where);

/* Judges an access of the current lane, or with `collective` of its whole SIMD group. */
void standin_judge(uintptr_t address, size_t size, bool writes, bool collective, const void *where);
/* The same for an atomic one. */
void standin_judge_atomic(uintptr_t address, bool writes, const void *where);

#endif
