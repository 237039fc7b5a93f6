/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "harness/masked_scene.h"

#include "harness/refused.h"

enum { OUTPUTS = 2, ELEMENT = 4, CELL = 2 };

static void make_masks(masked_scene *s, const masked_scene_desc *d)
{
    const int64_t q = d->extent.q_len, k = d->extent.k_len;
    assert_done(tskip_buffer_create(s->device, (uint64_t)(q * k) * CELL, &s->cells));
    s->out = (tskip_mask_tensor){s->cells, 0, TSKIP_BF16, 2, {q, k}, {0}};
    assert_done(tskip_mask_create(s->device, &(tskip_mask_desc){.rules = d->fill}, &s->rules));
    tskip_mask_desc mask = {.rules = d->rules};
    if (d->tensor)
        mask.tensor = s->out;
    assert_done(tskip_mask_create(s->device, &mask, &s->mask));
}

static void make_tensors(masked_scene *s, const masked_scene_desc *d)
{
    const int64_t q = d->extent.q_len, k = d->extent.k_len;
    s->block = (uint64_t)(q > k ? q : k) * d->extent.n_heads * d->head_dim * ELEMENT;
    assert_done(tskip_buffer_create(s->device, (3 + OUTPUTS) * s->block, &s->tensors));
}

void masked_scene_set_up(masked_scene *s, const masked_scene_desc *d)
{
    *s = (masked_scene){.extent = d->extent};
    assert_done(tskip_device_open(&(tskip_device_desc){.name = d->device}, &s->device));
    assert_done(tskip_encoder_create(s->device, NULL, &s->encoder));
    make_masks(s, d);
    make_tensors(s, d);
    const tskip_attention_desc attention = {
        .extent = d->extent, .head_dim = d->head_dim, .dtype = TSKIP_F32, .mask = s->mask};
    assert_done(tskip_plan_create(s->device, &attention, &s->plan));
    const tskip_plan_info *plan = tskip_plan_get_info(s->plan);
    assert_done(tskip_buffer_create(s->device, plan->workspace_size, &s->workspace));
    const tskip_tile_map_desc map = {s->mask, d->extent, plan->tile};
    assert_done(tskip_tile_map_create(&map, &s->map));
}

void masked_scene_tear_down(masked_scene *s)
{
    tskip_encoder_destroy(&s->encoder);
    tskip_tile_map_destroy(&s->map);
    tskip_plan_destroy(&s->plan);
    tskip_mask_destroy(&s->mask);
    tskip_mask_destroy(&s->rules);
    tskip_buffer_destroy(&s->cells);
    tskip_buffer_destroy(&s->tensors);
    tskip_buffer_destroy(&s->workspace);
    tskip_device_destroy(&s->device);
}

tskip_status masked_scene_attend(const masked_scene *s, const tskip_tile_map *map, unsigned output)
{
    const tskip_attention_tensors t = {.q = {s->tensors, 0},
                                       .k = {s->tensors, s->block},
                                       .v = {s->tensors, 2 * s->block},
                                       .o = {s->tensors, (3 + output) * s->block},
                                       .workspace = {s->workspace, 0},
                                       .map = map};
    return tskip_attention_encode(s->plan, s->encoder, &t);
}
