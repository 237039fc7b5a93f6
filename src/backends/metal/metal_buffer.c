/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "metal_backend.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"

static tskip_status import_buffer(const tskip__metal_device *device, uint64_t size, void *import,
                                  tskip__metal_buffer *buffer)
{
    const tskip__metal_api *api = device->api;
    tskip__id given = import;
    if (!TSKIP__ANSWERS(api, contents, given) || !TSKIP__ANSWERS(api, storage_mode, given))
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "pointer %p is no id<MTLBuffer>, expected one of the device's", import);
    if (!tskip__metal_is_of(device, given))
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "pointer %p is an MTLBuffer of another MTLDevice, expected one of the "
                           "device's",
                           import);
    uint64_t storage = TSKIP__ASK(api, storage_mode, given);
    if (storage != TSKIP__MTL_STORAGE_SHARED && storage != TSKIP__MTL_STORAGE_PRIVATE)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "pointer %p is an MTLBuffer of managed storage (mode %" PRIu64
                           "), expected shared or private storage",
                           import, storage);
    uint64_t length = TSKIP__ASK(api, length, given);
    if (length < size)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "size is %" PRIu64 ", expected at most the MTLBuffer's %" PRIu64
                           " bytes",
                           size, length);
    buffer->buffer = api->retain(given);
    return TSKIP_OK;
}

/* A buffer around host memory is made of whole pages. */
enum { PAGE = 16384 };

static tskip_status wrap_memory(const tskip__metal_device *device, uint64_t size, void *memory,
                                tskip__metal_buffer *buffer)
{
    const tskip__metal_api *api = device->api;
    if ((uintptr_t)memory % PAGE != 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "pointer %p is not at the start of a page, expected a multiple of %d",
                           memory, PAGE);
    buffer->buffer = TSKIP__SEND(api, new_buffer_around, device->device, memory,
                                 (size + PAGE - 1) / PAGE * PAGE, TSKIP__MTL_STORAGE_SHARED, NULL);
    if (!buffer->buffer)
        return tskip__fail(TSKIP_OUT_OF_MEMORY,
                           "Metal makes no buffer around %" PRIu64 " bytes of host memory", size);
    return TSKIP_OK;
}

static tskip_status make_buffer(const tskip__metal_device *device, uint64_t size, void *unused,
                                tskip__metal_buffer *buffer)
{
    (void)unused;
    buffer->buffer =
        TSKIP__SEND(device->api, new_buffer, device->device, size, TSKIP__MTL_STORAGE_SHARED);
    return buffer->buffer ? TSKIP_OK
                          : tskip__fail(TSKIP_OUT_OF_MEMORY,
                                        "Metal makes no buffer of %" PRIu64 " bytes", size);
}

typedef tskip_status (*place_fn)(const tskip__metal_device *device, uint64_t size, void *import,
                                 tskip__metal_buffer *buffer);

static tskip_status create(const tskip__metal_device *device, place_fn place, uint64_t size,
                           void *import, void **buffer)
{
    tskip__metal_buffer *out = tskip__alloc_zero(sizeof *out, "a buffer");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    void *pool = device->api->pool_push();
    tskip_status status = place(device, size, import, out);
    if (status == TSKIP_OK &&
        TSKIP__ASK(device->api, storage_mode, out->buffer) == TSKIP__MTL_STORAGE_SHARED)
        out->contents = TSKIP__ASK(device->api, contents, out->buffer);
    device->api->pool_pop(pool);
    if (status != TSKIP_OK) {
        tskip__free(out, sizeof *out);
        return status;
    }
    *buffer = out;
    return TSKIP_OK;
}

tskip_status tskip__metal_buffer_create(void *device, uint64_t size, void *import, void **buffer)
{
    return create(device, import ? import_buffer : make_buffer, size, import, buffer);
}

tskip_status tskip__metal_buffer_import_host(void *device, uint64_t size, void *memory,
                                             void **buffer)
{
    return create(device, wrap_memory, size, memory, buffer);
}

void tskip__metal_buffer_destroy(void *opened, void *buffer)
{
    const tskip__metal_device *device = opened;
    tskip__metal_buffer *old = buffer;
    void *pool = device->api->pool_push();
    device->api->release(old->buffer);
    device->api->pool_pop(pool);
    tskip__free(old, sizeof *old);
}

static tskip_status require_contents(const tskip__metal_buffer *buffer)
{
    if (buffer->contents)
        return TSKIP_OK;
    return tskip__fail(TSKIP_UNSUPPORTED, "the imported MTLBuffer has private storage, expected "
                                          "shared storage, which the host can reach");
}

tskip_status tskip__metal_buffer_write(void *device, void *buffer, uint64_t offset,
                                       const void *data, uint64_t size)
{
    (void)device;
    const tskip__metal_buffer *to = buffer;
    TSKIP__TRY(require_contents(to));
    memmove(to->contents + offset, data, (size_t)size);
    return TSKIP_OK;
}

tskip_status tskip__metal_buffer_read(void *device, void *buffer, uint64_t offset, void *data,
                                      uint64_t size)
{
    (void)device;
    const tskip__metal_buffer *from = buffer;
    TSKIP__TRY(require_contents(from));
    memmove(data, from->contents + offset, (size_t)size);
    return TSKIP_OK;
}

tskip_status tskip__metal_buffer_map(void *device, void *buffer, void **pointer)
{
    (void)device;
    const tskip__metal_buffer *of = buffer;
    TSKIP__TRY(require_contents(of));
    *pointer = of->contents;
    return TSKIP_OK;
}
