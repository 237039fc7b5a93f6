/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "standin_run.h"

/* MTLCommandBufferStatus */
enum { NOT_ENQUEUED = 0, COMMITTED = 2, COMPLETED = 4, FAILED = 5 };
enum { SERIAL = 0, CONCURRENT = 1 };

typedef struct command_buffer command_buffer;

typedef struct queue {
    standin_object object;
    standin_device *device; /* retained */
    command_buffer *first;  /* committed, each retained, oldest first */
} queue;

struct command_buffer {
    standin_object object;
    queue *queue; /* retained */
    command_buffer *next;
    standin_command *commands;
    size_t n, capacity;
    standin_id *kept; /* retained until it is gone */
    size_t n_kept, kept_capacity;
    bool has_open_encoder;
    uint64_t status;
    standin_id error;
    double start, end;
};

typedef struct encoder {
    standin_object object;
    command_buffer *buffer; /* retained */
    uint64_t dispatch_type;
    bool is_ended;
    unsigned n_barriers;
    standin_command now; /* what the next dispatch sees */
} encoder;

static pthread_mutex_t queues = PTHREAD_MUTEX_INITIALIZER; /* their lists and what runs */

/* ---- the queue ------------------------------------------------------------------------------- */

standin_id standin_queue_new(standin_device *device)
{
    queue *out = standin_new(&standin_queue_class);
    out->device = (standin_device *)objc_retain(&device->object);
    return &out->object;
}

static void queue_destroy(standin_id object)
{
    objc_release(&((queue *)object)->device->object);
}

static standin_id queue_command_buffer(queue *self, standin_sel selector)
{
    (void)selector;
    command_buffer *out = standin_new(&standin_command_buffer_class);
    out->queue = (queue *)objc_retain(&self->object);
    return standin_autorelease(&out->object);
}

static standin_id queue_device(queue *self, standin_sel selector)
{
    (void)selector;
    return &self->device->object;
}

standin_class standin_queue_class = {
    .name = "MTLCommandQueue",
    .size = sizeof(queue),
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

static void keep(command_buffer *b, standin_id object)
{
    b->kept = grow(b->kept, b->n_kept, &b->kept_capacity, sizeof *b->kept);
    b->kept[b->n_kept++] = objc_retain(object);
}

static void add(command_buffer *b, const standin_command *command)
{
    b->commands = grow(b->commands, b->n, &b->capacity, sizeof *b->commands);
    b->commands[b->n++] = *command;
}

static void add_barrier(command_buffer *b)
{
    const standin_command barrier = {0};
    if (b->n > 0 && b->commands[b->n - 1].pipeline)
        add(b, &barrier);
}

static void buffer_destroy(standin_id object)
{
    command_buffer *old = (command_buffer *)object;
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

static standin_id buffer_encoder(command_buffer *self, standin_sel selector, uint64_t type)
{
    if (self->has_open_encoder || self->status != NOT_ENQUEUED) {
        standin_report("%s: the command buffer %s", selector->name,
                       self->has_open_encoder ? "has an open encoder" : "was committed");
        return NULL;
    }
    encoder *out = standin_new(&standin_encoder_class);
    out->buffer = (command_buffer *)objc_retain(&self->object);
    out->dispatch_type = type;
    self->has_open_encoder = true;
    return standin_autorelease(&out->object);
}

static standin_id buffer_serial_encoder(command_buffer *self, standin_sel selector)
{
    return buffer_encoder(self, selector, SERIAL);
}

static void buffer_commit(command_buffer *self, standin_sel selector)
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
    command_buffer **last = &self->queue->first;
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

static void execute(command_buffer *b)
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
static void finish(command_buffer *self)
{
    queue *of = self->queue;
    pthread_mutex_lock(&queues);
    while (self->status == COMMITTED) {
        command_buffer *first = of->first;
        of->first = first->next;
        first->next = NULL;
        execute(first);
        objc_release(&first->object);
    }
    pthread_mutex_unlock(&queues);
}

static void buffer_wait(command_buffer *self, standin_sel selector)
{
    if (self->status == NOT_ENQUEUED)
        standin_report("%s for a command buffer that was not committed", selector->name);
    objc_retain(&self->object);
    finish(self);
    objc_release(&self->object);
}

static uint64_t buffer_status(command_buffer *self, standin_sel selector)
{
    (void)selector;
    finish(self);
    return self->status;
}

static bool is_over(const command_buffer *b, standin_sel selector)
{
    if (b->status < COMPLETED)
        standin_report("%s of a command buffer before its end", selector->name);
    return b->status >= COMPLETED;
}

static standin_id buffer_error(command_buffer *self, standin_sel selector)
{
    return is_over(self, selector) ? self->error : NULL;
}

static double buffer_start(command_buffer *self, standin_sel selector)
{
    return is_over(self, selector) ? self->start : 0;
}

static double buffer_end(command_buffer *self, standin_sel selector)
{
    return is_over(self, selector) ? self->end : 0;
}

standin_class standin_command_buffer_class = {
    .name = "MTLCommandBuffer",
    .size = sizeof(command_buffer),
    .destroy = buffer_destroy,
    .messages =
        (const standin_message[]){
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

/* ---- encoders -------------------------------------------------------------------------------- */

static void encoder_destroy(standin_id object)
{
    encoder *old = (encoder *)object;
    if (!old->is_ended)
        standin_report("an encoder goes without endEncoding: Metal aborts");
    for (size_t i = 0; i < MSL_MAX_BUFFERS; i++)
        free(old->now.bindings[i].bytes);
    objc_release(&old->buffer->object);
}

static bool is_open(const encoder *e, standin_sel selector)
{
    if (e->is_ended)
        standin_report("%s after endEncoding", selector->name);
    return !e->is_ended;
}

static void set_pipeline(encoder *self, standin_sel selector, standin_pipeline *pipeline)
{
    if (!is_open(self, selector))
        return;
    if (!pipeline) {
        standin_report("%s: nil", selector->name);
        return;
    }
    keep(self->buffer, &pipeline->object);
    self->now.pipeline = pipeline;
}

/* The slot to fill, emptied; NULL after a report. */
static standin_binding *slot_of(encoder *self, standin_sel selector, uint64_t index)
{
    if (!is_open(self, selector))
        return NULL;
    if (index >= MSL_MAX_BUFFERS) {
        standin_report("%s: index %llu, there are %d buffers", selector->name,
                       (unsigned long long)index, MSL_MAX_BUFFERS);
        return NULL;
    }
    standin_binding *slot = &self->now.bindings[index];
    free(slot->bytes);
    *slot = (standin_binding){0};
    return slot;
}

static void set_buffer(encoder *self, standin_sel selector, standin_buffer *buffer, uint64_t offset,
                       uint64_t index)
{
    standin_binding *slot = slot_of(self, selector, index);
    if (!slot || !buffer)
        return;
    if (offset >= buffer->length) {
        standin_report("%s: offset %llu of a buffer of %llu bytes", selector->name,
                       (unsigned long long)offset, (unsigned long long)buffer->length);
        return;
    }
    keep(self->buffer, &buffer->object);
    slot->buffer = buffer;
    slot->offset = offset;
}

static void set_bytes(encoder *self, standin_sel selector, const void *bytes, uint64_t length,
                      uint64_t index)
{
    standin_binding *slot = slot_of(self, selector, index);
    if (!slot)
        return;
    if (length == 0 || length >= STANDIN_MAX_BYTES) {
        standin_report("%s: %llu bytes, expected 1 … %d", selector->name,
                       (unsigned long long)length, STANDIN_MAX_BYTES - 1);
        return;
    }
    slot->bytes = malloc(length);
    slot->n_bytes = (uint32_t)length;
    memcpy(slot->bytes, bytes, length);
}

static void set_group_memory(encoder *self, standin_sel selector, uint64_t length, uint64_t index)
{
    if (!is_open(self, selector))
        return;
    if (index >= STANDIN_GROUP_BLOCKS || length % 16 != 0) {
        standin_report("%s: %llu bytes at %llu, expected a multiple of 16 at 0 … %d",
                       selector->name, (unsigned long long)length, (unsigned long long)index,
                       STANDIN_GROUP_BLOCKS - 1);
        return;
    }
    self->now.group_memory[index] = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length;
}

typedef struct size3 {
    uint64_t width, height, depth;
} size3;

static bool fits(const encoder *self, standin_sel selector, size3 grid, size3 group)
{
    if (!self->now.pipeline) {
        standin_report("%s without a pipeline", selector->name);
        return false;
    }
    const msl_kernel *kernel = self->now.pipeline->function->kernel;
    uint64_t most = kernel->max_threads ? kernel->max_threads : STANDIN_MAX_GROUP_THREADS;
    uint64_t threads = group.width * group.height * group.depth, memory = 0;
    for (int i = 0; i < STANDIN_GROUP_BLOCKS; i++)
        memory += self->now.group_memory[i];
    if (threads == 0 || threads > most) {
        standin_report("%s: kernel %s with %llu threads a group, expected 1 … %llu", selector->name,
                       kernel->name, (unsigned long long)threads, (unsigned long long)most);
        return false;
    }
    if (memory > STANDIN_MAX_GROUP_MEMORY) {
        standin_report("%s: kernel %s with %llu bytes of threadgroup memory, at most %d",
                       selector->name, kernel->name, (unsigned long long)memory,
                       STANDIN_MAX_GROUP_MEMORY);
        return false;
    }
    if (grid.width == 0 || grid.height == 0 || grid.depth == 0 || grid.width > UINT32_MAX ||
        grid.height > UINT32_MAX || grid.depth > UINT32_MAX) {
        standin_report("%s: kernel %s over a grid of %llu x %llu x %llu", selector->name,
                       kernel->name, (unsigned long long)grid.width,
                       (unsigned long long)grid.height, (unsigned long long)grid.depth);
        return false;
    }
    return true;
}

/* Adds the command as it stands; setBytes' copies stay with the encoder, so they are copied. */
static void add_dispatch(encoder *self)
{
    standin_command command = self->now;
    for (size_t i = 0; i < MSL_MAX_BUFFERS; i++) {
        standin_binding *b = &command.bindings[i];
        if (!b->bytes)
            continue;
        unsigned char *copy = malloc(b->n_bytes);
        memcpy(copy, b->bytes, b->n_bytes);
        b->bytes = copy;
    }
    add(self->buffer, &command);
    if (self->dispatch_type == SERIAL)
        add_barrier(self->buffer);
}

static void dispatch_groups(encoder *self, standin_sel selector, size3 grid, size3 group)
{
    if (!is_open(self, selector) || !fits(self, selector, grid, group))
        return;
    const uint64_t groups[3] = {grid.width, grid.height, grid.depth};
    const uint64_t size[3] = {group.width, group.height, group.depth};
    for (int i = 0; i < 3; i++) {
        self->now.groups[i] = (uint32_t)groups[i];
        self->now.group[i] = (uint32_t)size[i];
        self->now.threads[i] = (uint32_t)(groups[i] * size[i]);
    }
    add_dispatch(self);
}

static void dispatch_threads(encoder *self, standin_sel selector, size3 grid, size3 group)
{
    if (!is_open(self, selector) || !fits(self, selector, grid, group))
        return;
    const uint64_t threads[3] = {grid.width, grid.height, grid.depth};
    const uint64_t size[3] = {group.width, group.height, group.depth};
    for (int i = 0; i < 3; i++) {
        self->now.groups[i] = (uint32_t)((threads[i] + size[i] - 1) / size[i]);
        self->now.group[i] = (uint32_t)size[i];
        self->now.threads[i] = (uint32_t)threads[i];
    }
    add_dispatch(self);
}

/* For test_mistakes.py: an encoder's barrier of that number is not heard, as if never sent. */
static bool is_deaf_to(unsigned barrier)
{
    const char *deaf = getenv("TSKIP_METAL_DEAF_TO_BARRIER");
    return deaf && (unsigned)atoi(deaf) == barrier;
}

static void barrier_scope(encoder *self, standin_sel selector, uint64_t scope)
{
    if (is_open(self, selector) && (scope & 1) && !is_deaf_to(self->n_barriers++))
        add_barrier(self->buffer); /* 1: MTLBarrierScopeBuffers */
}

static void end_encoding(encoder *self, standin_sel selector)
{
    if (!is_open(self, selector))
        return;
    self->is_ended = true;
    self->buffer->has_open_encoder = false;
    add_barrier(self->buffer);
}

standin_class standin_encoder_class = {
    .name = "MTLComputeCommandEncoder",
    .size = sizeof(encoder),
    .destroy = encoder_destroy,
    .messages =
        (const standin_message[]){
            {"setComputePipelineState:", STANDIN_METHOD(set_pipeline)},
            {"setBuffer:offset:atIndex:", STANDIN_METHOD(set_buffer)},
            {"setBytes:length:atIndex:", STANDIN_METHOD(set_bytes)},
            {"setThreadgroupMemoryLength:atIndex:", STANDIN_METHOD(set_group_memory)},
            {"dispatchThreadgroups:threadsPerThreadgroup:", STANDIN_METHOD(dispatch_groups)},
            {"dispatchThreads:threadsPerThreadgroup:", STANDIN_METHOD(dispatch_threads)},
            {"memoryBarrierWithScope:", STANDIN_METHOD(barrier_scope)},
            {"endEncoding", STANDIN_METHOD(end_encoding)},
            {NULL, NULL},
        },
};
