/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin_queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* MTLCommandBufferStatus */
enum { NOT_ENQUEUED = 0, COMMITTED = 2, COMPLETED = 4, FAILED = 5 };

struct standin_queue {
    standin_object object;
    standin_device *device;        /* retained */
    standin_command_buffer *first; /* committed, each retained, oldest first */
};

static pthread_mutex_t queues = PTHREAD_MUTEX_INITIALIZER; /* their lists and what runs */

/* ---- the queue ------------------------------------------------------------------------------- */

standin_device *standin_device_of(const standin_command_buffer *buffer)
{
    return buffer->queue->device;
}

standin_id standin_queue_new(standin_device *device)
{
    standin_queue *out = standin_new(&standin_queue_class);
    out->device = (standin_device *)objc_retain(&device->object);
    return &out->object;
}

static void queue_destroy(standin_id object)
{
    objc_release(&((standin_queue *)object)->device->object);
}

static standin_id queue_command_buffer(standin_queue *self, standin_sel selector)
{
    (void)selector;
    standin_command_buffer *out = standin_new(&standin_command_buffer_class);
    out->queue = (standin_queue *)objc_retain(&self->object);
    return standin_autorelease(&out->object);
}

static standin_id queue_device(standin_queue *self, standin_sel selector)
{
    (void)selector;
    return &self->device->object;
}

standin_class standin_queue_class = {
    .name = "MTLCommandQueue",
    .size = sizeof(standin_queue),
    .destroy = queue_destroy,
    .messages =
        (const standin_message[]){
            {"commandBuffer", STANDIN_METHOD(queue_command_buffer)},
            {"device", STANDIN_METHOD(queue_device)},
            {NULL, NULL},
        },
};

/* ---- command buffers ------------------------------------------------------------------------- */

static void *grow(void *array, size_t n, size_t *capacity, size_t size)
{
    if (n < *capacity)
        return array;
    *capacity = *capacity ? 2 * *capacity : 16;
    array = realloc(array, *capacity * size);
    if (!array)
        abort();
    return array;
}

void standin_keep(standin_command_buffer *b, standin_id object)
{
    b->kept = grow(b->kept, b->n_kept, &b->kept_capacity, sizeof *b->kept);
    b->kept[b->n_kept++] = objc_retain(object);
}

void standin_add(standin_command_buffer *b, const standin_command *command)
{
    b->commands = grow(b->commands, b->n, &b->capacity, sizeof *b->commands);
    b->commands[b->n++] = *command;
}

void standin_add_barrier(standin_command_buffer *b)
{
    const standin_command barrier = {0};
    if (b->n > 0 && b->commands[b->n - 1].pipeline)
        standin_add(b, &barrier);
}

static void buffer_destroy(standin_id object)
{
    standin_command_buffer *old = (standin_command_buffer *)object;
    if (old->has_open_encoder)
        standin_report("a command buffer goes while its encoder is open");
    for (size_t i = 0; i < old->n; i++)
        for (size_t j = 0; j < MSL_MAX_BUFFERS; j++)
            free(old->commands[i].bindings[j].bytes);
    for (size_t i = 0; i < old->n_kept; i++)
        objc_release(old->kept[i]);
    free(old->commands);
    free(old->kept);
    objc_release(old->error);
    objc_release(&old->queue->object);
}

static standin_id buffer_encoder(standin_command_buffer *self, standin_sel selector, uint64_t type)
{
    if (self->has_open_encoder || self->status != NOT_ENQUEUED) {
        standin_report("%s: the command buffer %s", selector->name,
                       self->has_open_encoder ? "has an open encoder" : "was committed");
        return NULL;
    }
    self->has_open_encoder = true;
    return standin_encoder_new(self, type);
}

static standin_id buffer_serial_encoder(standin_command_buffer *self, standin_sel selector)
{
    return buffer_encoder(self, selector, STANDIN_SERIAL);
}

static _Atomic size_t n_commits;

size_t metal_standin_commits(void)
{
    return n_commits;
}

static void buffer_commit(standin_command_buffer *self, standin_sel selector)
{
    (void)selector;
    if (self->status != NOT_ENQUEUED || self->has_open_encoder) {
        standin_report("commit of a command buffer that %s",
                       self->has_open_encoder ? "has an open encoder" : "was committed");
        return;
    }
    objc_retain(&self->object);
    pthread_mutex_lock(&queues);
    self->status = COMMITTED;
    n_commits++;
    standin_command_buffer **last = &self->queue->first;
    while (*last)
        last = &(*last)->next;
    *last = self;
    pthread_mutex_unlock(&queues);
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void execute(standin_command_buffer *b)
{
    char reason[STANDIN_REASON_SIZE];
    b->start = now();
    bool done = standin_execute(b->commands, b->n, reason);
    b->end = now();
    b->status = done ? COMPLETED : FAILED;
    if (!done) {
        void *pool = objc_autoreleasePoolPush();
        standin_set_error(&b->error, 1, "%s", reason);
        objc_retain(b->error);
        objc_autoreleasePoolPop(pool);
    }
}

/* Runs what was committed to the queue up to `self`: the first moment at which anyone may know. */
static void finish(standin_command_buffer *self)
{
    standin_queue *of = self->queue;
    pthread_mutex_lock(&queues);
    while (self->status == COMMITTED) {
        standin_command_buffer *first = of->first;
        of->first = first->next;
        first->next = NULL;
        execute(first);
        objc_release(&first->object);
    }
    pthread_mutex_unlock(&queues);
}

static void buffer_wait(standin_command_buffer *self, standin_sel selector)
{
    if (self->status == NOT_ENQUEUED)
        standin_report("%s for a command buffer that was not committed", selector->name);
    objc_retain(&self->object);
    finish(self);
    objc_release(&self->object);
}

static uint64_t buffer_status(standin_command_buffer *self, standin_sel selector)
{
    (void)selector;
    finish(self);
    return self->status;
}

static bool is_over(const standin_command_buffer *b, standin_sel selector)
{
    if (b->status < COMPLETED)
        standin_report("%s of a command buffer before its end", selector->name);
    return b->status >= COMPLETED;
}

static standin_id buffer_error(standin_command_buffer *self, standin_sel selector)
{
    return is_over(self, selector) ? self->error : NULL;
}

static double buffer_start(standin_command_buffer *self, standin_sel selector)
{
    return is_over(self, selector) ? self->start : 0;
}

static double buffer_end(standin_command_buffer *self, standin_sel selector)
{
    return is_over(self, selector) ? self->end : 0;
}

static standin_id buffer_device(standin_command_buffer *self, standin_sel selector)
{
    (void)selector;
    return &standin_device_of(self)->object;
}

standin_class standin_command_buffer_class = {
    .name = "MTLCommandBuffer",
    .size = sizeof(standin_command_buffer),
    .destroy = buffer_destroy,
    .messages =
        (const standin_message[]){
            {"device", STANDIN_METHOD(buffer_device)},
            {"computeCommandEncoder", STANDIN_METHOD(buffer_serial_encoder)},
            {"computeCommandEncoderWithDispatchType:", STANDIN_METHOD(buffer_encoder)},
            {"commit", STANDIN_METHOD(buffer_commit)},
            {"waitUntilCompleted", STANDIN_METHOD(buffer_wait)},
            {"status", STANDIN_METHOD(buffer_status)},
            {"error", STANDIN_METHOD(buffer_error)},
            {"GPUStartTime", STANDIN_METHOD(buffer_start)},
            {"GPUEndTime", STANDIN_METHOD(buffer_end)},
            {NULL, NULL},
        },
};
