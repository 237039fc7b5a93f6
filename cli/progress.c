/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define SILENT_SECONDS 2.0
#define BAR_WIDTH      32

struct progress {
    const char *what;
    uint64_t total, done;
    double start;
    bool stopping, drawn;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
};

static void draw(progress *p)
{
    const double elapsed = clock_seconds() - p->start;
    if (elapsed < SILENT_SECONDS)
        return;
    char bar[BAR_WIDTH + 1];
    const double part = p->total > 0 ? (double)p->done / (double)p->total : 0;
    const int filled = (int)(part * BAR_WIDTH);
    const int runner = (int)(elapsed * 8) % BAR_WIDTH;
    for (int i = 0; i < BAR_WIDTH; i++) {
        if (p->total > 0)
            bar[i] = i < filled ? '#' : '.';
        else
            bar[i] = i == runner ? '#' : '.';
    }
    bar[BAR_WIDTH] = 0;
    if (p->total > 0)
        fprintf(stderr, "\r%s [%s] %" PRIu64 "/%" PRIu64 "  %.0f s", p->what, bar, p->done,
                p->total, elapsed);
    else
        fprintf(stderr, "\r%s [%s] %.0f s", p->what, bar, elapsed);
    fflush(stderr);
    p->drawn = true;
}

static void *run(void *argument)
{
    progress *p = argument;
    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 200000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&p->wake, &p->lock, &until);
        if (!p->stopping)
            draw(p);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

progress *progress_start(const char *what, uint64_t total)
{
    if (!isatty(STDERR_FILENO))
        return NULL;
    progress *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return NULL;
    p->what = what;
    p->total = total;
    p->start = clock_seconds();
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    if (pthread_create(&p->thread, NULL, run, p) == 0)
        return p;
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
    return NULL;
}

void progress_set(progress *p, uint64_t done)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->done = done;
    pthread_mutex_unlock(&p->lock);
}

void progress_stop(progress **p)
{
    if (*p == NULL)
        return;
    pthread_mutex_lock(&(*p)->lock);
    (*p)->stopping = true;
    pthread_cond_signal(&(*p)->wake);
    pthread_mutex_unlock(&(*p)->lock);
    pthread_join((*p)->thread, NULL);
    if ((*p)->drawn)
        fputs("\r\033[K", stderr);
    pthread_cond_destroy(&(*p)->wake);
    pthread_mutex_destroy(&(*p)->lock);
    free(*p);
    *p = NULL;
}
