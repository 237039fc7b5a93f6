/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- reports --------------------------------------------------------------------------------- */

enum { REPORTS_SIZE = 1 << 16, MAX_PRINTED = 20 };
static char reports[REPORTS_SIZE];
static size_t reports_used, n_breaches;

static void at_exit(void)
{
    metal_standin_live(true);
    if (metal_standin_breaches() == 0)
        return;
    (void)fprintf(stderr, "metal stand-in: %zu breaches\n", metal_standin_breaches());
    (void)fflush(NULL);
    _exit(STANDIN_EXIT);
}

__attribute__((constructor)) static void at_load(void)
{
    (void)atexit(at_exit);
}

void standin_report(const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&lock);
    int n = snprintf(reports + reports_used, REPORTS_SIZE - reports_used, "%s\n", line);
    if (n > 0 && (size_t)n < REPORTS_SIZE - reports_used)
        reports_used += (size_t)n;
    reports[reports_used] = '\0';
    if (n_breaches++ < MAX_PRINTED)
        (void)fprintf(stderr, "metal stand-in: %s\n", line);
    pthread_mutex_unlock(&lock);
}

size_t metal_standin_breaches(void)
{
    pthread_mutex_lock(&lock);
    size_t n = n_breaches;
    pthread_mutex_unlock(&lock);
    return n;
}

size_t metal_standin_take(char *text, size_t size)
{
    pthread_mutex_lock(&lock);
    size_t n = n_breaches;
    if (size > 0)
        (void)snprintf(text, size, "%s", reports);
    n_breaches = reports_used = 0;
    reports[0] = '\0';
    pthread_mutex_unlock(&lock);
    return n;
}

/* ---- selectors and classes ------------------------------------------------------------------- */

enum { MAX_SELECTORS = 512 };
static struct standin_selector selectors[MAX_SELECTORS];
static _Atomic size_t n_selectors;

standin_sel standin_selector(const char *name)
{
    pthread_mutex_lock(&lock);
    size_t i = 0;
    while (i < n_selectors && strcmp(selectors[i].name, name) != 0)
        i++;
    if (i == n_selectors && i < MAX_SELECTORS) {
        selectors[i].name = strdup(name);
        n_selectors++;
    }
    pthread_mutex_unlock(&lock);
    return i < MAX_SELECTORS ? &selectors[i] : NULL;
}

STANDIN_EXPORT standin_sel sel_registerName(const char *name)
{
    return standin_selector(name);
}

STANDIN_EXPORT standin_class *objc_getClass(const char *name)
{
    for (standin_class *const *of = standin_classes; *of; of++)
        if (strcmp((*of)->name, name) == 0) {
            (*of)->magic = STANDIN_CLASS_MAGIC;
            return *of;
        }
    return NULL;
}

/* ---- lives ----------------------------------------------------------------------------------- */

static standin_object alive = {.previous = &alive, .next = &alive};

void *standin_new(standin_class *of)
{
    standin_object *object = calloc(1, of->size);
    if (!object)
        return NULL;
    object->isa = of;
    object->magic = STANDIN_LIVE_MAGIC;
    object->count = 1;
    pthread_mutex_lock(&lock);
    object->next = &alive;
    object->previous = alive.previous;
    alive.previous->next = object;
    alive.previous = object;
    pthread_mutex_unlock(&lock);
    return object;
}

bool standin_is_alive(standin_id object, const char *message)
{
    if (object->magic == STANDIN_CLASS_MAGIC || object->magic == STANDIN_LIVE_MAGIC)
        return true;
    if (object->magic == STANDIN_DEAD_MAGIC)
        standin_report("%s to a %s that was released for the last time", message,
                       object->isa->name);
    else
        standin_report("%s to %p, which is no object", message, (void *)object);
    return false;
}

standin_id objc_retain(standin_id object)
{
    if (object && standin_is_alive(object, "retain") && object->magic == STANDIN_LIVE_MAGIC)
        object->count++;
    return object;
}

void objc_release(standin_id object)
{
    if (!object || !standin_is_alive(object, "release") || object->magic != STANDIN_LIVE_MAGIC)
        return;
    if (--object->count > 0)
        return;
    pthread_mutex_lock(&lock);
    object->previous->next = object->next;
    object->next->previous = object->previous;
    pthread_mutex_unlock(&lock);
    object->magic = STANDIN_DEAD_MAGIC;
    if (object->isa->destroy)
        object->isa->destroy(object);
}

size_t metal_standin_live(bool report)
{
    size_t n = 0;
    pthread_mutex_lock(&lock);
    standin_object *first = alive.next;
    pthread_mutex_unlock(&lock);
    for (standin_object *object = first; object != &alive; object = object->next, n++)
        if (report)
            standin_report("leak: a %s is still owned, %ld times", object->isa->name,
                           (long)object->count);
    long extra = standin_the_device()->object.count - 1;
    if (extra != 0 && report)
        standin_report("leak: the MTLDevice is still owned, %ld times", extra);
    return n + (extra != 0);
}

/* ---- autorelease ----------------------------------------------------------------------------- */

/* A thread's pools as one stack: a NULL begins each. */
typedef struct pools {
    standin_id *objects;
    size_t n, capacity;
} pools;
static __thread pools own __attribute__((tls_model("initial-exec")));

static void *push(standin_id object)
{
    if (own.n == own.capacity) {
        own.capacity = own.capacity ? 2 * own.capacity : 64;
        own.objects = realloc(own.objects, own.capacity * sizeof *own.objects);
        if (!own.objects)
            abort();
    }
    own.objects[own.n++] = object;
    return (void *)own.n;
}

STANDIN_EXPORT void *objc_autoreleasePoolPush(void)
{
    return push(NULL);
}

STANDIN_EXPORT void objc_autoreleasePoolPop(void *pool)
{
    size_t base = (size_t)pool;
    if (base == 0 || base > own.n || own.objects[base - 1]) {
        standin_report("objc_autoreleasePoolPop of %p, which is no pool of this thread", pool);
        return;
    }
    while (own.n >= base) {
        standin_id object = own.objects[--own.n];
        objc_release(object);
    }
    if (own.n == 0) {
        free(own.objects);
        own = (pools){0};
    }
}

standin_id standin_autorelease(standin_id object)
{
    if (!object)
        return NULL;
    if (own.n == 0)
        standin_report("a %s is autoreleased and there is no pool: it leaks", object->isa->name);
    else
        push(object);
    return object;
}
