/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "slice_check.h"

#include <inttypes.h>

#include "base/status.h"

tskip_status tskip__slice_check(const char *name, tskip_slice slice, uint64_t bytes,
                                uint64_t alignment)
{
    uint32_t past = tskip_buffer_misalignment(slice.buffer);
    if ((past + slice.offset) % alignment != 0) {
        if (past % alignment == 0)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "%s.offset is %" PRIu64 ", expected a multiple of %" PRIu64, name,
                               slice.offset, alignment);
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "%s.offset is %" PRIu64 " in a buffer that begins %" PRIu32
                           " bytes past a multiple of 64 of its memory, expected a multiple of "
                           "%" PRIu64 " in all",
                           name, slice.offset, past, alignment);
    }
    uint64_t size = tskip_buffer_size(slice.buffer);
    if (slice.offset > size || bytes > size - slice.offset)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "%s needs %" PRIu64 " bytes from offset %" PRIu64
                           " on, its buffer has %" PRIu64,
                           name, bytes, slice.offset, size);
    return TSKIP_OK;
}
