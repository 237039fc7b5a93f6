/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* That the commands of attention have every barrier they need, which neither the CPU nor CUDA would
 * show: they are encoded for the null device, which warns of each lacking one. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <tileskip/tileskip.h>

enum { HEADS = 2, TOKENS = 300, DIM = 32 };

typedef struct problem {
    const char *rules;
    bool tensor, own_map;
} problem;

typedef struct heard {
    int dispatches, warnings;
    char last_warning[256];
} heard;

static void hear(void *user, tskip_log_level level, const char *message)
{
    heard *h = user;
    h->dispatches += strncmp(message, "null: dispatch", 14) == 0;
    if (level != TSKIP_LOG_WARNING)
        return;
    h->warnings++;
    strncpy(h->last_warning, message, sizeof h->last_warning - 1);
}

static void ok(tskip_status status)
{
    if (status != TSKIP_OK)
        fail_msg("%s: %s", tskip_status_name(status), tskip_last_error());
}

typedef struct objects {
    tskip_device *device;
    tskip_mask *mask;
    tskip_plan *plan;
    tskip_tile_map *map;
    tskip_encoder *encoder;
    tskip_buffer *cells, *q, *k, *v, *o[2], *workspace;
} objects;

static void make(const problem *p, objects *o)
{
    const uint64_t bytes = (uint64_t)HEADS * TOKENS * DIM * sizeof(float);
    ok(tskip_device_open(&(tskip_device_desc){.name = "null"}, &o->device));
    tskip_buffer **const tensors[] = {&o->q, &o->k, &o->v, &o->o[0], &o->o[1]};
    for (int i = 0; i < 5; i++)
        ok(tskip_buffer_create(o->device, bytes, tensors[i]));
    tskip_mask_desc mask = {.rules = p->rules};
    if (p->tensor) {
        ok(tskip_buffer_create(o->device, 2 * TOKENS * TOKENS, &o->cells));
        mask.tensor = (tskip_mask_tensor){
            .buffer = o->cells, .dtype = TSKIP_BF16, .rank = 2, .shape = {TOKENS, TOKENS}};
    }
    ok(tskip_mask_create(o->device, &mask, &o->mask));
    const tskip_attention_desc desc = {
        .extent = {.n_heads = HEADS, .q_len = TOKENS, .k_len = TOKENS},
        .head_dim = DIM,
        .dtype = TSKIP_F32,
        .mask = o->mask,
    };
    ok(tskip_plan_create(o->device, &desc, &o->plan));
    const tskip_plan_info *info = tskip_plan_get_info(o->plan);
    ok(tskip_buffer_create(o->device, info->workspace_size, &o->workspace));
    if (p->own_map) {
        const tskip_tile_map_desc map = {o->mask, desc.extent, info->tile};
        ok(tskip_tile_map_create(&map, &o->map));
    }
    ok(tskip_encoder_create(o->device, NULL, &o->encoder));
}

static void destroy(objects *o)
{
    tskip_encoder_destroy(&o->encoder);
    tskip_tile_map_destroy(&o->map);
    tskip_plan_destroy(&o->plan);
    tskip_mask_destroy(&o->mask);
    tskip_buffer *const buffers[] = {o->cells, o->q, o->k, o->v, o->o[0], o->o[1], o->workspace};
    for (int i = 0; i < 7; i++) {
        tskip_buffer *buffer = buffers[i];
        tskip_buffer_destroy(&buffer);
    }
    tskip_device_destroy(&o->device);
}

/* Two attentions in one list with one workspace, the second with another output. */
static void encode_twice(const problem *p, heard *h)
{
    objects o = {0};
    make(p, &o);
    tskip_set_log(hear, h, TSKIP_LOG_DEBUG);
    if (o.map) {
        ok(tskip_tile_map_encode(o.map, o.encoder));
        ok(tskip_encoder_barrier(o.encoder));
    }
    for (int i = 0; i < 2; i++) {
        const tskip_attention_tensors tensors = {.q = {o.q},
                                                 .k = {o.k},
                                                 .v = {o.v},
                                                 .o = {o.o[i]},
                                                 .workspace = {o.workspace},
                                                 .map = o.map};
        ok(tskip_attention_encode(o.plan, o.encoder, &tensors));
    }
    ok(tskip_encoder_submit(o.encoder));
    ok(tskip_encoder_wait(o.encoder));
    tskip_set_log(NULL, NULL, TSKIP_LOG_WARNING);
    destroy(&o);
}

static void test_no_race(void **state)
{
    (void)state;
    static const problem problems[] = {
        {"causal", false, false}, {NULL, true, false}, {"causal,window=64", true, false},
        {"causal", false, true},  {NULL, true, true},
    };
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
        heard h = {0};
        encode_twice(&problems[i], &h);
        if (h.warnings > 0)
            fail_msg("problem %zu: %s", i, h.last_warning);
        assert_true(h.dispatches >= (problems[i].own_map ? 7 : 8));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_race)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
