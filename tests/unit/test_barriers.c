/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The barriers between fill, map, order and attention, seen by the null device, which runs nothing
 * and tells of every two commands that touch the same bytes with no barrier between. (The CPU runs
 * commands one after the other and would not mind a missing one.) */

#include "harness/refused.h"

#include <stdio.h>

#include <tileskip/attention.h>

enum { Q = 70, K = 90, D = 16 };

static struct {
    unsigned races, dispatches;
    char first[256];
} heard;

static void listen(void *user, tskip_log_level level, const char *message)
{
    (void)user;
    (void)level;
    heard.dispatches += strstr(message, "dispatch ") != NULL && !strstr(message, "race");
    if (!strstr(message, "race") || heard.races++ > 0)
        return;
    snprintf(heard.first, sizeof heard.first, "%s", message);
}

struct scene {
    tskip_device *device;
    tskip_encoder *encoder;
    tskip_mask *rules, *mask; /* what fills the cells; what attention sees */
    tskip_buffer *cells, *tensors, *workspace;
    tskip_mask_tensor out;
    tskip_tile_map *map;
    tskip_plan *plan;
};

static const tskip_extent extent = {.batch = 1, .n_heads = 2, .q_len = Q, .k_len = K};

/* Attention sees `rules` (may be NULL), the cells as a tensor, or both. */
static void set_up(struct scene *s, const char *rules, bool tensor)
{
    *s = (struct scene){0};
    memset(&heard, 0, sizeof heard);
    assert_done(tskip_device_open(&(tskip_device_desc){.name = "null"}, &s->device));
    assert_done(tskip_encoder_create(s->device, NULL, &s->encoder));
    assert_done(tskip_buffer_create(s->device, Q * K * 4, &s->cells));
    assert_done(tskip_buffer_create(s->device, (uint64_t)10 * K * D * 4, &s->tensors));
    s->out = (tskip_mask_tensor){s->cells, 0, TSKIP_F32, 2, {Q, K}, {0}};
    assert_done(tskip_mask_create(s->device, &(tskip_mask_desc){.rules = "causal"}, &s->rules));
    tskip_mask_desc mask = {.rules = rules};
    if (tensor)
        mask.tensor = s->out;
    assert_done(tskip_mask_create(s->device, &mask, &s->mask));
    const tskip_attention_desc desc = {
        .extent = extent, .head_dim = D, .dtype = TSKIP_F32, .mask = s->mask};
    assert_done(tskip_plan_create(s->device, &desc, &s->plan));
    assert_done(tskip_buffer_create(s->device, tskip_plan_get_info(s->plan)->workspace_size,
                                    &s->workspace));
    const tskip_tile_map_desc map = {s->mask, extent, tskip_plan_get_info(s->plan)->tile};
    assert_done(tskip_tile_map_create(&map, &s->map));
    tskip_set_log(listen, NULL, TSKIP_LOG_DEBUG);
}

static void tear_down(struct scene *s)
{
    tskip_set_log(NULL, NULL, TSKIP_LOG_WARNING);
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

/* `output` 0 or 1: where O goes, behind Q, K and V. */
static void attend(const struct scene *s, const tskip_tile_map *map, unsigned output)
{
    const uint64_t size = (uint64_t)2 * K * D * 4;
    const tskip_attention_tensors t = {.q = {s->tensors, 0},
                                       .k = {s->tensors, size},
                                       .v = {s->tensors, 2 * size},
                                       .o = {s->tensors, (3 + output) * size},
                                       .workspace = {s->workspace, 0},
                                       .map = map};
    assert_done(tskip_attention_encode(s->plan, s->encoder, &t));
}

static void finish(const struct scene *s, unsigned dispatches, bool races)
{
    assert_done(tskip_encoder_submit(s->encoder));
    assert_done(tskip_encoder_wait(s->encoder));
    assert_int_equal(heard.dispatches, dispatches);
    if ((heard.races > 0) != races)
        fail_msg("%u races, the first: %s", heard.races, heard.first);
}

/* Attention puts its own barriers between map, order and kernel, and before it writes to a
 * workspace that the attention before may still read: two in one list, to an output each. */
static void test_attention(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        bool tensor, own_map;
    } cases[] = {
        {"causal", false, false}, {NULL, true, false}, {"causal,window=64", true, false},
        {"causal", false, true},  {NULL, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene s;
        set_up(&s, cases[i].rules, cases[i].tensor);
        const tskip_tile_map *map = cases[i].own_map ? s.map : NULL;
        if (map) {
            assert_done(tskip_tile_map_encode(s.map, s.encoder));
            assert_done(tskip_encoder_barrier(s.encoder));
        }
        attend(&s, map, 0);
        attend(&s, map, 1);
        finish(&s, map ? 1 + 2 + 2 : 3 + 3, false);
        tear_down(&s);
    }
}

/* Fill, map and attention in one encoder: with a barrier after the fill none race, and without it
 * they do. Attention begins with a barrier of its own where it uses a map. */
static void fill_map_attend(bool after_fill, bool after_map, bool races)
{
    struct scene s;
    set_up(&s, NULL, true);
    assert_done(tskip_mask_fill_encode(s.rules, &extent, &s.out, s.encoder));
    if (after_fill)
        assert_done(tskip_encoder_barrier(s.encoder));
    assert_done(tskip_tile_map_encode(s.map, s.encoder));
    if (after_map)
        assert_done(tskip_encoder_barrier(s.encoder));
    attend(&s, s.map, 0);
    finish(&s, 4, races);
    tear_down(&s);
}

static void test_fill_map_attention(void **state)
{
    (void)state;
    fill_map_attend(true, true, false);
    fill_map_attend(false, true, true);
    fill_map_attend(true, false, false);
    fill_map_attend(false, false, true);
}

/* A refused call queues nothing, so the list that is submitted is empty. */
static void test_refused_call(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s, "causal", false);
    const tskip_attention_tensors none = {.workspace = {s.workspace, 0}};
    assert_refused(tskip_attention_encode(s.plan, s.encoder, &none), TSKIP_INVALID_ARGUMENT,
                   "q.buffer is NULL");
    finish(&s, 0, false);
    tear_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_fill_map_attention),
        cmocka_unit_test(test_refused_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
