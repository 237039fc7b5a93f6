/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The tile map by itself: what a mask lets attention leave out, for a prompt with two images. */

#include <stdio.h>
#include <stdlib.h>
#include <tileskip/tileskip.h>

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, tskip_last_error());
    return 1;
}

int main(void)
{
    const tskip_span images[] = {{100, 380}, {500, 780}};
    const tskip_span_list list = {images, 2};
    const tskip_rules rules = {.causal = true, .window = 256, .images = &list, .n_images = 1};
    tskip_device *device;
    tskip_mask *mask;
    tskip_tile_map *map;
    tskip_tile_counts counts;
    if (tskip_device_open(NULL, &device) != TSKIP_OK)
        return fail("device");
    if (tskip_mask_create(device, &(tskip_mask_desc){.rule_values = &rules}, &mask) != TSKIP_OK)
        return fail("mask");
    const tskip_tile_map_desc desc = {
        .mask = mask, .extent = {.q_len = 1024, .k_len = 1024}, .tile = {64, 32}};
    if (tskip_tile_map_build(&desc, &map) != TSKIP_OK ||
        tskip_tile_map_count(map, &counts) != TSKIP_OK)
        return fail("map");
    const tskip_tile_map_info *info = tskip_tile_map_get_info(map);
    uint8_t *bytes = malloc(info->size);
    if (!bytes || tskip_tile_map_read(map, bytes, info->size) != TSKIP_OK)
        return fail("read");
    for (uint32_t i = 0; i < info->nq; i++, putchar('\n'))
        for (uint32_t j = 0; j < info->nk; j++)
            putchar(".+#"[bytes[i * info->nk + j]]);
    printf("skip %llu, mixed %llu, full %llu\n", (unsigned long long)counts.skip,
           (unsigned long long)counts.mixed, (unsigned long long)counts.full);
    free(bytes);
    tskip_tile_map_destroy(&map);
    tskip_mask_destroy(&mask);
    tskip_device_destroy(&device);
    return 0;
}
