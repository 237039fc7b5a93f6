/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/log.h"
#include "base/status.h"
#include "null_backend.h"

enum { RANGE_TEXT = 80, LINE = 480 };

typedef enum command_type { FILL, DISPATCH, BARRIER } command_type;

typedef struct range {
    uint32_t buffer; /* number; 0: an empty binding */
    uint64_t offset, size;
    tskip_access access;
} range;

typedef struct command {
    command_type type;
    uint32_t value;                   /* FILL */
    const tskip__null_kernel *kernel; /* DISPATCH */
    uint32_t grid[3];
    uint32_t args_size;
    uint32_t n_ranges;
    range ranges[TSKIP_MAX_BINDINGS];
} command;

typedef struct null_encoder {
    tskip__block commands; /* of type command, one behind the other */
} null_encoder;

static size_t count(const null_encoder *list)
{
    return list->commands.used / sizeof(command);
}

static const command *at(const null_encoder *list, size_t i)
{
    return (const command *)(const void *)list->commands.bytes + i;
}

tskip_status tskip__null_encoder_create(void *device, void *native_stream, void **encoder)
{
    (void)device;
    if (native_stream)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "native_stream is set, expected NULL: the null device has no streams");
    null_encoder *out = tskip__alloc_zero(sizeof *out, "an encoder");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    *encoder = out;
    return TSKIP_OK;
}

void tskip__null_encoder_destroy(void *device, void *encoder)
{
    (void)device;
    null_encoder *old = encoder;
    tskip__block_free(&old->commands);
    tskip__free(old, sizeof *old);
}

/* Room for one more; NULL if memory is out. */
static command *append(null_encoder *encoder, command_type type)
{
    command *out = tskip__block_reserve(&encoder->commands, sizeof *out, "an encoder's commands");
    if (!out)
        return NULL;
    encoder->commands.used += sizeof *out;
    *out = (command){.type = type};
    return out;
}

static range range_of(const tskip__bound *bound)
{
    const tskip__null_buffer *buffer = bound->buffer;
    if (!buffer)
        return (range){0};
    return (range){buffer->number, bound->offset, bound->size, bound->access};
}

tskip_status tskip__null_dispatch(void *device, void *encoder, const tskip__dispatch *dispatch)
{
    (void)device;
    command *out = append(encoder, DISPATCH);
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    out->kernel = dispatch->kernel;
    memcpy(out->grid, dispatch->grid, sizeof out->grid);
    out->args_size = dispatch->args_size;
    out->n_ranges = dispatch->n_bindings;
    for (uint32_t i = 0; i < dispatch->n_bindings; i++)
        out->ranges[i] = range_of(&dispatch->bindings[i]);
    return TSKIP_OK;
}

tskip_status tskip__null_fill(void *device, void *encoder, const tskip__bound *bound,
                              uint32_t value)
{
    (void)device;
    command *out = append(encoder, FILL);
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    out->value = value;
    out->n_ranges = 1;
    out->ranges[0] = range_of(bound);
    return TSKIP_OK;
}

tskip__block *tskip__null_commands(void *encoder)
{
    return &((null_encoder *)encoder)->commands;
}

tskip_status tskip__null_barrier(void *device, void *encoder)
{
    (void)device;
    return append(encoder, BARRIER) ? TSKIP_OK : TSKIP_OUT_OF_MEMORY;
}

static int range_text(const range *r, char text[RANGE_TEXT])
{
    static const char *const access[] = {"", "r", "w", "rw"};
    if (r->buffer == 0)
        return snprintf(text, RANGE_TEXT, "-");
    return snprintf(text, RANGE_TEXT, "%s %" PRIu32 "[%" PRIu64 "+%" PRIu64 "]", access[r->access],
                    r->buffer, r->offset, r->size);
}

static void record_dispatch(const command *c)
{
    char ranges[LINE] = "", text[RANGE_TEXT];
    size_t used = 0;
    for (uint32_t i = 0; i < c->n_ranges && used < sizeof ranges; i++) {
        (void)range_text(&c->ranges[i], text);
        used += (size_t)snprintf(ranges + used, sizeof ranges - used, " %s", text);
    }
    tskip__log(TSKIP_LOG_DEBUG, "null: dispatch %s %" PRIu32 "x%" PRIu32 "x%" PRIu32 " args=%u%s",
               c->kernel->name, c->grid[0], c->grid[1], c->grid[2], c->args_size, ranges);
}

static void record(const command *c)
{
    char text[RANGE_TEXT];
    switch (c->type) {
    case FILL:
        (void)range_text(&c->ranges[0], text);
        tskip__log(TSKIP_LOG_DEBUG, "null: fill %s = %08" PRIx32, text, c->value);
        break;
    case DISPATCH:
        record_dispatch(c);
        break;
    case BARRIER:
        tskip__log(TSKIP_LOG_DEBUG, "null: barrier");
        break;
    }
}

static bool race(const range *a, const range *b)
{
    return a->buffer != 0 && a->buffer == b->buffer && ((a->access | b->access) & TSKIP_WRITE) &&
           a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

static void check_pair(const null_encoder *list, size_t older, size_t newer)
{
    static const char *const names[] = {"fill", "dispatch"};
    const command *a = at(list, newer), *b = at(list, older);
    char mine[RANGE_TEXT], theirs[RANGE_TEXT];
    for (uint32_t i = 0; i < a->n_ranges; i++)
        for (uint32_t j = 0; j < b->n_ranges; j++)
            if (race(&a->ranges[i], &b->ranges[j])) {
                (void)range_text(&a->ranges[i], mine);
                (void)range_text(&b->ranges[j], theirs);
                tskip__log(TSKIP_LOG_WARNING,
                           "null: race: %s %zu (%s) and %s %zu (%s) have no barrier between them",
                           names[a->type], newer + 1, mine, names[b->type], older + 1, theirs);
                return;
            }
}

tskip_status tskip__null_submit(void *device, void *encoder)
{
    (void)device;
    const null_encoder *list = encoder;
    size_t after_barrier = 0;
    for (size_t i = 0; i < count(list); i++) {
        record(at(list, i));
        if (at(list, i)->type == BARRIER)
            after_barrier = i + 1;
        for (size_t older = after_barrier; older < i; older++)
            check_pair(list, older, i);
    }
    tskip__log(TSKIP_LOG_DEBUG, "null: submitted %zu commands", count(list));
    return TSKIP_OK;
}

tskip_status tskip__null_wait(void *device, void *encoder)
{
    (void)device;
    (void)encoder;
    return TSKIP_OK;
}

tskip_status tskip__null_reset(void *device, void *encoder)
{
    (void)device;
    ((null_encoder *)encoder)->commands.used = 0;
    return TSKIP_OK;
}
