/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <string.h>

#include "base/alloc.h"
#include "cpu_backend.h"

tskip_status tskip__cpu_buffer_create(void *device, uint64_t size, void *import, void **buffer)
{
    (void)device;
    tskip__cpu_buffer *out = tskip__alloc(sizeof *out, "a buffer");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    *out = (tskip__cpu_buffer){.bytes = import, .size = size, .owned = !import};
    if (!import) {
        out->bytes = tskip__alloc((size_t)size, "a buffer's bytes");
        if (!out->bytes) {
            tskip__free(out, sizeof *out);
            return TSKIP_OUT_OF_MEMORY;
        }
    }
    *buffer = out;
    return TSKIP_OK;
}

void tskip__cpu_buffer_destroy(void *device, void *buffer)
{
    (void)device;
    tskip__cpu_buffer *old = buffer;
    if (old->owned)
        tskip__free(old->bytes, (size_t)old->size);
    tskip__free(old, sizeof *old);
}

tskip_status tskip__cpu_buffer_write(void *device, void *buffer, uint64_t offset, const void *data,
                                     uint64_t size)
{
    (void)device;
    tskip__cpu_buffer *to = buffer;
    memmove(to->bytes + offset, data, (size_t)size);
    return TSKIP_OK;
}

tskip_status tskip__cpu_buffer_read(void *device, void *buffer, uint64_t offset, void *data,
                                    uint64_t size)
{
    (void)device;
    const tskip__cpu_buffer *from = buffer;
    memmove(data, from->bytes + offset, (size_t)size);
    return TSKIP_OK;
}

tskip_status tskip__cpu_buffer_map(void *device, void *buffer, void **pointer)
{
    (void)device;
    *pointer = ((tskip__cpu_buffer *)buffer)->bytes;
    return TSKIP_OK;
}
