/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "null_backend.h"

tskip_status tskip__null_buffer_create(void *device, uint64_t size, void *import, void **buffer)
{
    tskip__null_device *owner = device;
    tskip__null_buffer *out = tskip__alloc(sizeof *out, "a buffer");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    out->number = atomic_fetch_add(&owner->buffers, 1) + 1;
    tskip__log(TSKIP_LOG_DEBUG, "null: buffer %" PRIu32 " of %" PRIu64 " bytes%s", out->number,
               size, import ? ", imported" : "");
    *buffer = out;
    return TSKIP_OK;
}

void tskip__null_buffer_destroy(void *device, void *buffer)
{
    (void)device;
    tskip__free(buffer, sizeof(tskip__null_buffer));
}

tskip_status tskip__null_buffer_write(void *device, void *buffer, uint64_t offset, const void *data,
                                      uint64_t size)
{
    (void)device;
    (void)data;
    const tskip__null_buffer *to = buffer;
    tskip__log(TSKIP_LOG_DEBUG, "null: write %" PRIu32 "[%" PRIu64 "+%" PRIu64 "]", to->number,
               offset, size);
    return TSKIP_OK;
}

tskip_status tskip__null_buffer_read(void *device, void *buffer, uint64_t offset, void *data,
                                     uint64_t size)
{
    (void)device;
    const tskip__null_buffer *from = buffer;
    tskip__log(TSKIP_LOG_DEBUG, "null: read %" PRIu32 "[%" PRIu64 "+%" PRIu64 "]", from->number,
               offset, size);
    memset(data, 0, (size_t)size);
    return TSKIP_OK;
}
