/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>

#include "base/alloc.h"
#include "base/status.h"
#include "objects.h"

tskip_status tskip_encoder_create(tskip_device *device, const tskip_encoder_desc *desc,
                                  tskip_encoder **out)
{
    TSKIP__TRY(tskip__require(out, "out", "where to store the encoder"));
    *out = NULL;
    TSKIP__TRY(tskip__require(device, "device", "an open device"));
    tskip_encoder *encoder = tskip__alloc_zero(sizeof *encoder, "an encoder");
    if (!encoder)
        return TSKIP_OUT_OF_MEMORY;
    void *stream = desc ? desc->native_stream : NULL;
    tskip_status status = device->backend->encoder_create(device->impl, stream, &encoder->impl);
    if (status != TSKIP_OK) {
        tskip__free(encoder, sizeof *encoder);
        return status;
    }
    encoder->device = device;
    tskip_device_retain(device);
    *out = encoder;
    return TSKIP_OK;
}

tskip_device *tskip_encoder_get_device(const tskip_encoder *encoder)
{
    return encoder ? encoder->device : NULL;
}

static tskip_status finish(tskip_encoder *encoder)
{
    if (encoder->state == TSKIP__ENCODER_SUBMITTED) {
        encoder->outcome = encoder->device->backend->wait(encoder->device->impl, encoder->impl);
        encoder->state = TSKIP__ENCODER_DONE;
        return encoder->outcome;
    }
    if (encoder->outcome == TSKIP_OK)
        return TSKIP_OK;
    return tskip__fail(encoder->outcome,
                       "a command of this encoder failed, as an earlier wait said; reset it");
}

void tskip_encoder_destroy(tskip_encoder **encoder)
{
    if (!encoder || !*encoder)
        return;
    tskip_encoder *old = *encoder;
    (void)finish(old);
    old->device->backend->encoder_destroy(old->device->impl, old->impl);
    tskip__device_release(old->device);
    tskip__free(old, sizeof *old);
    *encoder = NULL;
}

static tskip_status require_open(const tskip_encoder *encoder)
{
    TSKIP__TRY(tskip__require(encoder, "encoder", "an encoder"));
    if (encoder->state == TSKIP__ENCODER_OPEN)
        return TSKIP_OK;
    return tskip__fail(TSKIP_INVALID_ARGUMENT,
                       "encoder was submitted, expected one that is being written (reset it)");
}

static tskip_status require_submitted(const tskip_encoder *encoder)
{
    TSKIP__TRY(tskip__require(encoder, "encoder", "an encoder"));
    if (encoder->state != TSKIP__ENCODER_OPEN)
        return TSKIP_OK;
    return tskip__fail(TSKIP_INVALID_ARGUMENT, "encoder was not submitted, expected one that was");
}

static tskip_status bad_binding(const tskip_kernel *kernel, size_t i, const char *problem)
{
    return tskip__fail(TSKIP_INVALID_ARGUMENT, "kernel %s: binding %zu %s", kernel->name, i,
                       problem);
}

static tskip_status check_view(const tskip_kernel *kernel, size_t i, const tskip_tensor_view *view,
                               uint64_t size)
{
    if (view->rank > 5)
        return bad_binding(kernel, i, "has a view of more than 5 dimensions");
    uint64_t element = tskip_dtype_size(view->dtype);
    if (element == 0 || view->strides[0] != element)
        return bad_binding(kernel, i, "has a view whose innermost stride is not an element's size");
    if (view->swizzle > TSKIP_SWIZZLE_128)
        return bad_binding(kernel, i, "has a view with an unknown swizzle");
    uint64_t extent = element;
    for (uint32_t d = 0; d < view->rank; d++) {
        uint64_t reach;
        if (view->dims[d] == 0 || view->box[d] == 0)
            return bad_binding(kernel, i, "has a view with a dimension or box of 0");
        if (!tskip__mul(view->dims[d] - 1, view->strides[d], &reach) ||
            !tskip__add(extent, reach, &extent))
            return bad_binding(kernel, i, "has a view whose extent does not fit 64 bits");
    }
    if (extent <= size)
        return TSKIP_OK;
    return tskip__fail(TSKIP_INVALID_ARGUMENT,
                       "kernel %s: binding %zu has a view of %" PRIu64
                       " bytes, expected at most the binding's %" PRIu64,
                       kernel->name, i, extent, size);
}

static tskip_status resolve(const tskip_kernel *kernel, size_t i, const tskip_binding *binding,
                            tskip__bound *bound)
{
    *bound = (tskip__bound){.access = binding->access};
    const tskip_buffer *buffer = binding->buffer;
    if (!buffer)
        return TSKIP_OK;
    if (buffer->device != kernel->device)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "kernel %s: binding %zu is a buffer of device %s, expected one of the "
                           "encoder's, %s",
                           kernel->name, i, buffer->device->info.name, kernel->device->info.name);
    if (binding->access < TSKIP_READ || binding->access > TSKIP_READ_WRITE)
        return bad_binding(kernel, i, "has no access, expected READ, WRITE or READ_WRITE");
    uint64_t size = binding->size;
    if (size == 0 && binding->offset < buffer->size)
        size = buffer->size - binding->offset;
    if (size == 0 || binding->offset > buffer->size || size > buffer->size - binding->offset)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "kernel %s: binding %zu has offset %" PRIu64 " and size %" PRIu64
                           ", expected a range inside its buffer of %" PRIu64 " bytes",
                           kernel->name, i, binding->offset, binding->size, buffer->size);
    bound->buffer = buffer->impl;
    bound->offset = buffer->offset + binding->offset;
    bound->size = size;
    if (binding->view && binding->view->rank > 0) {
        TSKIP__TRY(check_view(kernel, i, binding->view, size));
        bound->view = binding->view;
    }
    return TSKIP_OK;
}

static tskip_status check_dispatch(const tskip_encoder *encoder, const tskip_kernel *kernel,
                                   const uint32_t grid[3], const tskip_binding *bindings,
                                   size_t n_bindings, const void *args, size_t args_size)
{
    TSKIP__TRY(require_open(encoder));
    TSKIP__TRY(tskip__require(kernel, "kernel", "a kernel of the encoder's device"));
    TSKIP__TRY(tskip__require(grid, "grid", "three group counts"));
    if (kernel->device != encoder->device)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "kernel %s belongs to another device (%s), expected the encoder's, %s",
                           kernel->name, kernel->device->info.name, encoder->device->info.name);
    if (n_bindings != kernel->desc->n_bindings)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "kernel %s: n_bindings is %zu, expected %u",
                           kernel->name, n_bindings, kernel->desc->n_bindings);
    if (args_size != kernel->desc->args_size)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "kernel %s: args_size is %zu, expected %u",
                           kernel->name, args_size, kernel->desc->args_size);
    if (n_bindings > 0)
        TSKIP__TRY(tskip__require(bindings, "bindings", "an array of `n_bindings` entries"));
    if (args_size > 0)
        TSKIP__TRY(tskip__require(args, "args", "the block of `args_size` bytes"));
    uint64_t groups;
    if (!tskip__mul((uint64_t)grid[0] * grid[1], grid[2], &groups))
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "kernel %s: grid is %" PRIu32 " x %" PRIu32 " x %" PRIu32
                           ", expected fewer than 2^64 groups",
                           kernel->name, grid[0], grid[1], grid[2]);
    return TSKIP_OK;
}

tskip_status tskip_encoder_dispatch(tskip_encoder *encoder, const tskip_kernel *kernel,
                                    const uint32_t grid[3], const tskip_binding *bindings,
                                    size_t n_bindings, const void *args, size_t args_size)
{
    TSKIP__TRY(check_dispatch(encoder, kernel, grid, bindings, n_bindings, args, args_size));
    tskip__bound bounds[TSKIP_MAX_BINDINGS];
    for (size_t i = 0; i < n_bindings; i++)
        TSKIP__TRY(resolve(kernel, i, &bindings[i], &bounds[i]));
    if (grid[0] == 0 || grid[1] == 0 || grid[2] == 0)
        return TSKIP_OK;
    tskip__dispatch dispatch = {
        .kernel = kernel->impl,
        .grid = {grid[0], grid[1], grid[2]},
        .bindings = bounds,
        .n_bindings = (uint32_t)n_bindings,
        .args = args,
        .args_size = (uint32_t)args_size,
    };
    return encoder->device->backend->dispatch(encoder->device->impl, encoder->impl, &dispatch);
}

tskip_status tskip_encoder_fill(tskip_encoder *encoder, tskip_buffer *buffer, uint64_t offset,
                                uint64_t size, uint32_t value)
{
    TSKIP__TRY(require_open(encoder));
    TSKIP__TRY(tskip__require(buffer, "buffer", "a buffer"));
    if (buffer->device != encoder->device)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "fill: buffer is of device %s, expected the encoder's, %s",
                           buffer->device->info.name, encoder->device->info.name);
    TSKIP__TRY(tskip__require_range(buffer, offset, size, "fill"));
    if ((buffer->offset + offset) % 4 != 0 || size % 4 != 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "fill: offset %" PRIu64 " and size %" PRIu64
                           " in a buffer that begins at byte %" PRIu64
                           " of its memory, expected multiples of 4",
                           offset, size, buffer->offset);
    if (size == 0)
        return TSKIP_OK;
    tskip__bound range = {buffer->impl, buffer->offset + offset, size, TSKIP_WRITE, NULL};
    return encoder->device->backend->fill(encoder->device->impl, encoder->impl, &range, value);
}

tskip_status tskip_encoder_barrier(tskip_encoder *encoder)
{
    TSKIP__TRY(require_open(encoder));
    return encoder->device->backend->barrier(encoder->device->impl, encoder->impl);
}

uint64_t tskip_encoder_mark(const tskip_encoder *encoder)
{
    return encoder ? encoder->device->backend->commands(encoder->impl)->used : 0;
}

tskip_status tskip_encoder_rewind(tskip_encoder *encoder, uint64_t mark)
{
    TSKIP__TRY(require_open(encoder));
    tskip__block *commands = encoder->device->backend->commands(encoder->impl);
    if (mark > commands->used)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "mark is %" PRIu64 ", expected one of this list, which reaches to %zu",
                           mark, commands->used);
    commands->used = (size_t)mark;
    return TSKIP_OK;
}

tskip_status tskip_encoder_submit(tskip_encoder *encoder)
{
    TSKIP__TRY(require_open(encoder));
    TSKIP__TRY(encoder->device->backend->submit(encoder->device->impl, encoder->impl));
    encoder->state = TSKIP__ENCODER_SUBMITTED;
    encoder->outcome = TSKIP_OK;
    return TSKIP_OK;
}

tskip_status tskip_encoder_wait(tskip_encoder *encoder)
{
    TSKIP__TRY(require_submitted(encoder));
    return finish(encoder);
}

tskip_status tskip_encoder_reset(tskip_encoder *encoder)
{
    TSKIP__TRY(tskip__require(encoder, "encoder", "an encoder"));
    (void)finish(encoder);
    TSKIP__TRY(encoder->device->backend->reset(encoder->device->impl, encoder->impl));
    encoder->state = TSKIP__ENCODER_OPEN;
    encoder->outcome = TSKIP_OK;
    return TSKIP_OK;
}

tskip_status tskip_encoder_elapsed(tskip_encoder *encoder, double *seconds)
{
    TSKIP__TRY(tskip__require(seconds, "seconds", "where to store the time"));
    TSKIP__TRY(require_submitted(encoder));
    if (encoder->state != TSKIP__ENCODER_DONE)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "encoder is still in flight, expected one that was waited for");
    const tskip__backend *backend = encoder->device->backend;
    if (!backend->elapsed)
        return tskip__fail(TSKIP_UNSUPPORTED, "%s measures no time", encoder->device->info.name);
    return backend->elapsed(encoder->device->impl, encoder->impl, seconds);
}
