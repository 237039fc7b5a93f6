/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Fill, map and attention in one encoder of Metal's, where dispatches run at the same time unless a
 * barrier stands between them: with the caller's barrier after the fill the output is that of one
 * command at a time; without it the stand-in for Metal must see the race. */

#include "harness/masked_scene.h"
#include "harness/refused.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/dynlib.h"

enum { NO_DEVICE = 77, Q = 70, K = 150, D = 64, HEADS = 2 };

/* Of the stand-in; NULL: a real Metal. */
static size_t (*take_reports)(char *text, size_t size);
static size_t (*count_commits)(void);

static void write_tensors(const masked_scene *s)
{
    static float x[HEADS * K * D];
    for (int i = 0; i < HEADS * K * D; i++)
        x[i] = (float)(i * 7919 % 2003 - 1001) / 1001;
    for (uint64_t i = 0; i < 3; i++) /* each begins elsewhere in the numbers */
        assert_done(tskip_buffer_write(s->tensors, i * s->block, x + 97 * i, s->block - 388 * i));
}

static void set_up(masked_scene *s)
{
    const masked_scene_desc desc = {
        .device = "metal:0",
        .extent = {.n_heads = HEADS, .q_len = Q, .k_len = K, .q_offset = K - Q},
        .head_dim = D,
        .fill = "causal,window=60",
        .tensor = true,
    };
    masked_scene_set_up(s, &desc);
    write_tensors(s);
}

static tskip_status finish(const masked_scene *s)
{
    assert_done(tskip_encoder_submit(s->encoder));
    const tskip_status status = tskip_encoder_wait(s->encoder);
    assert_done(tskip_encoder_reset(s->encoder));
    return status;
}

/* Fill, map, attention; `between` runs after each. */
static void encode(const masked_scene *s, void (*between)(const masked_scene *s, int step))
{
    assert_done(tskip_mask_fill_encode(s->rules, &s->extent, &s->out, s->encoder));
    between(s, 0);
    assert_done(tskip_tile_map_encode(s->map, s->encoder));
    between(s, 1);
    assert_done(masked_scene_attend(s, s->map, 0));
}

static void run_alone(const masked_scene *s, int step)
{
    (void)step;
    assert_done(finish(s));
}

static void put_barrier(const masked_scene *s, int step)
{
    (void)step;
    assert_done(tskip_encoder_barrier(s->encoder));
}

static void forget_first_barrier(const masked_scene *s, int step)
{
    if (step > 0)
        put_barrier(s, step);
}

static void read_output(const masked_scene *s, float o[HEADS * Q * D])
{
    assert_done(tskip_buffer_read(s->tensors, 3 * s->block, o, HEADS * Q * D * sizeof *o));
}

static void test_barriers_order(void **state)
{
    (void)state;
    static float alone[HEADS * Q * D], together[HEADS * Q * D];
    masked_scene s;
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
    masked_scene_tear_down(&s);
}

/* Two groups a command buffer: the same bytes, from three of them. */
static void test_attention_in_parts(void **state)
{
    (void)state;
    static float whole[HEADS * Q * D], parts[HEADS * Q * D];
    for (int i = 0; i < 2; i++) {
        masked_scene s;
        if (i == 1)
            setenv("TSKIP_METAL_WORK", "2500000", 1);
        set_up(&s);
        encode(&s, put_barrier);
        const size_t before = count_commits ? count_commits() : 0;
        assert_done(finish(&s));
        if (count_commits)
            assert_int_equal(count_commits() - before, i == 0 ? 1 : 3);
        read_output(&s, i == 0 ? whole : parts);
        masked_scene_tear_down(&s);
    }
    unsetenv("TSKIP_METAL_WORK");
    assert_memory_equal(whole, parts, sizeof whole);
}

static void test_missing_barrier_is_seen(void **state)
{
    (void)state;
    char reports[1024] = "";
    masked_scene s;
    if (!take_reports)
        skip();
    set_up(&s);
    encode(&s, forget_first_barrier);
    assert_int_equal(finish(&s), TSKIP_DEVICE_LOST);
    assert_true(take_reports(reports, sizeof reports) > 0);
    assert_non_null(strstr(reports, "race"));
    masked_scene_tear_down(&s);
}

/* A map whose tiles are half as wide as the plan's, built and handed over by the public calls. */
static tskip_status attend_with_another_tile(const masked_scene *s)
{
    tskip_tile tile = tskip_plan_get_info(s->plan)->tile;
    tskip_tile_map *map;
    tile.bk /= 2;
    assert_done(tskip_mask_fill_encode(s->rules, &s->extent, &s->out, s->encoder));
    assert_done(finish(s));
    assert_done(tskip_tile_map_build(&(tskip_tile_map_desc){s->mask, s->extent, tile}, &map));
    const tskip_status status = masked_scene_attend(s, map, 0);
    tskip_tile_map_destroy(&map);
    return status;
}

static void test_map_of_another_tile(void **state)
{
    (void)state;
    static float before[HEADS * Q * D], after[HEADS * Q * D];
    masked_scene s;
    set_up(&s);
    read_output(&s, before);
    assert_refused(attend_with_another_tile(&s), TSKIP_INVALID_ARGUMENT,
                   "the tile map was built for tile.bk = 32, expected 64");
    assert_done(finish(&s)); /* nothing was encoded */
    read_output(&s, after);
    assert_memory_equal(before, after, sizeof before);
    masked_scene_tear_down(&s);
}

/* For test_mistakes.py: the same, told and not asserted. */
static int tell_of_another_tile(void)
{
    masked_scene s;
    set_up(&s);
    const tskip_status status = attend_with_another_tile(&s);
    fprintf(stderr, "%s: %s\n", tskip_status_name(status), tskip_last_error());
    masked_scene_tear_down(&s);
    return status != TSKIP_OK;
}

int main(int argc, char **argv)
{
    tskip_device *device;
    const char *const stand_in[] = {getenv("TSKIP_METAL_LIBRARY"), NULL};
    if (tskip_device_open(&(tskip_device_desc){.name = "metal:0"}, &device) != TSKIP_OK) {
        fprintf(stderr, "%s\n", tskip_last_error());
        return NO_DEVICE;
    }
    tskip_device_destroy(&device);
    if (stand_in[0]) {
        tskip__dynlib *library = tskip__dynlib_open(stand_in);
        tskip__dynlib_symbol(library, "metal_standin_take", &take_reports);
        tskip__dynlib_symbol(library, "metal_standin_commits", &count_commits);
    }
    if (argc > 1 && strcmp(argv[1], "another-tile") == 0)
        return tell_of_another_tile();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_of_another_tile),
        cmocka_unit_test(test_barriers_order),
        cmocka_unit_test(test_attention_in_parts),
        cmocka_unit_test(test_missing_barrier_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
