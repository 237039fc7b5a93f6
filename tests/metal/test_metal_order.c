/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Fill, map and attention in one encoder of Metal's, where dispatches run at the same time unless a
 * barrier stands between them: with the caller's barrier after the fill the output is that of one
 * command at a time; without it the stand-in for Metal must see the race. */

#include "harness/refused.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tileskip/attention.h>

#include "base/dynlib.h"

enum { NO_DEVICE = 77, Q = 70, K = 150, D = 64, HEADS = 2, ROWS = HEADS * (2 * Q + 2 * K) };

static size_t (*take_reports)(char *text, size_t size); /* NULL: a real Metal */

typedef struct scene {
    tskip_device *device;
    tskip_encoder *encoder;
    tskip_mask *rules, *mask; /* what fills the cells; what attention sees: the cells */
    tskip_buffer *cells, *tensors, *workspace;
    tskip_mask_tensor out;
    tskip_tile_map *map;
    tskip_plan *plan;
} scene;

static const tskip_extent extent = {.n_heads = HEADS, .q_len = Q, .k_len = K, .q_offset = K - Q};

static void write_tensors(const scene *s)
{
    static float x[ROWS * D];
    for (int i = 0; i < ROWS * D; i++)
        x[i] = (float)(i * 7919 % 2003 - 1001) / 1001;
    assert_done(tskip_buffer_write(s->tensors, 0, x, sizeof x));
}

static void set_up(scene *s)
{
    *s = (scene){0};
    assert_done(tskip_device_open(&(tskip_device_desc){.name = "metal:0"}, &s->device));
    assert_done(tskip_encoder_create(s->device, NULL, &s->encoder));
    assert_done(tskip_buffer_create(s->device, Q * K * 2, &s->cells));
    assert_done(tskip_buffer_create(s->device, ROWS * D * 4, &s->tensors));
    write_tensors(s);
    s->out = (tskip_mask_tensor){s->cells, 0, TSKIP_BF16, 2, {Q, K}, {0}};
    assert_done(
        tskip_mask_create(s->device, &(tskip_mask_desc){.rules = "causal,window=60"}, &s->rules));
    assert_done(tskip_mask_create(s->device, &(tskip_mask_desc){.tensor = s->out}, &s->mask));
    const tskip_attention_desc desc = {
        .extent = extent, .head_dim = D, .dtype = TSKIP_F32, .mask = s->mask};
    assert_done(tskip_plan_create(s->device, &desc, &s->plan));
    assert_done(tskip_buffer_create(s->device, tskip_plan_get_info(s->plan)->workspace_size,
                                    &s->workspace));
    const tskip_tile_map_desc map = {s->mask, extent, tskip_plan_get_info(s->plan)->tile};
    assert_done(tskip_tile_map_create(&map, &s->map));
}

static void tear_down(scene *s)
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

static tskip_status finish(const scene *s)
{
    assert_done(tskip_encoder_submit(s->encoder));
    const tskip_status status = tskip_encoder_wait(s->encoder);
    assert_done(tskip_encoder_reset(s->encoder));
    return status;
}

/* Fill, map, attention; `between` runs after each. */
static void encode(const scene *s, void (*between)(const scene *s, int step))
{
    const uint64_t row = HEADS * D * 4;
    const tskip_attention_tensors t = {.q = {s->tensors, 0},
                                       .k = {s->tensors, Q * row},
                                       .v = {s->tensors, (Q + K) * row},
                                       .o = {s->tensors, (Q + 2 * K) * row},
                                       .workspace = {s->workspace, 0},
                                       .map = s->map};
    assert_done(tskip_mask_fill_encode(s->rules, &extent, &s->out, s->encoder));
    between(s, 0);
    assert_done(tskip_tile_map_encode(s->map, s->encoder));
    between(s, 1);
    assert_done(tskip_attention_encode(s->plan, s->encoder, &t));
}

static void run_alone(const scene *s, int step)
{
    (void)step;
    assert_done(finish(s));
}

static void put_barrier(const scene *s, int step)
{
    (void)step;
    assert_done(tskip_encoder_barrier(s->encoder));
}

static void forget_first_barrier(const scene *s, int step)
{
    if (step > 0)
        put_barrier(s, step);
}

static void read_output(const scene *s, float o[HEADS * Q * D])
{
    assert_done(
        tskip_buffer_read(s->tensors, (uint64_t)(Q + 2 * K) * HEADS * D * 4, o, HEADS * Q * D * 4));
}

static void test_barriers_order(void **state)
{
    (void)state;
    static float alone[HEADS * Q * D], together[HEADS * Q * D];
    scene s;
    tskip_tile_counts counts;
    set_up(&s);
    encode(&s, run_alone);
    assert_done(finish(&s));
    read_output(&s, alone);
    assert_done(tskip_tile_map_count(s.map, &counts));
    assert_true(counts.skip > 0 && counts.mixed > 0);
    write_tensors(&s);
    encode(&s, put_barrier);
    assert_done(finish(&s));
    read_output(&s, together);
    assert_memory_equal(alone, together, sizeof alone);
    tear_down(&s);
}

static void test_missing_barrier_is_seen(void **state)
{
    (void)state;
    char reports[1024] = "";
    scene s;
    if (!take_reports)
        skip();
    set_up(&s);
    encode(&s, forget_first_barrier);
    assert_int_equal(finish(&s), TSKIP_DEVICE_LOST);
    assert_true(take_reports(reports, sizeof reports) > 0);
    assert_non_null(strstr(reports, "race"));
    tear_down(&s);
}

int main(void)
{
    tskip_device *device;
    const char *const stand_in[] = {getenv("TSKIP_METAL_LIBRARY"), NULL};
    if (tskip_device_open(&(tskip_device_desc){.name = "metal:0"}, &device) != TSKIP_OK) {
        fprintf(stderr, "%s\n", tskip_last_error());
        return NO_DEVICE;
    }
    tskip_device_destroy(&device);
    if (stand_in[0])
        tskip__dynlib_symbol(tskip__dynlib_open(stand_in), "metal_standin_take", &take_reports);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_barriers_order),
        cmocka_unit_test(test_missing_barrier_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
