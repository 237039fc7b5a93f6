/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* What 10,000 skipped tiles in a row cost on the CPU device beside one that is computed: a single
 * block of query rows on one thread, with a map made by hand in which only the last tile is
 * visited. The best of many runs, so that other programs show little. Fails where a block of 32
 * rows pays more for the skipped ones; a single row's tile costs so little that the parts into
 * which its keys are cut cost more.
 *
 *     skipped */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tileskip/tileskip.h>

enum { SKIPPED = 10000, BK = 64, DIM = 128, ROUNDS = 300 };

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static tskip_status fill_buffer(tskip_device *device, uint64_t size, tskip_slice *slice)
{
    void *bytes;
    tskip_status s = tskip_buffer_create(device, size, &slice->buffer);
    if (s == TSKIP_OK)
        s = tskip_buffer_map(slice->buffer, &bytes);
    if (s == TSKIP_OK)
        memset(bytes, 0x3c, (size_t)size); /* 0.0115 in both types */
    return s;
}

static tskip_status make_tensors(tskip_device *device, const tskip_plan *plan,
                                 tskip_attention_tensors *t)
{
    const tskip_attention_desc *d = &tskip_plan_get_info(plan)->desc;
    const uint64_t row = d->dtype == TSKIP_F32 ? DIM * 4 : DIM * 2;
    const uint64_t queries = (uint64_t)d->extent.q_len * row,
                   keys = (uint64_t)d->extent.k_len * row;
    tskip_status s = fill_buffer(device, queries, &t->q);
    if (s == TSKIP_OK)
        s = fill_buffer(device, queries, &t->o);
    if (s == TSKIP_OK)
        s = fill_buffer(device, keys, &t->k);
    if (s == TSKIP_OK)
        s = fill_buffer(device, keys, &t->v);
    const uint64_t workspace = tskip_plan_get_info(plan)->workspace_size;
    if (s == TSKIP_OK && workspace > 0)
        s = tskip_buffer_create(device, workspace, &t->workspace.buffer);
    return s;
}

static tskip_status time_runs(tskip_device *device, const tskip_plan *plan,
                              const tskip_attention_tensors *t, double *best)
{
    tskip_encoder *encoder;
    tskip_status s = tskip_encoder_create(device, NULL, &encoder);
    *best = 1;
    for (int i = 0; i < ROUNDS && s == TSKIP_OK; i++) {
        const double start = seconds();
        s = tskip_attention_encode(plan, encoder, t);
        if (s == TSKIP_OK)
            s = tskip_encoder_submit(encoder);
        if (s == TSKIP_OK)
            s = tskip_encoder_wait(encoder);
        const double time = seconds() - start;
        *best = time < *best ? time : *best;
        if (s == TSKIP_OK)
            s = tskip_encoder_reset(encoder);
    }
    tskip_encoder_destroy(&encoder);
    return s;
}

/* The best time of q_len rows over `skipped` skipped tiles and `visited` visited ones. */
static tskip_status measure(tskip_device *device, tskip_dtype dtype, int64_t q_len, size_t skipped,
                            size_t visited, double *best)
{
    static uint8_t classes[SKIPPED + 2];
    const size_t tiles = skipped + visited;
    tskip_mask *mask = NULL;
    tskip_plan *plan = NULL;
    tskip_tile_map *map = NULL;
    tskip_attention_tensors t = {0};
    memset(classes, TSKIP_TILE_SKIP, skipped);
    memset(classes + skipped, TSKIP_TILE_MIXED, visited);
    const tskip_extent extent = {
        .q_len = q_len, .k_len = (int64_t)tiles * BK, .q_offset = TSKIP_OFFSET_END};
    tskip_status s = tskip_mask_create(device, &(tskip_mask_desc){.rules = "causal"}, &mask);
    const tskip_attention_desc desc = {
        .extent = extent, .head_dim = DIM, .dtype = dtype, .mask = mask};
    if (s == TSKIP_OK)
        s = tskip_plan_create(device, &desc, &plan);
    if (s == TSKIP_OK) {
        const tskip_tile_map_desc geometry = {mask, extent, tskip_plan_get_info(plan)->tile};
        s = tskip_tile_map_from_bytes(device, &geometry, 1, 1, classes, tiles, &map);
    }
    if (s == TSKIP_OK)
        s = make_tensors(device, plan, &t);
    t.map = map;
    if (s == TSKIP_OK)
        s = time_runs(device, plan, &t, best);
    tskip_slice *const slices[] = {&t.q, &t.k, &t.v, &t.o, &t.workspace};
    for (int i = 0; i < 5; i++)
        tskip_buffer_destroy(&slices[i]->buffer);
    tskip_tile_map_destroy(&map);
    tskip_plan_destroy(&plan);
    tskip_mask_destroy(&mask);
    return s;
}

int main(void)
{
    tskip_device *device = NULL;
    tskip_status s = tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = 1}, &device);
    static const tskip_dtype dtypes[] = {TSKIP_F32, TSKIP_BF16};
    static const int64_t rows[] = {32, 1};
    int dear = 0;
    for (int i = 0; i < 4 && s == TSKIP_OK; i++) {
        const tskip_dtype dtype = dtypes[i % 2];
        double one, two, many;
        s = measure(device, dtype, rows[i / 2], 0, 1, &one);
        if (s == TSKIP_OK)
            s = measure(device, dtype, rows[i / 2], 0, 2, &two);
        if (s == TSKIP_OK)
            s = measure(device, dtype, rows[i / 2], SKIPPED, 1, &many);
        if (s != TSKIP_OK)
            break;
        printf("%s, %2d rows: a tile %.2f us, %d skipped %.2f us\n", tskip_dtype_name(dtype),
               (int)rows[i / 2], 1e6 * (two - one), SKIPPED, 1e6 * (many - one));
        dear |= rows[i / 2] > 16 && many - one >= two - one;
    }
    if (s != TSKIP_OK)
        fprintf(stderr, "skipped: %s\n", tskip_last_error());
    tskip_device_destroy(&device);
    return s != TSKIP_OK || dear;
}
