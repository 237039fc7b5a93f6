/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "metal_list.h"

#include "base/status.h"

enum { LINE = 64 };

static uint32_t round_up(size_t size)
{
    return (uint32_t)((size + LINE - 1) / LINE * LINE);
}

tskip__metal_command *tskip__metal_reserve(tskip__metal_list *list, uint32_t n_bindings,
                                           uint32_t args_size)
{
    tskip__metal_command *out;
    uint32_t args = round_up(sizeof *out + n_bindings * sizeof(tskip__metal_place));
    uint32_t bytes = args + round_up(args_size);
    out = tskip__block_reserve(&list->commands, bytes, "an encoder's commands");
    if (!out)
        return NULL;
    *out = (tskip__metal_command){
        .n_bindings = n_bindings, .args_size = args_size, .args = args, .bytes = bytes};
    return out;
}

static void set_arguments(const tskip__metal_api *api, tskip__id encoder, tskip__metal_command *c)
{
    const tskip__metal_place *places = tskip__metal_places(c);
    uint32_t index = 0;
    for (; index < c->n_bindings; index++)
        TSKIP__SEND(api, set_buffer, encoder, places[index].buffer, places[index].offset, index);
    if (c->args_size > 0)
        TSKIP__SEND(api, set_bytes, encoder, (char *)c + c->args, c->args_size, index++);
    if (c->kernel->group_work)
        TSKIP__SEND(api, set_bytes, encoder, &c->first_group, sizeof c->first_group, index);
}

void tskip__metal_put(const tskip__metal_api *api, tskip__id encoder, tskip__metal_command *c)
{
    const tskip__metal_kernel *kernel = c->kernel;
    const tskip__mtl_size grid = {c->grid[0], c->grid[1], c->grid[2]};
    if (!kernel) {
        TSKIP__SEND(api, barrier, encoder, TSKIP__MTL_SCOPE_BUFFERS);
        return;
    }
    TSKIP__SEND(api, set_pipeline, encoder, kernel->pipeline);
    set_arguments(api, encoder, c);
    if (kernel->group_memory > 0)
        TSKIP__SEND(api, set_group_memory, encoder, kernel->group_memory, 0);
    TSKIP__SEND(api, dispatch, encoder, grid, kernel->group);
}

tskip_status tskip__metal_open(const tskip__metal_api *api, tskip__metal_list *list,
                               tskip__id buffer)
{
    tskip__id opened = TSKIP__SEND(api, compute_encoder, buffer, TSKIP__MTL_DISPATCH_CONCURRENT);
    if (!opened)
        return tskip__fail(TSKIP_OUT_OF_MEMORY, "Metal makes no compute encoder");
    list->encoder = api->retain(opened);
    return TSKIP_OK;
}

void tskip__metal_end(const tskip__metal_api *api, tskip__metal_list *list)
{
    if (!list->encoder || list->target == TSKIP__METAL_ENCODER)
        return;
    TSKIP__ASK(api, end_encoding, list->encoder);
    api->release(list->encoder);
    list->encoder = NULL;
}

void tskip__metal_forget(const tskip__metal_api *api, tskip__metal_list *list)
{
    const tskip__id *buffers = (const tskip__id *)(void *)list->buffers.bytes;
    for (size_t i = 0; i < list->buffers.used / sizeof *buffers; i++)
        api->release(buffers[i]);
    list->buffers.used = 0;
}
