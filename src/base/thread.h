/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BASE_THREAD_H
#define TSKIP_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* The platform's threads, with what can only fail through a bug of ours made unable to fail. */

typedef struct tskip__mutex {
    pthread_mutex_t handle;
} tskip__mutex;

typedef struct tskip__cond {
    pthread_cond_t handle;
} tskip__cond;

typedef struct tskip__once {
    pthread_once_t handle;
} tskip__once;

typedef struct tskip__thread {
    pthread_t handle;
} tskip__thread;

#define TSKIP__MUTEX_INIT                                                                          \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER                                                                  \
    }
#define TSKIP__COND_INIT                                                                           \
    {                                                                                              \
        PTHREAD_COND_INITIALIZER                                                                   \
    }
#define TSKIP__ONCE_INIT                                                                           \
    {                                                                                              \
        PTHREAD_ONCE_INIT                                                                          \
    }

/* Also makes one that a forked child inherited in an unknown state usable again. */
void tskip__mutex_init(tskip__mutex *mutex);
void tskip__mutex_destroy(tskip__mutex *mutex);
void tskip__mutex_lock(tskip__mutex *mutex);
bool tskip__mutex_try_lock(tskip__mutex *mutex); /* false: somebody holds it, maybe this thread */
void tskip__mutex_unlock(tskip__mutex *mutex);

void tskip__cond_init(tskip__cond *cond);
void tskip__cond_destroy(tskip__cond *cond);

/* May return without a signal: wait in a loop. */
void tskip__cond_wait(tskip__cond *cond, tskip__mutex *mutex);
void tskip__cond_signal(tskip__cond *cond);
void tskip__cond_broadcast(tskip__cond *cond);

/* Runs `init` in the first caller; the others return when it has. */
void tskip__once_run(tskip__once *once, void (*init)(void));

/* Starts run(context) with signals blocked, so that a program's handlers stay on its own threads;
 * those that a fault of the thread itself raises are not. False if the system has no thread to
 * give. */
bool tskip__thread_start(tskip__thread *thread, void *(*run)(void *context), void *context);
void tskip__thread_join(tskip__thread *thread);

/* Seconds on a clock that never jumps. */
double tskip__now(void);

/* Tells the core that this is a spin loop. */
static inline void tskip__pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("pause");
#elif defined(__aarch64__)
    __asm__ volatile("isb"); /* `yield` is a no-op on most cores; this waits some 20 cycles */
#endif
}

#endif
