/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "cuda_backend.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/status.h"

/* On a stream of its own an encoder keeps its commands and starts them at submit; on the caller's
 * stream each goes out at once, between the caller's own, which is also what a graph capture
 * records. A command lies in the block on a 64-byte boundary:
 *
 *     command | addresses of the bindings | arguments | tensor maps
 *
 * Streams keep order, so barriers are free. */

enum { LINE = 64, MAX_PARAMETERS = 2 * TSKIP_MAX_BINDINGS + 1 };

typedef struct command {
    const tskip__cuda_kernel *kernel; /* NULL: a fill of the first address */
    uint64_t words;                   /* of a fill */
    uint32_t grid[3], value;
    uint32_t n_bindings, n_maps;
    uint32_t args, maps, bytes; /* offsets from here, and to the next command; args 0: none */
} command;

typedef struct cuda_encoder {
    tskip__cu_stream stream;
    bool native;    /* the stream is the caller's */
    bool started;   /* something of this list is on the stream */
    bool capturing; /* the stream was recording a graph at submit: nothing is in flight */
    tskip__cu_event first, last;
    tskip__block commands;
} cuda_encoder;

static void release(const tskip__cuda_device *device, cuda_encoder *encoder)
{
    const tskip__cuda_api *api = device->api;
    if (tskip__cuda_enter(device) == TSKIP_OK) {
        if (encoder->first)
            (void)api->event_destroy(encoder->first);
        if (encoder->last)
            (void)api->event_destroy(encoder->last);
        if (encoder->stream && !encoder->native)
            (void)api->stream_destroy(encoder->stream);
        tskip__cuda_leave(device);
    }
    tskip__block_free(&encoder->commands);
    tskip__free(encoder, sizeof *encoder);
}

static tskip_status start(const tskip__cuda_device *device, void *native_stream,
                          cuda_encoder *encoder)
{
    const tskip__cuda_api *api = device->api;
    encoder->native = native_stream != NULL;
    encoder->stream = native_stream;
    TSKIP__TRY(tskip__cuda_enter(device));
    int result = TSKIP__CU_SUCCESS;
    if (!encoder->native)
        result = api->stream_create(&encoder->stream, TSKIP__CU_STREAM_NON_BLOCKING);
    if (result == TSKIP__CU_SUCCESS)
        result = api->event_create(&encoder->first, 0);
    if (result == TSKIP__CU_SUCCESS)
        result = api->event_create(&encoder->last, 0);
    tskip__cuda_leave(device);
    return tskip__cuda_check(api, result, "making an encoder's stream and events");
}

tskip_status tskip__cuda_encoder_create(void *device, void *native_stream, void **encoder)
{
    cuda_encoder *out = tskip__alloc_zero(sizeof *out, "an encoder");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    tskip_status status = start(device, native_stream, out);
    if (status != TSKIP_OK) {
        release(device, out);
        return status;
    }
    *encoder = out;
    return TSKIP_OK;
}

void tskip__cuda_encoder_destroy(void *device, void *encoder)
{
    release(device, encoder);
}

static uint32_t round_up(size_t size)
{
    return (uint32_t)((size + LINE - 1) / LINE * LINE);
}

/* Room for a command; it counts once it is added. NULL if memory is out. */
static command *reserve(cuda_encoder *encoder, uint32_t n_bindings, uint32_t args_size,
                        uint32_t n_maps)
{
    uint32_t args = round_up(sizeof(command) + n_bindings * sizeof(tskip__cu_address));
    uint32_t maps = args + round_up(args_size);
    uint32_t bytes = maps + n_maps * (uint32_t)sizeof(tskip__cu_tensor_map);
    command *out = tskip__block_reserve(&encoder->commands, bytes, "an encoder's commands");
    if (!out)
        return NULL;
    *out = (command){.n_bindings = n_bindings,
                     .n_maps = n_maps,
                     .args = args_size ? args : 0,
                     .maps = maps,
                     .bytes = bytes};
    return out;
}

static tskip__cu_address *addresses(command *c)
{
    return (tskip__cu_address *)(void *)(c + 1);
}

static tskip__cu_address address_of(const tskip__bound *bound)
{
    const tskip__cuda_buffer *buffer = bound->buffer;
    return buffer ? buffer->address + bound->offset : 0;
}

/* What a kernel finds in parameters that a dispatch does not give. */
static const _Alignas(64) char zeros[TSKIP_MAX_ARGS_SIZE];

static int launch(const tskip__cuda_api *api, tskip__cu_stream stream, command *c)
{
    void *parameters[MAX_PARAMETERS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n_bindings; i++)
        parameters[n++] = &addresses(c)[i];
    if (c->args)
        parameters[n++] = (char *)c + c->args;
    for (uint32_t i = 0; i < c->n_maps; i++)
        parameters[n++] = (char *)c + c->maps + i * sizeof(tskip__cu_tensor_map);
    while (n < MAX_PARAMETERS) /* the driver reads as many as the kernel has */
        parameters[n++] = (void *)(uintptr_t)zeros;
    const tskip_kernel_shape *s = &c->kernel->shape;
    if (s->cluster_size <= 1)
        return api->launch(c->kernel->function, c->grid[0], c->grid[1], c->grid[2],
                           s->group_size[0], s->group_size[1], s->group_size[2],
                           (unsigned)s->group_memory, stream, parameters, NULL);
    tskip__cu_launch_attribute cluster = {.id = TSKIP__CU_LAUNCH_CLUSTER,
                                          .cluster = {s->cluster_size, 1, 1}};
    const tskip__cu_launch config = {
        .grid = {c->grid[0], c->grid[1], c->grid[2]},
        .block = {s->group_size[0], s->group_size[1], s->group_size[2]},
        .shared_bytes = (uint32_t)s->group_memory,
        .stream = stream,
        .attributes = &cluster,
        .n_attributes = 1,
    };
    return api->launch_with(&config, c->kernel->function, parameters, NULL);
}

/* Puts one command on the stream. The context is current. */
static tskip_status put(const tskip__cuda_device *device, cuda_encoder *encoder, command *c)
{
    int result = c->kernel ? launch(device->api, encoder->stream, c)
                           : device->api->fill_words(addresses(c)[0], c->value, (size_t)c->words,
                                                     encoder->stream);
    return tskip__cuda_check(device->api, result, c->kernel ? c->kernel->name : "fill");
}

/* The first event of a list, unless a graph is being recorded, where events tell no time. */
static tskip_status begin(const tskip__cuda_device *device, cuda_encoder *encoder)
{
    const tskip__cuda_api *api = device->api;
    int capturing = 0, result = TSKIP__CU_SUCCESS;
    if (encoder->started)
        return TSKIP_OK;
    if (encoder->native)
        result = api->stream_capturing(encoder->stream, &capturing);
    encoder->capturing = capturing != 0;
    if (result == TSKIP__CU_SUCCESS && !encoder->capturing)
        result = api->event_record(encoder->first, encoder->stream);
    encoder->started = true;
    return tskip__cuda_check(api, result, "recording an event");
}

/* A finished command: out at once on a caller's stream, else kept. */
static tskip_status add(const tskip__cuda_device *device, cuda_encoder *encoder, command *c)
{
    if (!encoder->native) {
        encoder->commands.used += c->bytes;
        return TSKIP_OK;
    }
    TSKIP__TRY(tskip__cuda_enter(device));
    tskip_status status = begin(device, encoder);
    if (status == TSKIP_OK)
        status = put(device, encoder, c);
    tskip__cuda_leave(device);
    return status;
}

static tskip_status check_grid(const tskip__dispatch *dispatch)
{
    const tskip__cuda_kernel *kernel = dispatch->kernel;
    if (dispatch->grid[0] > INT32_MAX || dispatch->grid[1] > 65535 || dispatch->grid[2] > 65535)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "kernel %s: grid is %" PRIu32 " x %" PRIu32 " x %" PRIu32
                           "; CUDA takes at most 2147483647 x 65535 x 65535",
                           kernel->name, dispatch->grid[0], dispatch->grid[1], dispatch->grid[2]);
    return TSKIP_OK;
}

/* The driver encodes only in a current context. */
static tskip_status encode_maps(const tskip__cuda_device *device, const tskip__dispatch *dispatch,
                                command *c)
{
    tskip__cu_tensor_map *map = (tskip__cu_tensor_map *)(void *)((char *)c + c->maps);
    TSKIP__TRY(tskip__cuda_enter(device));
    tskip_status status = TSKIP_OK;
    for (uint32_t i = 0; i < dispatch->n_bindings && status == TSKIP_OK; i++) {
        const tskip__bound *bound = &dispatch->bindings[i];
        if (bound->view)
            status = tskip__cuda_tensor_map(device->api, address_of(bound), bound->view, map++);
    }
    tskip__cuda_leave(device);
    return status;
}

tskip_status tskip__cuda_dispatch(void *opened, void *list, const tskip__dispatch *dispatch)
{
    const tskip__cuda_device *device = opened;
    cuda_encoder *encoder = list;
    uint32_t n_maps = 0;
    for (uint32_t i = 0; i < dispatch->n_bindings; i++)
        n_maps += dispatch->bindings[i].view != NULL;
    TSKIP__TRY(check_grid(dispatch));
    command *c = reserve(encoder, dispatch->n_bindings, dispatch->args_size, n_maps);
    if (!c)
        return TSKIP_OUT_OF_MEMORY;
    c->kernel = dispatch->kernel;
    memcpy(c->grid, dispatch->grid, sizeof c->grid);
    if (dispatch->args_size > 0)
        memcpy((char *)c + c->args, dispatch->args, dispatch->args_size);
    for (uint32_t i = 0; i < dispatch->n_bindings; i++)
        addresses(c)[i] = address_of(&dispatch->bindings[i]);
    if (n_maps > 0)
        TSKIP__TRY(encode_maps(device, dispatch, c));
    return add(device, encoder, c);
}

tskip_status tskip__cuda_fill(void *device, void *list, const tskip__bound *range, uint32_t value)
{
    tskip__cu_address address = address_of(range);
    if (address % 4 != 0)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "fill: the range begins at %#" PRIx64 ", expected a multiple of 4",
                           address);
    command *c = reserve(list, 1, 0, 0);
    if (!c)
        return TSKIP_OUT_OF_MEMORY;
    addresses(c)[0] = address;
    c->words = range->size / 4;
    c->value = value;
    return add(device, list, c);
}

tskip__block *tskip__cuda_commands(void *encoder)
{
    return &((cuda_encoder *)encoder)->commands;
}

tskip_status tskip__cuda_barrier(void *device, void *encoder)
{
    (void)device;
    (void)encoder;
    return TSKIP_OK;
}

static tskip_status play(const tskip__cuda_device *device, cuda_encoder *encoder)
{
    TSKIP__TRY(begin(device, encoder));
    for (size_t at = 0; at < encoder->commands.used;) {
        command *c = (command *)(void *)(encoder->commands.bytes + at);
        TSKIP__TRY(put(device, encoder, c));
        at += c->bytes;
    }
    if (encoder->capturing)
        return TSKIP_OK;
    return tskip__cuda_check(device->api, device->api->event_record(encoder->last, encoder->stream),
                             "recording an event");
}

tskip_status tskip__cuda_submit(void *opened, void *list)
{
    const tskip__cuda_device *device = opened;
    cuda_encoder *encoder = list;
    TSKIP__TRY(tskip__cuda_enter(device));
    tskip_status status = play(device, encoder);
    if (status != TSKIP_OK && !encoder->native) { /* nothing may stay in flight */
        (void)device->api->stream_wait(encoder->stream);
        encoder->started = false;
    }
    tskip__cuda_leave(device);
    return status;
}

tskip_status tskip__cuda_wait(void *opened, void *list)
{
    const tskip__cuda_device *device = opened;
    const cuda_encoder *encoder = list;
    if (encoder->capturing)
        return TSKIP_OK;
    TSKIP__TRY(tskip__cuda_enter(device));
    int result = device->api->event_wait(encoder->last);
    tskip__cuda_leave(device);
    return tskip__cuda_check(device->api, result, "a command on the device");
}

tskip_status tskip__cuda_reset(void *device, void *list)
{
    (void)device;
    cuda_encoder *encoder = list;
    encoder->commands.used = 0;
    encoder->started = false;
    encoder->capturing = false;
    return TSKIP_OK;
}

tskip_status tskip__cuda_elapsed(void *opened, void *list, double *seconds)
{
    const tskip__cuda_device *device = opened;
    const cuda_encoder *encoder = list;
    float milliseconds = 0;
    if (encoder->capturing)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "the commands went into a graph, expected commands that have run");
    TSKIP__TRY(tskip__cuda_enter(device));
    int result = device->api->event_elapsed(&milliseconds, encoder->first, encoder->last);
    tskip__cuda_leave(device);
    *seconds = (double)milliseconds * 1e-3;
    return tskip__cuda_check(device->api, result, "asking for elapsed time");
}
