/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "cpu_pool.h"

#include <sched.h>
#include <unistd.h>

#include "base/alloc.h"

/* How long a worker looks for the next region, and the caller for the last task, before sleeping.
 * Long enough for the next dispatch of the same list, too short to be felt by the program
 * around. */
#define SPIN_SECONDS 100e-6

/* A thread that wakes up wakes so many others: 64 are awake after 6 steps. */
enum { WAKE_FANOUT = 2, PAUSES = 32 };

tskip_status tskip__cpu_pool_init(tskip__cpu_pool *pool, uint32_t threads)
{
    *pool = (tskip__cpu_pool){.max_workers = threads - 1};
    if (pool->max_workers > 0) {
        pool->workers = tskip__alloc(pool->max_workers * sizeof *pool->workers, "a thread pool");
        if (!pool->workers)
            return TSKIP_OUT_OF_MEMORY;
    }
    tskip__mutex_init(&pool->region);
    tskip__mutex_init(&pool->sleep);
    tskip__cond_init(&pool->work);
    tskip__cond_init(&pool->done);
    atomic_init(&pool->owner, (long)getpid());
    return TSKIP_OK;
}

void tskip__cpu_pool_destroy(tskip__cpu_pool *pool)
{
    if (atomic_load(&pool->owner) == (long)getpid()) {
        tskip__mutex_lock(&pool->sleep);
        atomic_store(&pool->stop, true);
        tskip__cond_broadcast(&pool->work);
        tskip__mutex_unlock(&pool->sleep);
        for (uint32_t i = 0; i < pool->n_workers; i++)
            tskip__thread_join(&pool->workers[i]);
        tskip__cond_destroy(&pool->done);
        tskip__cond_destroy(&pool->work);
        tskip__mutex_destroy(&pool->sleep);
        tskip__mutex_destroy(&pool->region);
    }
    tskip__free(pool->workers, pool->max_workers * sizeof *pool->workers);
}

/* In a forked child, the first thread to come makes the pool anew and the others wait for it. */
static void adopt(tskip__cpu_pool *pool, long self)
{
    long owner = atomic_load(&pool->owner);
    while (owner != self) {
        if (owner == -self || !atomic_compare_exchange_strong(&pool->owner, &owner, -self)) {
            sched_yield();
            owner = atomic_load(&pool->owner);
            continue;
        }
        pool->n_workers = 0;
        atomic_store(&pool->untaken, 0);
        atomic_store(&pool->unfinished, 0);
        atomic_store(&pool->sleepers, 0);
        atomic_store(&pool->caller_sleeps, false);
        tskip__mutex_init(&pool->region);
        tskip__mutex_init(&pool->sleep);
        tskip__cond_init(&pool->work);
        tskip__cond_init(&pool->done);
        atomic_store(&pool->owner, self);
        owner = self;
    }
}

void tskip__cpu_pool_lock(tskip__cpu_pool *pool)
{
    adopt(pool, (long)getpid());
    tskip__mutex_lock(&pool->region);
}

bool tskip__cpu_pool_try_lock(tskip__cpu_pool *pool)
{
    adopt(pool, (long)getpid());
    return tskip__mutex_try_lock(&pool->region);
}

void tskip__cpu_pool_unlock(tskip__cpu_pool *pool)
{
    tskip__mutex_unlock(&pool->region);
}

static void wake_some(tskip__cpu_pool *pool)
{
    for (int i = 0;
         i < WAKE_FANOUT && atomic_load(&pool->untaken) > 0 && atomic_load(&pool->sleepers) > 0;
         i++) {
        /* A worker between its last look and its sleep holds the lock: this waits for it. */
        tskip__mutex_lock(&pool->sleep);
        tskip__mutex_unlock(&pool->sleep);
        tskip__cond_signal(&pool->work);
    }
}

/* Runs one task if one is left. */
static bool run_one(tskip__cpu_pool *pool)
{
    uint32_t left = atomic_load_explicit(&pool->untaken, memory_order_relaxed);
    do {
        if (left == 0)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&pool->untaken, &left, left - 1,
                                                    memory_order_acquire, memory_order_relaxed));
    pool->task(pool->context, pool->n_tasks - left);

    if (atomic_fetch_sub(&pool->unfinished, 1) == 1 && atomic_load(&pool->caller_sleeps)) {
        tskip__mutex_lock(&pool->sleep);
        tskip__mutex_unlock(&pool->sleep);
        tskip__cond_signal(&pool->done);
    }
    return true;
}

/* Looks at a word until it is zero (or is not) or the time is over. */
static bool spin_until(_Atomic uint32_t *word, bool zero)
{
    double end = 0;
    for (;;) {
        for (int i = 0; i < PAUSES; i++) {
            if ((atomic_load_explicit(word, memory_order_acquire) == 0) == zero)
                return true;
            tskip__pause();
        }
        sched_yield(); /* whom this waits for may be queued on this very processor */
        double now = tskip__now();
        if (end == 0)
            end = now + SPIN_SECONDS;
        else if (now > end)
            return false;
    }
}

/* Returns false when the pool ends. */
static bool sleep_until_work(tskip__cpu_pool *pool)
{
    tskip__mutex_lock(&pool->sleep);
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(&pool->untaken) == 0 && !atomic_load(&pool->stop))
        tskip__cond_wait(&pool->work, &pool->sleep);
    atomic_fetch_sub(&pool->sleepers, 1);
    tskip__mutex_unlock(&pool->sleep);
    return !atomic_load(&pool->stop);
}

static void *work(void *context)
{
    tskip__cpu_pool *pool = context;
    while (sleep_until_work(pool)) {
        wake_some(pool);
        do {
            while (run_one(pool))
                continue;
        } while (spin_until(&pool->untaken, false));
    }
    return NULL;
}

static void start_workers(tskip__cpu_pool *pool, uint32_t wanted)
{
    if (wanted > pool->max_workers)
        wanted = pool->max_workers;
    while (pool->n_workers < wanted) {
        if (!tskip__thread_start(&pool->workers[pool->n_workers], work, pool))
            break;
        pool->n_workers++;
    }
}

static void wait_for_all(tskip__cpu_pool *pool)
{
    if (spin_until(&pool->unfinished, true))
        return;
    tskip__mutex_lock(&pool->sleep);
    atomic_store(&pool->caller_sleeps, true);
    while (atomic_load(&pool->unfinished) > 0)
        tskip__cond_wait(&pool->done, &pool->sleep);
    atomic_store(&pool->caller_sleeps, false);
    tskip__mutex_unlock(&pool->sleep);
}

void tskip__cpu_pool_run(tskip__cpu_pool *pool, uint32_t n_tasks, tskip_task_fn task, void *context)
{
    if (n_tasks > 1)
        start_workers(pool, n_tasks - 1);
    pool->task = task;
    pool->context = context;
    pool->n_tasks = n_tasks;
    atomic_store(&pool->unfinished, n_tasks);
    atomic_store(&pool->untaken, n_tasks);
    if (n_tasks > 1)
        wake_some(pool);
    while (run_one(pool))
        continue;
    wait_for_all(pool);
}
