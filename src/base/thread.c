/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "thread.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

void tskip__mutex_init(tskip__mutex *mutex)
{
    *mutex = (tskip__mutex)TSKIP__MUTEX_INIT;
}

void tskip__mutex_destroy(tskip__mutex *mutex)
{
    (void)pthread_mutex_destroy(&mutex->handle);
}

void tskip__mutex_lock(tskip__mutex *mutex)
{
    (void)pthread_mutex_lock(&mutex->handle);
}

bool tskip__mutex_try_lock(tskip__mutex *mutex)
{
    return pthread_mutex_trylock(&mutex->handle) == 0;
}

void tskip__mutex_unlock(tskip__mutex *mutex)
{
    (void)pthread_mutex_unlock(&mutex->handle);
}

void tskip__cond_init(tskip__cond *cond)
{
    *cond = (tskip__cond)TSKIP__COND_INIT;
}

void tskip__cond_destroy(tskip__cond *cond)
{
    (void)pthread_cond_destroy(&cond->handle);
}

void tskip__cond_wait(tskip__cond *cond, tskip__mutex *mutex)
{
    (void)pthread_cond_wait(&cond->handle, &mutex->handle);
}

void tskip__cond_signal(tskip__cond *cond)
{
    (void)pthread_cond_signal(&cond->handle);
}

void tskip__cond_broadcast(tskip__cond *cond)
{
    (void)pthread_cond_broadcast(&cond->handle);
}

void tskip__once_run(tskip__once *once, void (*init)(void))
{
    (void)pthread_once(&once->handle, init);
}

bool tskip__thread_start(tskip__thread *thread, void *(*run)(void *context), void *context)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    sigset_t others, before;
    sigfillset(&others);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        sigdelset(&others, own[i]);
    pthread_sigmask(SIG_SETMASK, &others, &before);
    bool started = pthread_create(&thread->handle, NULL, run, context) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

void tskip__thread_join(tskip__thread *thread)
{
    (void)pthread_join(thread->handle, NULL);
}

double tskip__now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
