/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Encoding attention: what is refused before anything is queued, maps of another geometry, and
 * memory running out anywhere on the way. */

#include "harness/refused.h"

#include <stdio.h>
#include <stdlib.h>

#include <tileskip/attention.h>

#include "harness/failing_alloc.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { B = 2, H = 4, KV = 2, Q = 70, K = 90, D = 24, DV = 40 };

static const tskip_attention_desc usual = {
    .extent = {.batch = B, .n_heads = H, .q_len = Q, .k_len = K},
    .n_kv_heads = KV,
    .head_dim = D,
    .head_dim_v = DV,
    .dtype = TSKIP_F32,
    .sinks = true,
    .lse = true,
};

/* Everything a call needs. */
struct call {
    tskip_device *device;
    tskip_mask *mask;
    tskip_plan *plan;
    tskip_encoder *encoder;
    tskip_attention_tensors t;
};

#define TRY(call)                                                                                  \
    do {                                                                                           \
        tskip_status status_ = (call);                                                             \
        if (status_ != TSKIP_OK)                                                                   \
            return status_;                                                                        \
    } while (0)

static tskip_status make_buffer(tskip_device *device, uint64_t elements, tskip_slice *out)
{
    void *bytes;
    TRY(tskip_buffer_create(device, elements * sizeof(float), &out->buffer));
    TRY(tskip_buffer_map(out->buffer, &bytes));
    for (uint64_t i = 0; i < elements; i++)
        ((float *)bytes)[i] = (float)(i * 7 % 13) * 0.25f - 1.5f;
    return TSKIP_OK;
}

static tskip_status make_call(struct call *c, const tskip_mask_desc *mask)
{
    TRY(tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = 2}, &c->device));
    TRY(tskip_mask_create(c->device, mask, &c->mask));
    tskip_attention_desc desc = usual;
    desc.mask = c->mask;
    TRY(tskip_plan_create(c->device, &desc, &c->plan));
    TRY(make_buffer(c->device, B * H * Q * D, &c->t.q));
    TRY(make_buffer(c->device, B * KV * K * D, &c->t.k));
    TRY(make_buffer(c->device, B * KV * K * DV, &c->t.v));
    TRY(make_buffer(c->device, B * H * Q * DV, &c->t.o));
    TRY(make_buffer(c->device, B * H * Q, &c->t.lse));
    TRY(make_buffer(c->device, H, &c->t.sinks));
    TRY(tskip_buffer_create(c->device, tskip_plan_get_info(c->plan)->workspace_size,
                            &c->t.workspace.buffer));
    return tskip_encoder_create(c->device, NULL, &c->encoder);
}

static void end_call(struct call *c)
{
    tskip_slice *slices[] = {&c->t.q,   &c->t.k,     &c->t.v,        &c->t.o,
                             &c->t.lse, &c->t.sinks, &c->t.workspace};
    tskip_encoder_destroy(&c->encoder);
    for (size_t i = 0; i < COUNT(slices); i++)
        tskip_buffer_destroy(&slices[i]->buffer);
    tskip_plan_destroy(&c->plan);
    tskip_mask_destroy(&c->mask);
    tskip_device_destroy(&c->device);
}

static const tskip_mask_desc causal = {.rules = "causal"};

/* ---- slices --------------------------------------------------------------------------------- */

static void test_refused_slices(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t member;
        uint64_t bytes;
    } slices[] = {
        {"q", offsetof(tskip_attention_tensors, q), 4 * B * H * Q * D},
        {"k", offsetof(tskip_attention_tensors, k), 4 * B * KV * K * D},
        {"v", offsetof(tskip_attention_tensors, v), 4 * B * KV * K * DV},
        {"o", offsetof(tskip_attention_tensors, o), 4 * B * H * Q * DV},
        {"lse", offsetof(tskip_attention_tensors, lse), 4 * B * H * Q},
        {"sinks", offsetof(tskip_attention_tensors, sinks), 4 * H},
        {"workspace", offsetof(tskip_attention_tensors, workspace), 0},
    };
    struct call c = {0};
    tskip_device *other;
    assert_done(make_call(&c, &causal));
    assert_done(tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = 1}, &other));
    for (size_t i = 0; i < COUNT(slices); i++) {
        const uint64_t bytes =
            slices[i].bytes ? slices[i].bytes : tskip_plan_get_info(c.plan)->workspace_size;
        tskip_attention_tensors t = c.t;
        tskip_slice *slice = (tskip_slice *)((char *)&t + slices[i].member), good = *slice;
        tskip_buffer *foreign, *small;
        char text[128];
        *slice = (tskip_slice){0};
        snprintf(text, sizeof text, "%s.buffer is NULL, expected a buffer of at least %llu bytes",
                 slices[i].name, (unsigned long long)bytes);
        assert_refused(tskip_attention_encode(c.plan, c.encoder, &t), TSKIP_INVALID_ARGUMENT, text);

        assert_done(tskip_buffer_create(other, bytes, &foreign));
        slice->buffer = foreign;
        snprintf(text, sizeof text, "%s.buffer lies on device cpu", slices[i].name);
        assert_refused(tskip_attention_encode(c.plan, c.encoder, &t), TSKIP_INVALID_ARGUMENT, text);
        tskip_buffer_destroy(&foreign);

        *slice = (tskip_slice){good.buffer, 2};
        snprintf(text, sizeof text, "%s.offset is 2, expected a multiple of", slices[i].name);
        assert_refused(tskip_attention_encode(c.plan, c.encoder, &t), TSKIP_INVALID_ARGUMENT, text);

        *slice = (tskip_slice){good.buffer, 64};
        snprintf(text, sizeof text, "%s needs %llu bytes from offset 64 on, its buffer has %llu",
                 slices[i].name, (unsigned long long)bytes,
                 (unsigned long long)tskip_buffer_size(good.buffer));
        assert_refused(tskip_attention_encode(c.plan, c.encoder, &t), TSKIP_INVALID_ARGUMENT, text);
        slice->offset = UINT64_MAX - 63;
        assert_refused(tskip_attention_encode(c.plan, c.encoder, &t), TSKIP_INVALID_ARGUMENT,
                       "on, its buffer has");

        assert_done(tskip_buffer_create(c.device, bytes - 1, &small));
        *slice = (tskip_slice){small, 0};
        snprintf(text, sizeof text, "%s needs %llu bytes from offset 0 on, its buffer has %llu",
                 slices[i].name, (unsigned long long)bytes, (unsigned long long)bytes - 1);
        assert_refused(tskip_attention_encode(c.plan, c.encoder, &t), TSKIP_INVALID_ARGUMENT, text);
        tskip_buffer_destroy(&small);
    }
    tskip_device_destroy(&other);
    end_call(&c);
}

/* What counts is where a slice lies in memory, not its own offset alone. */
static void test_misplaced_slices(void **state)
{
    (void)state;
    struct call c = {0};
    assert_done(make_call(&c, &causal));
    const uint64_t bytes = 4 * B * H * Q * D;
    char *memory = calloc(1, bytes + 128);
    assert_non_null(memory);
    tskip_buffer *imported, *view;
    assert_done(tskip_buffer_import(c.device, memory + 1, bytes + 64, &imported));
    const uint32_t past = (uint32_t)((uintptr_t)(memory + 1) % 64);
    assert_int_equal(tskip_buffer_misalignment(imported), past);
    tskip_attention_tensors t = c.t;
    t.q = (tskip_slice){imported, 0};
    assert_refused(tskip_attention_encode(c.plan, c.encoder, &t), TSKIP_INVALID_ARGUMENT,
                   "q.offset is 0 in a buffer that begins");
    t.q.offset = 3; /* 4 in all */
    assert_done(tskip_attention_encode(c.plan, c.encoder, &t));
    for (uint64_t at = 1; at < 4; at++) {
        assert_done(tskip_buffer_view(imported, at, bytes + 32, &view));
        assert_int_equal(tskip_buffer_misalignment(view), (past + at) % 64);
        t.q = (tskip_slice){view, 0};
        tskip_status status = tskip_attention_encode(c.plan, c.encoder, &t);
        assert_int_equal(status, at == 3 ? TSKIP_OK : TSKIP_INVALID_ARGUMENT);
        tskip_buffer_destroy(&view);
    }
    tskip_buffer_destroy(&imported);
    end_call(&c);
    free(memory);
}

/* What the plan has no use for is refused, not ignored. */
static void test_unused_slices(void **state)
{
    (void)state;
    struct call c = {0};
    tskip_plan *plan;
    assert_done(make_call(&c, &causal));
    tskip_attention_desc desc = tskip_plan_get_info(c.plan)->desc;
    desc.lse = desc.sinks = false;
    assert_done(tskip_plan_create(c.device, &desc, &plan));
    tskip_attention_tensors t = c.t;
    assert_refused(tskip_attention_encode(plan, c.encoder, &t), TSKIP_INVALID_ARGUMENT,
                   "lse.buffer is given, expected NULL");
    t.lse = (tskip_slice){0};
    assert_refused(tskip_attention_encode(plan, c.encoder, &t), TSKIP_INVALID_ARGUMENT,
                   "sinks.buffer is given, expected NULL");
    t.sinks = (tskip_slice){0};
    assert_done(tskip_attention_encode(plan, c.encoder, &t));
    tskip_plan_destroy(&plan); /* its commands do not need it */
    assert_done(tskip_encoder_submit(c.encoder));
    assert_done(tskip_encoder_wait(c.encoder));
    end_call(&c);
}

static void test_refused_calls(void **state)
{
    (void)state;
    struct call c = {0}, elsewhere = {0};
    const tskip_status bad = TSKIP_INVALID_ARGUMENT;
    assert_done(make_call(&c, &causal));
    assert_done(make_call(&elsewhere, &causal));
    assert_refused(tskip_attention_encode(NULL, c.encoder, &c.t), bad, "plan is NULL");
    assert_refused(tskip_attention_encode(c.plan, NULL, &c.t), bad, "encoder is NULL");
    assert_refused(tskip_attention_encode(c.plan, c.encoder, NULL), bad, "tensors is NULL");
    assert_refused(tskip_attention_encode(c.plan, elsewhere.encoder, &c.t), bad,
                   "encoder is of another device than the plan");
    assert_refused(tskip_attention_run(NULL, &usual, &c.t), bad, "device is NULL");
    assert_refused(tskip_attention_run(c.device, NULL, &c.t), bad, "desc is NULL");
    assert_refused(tskip_attention_run(c.device, &usual, NULL), bad, "tensors is NULL");
    assert_done(tskip_attention_encode(c.plan, c.encoder, &c.t));
    assert_done(tskip_encoder_submit(c.encoder));
    assert_refused(tskip_attention_encode(c.plan, c.encoder, &c.t), bad, "encoder was submitted");
    assert_done(tskip_encoder_wait(c.encoder));
    assert_refused(tskip_attention_encode(c.plan, c.encoder, &c.t), bad, "encoder was submitted");
    assert_done(tskip_encoder_reset(c.encoder));
    assert_done(tskip_attention_encode(c.plan, c.encoder, &c.t));
    end_call(&c);
    end_call(&elsewhere);
}

/* A refused call leaves an encoder that does nothing. */
static void test_nothing_queued(void **state)
{
    (void)state;
    struct call c = {0};
    assert_done(make_call(&c, &causal));
    const size_t size = tskip_buffer_size(c.t.o.buffer);
    void *o;
    uint8_t *before = malloc(size);
    assert_non_null(before);
    assert_done(tskip_buffer_map(c.t.o.buffer, &o));
    memcpy(before, o, size);
    tskip_attention_tensors t = c.t;
    t.sinks.offset = 1;
    assert_refused(tskip_attention_encode(c.plan, c.encoder, &t), TSKIP_INVALID_ARGUMENT, "sinks");
    assert_done(tskip_encoder_submit(c.encoder));
    assert_done(tskip_encoder_wait(c.encoder));
    assert_memory_equal(o, before, size);
    free(before);
    end_call(&c);
}

/* All tensors in one buffer, one behind the other, and once more through views of it: the same
 * bytes as in buffers of their own. */
static void test_offsets(void **state)
{
    (void)state;
    struct call c = {0};
    assert_done(make_call(&c, &causal));
    tskip_slice *slices[] = {&c.t.q, &c.t.k, &c.t.v, &c.t.o, &c.t.lse, &c.t.sinks, &c.t.workspace};
    tskip_attention_tensors together = {0}, views = {0};
    tskip_buffer *whole;
    uint64_t at = 192, size = 1 << 20;
    assert_done(tskip_buffer_create(c.device, size, &whole));
    for (size_t i = 0; i < COUNT(slices); i++) {
        const size_t member = (size_t)((char *)slices[i] - (char *)&c.t);
        tskip_slice *in = (tskip_slice *)((char *)&together + member);
        tskip_slice *view = (tskip_slice *)((char *)&views + member);
        const uint64_t bytes = tskip_buffer_size(slices[i]->buffer);
        void *from;
        assert_true(at + bytes <= size);
        assert_done(tskip_buffer_map(slices[i]->buffer, &from));
        assert_done(tskip_buffer_write(whole, at, from, bytes));
        *in = (tskip_slice){whole, at};
        assert_done(tskip_buffer_view(whole, at - 64, bytes + 64, &view->buffer));
        view->offset = 64;
        at += (bytes + 127) / 64 * 64;
    }
    const tskip_attention_tensors *calls[] = {&c.t, &together, &views};
    const uint64_t o_bytes = 4 * B * H * Q * DV, lse_bytes = 4 * B * H * Q;
    static uint8_t out[3][4 * B * H * Q * (DV + 1)];
    for (int i = 0; i < 3; i++) {
        assert_done(tskip_attention_encode(c.plan, c.encoder, calls[i]));
        assert_done(tskip_encoder_submit(c.encoder));
        assert_done(tskip_encoder_wait(c.encoder));
        assert_done(tskip_encoder_reset(c.encoder));
        assert_done(tskip_buffer_read(calls[i]->o.buffer, calls[i]->o.offset, out[i], o_bytes));
        assert_done(tskip_buffer_read(calls[i]->lse.buffer, calls[i]->lse.offset, out[i] + o_bytes,
                                      lse_bytes));
        assert_memory_equal(out[i], out[0], sizeof out[0]);
    }
    for (size_t i = 0; i < COUNT(slices); i++) {
        const size_t member = (size_t)((char *)slices[i] - (char *)&c.t);
        tskip_buffer_destroy(&((tskip_slice *)((char *)&views + member))->buffer);
    }
    tskip_buffer_destroy(&whole);
    end_call(&c);
}

/* The one plane of `mask`, every tile called MIXED. */
static tskip_status make_mixed_map(const struct call *c, const tskip_mask *mask,
                                   tskip_tile_map **out)
{
    static uint8_t classes[Q * K];
    memset(classes, TSKIP_TILE_MIXED, sizeof classes);
    tskip_tile_map_desc desc = {mask, usual.extent, tskip_plan_get_info(c->plan)->tile};
    return tskip_tile_map_from_bytes(c->device, &desc, 1, 1, classes, sizeof classes, out);
}

/* No mask, empty rules, and rules that hide nothing are the same, FULL tiles called MIXED or not.
 */
static void test_masks_that_hide_nothing(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "",          "klen=90", "kstart=0",         "segments=90",
        "window=90", "sink=9",  "causal,prefix=90", "alibi=0/0/0/0"};
    static uint8_t out[COUNT(rules) + 1][4 * B * H * Q * DV];
    struct call c = {0};
    assert_done(make_call(&c, &causal));
    for (size_t i = 0; i <= COUNT(rules); i++) {
        tskip_attention_desc desc = usual;
        tskip_mask *mask = NULL;
        if (i > 0)
            assert_done(
                tskip_mask_create(c.device, &(tskip_mask_desc){.rules = rules[i - 1]}, &mask));
        desc.mask = mask;
        assert_done(tskip_attention_run(c.device, &desc, &c.t));
        assert_done(tskip_buffer_read(c.t.o.buffer, 0, out[i], sizeof out[i]));
        if (memcmp(out[i], out[0], sizeof out[0]) != 0)
            fail_msg("rules \"%s\" change the output", rules[i - 1]);
        if (i > 0) {
            tskip_attention_tensors mixed = c.t;
            tskip_tile_map *map;
            assert_done(make_mixed_map(&c, mask, &map));
            mixed.map = map;
            assert_done(tskip_attention_run(c.device, &desc, &mixed));
            assert_done(tskip_buffer_read(c.t.o.buffer, 0, out[i], sizeof out[i]));
            if (memcmp(out[i], out[0], sizeof out[0]) != 0)
                fail_msg("rules \"%s\", all MIXED, change the output", rules[i - 1]);
            tskip_tile_map_destroy(&map);
        }
        tskip_mask_destroy(&mask);
    }
    end_call(&c);
}

/* ---- maps ----------------------------------------------------------------------------------- */

static void refuse_map(struct call *c, const tskip_mask *mask, tskip_extent extent, tskip_tile tile,
                       const char *error)
{
    tskip_tile_map *map;
    const tskip_tile_map_desc desc = {mask, extent, tile};
    assert_done(tskip_tile_map_build(&desc, &map));
    tskip_attention_tensors t = c->t;
    t.map = map;
    assert_refused(tskip_attention_encode(c->plan, c->encoder, &t), TSKIP_INVALID_ARGUMENT, error);
    tskip_tile_map_destroy(&map);
}

/* Whatever the map was built from but the plan's own is refused, and the difference named. */
static void test_map_of_another_geometry(void **state)
{
    (void)state;
    struct call c = {0};
    assert_done(make_call(&c, &causal));
    const tskip_tile tile = tskip_plan_get_info(c.plan)->tile;
    const struct {
        tskip_extent extent;
        tskip_tile tile;
        const char *error;
    } cases[] = {
        {{B, H, Q + 1, K, 0, 0}, tile, "built for q_len = 71, expected 70 as in the plan"},
        {{B, H, Q, K - 1, 0, 0}, tile, "built for k_len = 89, expected 90"},
        {{B, H, Q, K, 1, 0}, tile, "built for q_offset = 1, expected 0"},
        {{B, H, Q, K, TSKIP_OFFSET_END, 0}, tile, "built for q_offset = 20, expected 0"},
        {{B, H, Q, K, 0, 3}, tile, "built for k_offset = 3, expected 0"},
        {{B, H, Q, K, 0, 0}, {tile.bq + 1, tile.bk}, "built for tile.bq = "},
        {{B, H, Q, K, 0, 0}, {tile.bq, 2 * tile.bk}, "built for tile.bk = "},
        {{B, H, Q, K, 0, 0}, {tile.bk, tile.bq}, "built for tile.b"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        refuse_map(&c, c.mask, cases[i].extent, cases[i].tile, cases[i].error);
    static const char *const rules[] = {
        "",
        "causal,window=50",
        "causal,sink=1",
        "causal,images=3:5",
        "causal,klen=90",
        "causal,kstart=1",
        "causal,segments=90",
        "causal,prefix=2",
        "chunk=7",
        "symmetric=4",
        "causal,alibi=1/2/3/4",
    };
    for (size_t i = 0; i < COUNT(rules); i++) {
        tskip_mask *mask;
        assert_done(tskip_mask_create(c.device, &(tskip_mask_desc){.rules = rules[i]}, &mask));
        refuse_map(&c, mask, usual.extent, tile, "built from other mask rules than the plan's");
        tskip_mask_destroy(&mask);
    }
    /* The same rules by value are the same, whoever holds them. */
    tskip_mask *twin;
    tskip_tile_map *map;
    assert_done(tskip_mask_create(c.device, &causal, &twin));
    const tskip_tile_map_desc desc = {twin, usual.extent, tile};
    assert_done(tskip_tile_map_build(&desc, &map));
    tskip_attention_tensors t = c.t;
    t.map = map;
    assert_done(tskip_attention_encode(c.plan, c.encoder, &t));
    /* Without a mask there is nothing that a map could be of. */
    tskip_plan *open;
    assert_done(tskip_plan_create(c.device, &usual, &open));
    assert_refused(tskip_attention_encode(open, c.encoder, &t), TSKIP_INVALID_ARGUMENT,
                   "map is given, expected NULL");
    tskip_plan_destroy(&open);
    tskip_tile_map_destroy(&map);
    tskip_mask_destroy(&twin);
    end_call(&c);
}

static void test_map_of_another_tensor(void **state)
{
    (void)state;
    static float cells[B * H * Q * (K + 1) + 64], others[Q * K];
    tskip_device *device;
    tskip_buffer *buffer, *other;
    assert_done(tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = 2}, &device));
    assert_done(tskip_buffer_import(device, cells, sizeof cells, &buffer));
    assert_done(tskip_buffer_import(device, others, sizeof others, &other));
    const tskip_mask_tensor first = {buffer, 0, TSKIP_F32, 2, {Q, K}, {0}};
    const struct {
        tskip_mask_desc mask;
        const char *error;
    } cases[] = {
        {{.tensor = {other, 0, TSKIP_F32, 2, {Q, K}, {0}}}, "other mask tensor (buffer)"},
        {{.tensor = {buffer, 64, TSKIP_F32, 2, {Q, K}, {0}}}, "other mask tensor (offset)"},
        {{.tensor = {buffer, 0, TSKIP_BF16, 2, {Q, K}, {0}}}, "other mask tensor (dtype)"},
        {{.tensor = {buffer, 0, TSKIP_F32, 2, {Q, K}, {K + 1, 1}}}, "mask tensor (strides)"},
        {{.tensor = {buffer, 0, TSKIP_F32, 2, {1, K}, {0}}}, "other mask tensor (shape)"},
        {{.tensor = {buffer, 0, TSKIP_F32, 4, {B, 1, Q, K}, {0}}}, "planes_batch = 2, expected 1"},
        {{.tensor = {buffer, 0, TSKIP_F32, 4, {1, H, Q, K}, {0}}}, "planes_head = 4, expected 1"},
        {{.tensor = first, .rules = "causal"}, "other mask rules"},
        {{.rules = "causal"}, "other mask rules"},
    };
    struct call c = {.device = device};
    tskip_attention_desc desc = usual;
    assert_done(tskip_mask_create(device, &(tskip_mask_desc){.tensor = first}, &c.mask));
    desc.mask = c.mask;
    desc.sinks = desc.lse = false;
    assert_done(tskip_plan_create(device, &desc, &c.plan));
    assert_done(make_buffer(device, B * H * Q * D, &c.t.q));
    assert_done(make_buffer(device, B * KV * K * D, &c.t.k));
    assert_done(make_buffer(device, B * KV * K * DV, &c.t.v));
    assert_done(make_buffer(device, B * H * Q * DV, &c.t.o));
    assert_done(make_buffer(device, tskip_plan_get_info(c.plan)->workspace_size, &c.t.workspace));
    assert_done(tskip_encoder_create(device, NULL, &c.encoder));
    for (size_t i = 0; i < COUNT(cases); i++) {
        tskip_mask *mask;
        assert_done(tskip_mask_create(device, &cases[i].mask, &mask));
        refuse_map(&c, mask, usual.extent, tskip_plan_get_info(c.plan)->tile, cases[i].error);
        tskip_mask_destroy(&mask);
    }
    tskip_device_retain(device);
    end_call(&c);
    tskip_buffer_destroy(&buffer);
    tskip_buffer_destroy(&other);
    tskip_device_destroy(&device);
}

static void test_map_of_another_device(void **state)
{
    (void)state;
    struct call c = {0}, elsewhere = {0};
    tskip_tile_map *map;
    assert_done(make_call(&c, &causal));
    assert_done(make_call(&elsewhere, &causal));
    const tskip_tile_map_desc desc = {elsewhere.mask, usual.extent,
                                      tskip_plan_get_info(c.plan)->tile};
    assert_done(tskip_tile_map_build(&desc, &map));
    tskip_attention_tensors t = c.t;
    t.map = map;
    assert_refused(tskip_attention_encode(c.plan, c.encoder, &t), TSKIP_INVALID_ARGUMENT,
                   "expected one made on this opening");
    assert_refused(tskip_tile_map_encode(map, c.encoder), TSKIP_INVALID_ARGUMENT, "device");
    tskip_tile_map_destroy(&map);
    end_call(&c);
    end_call(&elsewhere);
}

/* ---- memory --------------------------------------------------------------------------------- */

static tskip_status run_once(struct call *c)
{
    static float cells[Q * K];
    tskip_buffer *tensor = NULL;
    tskip_tile_map *map = NULL;
    tskip_mask *combined = NULL;
    TRY(make_call(c, &causal));
    TRY(tskip_buffer_import(c->device, cells, sizeof cells, &tensor));
    const tskip_mask_desc both = {.rules = "causal,images=3:9+20:40,segments=50+40/30+60",
                                  .tensor = {tensor, 0, TSKIP_F32, 2, {Q, K}, {0}}};
    tskip_status status = tskip_mask_create(c->device, &both, &combined);
    tskip_buffer_destroy(&tensor);
    TRY(status);
    const tskip_tile_map_desc desc = {combined, usual.extent, {16, 16}};
    uint64_t pairs;
    status = tskip_tile_map_build(&desc, &map);
    if (status == TSKIP_OK)
        status = tskip_mask_count_pairs(combined, &usual.extent, &pairs, NULL);
    tskip_tile_map_destroy(&map);
    tskip_mask_destroy(&combined);
    TRY(status);
    TRY(tskip_attention_encode(c->plan, c->encoder, &c->t));
    TRY(tskip_encoder_submit(c->encoder));
    TRY(tskip_encoder_wait(c->encoder));
    tskip_attention_desc one_shot = usual;
    one_shot.mask = c->mask;
    return tskip_attention_run(c->device, &one_shot, &c->t);
}

static tskip_status whole_run(void *context)
{
    (void)context;
    struct call c = {0};
    tskip_status status = run_once(&c);
    end_call(&c);
    return status;
}

static void test_every_allocation_fails(void **state)
{
    (void)state;
    size_t n = failing_alloc_sweep(whole_run, NULL);
    printf("%zu allocations, each failed once alone and once with all after it\n", n);
    assert_true(n > 40);
}

/* Memory runs out at each of attention's commands in turn, the list before it growing by one fill a
 * time: nothing of attention may stay. */
static void test_all_or_nothing(void **state)
{
    (void)state;
    enum { LONGEST = 400 };
    size_t failures = 0, live, faults;
    failing_alloc_install(FAILING_ALLOC_NEVER, false);
    struct call c = {0};
    assert_int_equal(make_call(&c, &causal), TSKIP_OK);
    const uint64_t size = tskip_plan_get_info(c.plan)->workspace_size;
    unsigned char *bytes;
    assert_int_equal(tskip_buffer_map(c.t.workspace.buffer, (void **)&bytes), TSKIP_OK);
    for (int n = 0; n < LONGEST; n++) {
        tskip_encoder_destroy(&c.encoder);
        assert_int_equal(tskip_encoder_create(c.device, NULL, &c.encoder), TSKIP_OK);
        for (int i = 0; i < n; i++)
            assert_int_equal(tskip_encoder_fill(c.encoder, c.t.lse.buffer, 0, 4, 1), TSKIP_OK);
        const uint64_t before = tskip_encoder_mark(c.encoder);
        failing_alloc_arm(0, true);
        tskip_status status = tskip_attention_encode(c.plan, c.encoder, &c.t);
        failing_alloc_arm(FAILING_ALLOC_NEVER, false);
        if (status == TSKIP_OK)
            continue;
        assert_int_equal(status, TSKIP_OUT_OF_MEMORY);
        failures++;
        assert_int_equal(tskip_encoder_mark(c.encoder), before);
        memset(bytes, 0x5A, (size_t)size);
        assert_int_equal(tskip_encoder_submit(c.encoder), TSKIP_OK);
        for (uint64_t i = 0; i < size; i++)
            assert_int_equal(bytes[i], 0x5A);
    }
    end_call(&c);
    (void)failing_alloc_remove(&live, &faults);
    assert_int_equal(live + faults, 0);
    assert_true(failures > 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_slices),
        cmocka_unit_test(test_misplaced_slices),
        cmocka_unit_test(test_unused_slices),
        cmocka_unit_test(test_refused_calls),
        cmocka_unit_test(test_nothing_queued),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_masks_that_hide_nothing),
        cmocka_unit_test(test_map_of_another_geometry),
        cmocka_unit_test(test_map_of_another_tensor),
        cmocka_unit_test(test_map_of_another_device),
        cmocka_unit_test(test_every_allocation_fails),
        cmocka_unit_test(test_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
