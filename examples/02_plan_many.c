/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* As an engine would: one plan, one map and one encoder for all layers that share a mask. */

#include <stdio.h>
#include <stdlib.h>
#include <tileskip/tileskip.h>

enum { LAYERS = 4, HEADS = 4, KV_HEADS = 2, TOKENS = 1500, DIM = 64 };

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if ((call) != TSKIP_OK) {                                                                  \
            fprintf(stderr, "%s\n", tskip_last_error());                                           \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

int main(void)
{
    const uint64_t q_bytes = sizeof(float) * HEADS * TOKENS * DIM;
    const uint64_t kv_bytes = sizeof(float) * KV_HEADS * TOKENS * DIM;
    tskip_device *device;
    tskip_mask *mask;
    tskip_plan *plan;
    tskip_tile_map *map;
    tskip_encoder *encoder;
    tskip_attention_tensors t = {0};
    CHECK(tskip_device_open(NULL, &device));
    CHECK(tskip_mask_create(device, &(tskip_mask_desc){.rules = "causal,window=512"}, &mask));
    const tskip_attention_desc desc = {
        .extent = {.n_heads = HEADS, .q_len = TOKENS, .k_len = TOKENS},
        .n_kv_heads = KV_HEADS,
        .head_dim = DIM,
        .dtype = TSKIP_F32,
        .mask = mask,
    };
    CHECK(tskip_plan_create(device, &desc, &plan));
    const tskip_plan_info *info = tskip_plan_get_info(plan);
    const tskip_tile_map_desc map_desc = {mask, desc.extent, info->tile};
    CHECK(tskip_tile_map_build(&map_desc, &map));
    CHECK(tskip_buffer_create(device, q_bytes, &t.q.buffer));
    CHECK(tskip_buffer_create(device, kv_bytes, &t.k.buffer));
    CHECK(tskip_buffer_create(device, kv_bytes, &t.v.buffer));
    CHECK(tskip_buffer_create(device, q_bytes, &t.o.buffer));
    if (info->workspace_size > 0)
        CHECK(tskip_buffer_create(device, info->workspace_size, &t.workspace.buffer));
    float *numbers = calloc(1, q_bytes);
    if (!numbers)
        return 1;
    CHECK(tskip_buffer_write(t.q.buffer, 0, numbers, q_bytes));
    CHECK(tskip_buffer_write(t.k.buffer, 0, numbers, kv_bytes));
    CHECK(tskip_buffer_write(t.v.buffer, 0, numbers, kv_bytes));
    t.map = map;

    printf("%s\n", tskip_plan_describe(plan));
    CHECK(tskip_encoder_create(device, NULL, &encoder));
    for (int layer = 0; layer < LAYERS; layer++) {
        double seconds;
        CHECK(tskip_attention_encode(plan, encoder, &t));
        CHECK(tskip_encoder_submit(encoder));
        CHECK(tskip_encoder_wait(encoder));
        CHECK(tskip_encoder_elapsed(encoder, &seconds));
        printf("layer %d: %.2f ms\n", layer, seconds * 1e3);
        CHECK(tskip_encoder_reset(encoder));
    }
    free(numbers);
    tskip_encoder_destroy(&encoder);
    tskip_tile_map_destroy(&map);
    tskip_plan_destroy(&plan);
    tskip_mask_destroy(&mask);
    tskip_buffer *buffers[] = {t.q.buffer, t.k.buffer, t.v.buffer, t.o.buffer, t.workspace.buffer};
    for (int i = 0; i < 5; i++)
        tskip_buffer_destroy(&buffers[i]);
    tskip_device_destroy(&device);
    return 0;
}
