/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>

#include "base/status.h"
#include "tile_map.h"

/* One number that a map and a plan must share. */
struct fact {
    const char *name;
    int64_t map, plan;
};

tskip_status tskip__tile_map_check(const tskip_tile_map *map, const tskip_mask *mask,
                                   const tskip_extent *extent,
                                   const struct tskip__plane_args *plane)
{
    const tskip_tile_map_info *i = &map->info;
    const struct fact facts[] = {
        {"q_len", i->extent.q_len, extent->q_len},
        {"k_len", i->extent.k_len, extent->k_len},
        {"q_offset", i->extent.q_offset, extent->q_offset},
        {"k_offset", i->extent.k_offset, extent->k_offset},
        {"tile.bq", i->tile.bq, plane->bq},
        {"tile.bk", i->tile.bk, plane->bk},
        {"planes_batch", i->planes_batch, plane->planes_batch},
        {"planes_head", i->planes_head, plane->planes_head},
    };
    TSKIP__TRY(tskip__mask_check_device(mask, map->device));
    for (size_t f = 0; f < sizeof facts / sizeof facts[0]; f++)
        if (facts[f].map != facts[f].plan)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "the tile map was built for %s = %" PRId64 ", expected %" PRId64
                               " as in the plan",
                               facts[f].name, facts[f].map, facts[f].plan);
    const char *what;
    if (map->mask && !tskip__mask_same(map->mask, mask, &what))
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "the tile map was built from other mask %s than the plan's", what);
    return TSKIP_OK;
}
