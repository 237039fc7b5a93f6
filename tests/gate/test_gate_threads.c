/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* What must not show in the output: who else runs, whose threads they are, in which order groups
 * come, how the caller rounds. One plan, mask and map are shared by all. */

#include "harness/refused.h"

#include <fenv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <tileskip/attention.h>

#include "harness/rungs.h"

enum { B = 2, H = 4, KV = 2, Q = 130, K = 150, D = 40, CALLERS = 4, ROUNDS = 3 };
#define N_Q ((size_t)B * H * Q * D)
#define N_K ((size_t)B * KV * K * D)

struct scene {
    tskip_device *device;
    tskip_buffer *q, *k, *v;
    tskip_mask *mask;
    tskip_plan *plan;
    tskip_tile_map *map;
};

static tskip_buffer *random_bf16(tskip_device *device, size_t n, uint32_t seed)
{
    tskip_buffer *buffer;
    void *bytes;
    assert_done(tskip_buffer_create(device, n * 2, &buffer));
    assert_done(tskip_buffer_map(buffer, &bytes));
    for (size_t i = 0; i < n; i++) { /* 1 … 4 in size, both signs */
        seed = seed * 1664525u + 1013904223u;
        ((uint16_t *)bytes)[i] = (uint16_t)((seed >> 16 & 0x80FF) | 0x3F80);
    }
    return buffer;
}

static void set_up(struct scene *s, const tskip_device_desc *desc)
{
    assert_done(tskip_device_open(desc, &s->device));
    s->q = random_bf16(s->device, N_Q, 1);
    s->k = random_bf16(s->device, N_K, 2);
    s->v = random_bf16(s->device, N_K, 3);
    const tskip_mask_desc mask = {.rules = "causal,window=70,images=20:60/90:100,sink=3"};
    assert_done(tskip_mask_create(s->device, &mask, &s->mask));
    const tskip_attention_desc problem = {
        .extent = {.batch = B, .n_heads = H, .q_len = Q, .k_len = K},
        .n_kv_heads = KV,
        .head_dim = D,
        .dtype = TSKIP_BF16,
        .mask = s->mask,
    };
    assert_done(tskip_plan_create(s->device, &problem, &s->plan));
    const tskip_tile_map_desc map = {s->mask, problem.extent, tskip_plan_get_info(s->plan)->tile};
    assert_done(tskip_tile_map_build(&map, &s->map));
}

static void tear_down(struct scene *s)
{
    tskip_tile_map_destroy(&s->map);
    tskip_plan_destroy(&s->plan);
    tskip_mask_destroy(&s->mask);
    tskip_buffer_destroy(&s->q);
    tskip_buffer_destroy(&s->k);
    tskip_buffer_destroy(&s->v);
    tskip_device_destroy(&s->device);
}

static tskip_status attend(const struct scene *s, const tskip_tile_map *map, uint16_t *out)
{
    tskip_attention_tensors t = {.q = {s->q, 0}, .k = {s->k, 0}, .v = {s->v, 0}, .map = map};
    tskip_encoder *encoder = NULL;
    tskip_status status = tskip_buffer_create(
        s->device, tskip_plan_get_info(s->plan)->workspace_size, &t.workspace.buffer);
    if (status == TSKIP_OK)
        status = tskip_buffer_import(s->device, out, N_Q * 2, &t.o.buffer);
    if (status == TSKIP_OK)
        status = tskip_encoder_create(s->device, NULL, &encoder);
    if (status == TSKIP_OK)
        status = tskip_attention_encode(s->plan, encoder, &t);
    if (status == TSKIP_OK)
        status = tskip_encoder_submit(encoder);
    if (status == TSKIP_OK)
        status = tskip_encoder_wait(encoder);
    tskip_encoder_destroy(&encoder);
    tskip_buffer_destroy(&t.o.buffer);
    tskip_buffer_destroy(&t.workspace.buffer);
    return status;
}

static uint16_t expected[B * H * Q * D];

struct caller {
    const struct scene *scene;
    int number, differ;
    tskip_status status;
};

static void *call_often(void *context)
{
    struct caller *c = context;
    uint16_t *out = malloc(N_Q * 2);
    for (int i = 0; i < ROUNDS && out && c->status == TSKIP_OK; i++) {
        memset(out, 0xff, N_Q * 2);
        c->status = attend(c->scene, (c->number + i) % 2 ? c->scene->map : NULL, out);
        c->differ += memcmp(out, expected, N_Q * 2) != 0;
    }
    c->differ += out == NULL;
    free(out);
    return NULL;
}

static void test_callers_at_once(void **state)
{
    (void)state;
    struct scene s;
    struct caller callers[CALLERS];
    pthread_t threads[CALLERS];
    set_up(&s, &(tskip_device_desc){.name = "cpu", .threads = 2});
    assert_done(attend(&s, s.map, expected));
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.scene = &s, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].status, TSKIP_OK);
        assert_int_equal(callers[i].differ, 0);
    }
    tear_down(&s);
}

/* A pool of the caller's that takes the tasks backwards, one by one. */
static void backwards(void *user, uint32_t n_tasks, tskip_task_fn task, void *context)
{
    (void)user;
    while (n_tasks-- > 0)
        task(context, n_tasks);
}

static void test_callers_pool(void **state)
{
    (void)state;
    static uint16_t out[B * H * Q * D];
    struct scene s;
    set_up(&s, &(tskip_device_desc){.name = "cpu", .threads = 5, .parallel_for = backwards});
    assert_done(attend(&s, NULL, out));
    assert_memory_equal(out, expected, sizeof out);
    tear_down(&s);
}

/* The caller's rounding is neither used nor lost, on any rung. */
static void test_callers_rounding(void **state)
{
    (void)state;
    static const int MODES[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    static uint16_t out[2][B * H * Q * D];
    rungs all;
    rungs_open(&all, 2);
    for (size_t r = 0; r < all.n; r++) {
        struct scene s;
        const char *name = tskip_device_get_info(all.devices[r])->name;
        set_up(&s, &(tskip_device_desc){.name = name, .threads = 2});
        assert_done(attend(&s, NULL, out[0]));
        for (size_t i = 0; i < sizeof MODES / sizeof MODES[0]; i++) {
            assert_int_equal(fesetround(MODES[i]), 0);
            tskip_status status = attend(&s, NULL, out[1]);
            const int after = fegetround();
            fesetround(FE_TONEAREST);
            assert_done(status);
            assert_int_equal(after, MODES[i]);
            assert_memory_equal(out[1], out[0], sizeof out[0]);
        }
        tear_down(&s);
    }
    rungs_close(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callers_at_once),
        cmocka_unit_test(test_callers_pool),
        cmocka_unit_test(test_callers_rounding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
