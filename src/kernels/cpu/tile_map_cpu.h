/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CPU_TILE_MAP_CPU_H
#define TSKIP_KERNELS_CPU_TILE_MAP_CPU_H

#include <tileskip/compute.h>

#include "scan.h"

/* Bodies of the kernels about masks and maps. A group of "tile_map" is one row of tiles of one
 * plane: grid {nq, planes, 1}. "mask_fill" and "mask_count" take TSKIP__ROWS_A_GROUP rows of
 * a plane: grid {ceil(q_len / that), planes, 1}. "tile_count" takes so many rows of tiles over all
 * planes, "tile_order" is one group. */

/* Group memory of "tile_map". */
#define TSKIP__TILE_MAP_MEMORY sizeof(struct tskip__scan_room)

/* Group memory of "tile_order": the buckets of its counting sort. */
#define TSKIP__ORDER_BUCKETS 2048
#define TSKIP__ORDER_MEMORY  (4 * TSKIP__ORDER_BUCKETS)

void tskip__tile_map_c(const tskip_group *group, void *const *buffers, const void *args,
                       void *memory);
void tskip__tile_map_neon(const tskip_group *group, void *const *buffers, const void *args,
                          void *memory);
void tskip__tile_map_avx2(const tskip_group *group, void *const *buffers, const void *args,
                          void *memory);
void tskip__tile_map_avx512(const tskip_group *group, void *const *buffers, const void *args,
                            void *memory);
void tskip__mask_fill_c(const tskip_group *group, void *const *buffers, const void *args,
                        void *memory);
void tskip__mask_count_c(const tskip_group *group, void *const *buffers, const void *args,
                         void *memory);
void tskip__tile_count_c(const tskip_group *group, void *const *buffers, const void *args,
                         void *memory);
void tskip__tile_order_c(const tskip_group *group, void *const *buffers, const void *args,
                         void *memory);

#endif
