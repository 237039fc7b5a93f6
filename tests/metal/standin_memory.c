/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin_run.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Where buffers lie, and where their shadows do. */

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
