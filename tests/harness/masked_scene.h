/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_HARNESS_MASKED_SCENE_H
#define TESTS_HARNESS_MASKED_SCENE_H

#include <tileskip/attention.h>

/* All that it takes to fill a mask, map it and attend under it in one encoder: for tests of what
 * orders these. Everything is f32 but the cells, which are bf16. A failing call fails the test. */

typedef struct masked_scene_desc {
    const char *device;
    tskip_extent extent;
    uint32_t head_dim;
    const char *fill;  /* the rules that fill the cells */
    const char *rules; /* what attention sees: these rules, NULL for none, … */
    bool tensor;       /* … and the cells */
} masked_scene_desc;

typedef struct masked_scene {
    tskip_extent extent;
    tskip_device *device;
    tskip_encoder *encoder;
    tskip_mask *rules, *mask; /* what fills the cells; what attention sees */
    tskip_buffer *cells, *tensors, *workspace;
    tskip_mask_tensor out;
    tskip_tile_map *map; /* of `mask`, in the plan's tiles */
    tskip_plan *plan;
    uint64_t block; /* bytes: Q, K, V and two outputs lie so far apart in `tensors` */
} masked_scene;

void masked_scene_set_up(masked_scene *scene, const masked_scene_desc *desc);
void masked_scene_tear_down(masked_scene *scene);

/* Encodes attention into output 0 or 1, with its own map where `map` is NULL. */
tskip_status masked_scene_attend(const masked_scene *scene, const tskip_tile_map *map,
                                 unsigned output);

#endif
