/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "failing_alloc.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tileskip/compute.h>

typedef struct record {
    struct record *next;
    void *memory;
    size_t size;
} record;

static struct {
    pthread_mutex_t lock;
    record *live;
    size_t calls, n_live, faults;
    size_t fail_at;
    bool onwards;
} heap = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool must_fail(size_t call)
{
    return call == heap.fail_at || (heap.onwards && call > heap.fail_at);
}

static void *allocate(void *user, size_t size, size_t alignment)
{
    (void)user;
    pthread_mutex_lock(&heap.lock);
    bool fails = must_fail(heap.calls++);
    pthread_mutex_unlock(&heap.lock);
    void *memory = NULL;
    if (fails || posix_memalign(&memory, alignment, size) != 0)
        return NULL;
    memset(memory, 0xa5, size);
    record *entry = malloc(sizeof *entry);
    if (!entry) {
        free(memory);
        return NULL;
    }
    pthread_mutex_lock(&heap.lock);
    *entry = (record){heap.live, memory, size};
    heap.live = entry;
    heap.n_live++;
    pthread_mutex_unlock(&heap.lock);
    return memory;
}

static void release(void *user, void *memory, size_t size)
{
    (void)user;
    pthread_mutex_lock(&heap.lock);
    record **at = &heap.live;
    while (*at && (*at)->memory != memory)
        at = &(*at)->next;
    record *entry = *at;
    if (entry) {
        *at = entry->next;
        heap.n_live--;
    }
    if (!entry || entry->size != size)
        heap.faults++;
    pthread_mutex_unlock(&heap.lock);
    if (!entry)
        return;
    free(entry);
    free(memory);
}

void failing_alloc_arm(size_t n, bool onwards)
{
    heap.calls = 0;
    heap.fail_at = n;
    heap.onwards = onwards;
}

void failing_alloc_install(size_t n, bool onwards)
{
    heap.n_live = heap.faults = 0;
    heap.live = NULL;
    failing_alloc_arm(n, onwards);
    tskip_set_allocator(&(tskip_allocator){.allocate = allocate, .release = release});
}

size_t failing_alloc_remove(size_t *live, size_t *faults)
{
    tskip_set_allocator(NULL);
    *live = heap.n_live;
    *faults = heap.faults;
    return heap.calls;
}

/* One run; `*calls` is how many allocations it asked for. */
static tskip_status run(failing_alloc_scenario scenario, void *context, size_t n, bool onwards,
                        size_t *calls)
{
    size_t live, faults;
    (void)tskip_device_list(NULL, 0, NULL); /* so that no older text passes for this run's */
    failing_alloc_install(n, onwards);
    tskip_status status = scenario(context);
    *calls = failing_alloc_remove(&live, &faults);
    if (live != 0 || faults != 0)
        fail_msg("allocation %zu%s failing: %zu allocations leak, %zu releases are wrong", n,
                 onwards ? " and all after it" : "", live, faults);
    return status;
}

static void run_whole(failing_alloc_scenario scenario, void *context, size_t *calls)
{
    tskip_status status = run(scenario, context, FAILING_ALLOC_NEVER, false, calls);
    if (status != TSKIP_OK)
        fail_msg("with all memory it needs: %s, %s", tskip_status_name(status), tskip_last_error());
}

static void run_starved(failing_alloc_scenario scenario, void *context, size_t n, bool onwards)
{
    size_t calls;
    tskip_status status = run(scenario, context, n, onwards, &calls);
    if (calls <= n)
        fail_msg("asked for %zu allocations only, expected more than %zu as before", calls, n);
    if (status != TSKIP_OUT_OF_MEMORY || !strstr(tskip_last_error(), "out of memory"))
        fail_msg("allocation %zu%s failing: %s, \"%s\"", n, onwards ? " and all after it" : "",
                 tskip_status_name(status), tskip_last_error());
    run_whole(scenario, context, &calls);
}

size_t failing_alloc_sweep(failing_alloc_scenario scenario, void *context)
{
    size_t n, again;
    run_whole(scenario, context, &n);
    run_whole(scenario, context, &again); /* what is made once a process is made by now */
    n = again;
    for (size_t i = 0; i < n; i++) {
        run_starved(scenario, context, i, false);
        run_starved(scenario, context, i, true);
    }
    return n;
}
