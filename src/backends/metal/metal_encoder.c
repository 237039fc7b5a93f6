/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "metal_list.h"

enum { MAX_FILL_GROUPS = 65535 };

static void release(const tskip__metal_api *api, tskip__metal_list *list)
{
    tskip__metal_end(api, list);
    tskip__metal_forget(api, list);
    api->release(list->encoder);
    api->release(list->buffer);
    api->release(list->queue);
    api->release(list->fence);
    tskip__block_free(&list->buffers);
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

static tskip_status set_target(const tskip__metal_device *device, tskip__id given,
                               tskip__metal_list *list)
{
    const tskip__metal_api *api = device->api;
    tskip__id *place = NULL;
    if (is_encoder(api, given)) {
        list->target = TSKIP__METAL_ENCODER;
        place = &list->encoder;
    } else if (is_command_buffer(api, given)) {
        list->target = TSKIP__METAL_COMMAND_BUFFER;
        place = &list->buffer;
    } else if (TSKIP__ANSWERS(api, command_buffer, given)) {
        list->target = TSKIP__METAL_QUEUE;
        place = &list->queue;
    }
    if (!place)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "native_stream is none of id<MTLCommandQueue>, id<MTLCommandBuffer> and "
                           "id<MTLComputeCommandEncoder> (objects of Metal 4 are others), expected "
                           "one of them or NULL");
    if (!tskip__metal_is_of(device, given))
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "native_stream is of another MTLDevice, expected the device's");
    *place = api->retain(given);
    return TSKIP_OK;
}

tskip_status tskip__metal_encoder_create(void *opened, void *native_stream, void **encoder)
{
    const tskip__metal_device *device = opened;
    tskip__metal_list *out = tskip__alloc_zero(sizeof *out, "an encoder");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    void *pool = device->api->pool_push();
    tskip_status status =
        set_target(device, native_stream ? (tskip__id)native_stream : device->queue, out);
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

/* Before the first command that goes to the caller's object. What the caller's encoder did before
 * may be what ours depend on, and its buffers need not be tracked. */
static tskip_status begin(const tskip__metal_api *api, tskip__metal_list *list)
{
    if (list->begun)
        return TSKIP_OK;
    if (list->target == TSKIP__METAL_ENCODER) {
        TSKIP__SEND(api, barrier, list->encoder, TSKIP__MTL_SCOPE_BUFFERS);
    } else {
        if (TSKIP__ASK(api, status, list->buffer) >= TSKIP__MTL_COMMITTED)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "native_stream is a command buffer that was committed, expected one "
                               "that is being written");
        TSKIP__TRY(tskip__metal_open(api, list, list->buffer));
    }
    list->begun = true;
    return TSKIP_OK;
}

/* A finished command: out at once to an object of the caller's, else kept. */
static tskip_status add(const tskip__metal_device *device, tskip__metal_list *list,
                        tskip__metal_command *c)
{
    const tskip__metal_api *api = device->api;
    if (list->target == TSKIP__METAL_QUEUE) {
        list->commands.used += c->bytes;
        return TSKIP_OK;
    }
    void *pool = api->pool_push();
    tskip_status status = begin(api, list);
    if (status == TSKIP_OK)
        tskip__metal_put(api, list->encoder, c);
    api->pool_pop(pool);
    return status;
}

static tskip__metal_place place_of(const tskip__metal_device *device, const tskip__bound *bound)
{
    const tskip__metal_buffer *buffer = bound->buffer;
    return buffer ? (tskip__metal_place){buffer->buffer, bound->offset}
                  : (tskip__metal_place){device->nothing, 0};
}

/* How many groups by x one command buffer is to hold: all, or even parts. */
static uint32_t groups_at_once(const tskip__metal_device *device, const tskip__dispatch *dispatch)
{
    const tskip__metal_kernel *kernel = dispatch->kernel;
    const uint64_t groups = dispatch->grid[0];
    if (!kernel->group_work)
        return dispatch->grid[0];
    const uint64_t work = kernel->group_work(kernel->constants, dispatch->args);
    const uint64_t share = device->most_work / ((uint64_t)dispatch->grid[1] * dispatch->grid[2]);
    const uint64_t most = work > 0 ? share / work : groups;
    const uint64_t parts = most > 0 ? (groups + most - 1) / most : groups;
    return (uint32_t)((groups + parts - 1) / parts);
}

static tskip_status dispatch_part(const tskip__metal_device *device, tskip__metal_list *list,
                                  const tskip__dispatch *dispatch, uint32_t first, uint32_t groups)
{
    tskip__metal_command *c = tskip__metal_reserve(list, dispatch->n_bindings, dispatch->args_size);
    if (!c)
        return TSKIP_OUT_OF_MEMORY;
    c->kernel = dispatch->kernel;
    memcpy(c->grid, dispatch->grid, sizeof c->grid);
    c->grid[0] = groups;
    c->first_group = first;
    c->is_part = groups < dispatch->grid[0];
    for (uint32_t i = 0; i < dispatch->n_bindings; i++)
        tskip__metal_places(c)[i] = place_of(device, &dispatch->bindings[i]);
    if (dispatch->args_size > 0)
        memcpy((char *)c + c->args, dispatch->args, dispatch->args_size);
    return add(device, list, c);
}

static tskip_status need_fence(const tskip__metal_device *device, tskip__metal_list *list)
{
    if (list->fence || list->target != TSKIP__METAL_QUEUE)
        return TSKIP_OK;
    void *pool = device->api->pool_push();
    list->fence = TSKIP__ASK(device->api, new_fence, device->device);
    device->api->pool_pop(pool);
    return list->fence ? TSKIP_OK : tskip__fail(TSKIP_OUT_OF_MEMORY, "Metal makes no fence");
}

tskip_status tskip__metal_dispatch(void *opened, void *encoder, const tskip__dispatch *dispatch)
{
    const tskip__metal_device *device = opened;
    tskip__metal_list *list = encoder;
    const uint32_t groups = dispatch->grid[0], step = groups_at_once(device, dispatch);
    const size_t before = list->commands.used;
    tskip_status status = step < groups ? need_fence(device, list) : TSKIP_OK;
    for (uint64_t first = 0; first < groups && status == TSKIP_OK; first += step) {
        const uint64_t rest = groups - first;
        status = dispatch_part(device, list, dispatch, (uint32_t)first,
                               rest < step ? (uint32_t)rest : step);
    }
    if (status != TSKIP_OK)
        list->commands.used = before;
    return status;
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

tskip__block *tskip__metal_commands(void *encoder)
{
    return &((tskip__metal_list *)encoder)->commands;
}

tskip_status tskip__metal_barrier(void *device, void *encoder)
{
    tskip__metal_command *c = tskip__metal_reserve(encoder, 0, 0);
    return c ? add(device, encoder, c) : TSKIP_OUT_OF_MEMORY;
}
