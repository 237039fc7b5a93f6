/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin_queue.h"

#include <stdlib.h>
#include <string.h>

typedef struct encoder {
    standin_object object;
    standin_command_buffer *buffer; /* retained */
    uint64_t dispatch_type;
    bool is_ended;
    unsigned n_barriers;
    standin_command now; /* what the next dispatch sees */
} encoder;

standin_id standin_encoder_new(standin_command_buffer *buffer, uint64_t dispatch_type)
{
    encoder *out = standin_new(&standin_encoder_class);
    out->buffer = (standin_command_buffer *)objc_retain(&buffer->object);
    out->dispatch_type = dispatch_type;
    return standin_autorelease(&out->object);
}

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
    standin_keep(self->buffer, &pipeline->object);
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
    standin_keep(self->buffer, &buffer->object);
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
    standin_add(self->buffer, &command);
    if (self->dispatch_type == STANDIN_SERIAL)
        standin_add_barrier(self->buffer);
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
        standin_add_barrier(self->buffer); /* 1: MTLBarrierScopeBuffers */
}

/* ---- fences ---------------------------------------------------------------------------------- */

/* Command buffers of a queue run one after the other here; but a host that orders them must put the
 * update before the wait. */
typedef struct fence {
    standin_object object;
    bool is_updated;
} fence;

standin_class standin_fence_class = {
    .name = "MTLFence",
    .size = sizeof(fence),
    .messages = (const standin_message[]){{NULL, NULL}},
};

static void update_fence(encoder *self, standin_sel selector, fence *of)
{
    if (!is_open(self, selector))
        return;
    standin_keep(self->buffer, &of->object);
    of->is_updated = true;
}

static void wait_for_fence(encoder *self, standin_sel selector, fence *of)
{
    if (!is_open(self, selector))
        return;
    standin_keep(self->buffer, &of->object);
    if (!of->is_updated)
        standin_report("%s: nothing has updated the fence", selector->name);
}

static standin_id encoder_device(encoder *self, standin_sel selector)
{
    (void)selector;
    return &standin_device_of(self->buffer)->object;
}

static void end_encoding(encoder *self, standin_sel selector)
{
    if (!is_open(self, selector))
        return;
    self->is_ended = true;
    self->buffer->has_open_encoder = false;
    standin_add_barrier(self->buffer);
}

standin_class standin_encoder_class = {
    .name = "MTLComputeCommandEncoder",
    .size = sizeof(encoder),
    .destroy = encoder_destroy,
    .messages =
        (const standin_message[]){
            {"device", STANDIN_METHOD(encoder_device)},
            {"setComputePipelineState:", STANDIN_METHOD(set_pipeline)},
            {"setBuffer:offset:atIndex:", STANDIN_METHOD(set_buffer)},
            {"setBytes:length:atIndex:", STANDIN_METHOD(set_bytes)},
            {"setThreadgroupMemoryLength:atIndex:", STANDIN_METHOD(set_group_memory)},
            {"dispatchThreadgroups:threadsPerThreadgroup:", STANDIN_METHOD(dispatch_groups)},
            {"dispatchThreads:threadsPerThreadgroup:", STANDIN_METHOD(dispatch_threads)},
            {"memoryBarrierWithScope:", STANDIN_METHOD(barrier_scope)},
            {"updateFence:", STANDIN_METHOD(update_fence)},
            {"waitForFence:", STANDIN_METHOD(wait_for_fence)},
            {"endEncoding", STANDIN_METHOD(end_encoding)},
            {NULL, NULL},
        },
};
