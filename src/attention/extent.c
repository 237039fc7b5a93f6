/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "extent.h"

#include <inttypes.h>

#include "base/status.h"

#define MAX_LENGTH ((int64_t)1 << 40)
#define MAX_OFFSET ((int64_t)1 << 59) /* below the limit that counts as never reached */

static tskip_status check_length(const char *name, int64_t length)
{
    if (length < 1 || length > MAX_LENGTH)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "%s is %" PRId64 ", expected 1 to %" PRId64,
                           name, length, MAX_LENGTH);
    return TSKIP_OK;
}

static tskip_status check_offset(const char *name, int64_t offset)
{
    if (offset < 0 || offset > MAX_OFFSET)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "%s is %" PRId64 ", expected 0 to %" PRId64,
                           name, offset, MAX_OFFSET);
    return TSKIP_OK;
}

tskip_status tskip__extent_resolve(const tskip_extent *extent, tskip_extent *resolved)
{
    tskip_extent e = *extent;
    if (e.batch == 0)
        e.batch = 1;
    if (e.n_heads == 0)
        e.n_heads = 1;
    TSKIP__TRY(check_length("q_len", e.q_len));
    TSKIP__TRY(check_length("k_len", e.k_len));
    TSKIP__TRY(check_offset("k_offset", e.k_offset));
    if (e.q_offset == TSKIP_OFFSET_END) {
        e.q_offset = e.k_offset + e.k_len - e.q_len;
        if (e.q_offset < 0)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "q_offset END is k_offset + k_len - q_len = %" PRId64
                               ", expected at least 0: there are more queries than keys",
                               e.q_offset);
    }
    TSKIP__TRY(check_offset("q_offset", e.q_offset));
    *resolved = e;
    return TSKIP_OK;
}

static tskip_status tiles(char side, int64_t length, uint32_t tile, uint32_t *count)
{
    if (tile == 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "tile.b%c is 0, expected at least 1", side);
    int64_t n = (length + tile - 1) / tile;
    if (n > UINT32_MAX)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "%c_len is %" PRId64 ": %" PRId64 " tiles of b%c = %" PRIu32
                           ", expected at most 2^32 - 1",
                           side, length, n, side, tile);
    *count = (uint32_t)n;
    return TSKIP_OK;
}

tskip_status tskip__tile_grid(const tskip_extent *extent, tskip_tile tile, uint32_t *nq,
                              uint32_t *nk)
{
    TSKIP__TRY(tiles('q', extent->q_len, tile.bq, nq));
    return tiles('k', extent->k_len, tile.bk, nk);
}
