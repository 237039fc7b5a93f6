/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/status.h"
#include "cpu_backend.h"

/* Commands lie one after the other in a block, each on a 64-byte boundary and followed by what it
 * points to, so that a dispatch finds its pointers and arguments on the next lines. */

typedef struct command {
    uint32_t bytes;                  /* to the next one */
    uint32_t args;                   /* from here to the argument block */
    const tskip__cpu_kernel *kernel; /* NULL: a fill of buffers[0] */
    uint32_t grid[3];
    uint32_t value;
    uint64_t size;
    void *buffers[];
} command;

typedef struct cpu_encoder {
    tskip__block commands;
    uint64_t group_memory; /* the most that a command has asked for */
    double seconds;
} cpu_encoder;

tskip_status tskip__cpu_encoder_create(void *device, void *native_stream, void **encoder)
{
    (void)device;
    if (native_stream)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "native_stream is set, expected NULL: the CPU has no streams");
    cpu_encoder *out = tskip__alloc_zero(sizeof *out, "an encoder");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    *encoder = out;
    return TSKIP_OK;
}

void tskip__cpu_encoder_destroy(void *device, void *encoder)
{
    (void)device;
    cpu_encoder *old = encoder;
    tskip__block_free(&old->commands);
    tskip__free(old, sizeof *old);
}

static size_t round_up(size_t size)
{
    return (size + 63) & ~(size_t)63;
}

/* Room for a command with so many buffers and bytes of arguments; NULL if memory is out. */
static command *append(cpu_encoder *encoder, uint32_t n_buffers, uint32_t args_size)
{
    size_t args = round_up(sizeof(command) + n_buffers * sizeof(void *));
    size_t bytes = args + round_up(args_size);
    command *out = tskip__block_reserve(&encoder->commands, bytes, "an encoder's commands");
    if (!out)
        return NULL;
    *out = (command){.bytes = (uint32_t)bytes, .args = (uint32_t)args};
    encoder->commands.used += bytes;
    return out;
}

static void *address(const tskip__bound *bound)
{
    const tskip__cpu_buffer *buffer = bound->buffer;
    return buffer ? buffer->bytes + bound->offset : NULL;
}

tskip_status tskip__cpu_dispatch(void *device, void *encoder, const tskip__dispatch *dispatch)
{
    (void)device;
    cpu_encoder *list = encoder;
    command *out = append(list, dispatch->n_bindings, dispatch->args_size);
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    out->kernel = dispatch->kernel;
    memcpy(out->grid, dispatch->grid, sizeof out->grid);
    for (uint32_t i = 0; i < dispatch->n_bindings; i++)
        out->buffers[i] = address(&dispatch->bindings[i]);
    if (dispatch->args_size > 0)
        memcpy((char *)out + out->args, dispatch->args, dispatch->args_size);
    if (out->kernel->group_memory > list->group_memory)
        list->group_memory = out->kernel->group_memory;
    return TSKIP_OK;
}

tskip_status tskip__cpu_fill(void *device, void *encoder, const tskip__bound *range, uint32_t value)
{
    (void)device;
    command *out = append(encoder, 1, 0);
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    out->buffers[0] = address(range);
    out->size = range->size;
    out->value = value;
    return TSKIP_OK;
}

tskip__block *tskip__cpu_commands(void *encoder)
{
    return &((cpu_encoder *)encoder)->commands;
}

tskip_status tskip__cpu_barrier(void *device, void *encoder)
{
    (void)device;
    (void)encoder;
    return TSKIP_OK;
}

/* The memory may be the caller's, at any address. */
static void fill(char *to, uint64_t size, uint32_t value)
{
    uint32_t pattern[64];
    for (size_t i = 0; i < 64; i++)
        pattern[i] = value;
    for (; size > sizeof pattern; size -= sizeof pattern, to += sizeof pattern)
        memcpy(to, pattern, sizeof pattern);
    memcpy(to, pattern, (size_t)size);
}

static void run(tskip__cpu_device *device, const cpu_encoder *list, void *memory)
{
    for (size_t at = 0; at < list->commands.used;) {
        const command *next = (const command *)(const void *)(list->commands.bytes + at);
        if (next->kernel) {
            tskip__cpu_launch launch = {
                .kernel = next->kernel,
                .grid = {next->grid[0], next->grid[1], next->grid[2]},
                .buffers = next->buffers,
                .args = (const char *)next + next->args,
            };
            tskip__cpu_launch_run(device, &launch, memory);
        } else {
            fill(next->buffers[0], next->size, next->value);
        }
        at += next->bytes;
    }
}

tskip_status tskip__cpu_submit(void *device, void *encoder)
{
    cpu_encoder *list = encoder;
    void *memory = NULL;
    if (list->group_memory > 0 && tskip__cpu_inside_kernel()) {
        memory = tskip__alloc((size_t)list->group_memory, "group memory of a nested call");
        if (!memory)
            return TSKIP_OUT_OF_MEMORY;
    } else if (list->group_memory > 0) {
        TSKIP__TRY(tskip__cpu_reserve(device, list->group_memory));
    }
    double start = tskip__now();
    run(device, list, memory);
    list->seconds = tskip__now() - start;
    tskip__free(memory, (size_t)list->group_memory);
    return TSKIP_OK;
}

tskip_status tskip__cpu_wait(void *device, void *encoder)
{
    (void)device;
    (void)encoder;
    return TSKIP_OK;
}

tskip_status tskip__cpu_reset(void *device, void *encoder)
{
    (void)device;
    cpu_encoder *list = encoder;
    list->commands.used = 0;
    list->group_memory = 0;
    list->seconds = 0;
    return TSKIP_OK;
}

tskip_status tskip__cpu_elapsed(void *device, void *encoder, double *seconds)
{
    (void)device;
    *seconds = ((const cpu_encoder *)encoder)->seconds;
    return TSKIP_OK;
}
