/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BACKENDS_CPU_POOL_H
#define TSKIP_BACKENDS_CPU_POOL_H

#include <stdalign.h>
#include <stdatomic.h>

#include <tileskip/compute.h>

#include "base/thread.h"

/* A small pool for one parallel region at a time, in which the calling thread takes part.
 *
 * A region is n tasks; whoever is awake takes the next one. The caller waits only for tasks that
 * somebody took, so a worker that the system is slow to wake costs its help and nothing else.
 * Workers look for the next region for 100 microseconds, then sleep: an idle pool uses no CPU
 * time. They are started when first needed; where the system gives no thread, fewer share the work.
 *
 * In the child of a fork the workers are gone and locks may be held by threads that no longer
 * exist: the first lock there makes the pool anew.
 *
 * Thread-safety: lock and unlock as a mutex; run only between them. */
typedef struct tskip__cpu_pool {
    /* What workers poll, on a line of its own. */
    alignas(64) _Atomic uint32_t untaken; /* tasks of the region that nobody took yet */
    alignas(64) _Atomic uint32_t unfinished;
    _Atomic bool caller_sleeps;
    _Atomic uint32_t sleepers;
    _Atomic bool stop;

    /* The region: written before `untaken` is set, read after a task is taken. */
    tskip_task_fn task;
    void *context;
    uint32_t n_tasks;

    tskip__mutex region; /* held from lock to unlock */
    tskip__mutex sleep;  /* guards the two conditions */
    tskip__cond work, done;

    uint32_t max_workers, n_workers;
    tskip__thread *workers;
    _Atomic long owner; /* the process that the workers belong to; negative while it adopts */
} tskip__cpu_pool;

/* `threads` ≥ 1 counts the caller. No thread is started yet. Errors: OUT_OF_MEMORY. */
tskip_status tskip__cpu_pool_init(tskip__cpu_pool *pool, uint32_t threads);

/* Ends the workers. No region may be running. */
void tskip__cpu_pool_destroy(tskip__cpu_pool *pool);

void tskip__cpu_pool_lock(tskip__cpu_pool *pool);

/* False: a region runs, maybe this thread's. */
bool tskip__cpu_pool_try_lock(tskip__cpu_pool *pool);
void tskip__cpu_pool_unlock(tskip__cpu_pool *pool);

/* Calls task(context, 0) … task(context, n_tasks - 1), each once, and returns when all have. At
 * most `threads` run at once. */
void tskip__cpu_pool_run(tskip__cpu_pool *pool, uint32_t n_tasks, tskip_task_fn task,
                         void *context);

#endif
