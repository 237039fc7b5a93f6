/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "terminal.h"

#define SILENT_SECONDS 2.0
#define BAR_WIDTH      32
#define BAR_LEAST      4

struct progress {
    const char *what;
    uint64_t total, done;
    double start;
    bool stopping, drawn;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
};

/* What is left of a line beside the text: none below a few cells. */
static int bar_width(int text)
{
    const int room = (int)terminal_size_of(stderr).columns - text - 1;
    return room > BAR_WIDTH ? BAR_WIDTH : room < BAR_LEAST ? 0 : room;
}

static void draw(progress *p)
{
    const double elapsed = clock_seconds() - p->start;
    char bar[BAR_WIDTH + 1], tail[64];
    if (elapsed < SILENT_SECONDS)
        return;
    if (p->total > 0)
        snprintf(tail, sizeof(tail), "%" PRIu64 "/%" PRIu64 "  %.0f s", p->done, p->total, elapsed);
    else
        snprintf(tail, sizeof(tail), "%.0f s", elapsed);
    const int width = p->total > 0 ? bar_width((int)(strlen(p->what) + strlen(tail)) + 4) : 0;
    const double part = p->total > 0 ? (double)p->done / (double)p->total : 0;
    for (int i = 0; i < width; i++)
        bar[i] = i < (int)(part * width) ? '#' : '.';
    bar[width] = 0;
    fprintf(stderr, width > 0 ? "\r%s [%s] %s" : "\r%s%s %s", p->what, bar, tail);
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
    const char *kind = getenv("TERM");
    if (terminal_size_of(stderr).columns == 0 || (kind != NULL && strcmp(kind, "dumb") == 0))
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

void progress_expect(progress *p, uint64_t total)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->total = total;
    p->done = 0;
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
