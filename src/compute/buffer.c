/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>

#include "base/alloc.h"
#include "base/status.h"
#include "objects.h"

enum { ALIGNMENT = 64 };

tskip_status tskip__require_range(const tskip_buffer *buffer, uint64_t offset, uint64_t size,
                                  const char *what)
{
    if (offset <= buffer->size && size <= buffer->size - offset)
        return TSKIP_OK;
    return tskip__fail(TSKIP_INVALID_ARGUMENT,
                       "%s: offset %" PRIu64 " and size %" PRIu64
                       ", expected a range inside the buffer of %" PRIu64 " bytes",
                       what, offset, size, buffer->size);
}

typedef tskip_status (*place_fn)(void *device, uint64_t size, void *import, void **buffer);

static tskip_status create(tskip_device *device, place_fn place, uint64_t size, void *import,
                           tskip_buffer **out)
{
    if (size == 0 || size > device->info.max_buffer_size)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "size is %" PRIu64 ", expected 1 to %" PRIu64 " bytes on %s", size,
                           device->info.max_buffer_size, device->info.name);
    tskip_buffer *buffer = tskip__alloc_zero(sizeof *buffer, "a buffer's handle");
    if (!buffer)
        return TSKIP_OUT_OF_MEMORY;
    tskip_status status = place(device->impl, size, import, &buffer->impl);
    if (status != TSKIP_OK) {
        tskip__free(buffer, sizeof *buffer);
        return status;
    }
    atomic_init(&buffer->references, 1);
    buffer->device = device;
    buffer->size = size;
    if (device->backend->imports_addresses) /* NULL, memory of the backend's, is aligned */
        buffer->misalignment = (uintptr_t)import % ALIGNMENT;
    tskip_device_retain(device);
    *out = buffer;
    return TSKIP_OK;
}

tskip_status tskip_buffer_create(tskip_device *device, uint64_t size, tskip_buffer **out)
{
    TSKIP__TRY(tskip__require(out, "out", "where to store the buffer"));
    *out = NULL;
    TSKIP__TRY(tskip__require(device, "device", "an open device"));
    return create(device, device->backend->buffer_create, size, NULL, out);
}

tskip_status tskip_buffer_import(tskip_device *device, void *pointer, uint64_t size,
                                 tskip_buffer **out)
{
    TSKIP__TRY(tskip__require(out, "out", "where to store the buffer"));
    *out = NULL;
    TSKIP__TRY(tskip__require(device, "device", "an open device"));
    TSKIP__TRY(tskip__require(pointer, "pointer", "memory of the caller's"));
    return create(device, device->backend->buffer_create, size, pointer, out);
}

tskip_status tskip_buffer_import_host(tskip_device *device, void *pointer, uint64_t size,
                                      tskip_buffer **out)
{
    TSKIP__TRY(tskip__require(out, "out", "where to store the buffer"));
    *out = NULL;
    TSKIP__TRY(tskip__require(device, "device", "an open device"));
    TSKIP__TRY(tskip__require(pointer, "pointer", "host memory of the caller's"));
    if (!device->backend->buffer_import_host)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "%s does not share memory with the host; create a buffer and write it",
                           device->info.name);
    return create(device, device->backend->buffer_import_host, size, pointer, out);
}

tskip_status tskip_buffer_view(tskip_buffer *parent, uint64_t offset, uint64_t size,
                               tskip_buffer **out)
{
    TSKIP__TRY(tskip__require(out, "out", "where to store the view"));
    *out = NULL;
    TSKIP__TRY(tskip__require(parent, "parent", "a buffer"));
    if (size == 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "size of the view is 0, expected at least 1");
    TSKIP__TRY(tskip__require_range(parent, offset, size, "view"));
    tskip_buffer *view = tskip__alloc_zero(sizeof *view, "a view's handle");
    if (!view)
        return TSKIP_OUT_OF_MEMORY;
    atomic_init(&view->references, 1);
    view->device = parent->device;
    view->root = parent->root ? parent->root : parent;
    view->impl = parent->impl;
    view->offset = parent->offset + offset;
    view->size = size;
    view->misalignment = (uint32_t)((view->root->misalignment + view->offset) % ALIGNMENT);
    atomic_fetch_add_explicit(&view->root->references, 1, memory_order_relaxed);
    *out = view;
    return TSKIP_OK;
}

static void release(tskip_buffer *buffer)
{
    if (atomic_fetch_sub_explicit(&buffer->references, 1, memory_order_acq_rel) != 1)
        return;
    if (buffer->root) {
        release(buffer->root);
    } else {
        buffer->device->backend->buffer_destroy(buffer->device->impl, buffer->impl);
        tskip__device_release(buffer->device);
    }
    tskip__free(buffer, sizeof *buffer);
}

void tskip_buffer_destroy(tskip_buffer **buffer)
{
    if (!buffer || !*buffer)
        return;
    release(*buffer);
    *buffer = NULL;
}

tskip_buffer *tskip_buffer_retain(tskip_buffer *buffer)
{
    if (buffer)
        atomic_fetch_add_explicit(&buffer->references, 1, memory_order_relaxed);
    return buffer;
}

tskip_device *tskip_buffer_get_device(const tskip_buffer *buffer)
{
    return buffer ? buffer->device : NULL;
}

uint64_t tskip_buffer_size(const tskip_buffer *buffer)
{
    return buffer ? buffer->size : 0;
}

uint32_t tskip_buffer_misalignment(const tskip_buffer *buffer)
{
    return buffer ? buffer->misalignment : 0;
}

tskip_status tskip_buffer_write(tskip_buffer *buffer, uint64_t offset, const void *data,
                                uint64_t size)
{
    TSKIP__TRY(tskip__require(buffer, "buffer", "a buffer"));
    TSKIP__TRY(tskip__require_range(buffer, offset, size, "write"));
    if (size == 0)
        return TSKIP_OK;
    TSKIP__TRY(tskip__require(data, "data", "the bytes to write"));
    return buffer->device->backend->buffer_write(buffer->device->impl, buffer->impl,
                                                 buffer->offset + offset, data, size);
}

tskip_status tskip_buffer_read(tskip_buffer *buffer, uint64_t offset, void *data, uint64_t size)
{
    TSKIP__TRY(tskip__require(buffer, "buffer", "a buffer"));
    TSKIP__TRY(tskip__require_range(buffer, offset, size, "read"));
    if (size == 0)
        return TSKIP_OK;
    TSKIP__TRY(tskip__require(data, "data", "room for the bytes"));
    return buffer->device->backend->buffer_read(buffer->device->impl, buffer->impl,
                                                buffer->offset + offset, data, size);
}

tskip_status tskip_buffer_map(tskip_buffer *buffer, void **pointer)
{
    TSKIP__TRY(tskip__require(pointer, "pointer", "where to store the address"));
    *pointer = NULL;
    TSKIP__TRY(tskip__require(buffer, "buffer", "a buffer"));
    const tskip__backend *backend = buffer->device->backend;
    if (!backend->buffer_map)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "buffers of %s do not lie in host memory; use read and write",
                           buffer->device->info.name);
    void *first;
    TSKIP__TRY(backend->buffer_map(buffer->device->impl, buffer->impl, &first));
    *pointer = (char *)first + buffer->offset;
    return TSKIP_OK;
}
