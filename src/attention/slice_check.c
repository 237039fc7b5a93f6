/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "slice_check.h"

#include <inttypes.h>

#include "base/status.h"

tskip_status tskip__slice_check(const char *name, tskip_slice slice, uint64_t bytes,
                                uint64_t alignment)
{
    if (slice.offset % alignment != 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "%s.offset is %" PRIu64 ", expected a multiple of %" PRIu64, name,
                           slice.offset, alignment);
    uint64_t size = tskip_buffer_size(slice.buffer);
    if (slice.offset > size || bytes > size - slice.offset)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "%s needs %" PRIu64 " bytes from offset %" PRIu64
                           " on, its buffer has %" PRIu64,
                           name, bytes, slice.offset, size);
    return TSKIP_OK;
}
