/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin_run.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the threads that run groups ------------------------------------------------------------- */

enum { MAX_WORKERS = 4, GROUPS_WORTH_A_THREAD = 2, MAX_DISPATCHES = 1 << 14 };

static standin_worker workers[MAX_WORKERS];
static unsigned n_workers;

static bool start_workers(void)
{
    long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned wanted = n_cpus < 1 ? 1 : n_cpus > MAX_WORKERS ? MAX_WORKERS : (unsigned)n_cpus;
    while (n_workers < wanted && standin_worker_init(&workers[n_workers]))
        n_workers++;
    return n_workers > 0;
}

typedef struct pass {
    const standin_command *command;
    bool backwards;
    _Atomic uint64_t next;
    uint64_t n_groups;
    _Atomic bool has_failed;
} pass;

static void take_groups(pass *p, standin_worker *worker)
{
    const uint32_t *of = p->command->groups;
    for (;;) {
        uint64_t i = p->next++;
        if (i >= p->n_groups || p->has_failed)
            return;
        if (p->backwards)
            i = p->n_groups - 1 - i;
        const uint32_t position[3] = {(uint32_t)(i % of[0]), (uint32_t)(i / of[0] % of[1]),
                                      (uint32_t)(i / of[0] / of[1])};
        worker->group_index = (uint32_t)i;
        standin_run_group(worker, position);
        if (worker->has_failed)
            p->has_failed = true;
    }
}

typedef struct task {
    pass *pass;
    standin_worker *worker;
} task;

static void *run_task(void *context)
{
    const task *t = context;
    take_groups(t->pass, t->worker);
    return NULL;
}

/* ---- one dispatch ---------------------------------------------------------------------------- */

/* What the kernel may touch, and what its parameters point to. */
static unsigned place_bindings(const standin_command *c, uint64_t interval,
                               msl_arguments *arguments, standin_view views[MSL_MAX_BUFFERS])
{
    const msl_kernel *kernel = c->pipeline->function->kernel;
    unsigned n = 0;
    memset(arguments, 0, sizeof *arguments);
    for (unsigned i = 0; i < kernel->n_parameters; i++) {
        const msl_parameter *p = &kernel->parameters[i];
        if (p->kind == MSL_GROUP_BLOCK)
            continue;
        const standin_binding *b = &c->bindings[p->index];
        standin_view view = {.is_writable = p->kind == MSL_BUFFER_WRITABLE};
        if (b->buffer) {
            view.begin = (uintptr_t)b->buffer->bytes + b->offset;
            view.end = (uintptr_t)b->buffer->bytes + b->buffer->length;
            view.is_tracked = b->buffer->written_in == interval;
            view.origin = (uintptr_t)b->buffer->bytes;
            view.shadow = view.is_tracked ? standin_shadow_of(b->buffer) : NULL;
        } else if (b->bytes) {
            view.begin = (uintptr_t)b->bytes;
            view.end = view.begin + b->n_bytes;
        } else {
            continue;
        }
        arguments->buffers[p->index] = (void *)view.begin;
        views[n++] = view;
    }
    return n;
}

static void set_constants(const standin_function *function)
{
    for (const msl_function_constant *c = function->library->constants; c->name; c++) {
        const standin_value *value = &function->values[c->index];
        *c->defined = value->is_set;
        memcpy(c->value, value->bytes, c->size);
    }
}

/* Numbers dispatches; the shadow tells intervals apart by them. */
static uint32_t last_dispatch;

static void prepare(standin_worker *worker, const standin_command *c, const pass *p,
                    uint32_t first_dispatch, uint64_t interval)
{
    worker->command = c;
    worker->kernel = c->pipeline->function->kernel;
    worker->code_begin = c->pipeline->function->library->begin;
    worker->code_end = c->pipeline->function->library->end;
    worker->n_views = place_bindings(c, interval, worker->arguments, worker->views);
    worker->last_hit = NULL;
    worker->backwards = p->backwards;
    worker->judges_races = !p->backwards;
    worker->dispatch = last_dispatch;
    worker->first_dispatch = first_dispatch;
    worker->has_failed = false;
}

static bool run_dispatch(const standin_command *c, bool backwards, uint32_t first_dispatch,
                         uint64_t interval, char reason[STANDIN_REASON_SIZE])
{
    pass p = {.command = c, .backwards = backwards};
    p.n_groups = (uint64_t)c->groups[0] * c->groups[1] * c->groups[2];
    unsigned n = p.n_groups < GROUPS_WORTH_A_THREAD ? 1 : n_workers, n_threads = 0;
    pthread_t threads[MAX_WORKERS];
    task tasks[MAX_WORKERS];
    set_constants(c->pipeline->function);
    for (unsigned i = 0; i < n; i++) {
        prepare(&workers[i], c, &p, first_dispatch, interval);
        tasks[i] = (task){&p, &workers[i]};
    }
    for (unsigned i = 1; i < n; i++)
        if (pthread_create(&threads[n_threads], NULL, run_task, &tasks[i]) == 0)
            n_threads++;
    take_groups(&p, &workers[0]);
    for (unsigned i = 0; i < n_threads; i++)
        (void)pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < n && p.has_failed; i++)
        if (workers[i].has_failed) {
            (void)snprintf(reason, STANDIN_REASON_SIZE, "%s", workers[i].reason);
            standin_report("%s", reason);
            return false;
        }
    return true;
}

/* ---- an interval: there and back ------------------------------------------------------------- */

/* What the dispatches of an interval may write: as it was, and as the first pass left it. */
typedef struct written {
    standin_buffer *buffer;
    uint64_t offset, n;
    unsigned char *before, *after;
} written;

typedef struct interval {
    const standin_command *commands;
    size_t n;
    uint64_t number;
    written *written;
    size_t n_written;
} interval;

static void note_written(interval *in, const standin_binding *b)
{
    b->buffer->written_in = in->number;
    size_t i = 0;
    while (i < in->n_written && in->written[i].buffer != b->buffer)
        i++;
    if (i == in->n_written) {
        in->written = realloc(in->written, (i + 1) * sizeof *in->written);
        in->written[i] = (written){.buffer = b->buffer, .offset = b->offset};
        in->n_written++;
    }
    written *w = &in->written[i];
    w->offset = b->offset < w->offset ? b->offset : w->offset;
    w->n = b->buffer->length - w->offset;
}

static void find_written(interval *in)
{
    for (size_t i = 0; i < in->n; i++) {
        const standin_command *c = &in->commands[i];
        const msl_kernel *kernel = c->pipeline->function->kernel;
        for (unsigned j = 0; j < kernel->n_parameters; j++) {
            const msl_parameter *p = &kernel->parameters[j];
            if (p->kind == MSL_BUFFER_WRITABLE && c->bindings[p->index].buffer)
                note_written(in, &c->bindings[p->index]);
        }
    }
}

static void copy_out(interval *in, bool after)
{
    for (size_t i = 0; i < in->n_written; i++) {
        written *w = &in->written[i];
        unsigned char *copy = malloc(w->n);
        if (!copy)
            abort();
        memcpy(copy, w->buffer->bytes + w->offset, w->n);
        *(after ? &w->after : &w->before) = copy;
    }
}

static void put_back(interval *in)
{
    for (size_t i = 0; i < in->n_written; i++)
        memcpy(in->written[i].buffer->bytes + in->written[i].offset, in->written[i].before,
               in->written[i].n);
}

static void name_kernels(const interval *in, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < in->n && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 in->commands[i].pipeline->function->kernel->name);
}

static bool same_results(const interval *in, char reason[STANDIN_REASON_SIZE])
{
    for (size_t i = 0; i < in->n_written; i++) {
        const written *w = &in->written[i];
        const unsigned char *now = w->buffer->bytes + w->offset;
        if (memcmp(now, w->after, w->n) == 0)
            continue;
        uint64_t at = 0;
        while (now[at] == w->after[at])
            at++;
        char names[256];
        name_kernels(in, names, sizeof names);
        (void)snprintf(reason, STANDIN_REASON_SIZE,
                       "results depend on the order of what no barrier orders: kernels %s, byte "
                       "%llu of a buffer of %llu",
                       names, (unsigned long long)(w->offset + at),
                       (unsigned long long)w->buffer->length);
        standin_report("%s", reason);
        return false;
    }
    return true;
}

static bool run_pass(const interval *in, bool backwards, char reason[STANDIN_REASON_SIZE])
{
    if (last_dispatch + in->n >= MAX_DISPATCHES) {
        standin_forget_shadows();
        last_dispatch = 0;
    }
    uint32_t first = last_dispatch + 1;
    for (size_t i = 0; i < in->n; i++) {
        last_dispatch++;
        const standin_command *c = &in->commands[backwards ? in->n - 1 - i : i];
        if (!run_dispatch(c, backwards, first, in->number, reason))
            return false;
    }
    return true;
}

static bool run_interval(interval *in, char reason[STANDIN_REASON_SIZE])
{
    find_written(in);
    bool once = getenv(STANDIN_FAST_ENV) != NULL;
    if (!once)
        copy_out(in, false);
    bool done = run_pass(in, false, reason);
    if (done && !once) {
        copy_out(in, true);
        put_back(in);
        done = run_pass(in, true, reason) && same_results(in, reason);
    }
    for (size_t i = 0; i < in->n_written; i++) {
        free(in->written[i].before);
        free(in->written[i].after);
    }
    free(in->written);
    return done;
}

bool standin_execute(const standin_command *commands, size_t n, char reason[STANDIN_REASON_SIZE])
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static uint64_t n_intervals;
    pthread_mutex_lock(&lock);
    bool done = start_workers();
    if (!done)
        (void)snprintf(reason, STANDIN_REASON_SIZE, "there is no memory for a thread's lanes");
    for (size_t begin = 0, end; begin < n && done; begin = end + 1) {
        for (end = begin; end < n && commands[end].pipeline;)
            end++;
        interval in = {.commands = commands + begin, .n = end - begin, .number = ++n_intervals};
        done = run_interval(&in, reason);
    }
    pthread_mutex_unlock(&lock);
    return done;
}
