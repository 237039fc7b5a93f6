/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The barriers between fill, map, order and attention, seen by the null device, which runs nothing
 * and tells of every two commands that touch the same bytes with no barrier between. (The CPU runs
 * commands one after the other and would not mind a missing one.) */

#include "harness/masked_scene.h"
#include "harness/refused.h"

#include <stdio.h>

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

/* Attention sees `rules` (may be NULL), the cells as a tensor, or both. */
static void set_up(masked_scene *s, const char *rules, bool tensor)
{
    memset(&heard, 0, sizeof heard);
    const masked_scene_desc desc = {
        .device = "null",
        .extent = {.batch = 1, .n_heads = 2, .q_len = Q, .k_len = K},
        .head_dim = D,
        .fill = "causal",
        .rules = rules,
        .tensor = tensor,
    };
    masked_scene_set_up(s, &desc);
    tskip_set_log(listen, NULL, TSKIP_LOG_DEBUG);
}

static void tear_down(masked_scene *s)
{
    tskip_set_log(NULL, NULL, TSKIP_LOG_WARNING);
    masked_scene_tear_down(s);
}

static void finish(const masked_scene *s, unsigned dispatches, bool races)
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
        masked_scene s;
        set_up(&s, cases[i].rules, cases[i].tensor);
        const tskip_tile_map *map = cases[i].own_map ? s.map : NULL;
        if (map) {
            assert_done(tskip_tile_map_encode(s.map, s.encoder));
            assert_done(tskip_encoder_barrier(s.encoder));
        }
        assert_done(masked_scene_attend(&s, map, 0));
        assert_done(masked_scene_attend(&s, map, 1));
        finish(&s, map ? 1 + 2 + 2 : 3 + 3, false);
        tear_down(&s);
    }
}

/* Fill, map and attention in one encoder: with a barrier after the fill none race, and without it
 * they do. Attention begins with a barrier of its own where it uses a map. */
static void fill_map_attend(bool after_fill, bool after_map, bool races)
{
    masked_scene s;
    set_up(&s, NULL, true);
    assert_done(tskip_mask_fill_encode(s.rules, &s.extent, &s.out, s.encoder));
    if (after_fill)
        assert_done(tskip_encoder_barrier(s.encoder));
    assert_done(tskip_tile_map_encode(s.map, s.encoder));
    if (after_map)
        assert_done(tskip_encoder_barrier(s.encoder));
    assert_done(masked_scene_attend(&s, s.map, 0));
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
    masked_scene s;
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
