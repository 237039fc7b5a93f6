/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "metal_backend.h"

#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/status.h"

/* On a queue an encoder keeps its commands and puts them into a command buffer at submit; into a
 * command buffer or a compute encoder of the caller's each goes at once, and what is in flight is
 * then the caller's to know. Dispatches run concurrently: only barriers order them. A command lies
 * in the block on a 64-byte boundary:
 *
 *     command | bindings | arguments */

enum { LINE = 64, MAX_FILL_GROUPS = 65535 };

typedef enum target { TARGET_QUEUE, TARGET_COMMAND_BUFFER, TARGET_ENCODER } target;

typedef struct place {
    tskip__id buffer; /* the list does not own it */
    uint64_t offset;
} place;

typedef struct command {
    const tskip__metal_kernel *kernel; /* NULL: a barrier */
    uint32_t grid[3];
    uint32_t n_bindings, args_size;
    uint32_t args, bytes; /* offsets from here, and to the next command */
} command;

typedef struct metal_encoder {
    target target;
    tskip__id queue;   /* retained; TARGET_QUEUE */
    tskip__id buffer;  /* retained: the command buffer that was submitted, or the caller's */
    tskip__id encoder; /* retained: the compute encoder that is open, or the caller's */
    bool begun;        /* something of this list went out */
    tskip__block commands;
} metal_encoder;

/* An encoder that is not ended may not be released. */
static void end(const tskip__metal_api *api, metal_encoder *list)
{
    if (!list->encoder || list->target == TARGET_ENCODER)
        return;
    TSKIP__ASK(api, end_encoding, list->encoder);
    api->release(list->encoder);
    list->encoder = NULL;
}

static void release(const tskip__metal_api *api, metal_encoder *list)
{
    end(api, list);
    api->release(list->encoder);
    api->release(list->buffer);
    api->release(list->queue);
    tskip__block_free(&list->commands);
    tskip__free(list, sizeof *list);
}

/* What the caller's object is shows in what it answers to: all that is ever sent to it. An encoder
 * of Metal 4 shares some of it and takes no buffers; its command buffer is not committed. */
static bool is_encoder(const tskip__metal_api *api, tskip__id given)
{
    return TSKIP__ANSWERS(api, set_pipeline, given) && TSKIP__ANSWERS(api, set_buffer, given) &&
           TSKIP__ANSWERS(api, set_bytes, given) && TSKIP__ANSWERS(api, set_group_memory, given) &&
           TSKIP__ANSWERS(api, dispatch, given) && TSKIP__ANSWERS(api, barrier, given);
}

static bool is_command_buffer(const tskip__metal_api *api, tskip__id given)
{
    return TSKIP__ANSWERS(api, compute_encoder, given) && TSKIP__ANSWERS(api, commit, given) &&
           TSKIP__ANSWERS(api, wait, given) && TSKIP__ANSWERS(api, status, given);
}

static tskip_status set_target(const tskip__metal_device *device, void *native_stream,
                               metal_encoder *list)
{
    const tskip__metal_api *api = device->api;
    tskip__id given = native_stream ? (tskip__id)native_stream : device->queue;
    if (is_encoder(api, given)) {
        list->target = TARGET_ENCODER;
        list->encoder = api->retain(given);
    } else if (is_command_buffer(api, given)) {
        list->target = TARGET_COMMAND_BUFFER;
        list->buffer = api->retain(given);
    } else if (TSKIP__ANSWERS(api, command_buffer, given)) {
        list->target = TARGET_QUEUE;
        list->queue = api->retain(given);
    } else {
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "native_stream is none of id<MTLCommandQueue>, id<MTLCommandBuffer> and "
                           "id<MTLComputeCommandEncoder> (objects of Metal 4 are others), expected "
                           "one of them or NULL");
    }
    return TSKIP_OK;
}

tskip_status tskip__metal_encoder_create(void *opened, void *native_stream, void **encoder)
{
    const tskip__metal_device *device = opened;
    metal_encoder *out = tskip__alloc_zero(sizeof *out, "an encoder");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    void *pool = device->api->pool_push();
    tskip_status status = set_target(device, native_stream, out);
    if (status != TSKIP_OK)
        release(device->api, out);
    device->api->pool_pop(pool);
    if (status == TSKIP_OK)
        *encoder = out;
    return status;
}

void tskip__metal_encoder_destroy(void *opened, void *encoder)
{
    const tskip__metal_device *device = opened;
    void *pool = device->api->pool_push();
    release(device->api, encoder);
    device->api->pool_pop(pool);
}

static uint32_t round_up(size_t size)
{
    return (uint32_t)((size + LINE - 1) / LINE * LINE);
}

static place *places(command *c)
{
    return (place *)(void *)(c + 1);
}

/* Room for a command; it counts once it is added. NULL if memory is out. */
static command *reserve(metal_encoder *list, uint32_t n_bindings, uint32_t args_size)
{
    uint32_t args = round_up(sizeof(command) + n_bindings * sizeof(place));
    uint32_t bytes = args + round_up(args_size);
    command *out = tskip__block_reserve(&list->commands, bytes, "an encoder's commands");
    if (!out)
        return NULL;
    *out =
        (command){.n_bindings = n_bindings, .args_size = args_size, .args = args, .bytes = bytes};
    return out;
}

static void put(const tskip__metal_api *api, tskip__id encoder, command *c)
{
    if (!c->kernel) {
        TSKIP__SEND(api, barrier, encoder, TSKIP__MTL_SCOPE_BUFFERS);
        return;
    }
    const tskip__metal_kernel *kernel = c->kernel;
    const tskip__mtl_size grid = {c->grid[0], c->grid[1], c->grid[2]};
    TSKIP__SEND(api, set_pipeline, encoder, kernel->pipeline);
    for (uint32_t i = 0; i < c->n_bindings; i++)
        TSKIP__SEND(api, set_buffer, encoder, places(c)[i].buffer, places(c)[i].offset, i);
    if (c->args_size > 0)
        TSKIP__SEND(api, set_bytes, encoder, (char *)c + c->args, c->args_size, c->n_bindings);
    if (kernel->group_memory > 0)
        TSKIP__SEND(api, set_group_memory, encoder, kernel->group_memory, 0);
    TSKIP__SEND(api, dispatch, encoder, grid, kernel->group);
}

static tskip_status open_encoder(const tskip__metal_api *api, tskip__id buffer, tskip__id *encoder)
{
    tskip__id opened = TSKIP__SEND(api, compute_encoder, buffer, TSKIP__MTL_DISPATCH_CONCURRENT);
    if (!opened)
        return tskip__fail(TSKIP_OUT_OF_MEMORY, "Metal makes no compute encoder");
    *encoder = api->retain(opened);
    return TSKIP_OK;
}

/* Before the first command that goes to the caller's object. What the caller's encoder did before
 * may be what ours depend on, and its buffers need not be tracked. */
static tskip_status begin(const tskip__metal_api *api, metal_encoder *list)
{
    if (list->begun)
        return TSKIP_OK;
    if (list->target == TARGET_ENCODER) {
        TSKIP__SEND(api, barrier, list->encoder, TSKIP__MTL_SCOPE_BUFFERS);
    } else {
        if (TSKIP__ASK(api, status, list->buffer) >= TSKIP__MTL_COMMITTED)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "native_stream is a command buffer that was committed, expected one "
                               "that is being written");
        TSKIP__TRY(open_encoder(api, list->buffer, &list->encoder));
    }
    list->begun = true;
    return TSKIP_OK;
}

/* A finished command: out at once to an object of the caller's, else kept. */
static tskip_status add(const tskip__metal_device *device, metal_encoder *list, command *c)
{
    const tskip__metal_api *api = device->api;
    if (list->target == TARGET_QUEUE) {
        list->commands.used += c->bytes;
        return TSKIP_OK;
    }
    void *pool = api->pool_push();
    tskip_status status = begin(api, list);
    if (status == TSKIP_OK)
        put(api, list->encoder, c);
    api->pool_pop(pool);
    return status;
}

static place place_of(const tskip__metal_device *device, const tskip__bound *bound)
{
    const tskip__metal_buffer *buffer = bound->buffer;
    return buffer ? (place){buffer->buffer, bound->offset} : (place){device->nothing, 0};
}

tskip_status tskip__metal_dispatch(void *opened, void *encoder, const tskip__dispatch *dispatch)
{
    const tskip__metal_device *device = opened;
    command *c = reserve(encoder, dispatch->n_bindings, dispatch->args_size);
    if (!c)
        return TSKIP_OUT_OF_MEMORY;
    c->kernel = dispatch->kernel;
    memcpy(c->grid, dispatch->grid, sizeof c->grid);
    for (uint32_t i = 0; i < dispatch->n_bindings; i++)
        places(c)[i] = place_of(device, &dispatch->bindings[i]);
    if (dispatch->args_size > 0)
        memcpy((char *)c + c->args, dispatch->args, dispatch->args_size);
    return add(device, encoder, c);
}

tskip_status tskip__metal_fill(void *opened, void *encoder, const tskip__bound *range,
                               uint32_t value)
{
    tskip__metal_device *device = opened;
    const tskip__metal_fill_args args = {.words = range->size / 4, .value = value};
    const uint64_t groups =
        (args.words + TSKIP__METAL_FILL_THREADS - 1) / TSKIP__METAL_FILL_THREADS;
    const tskip__metal_kernel *kernel;
    TSKIP__TRY(tskip__metal_fill_kernel(device, &kernel));
    const tskip__dispatch dispatch = {
        .kernel = (void *)(uintptr_t)kernel,
        .grid = {groups < MAX_FILL_GROUPS ? (uint32_t)groups : MAX_FILL_GROUPS, 1, 1},
        .bindings = range,
        .n_bindings = 1,
        .args = &args,
        .args_size = sizeof args,
    };
    return tskip__metal_dispatch(device, encoder, &dispatch);
}

tskip_status tskip__metal_barrier(void *device, void *encoder)
{
    command *c = reserve(encoder, 0, 0);
    return c ? add(device, encoder, c) : TSKIP_OUT_OF_MEMORY;
}

/* All of the list into a command buffer of its own. On failure nothing was committed. */
static tskip_status play(const tskip__metal_api *api, metal_encoder *list)
{
    tskip__id buffer = TSKIP__ASK(api, command_buffer, list->queue);
    if (!buffer)
        return tskip__fail(TSKIP_OUT_OF_MEMORY, "Metal makes no command buffer");
    TSKIP__TRY(open_encoder(api, buffer, &list->encoder));
    for (size_t at = 0; at < list->commands.used;) {
        command *c = (command *)(void *)(list->commands.bytes + at);
        put(api, list->encoder, c);
        at += c->bytes;
    }
    end(api, list);
    list->buffer = api->retain(buffer);
    TSKIP__ASK(api, commit, buffer);
    return TSKIP_OK;
}

tskip_status tskip__metal_submit(void *opened, void *encoder)
{
    const tskip__metal_device *device = opened;
    const tskip__metal_api *api = device->api;
    metal_encoder *list = encoder;
    tskip_status status = TSKIP_OK;
    void *pool = api->pool_push();
    if (list->target == TARGET_QUEUE)
        status = play(api, list);
    else if (list->target == TARGET_COMMAND_BUFFER)
        end(api, list);
    else if (list->begun)
        TSKIP__SEND(api, barrier, list->encoder, TSKIP__MTL_SCOPE_BUFFERS);
    api->pool_pop(pool);
    return status;
}

static tskip_status wait(const tskip__metal_api *api, const metal_encoder *list)
{
    if (list->target == TARGET_COMMAND_BUFFER &&
        TSKIP__ASK(api, status, list->buffer) < TSKIP__MTL_COMMITTED)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "native_stream is a command buffer that was not committed, expected one "
                           "that was before it is waited for");
    TSKIP__ASK(api, wait, list->buffer);
    if (TSKIP__ASK(api, status, list->buffer) != TSKIP__MTL_FAILED)
        return TSKIP_OK;
    return tskip__metal_fail(api, TSKIP_DEVICE_LOST, "a command on the device",
                             TSKIP__ASK(api, error, list->buffer));
}

tskip_status tskip__metal_wait(void *opened, void *encoder)
{
    const tskip__metal_device *device = opened;
    const metal_encoder *list = encoder;
    if (list->target == TARGET_ENCODER) /* only the caller knows its command buffer */
        return TSKIP_OK;
    void *pool = device->api->pool_push();
    tskip_status status = wait(device->api, list);
    device->api->pool_pop(pool);
    return status;
}

tskip_status tskip__metal_reset(void *opened, void *encoder)
{
    const tskip__metal_device *device = opened;
    metal_encoder *list = encoder;
    void *pool = device->api->pool_push();
    end(device->api, list);
    if (list->target == TARGET_QUEUE) {
        device->api->release(list->buffer);
        list->buffer = NULL;
    }
    device->api->pool_pop(pool);
    list->commands.used = 0;
    list->begun = false;
    return TSKIP_OK;
}

tskip_status tskip__metal_elapsed(void *opened, void *encoder, double *seconds)
{
    const tskip__metal_device *device = opened;
    const tskip__metal_api *api = device->api;
    const metal_encoder *list = encoder;
    void *pool = api->pool_push();
    const bool ran = list->target != TARGET_ENCODER &&
                     TSKIP__ASK(api, status, list->buffer) == TSKIP__MTL_COMPLETED;
    if (ran)
        *seconds =
            TSKIP__ASK(api, end_time, list->buffer) - TSKIP__ASK(api, start_time, list->buffer);
    api->pool_pop(pool);
    if (ran)
        return TSKIP_OK;
    return tskip__fail(TSKIP_UNSUPPORTED,
                       "no command buffer has completed here, expected commands on a queue or in a "
                       "command buffer that ran");
}
