/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "cuda_backend.h"

#include <stdint.h>

#include "base/alloc.h"
#include "base/status.h"

static tskip_status check_import(const tskip__cuda_device *device, const void *pointer)
{
    int type = 0, ordinal = -1;
    tskip__cu_address address = (uintptr_t)pointer;
    if (device->api->pointer_attribute(&type, TSKIP__CU_POINTER_MEMORY_TYPE, address) != 0 ||
        device->api->pointer_attribute(&ordinal, TSKIP__CU_POINTER_DEVICE, address) != 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "pointer %p is not memory that CUDA knows, expected a device pointer",
                           pointer);
    if (type == TSKIP__CU_MEMORY_DEVICE && ordinal != device->ordinal)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "pointer %p lies on device %d, expected one of device %d", pointer,
                           ordinal, device->ordinal);
    return TSKIP_OK;
}

static tskip_status place(const tskip__cuda_device *device, uint64_t size, void *import,
                          tskip__cuda_buffer *buffer)
{
    TSKIP__TRY(tskip__cuda_enter(device));
    tskip_status status;
    if (import) {
        status = check_import(device, import);
        buffer->address = (uintptr_t)import;
    } else {
        status = tskip__cuda_check(device->api,
                                   device->api->memory_alloc(&buffer->address, (size_t)size),
                                   "allocating device memory");
        buffer->owned = true;
    }
    tskip__cuda_leave(device);
    return status;
}

tskip_status tskip__cuda_buffer_create(void *device, uint64_t size, void *import, void **buffer)
{
    tskip__cuda_buffer *out = tskip__alloc_zero(sizeof *out, "a buffer");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    tskip_status status = place(device, size, import, out);
    if (status != TSKIP_OK) {
        tskip__free(out, sizeof *out);
        return status;
    }
    *buffer = out;
    return TSKIP_OK;
}

void tskip__cuda_buffer_destroy(void *opened, void *buffer)
{
    const tskip__cuda_device *device = opened;
    tskip__cuda_buffer *old = buffer;
    if (old->owned && tskip__cuda_enter(device) == TSKIP_OK) {
        (void)device->api->memory_free(old->address);
        tskip__cuda_leave(device);
    }
    tskip__free(old, sizeof *old);
}

/* A stream of the device's own and a wait for it: the plain copies return before the bytes have
 * arrived, and no other stream is ordered with them. */
static tskip_status copy(const tskip__cuda_device *device, tskip__cu_address address, void *to,
                         const void *from, uint64_t size)
{
    const tskip__cuda_api *api = device->api;
    TSKIP__TRY(tskip__cuda_enter(device));
    int result = to ? api->copy_to_host(to, address, (size_t)size, device->copies)
                    : api->copy_to_device(address, from, (size_t)size, device->copies);
    if (result == TSKIP__CU_SUCCESS)
        result = api->stream_wait(device->copies);
    tskip__cuda_leave(device);
    return tskip__cuda_check(api, result, to ? "reading a buffer" : "writing a buffer");
}

tskip_status tskip__cuda_buffer_write(void *device, void *buffer, uint64_t offset, const void *data,
                                      uint64_t size)
{
    return copy(device, ((tskip__cuda_buffer *)buffer)->address + offset, NULL, data, size);
}

tskip_status tskip__cuda_buffer_read(void *device, void *buffer, uint64_t offset, void *data,
                                     uint64_t size)
{
    return copy(device, ((tskip__cuda_buffer *)buffer)->address + offset, data, NULL, size);
}
