/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "base/status.h"
#include "metal_list.h"

/* The command buffers that are in flight: those that submit made, or the caller's. */
static const tskip__id *flight(const tskip__metal_list *list, size_t *n)
{
    *n = list->buffers.used / sizeof(tskip__id);
    if (list->target == TSKIP__METAL_QUEUE)
        return (const tskip__id *)(const void *)list->buffers.bytes;
    *n = 1;
    return &list->buffer;
}

/* A command buffer with the commands from *at on, up to the first that ends it. It is committed at
 * once: a queue gives out no more than 64 that have not run. */
static tskip_status play_part(const tskip__metal_api *api, tskip__metal_list *list, size_t *at)
{
    tskip__id *slot = tskip__block_reserve(&list->buffers, sizeof *slot, "a command buffer");
    if (!slot)
        return TSKIP_OUT_OF_MEMORY;
    tskip__id buffer = TSKIP__ASK(api, command_buffer, list->queue);
    if (!buffer)
        return tskip__fail(TSKIP_OUT_OF_MEMORY, "Metal makes no command buffer");
    TSKIP__TRY(tskip__metal_open(api, list, buffer));
    if (*at > 0)
        TSKIP__SEND(api, wait_for_fence, list->encoder, list->fence);
    bool is_over = false;
    while (*at < list->commands.used && !is_over) {
        tskip__metal_command *c = (tskip__metal_command *)(void *)(list->commands.bytes + *at);
        tskip__metal_put(api, list->encoder, c);
        *at += c->bytes;
        is_over = c->is_part;
    }
    if (*at < list->commands.used)
        TSKIP__SEND(api, update_fence, list->encoder, list->fence);
    tskip__metal_end(api, list);
    *slot = api->retain(buffer);
    list->buffers.used += sizeof *slot;
    TSKIP__ASK(api, commit, buffer);
    return TSKIP_OK;
}

/* All of the list. On failure nothing is in flight. */
static tskip_status play(const tskip__metal_api *api, tskip__metal_list *list)
{
    size_t at = 0, n;
    tskip_status status;
    do
        status = play_part(api, list, &at);
    while (status == TSKIP_OK && at < list->commands.used);
    if (status == TSKIP_OK)
        return TSKIP_OK;
    const tskip__id *buffers = flight(list, &n);
    if (n > 0)
        TSKIP__ASK(api, wait, buffers[n - 1]);
    tskip__metal_forget(api, list);
    return status;
}

tskip_status tskip__metal_submit(void *opened, void *encoder)
{
    const tskip__metal_device *device = opened;
    const tskip__metal_api *api = device->api;
    tskip__metal_list *list = encoder;
    tskip_status status = TSKIP_OK;
    void *pool = api->pool_push();
    if (list->target == TSKIP__METAL_QUEUE)
        status = play(api, list);
    else if (list->target == TSKIP__METAL_COMMAND_BUFFER)
        tskip__metal_end(api, list);
    else if (list->begun)
        TSKIP__SEND(api, barrier, list->encoder, TSKIP__MTL_SCOPE_BUFFERS);
    api->pool_pop(pool);
    return status;
}

static tskip_status wait(const tskip__metal_api *api, const tskip__metal_list *list)
{
    size_t n;
    const tskip__id *buffers = flight(list, &n);
    if (list->target == TSKIP__METAL_COMMAND_BUFFER &&
        TSKIP__ASK(api, status, list->buffer) < TSKIP__MTL_COMMITTED)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "native_stream is a command buffer that was not committed, expected one "
                           "that was before it is waited for");
    TSKIP__ASK(api, wait, buffers[n - 1]);
    for (size_t i = 0; i < n; i++)
        if (TSKIP__ASK(api, status, buffers[i]) == TSKIP__MTL_FAILED)
            return tskip__metal_fail(api, TSKIP_DEVICE_LOST, "a command on the device",
                                     TSKIP__ASK(api, error, buffers[i]));
    return TSKIP_OK;
}

tskip_status tskip__metal_wait(void *opened, void *encoder)
{
    const tskip__metal_device *device = opened;
    const tskip__metal_list *list = encoder;
    if (list->target == TSKIP__METAL_ENCODER) /* only the caller knows its command buffer */
        return TSKIP_OK;
    void *pool = device->api->pool_push();
    tskip_status status = wait(device->api, list);
    device->api->pool_pop(pool);
    return status;
}

tskip_status tskip__metal_reset(void *opened, void *encoder)
{
    const tskip__metal_device *device = opened;
    tskip__metal_list *list = encoder;
    void *pool = device->api->pool_push();
    tskip__metal_end(device->api, list);
    tskip__metal_forget(device->api, list);
    device->api->pool_pop(pool);
    list->commands.used = 0;
    list->begun = false;
    return TSKIP_OK;
}

/* Whether all have completed; then how long it took from the first to the last. */
static bool measure(const tskip__metal_api *api, const tskip__metal_list *list, double *seconds)
{
    size_t n;
    const tskip__id *buffers = flight(list, &n);
    bool ran = list->target != TSKIP__METAL_ENCODER && n > 0;
    for (size_t i = 0; i < n && ran; i++)
        ran = TSKIP__ASK(api, status, buffers[i]) == TSKIP__MTL_COMPLETED;
    if (ran)
        *seconds =
            TSKIP__ASK(api, end_time, buffers[n - 1]) - TSKIP__ASK(api, start_time, buffers[0]);
    return ran;
}

tskip_status tskip__metal_elapsed(void *opened, void *encoder, double *seconds)
{
    const tskip__metal_device *device = opened;
    void *pool = device->api->pool_push();
    const bool ran = measure(device->api, encoder, seconds);
    device->api->pool_pop(pool);
    if (ran)
        return TSKIP_OK;
    return tskip__fail(TSKIP_UNSUPPORTED,
                       "no command buffer has completed here, expected commands on a queue or in a "
                       "command buffer that ran");
}
