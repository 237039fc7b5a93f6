/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Masks as objects: tensors of every type, broadcast and stride, what the fill writes, and all that
 * is refused. */

#include "harness/refused.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <tileskip/attention.h>

#include "harness/rungs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static rungs all;
static tskip_device *device; /* all's first */

static tskip_buffer *import(void *memory, uint64_t size)
{
    tskip_buffer *buffer;
    assert_done(tskip_buffer_import(device, memory, size, &buffer));
    return buffer;
}

static void run_fill(const tskip_mask *mask, const tskip_extent *extent,
                     const tskip_mask_tensor *out)
{
    tskip_encoder *encoder;
    assert_done(tskip_encoder_create(tskip_buffer_get_device(out->buffer), NULL, &encoder));
    assert_done(tskip_mask_fill_encode(mask, extent, out, encoder));
    assert_done(tskip_encoder_submit(encoder));
    assert_done(tskip_encoder_wait(encoder));
    tskip_encoder_destroy(&encoder);
}

/* One tile over all the cells given. */
static uint8_t classify(tskip_device *on, tskip_dtype dtype, const void *cells, int64_t n)
{
    tskip_buffer *buffer;
    tskip_mask *mask;
    tskip_tile_map *map;
    uint8_t class;
    assert_done(tskip_buffer_create(on, (uint64_t)n * tskip_dtype_size(dtype), &buffer));
    assert_done(tskip_buffer_write(buffer, 0, cells, (uint64_t)n * tskip_dtype_size(dtype)));
    const tskip_mask_desc desc = {.tensor = {buffer, 0, dtype, 2, {1, n}, {0}}};
    assert_done(tskip_mask_create(on, &desc, &mask));
    const tskip_tile_map_desc tile = {mask, {.q_len = 1, .k_len = n}, {8, (uint32_t)n}};
    assert_done(tskip_tile_map_build(&tile, &map));
    assert_done(tskip_tile_map_read(map, &class, 1));
    tskip_tile_map_destroy(&map);
    tskip_mask_destroy(&mask);
    tskip_buffer_destroy(&buffer);
    return class;
}

/* Each sentinel and its neighbours, in every type, alone and among masked and zero cells; 77 cells
 * put it into the vector part and into the rest of a scan. */
static void test_sentinels(void **state)
{
    (void)state;
    static const struct {
        tskip_dtype dtype;
        uint32_t bits;
        uint8_t class; /* of a tile of it alone */
    } cases[] = {
        {TSKIP_F32, 0xFF800000, 0}, /* -inf */
        {TSKIP_F32, 0xFF7FFFFF, 0}, /* -FLT_MAX */
        {TSKIP_F32, 0xF149F2CA, 0}, /* -1e30f */
        {TSKIP_F32, 0xF149F2C9, 1}, /* the next above it */
        {TSKIP_F32, 0xF149F2CB, 0}, {TSKIP_F32, 0x00000000, 2}, {TSKIP_F32, 0x80000000, 2},
        {TSKIP_F32, 0x00000001, 1}, {TSKIP_F32, 0x80000001, 1}, {TSKIP_F32, 0x7F800000, 1},
        {TSKIP_F32, 0x7FC00000, 1}, {TSKIP_F32, 0xFFC00000, 1}, {TSKIP_F32, 0xFF800001, 1},
        {TSKIP_F32, 0xFFFFFFFF, 1}, {TSKIP_F32, 0x7149F2CA, 1}, {TSKIP_BF16, 0xFF80, 0},
        {TSKIP_BF16, 0xFF7F, 0},    {TSKIP_BF16, 0xF14A, 0}, /* just below -1e30 */
        {TSKIP_BF16, 0xF149, 1},                             /* just above */
        {TSKIP_BF16, 0x0000, 2},    {TSKIP_BF16, 0x8000, 2},    {TSKIP_BF16, 0x0001, 1},
        {TSKIP_BF16, 0x8001, 1},    {TSKIP_BF16, 0x7F80, 1},    {TSKIP_BF16, 0x7FC0, 1},
        {TSKIP_BF16, 0xFFC0, 1},    {TSKIP_BF16, 0xFF81, 1},    {TSKIP_F16, 0xFC00, 0},
        {TSKIP_F16, 0xFBFF, 0}, /* -65504 */
        {TSKIP_F16, 0xFBFE, 1},     {TSKIP_F16, 0x0000, 2},     {TSKIP_F16, 0x8000, 2},
        {TSKIP_F16, 0x0001, 1},     {TSKIP_F16, 0x8001, 1},     {TSKIP_F16, 0x7C00, 1},
        {TSKIP_F16, 0x7E00, 1},     {TSKIP_F16, 0xFE00, 1},     {TSKIP_F16, 0xFC01, 1},
        {TSKIP_BOOL, 0, 0},         {TSKIP_BOOL, 1, 2},         {TSKIP_BOOL, 2, 2},
        {TSKIP_BOOL, 128, 2},       {TSKIP_BOOL, 255, 2},
    };
    enum { N = 77 };
    static const uint32_t masked[] = {
        [TSKIP_F32] = 0xFF800000, [TSKIP_F16] = 0xFC00, [TSKIP_BF16] = 0xFF80, [TSKIP_BOOL] = 0};
    static const uint32_t zero[] = {[TSKIP_BOOL] = 1, [TSKIP_BF16] = 0};
    for (size_t r = 0; r < all.n; r++)
        for (size_t i = 0; i < COUNT(cases); i++) {
            const tskip_dtype dtype = cases[i].dtype;
            const size_t size = tskip_dtype_size(dtype);
            uint8_t cells[4 * N];
            for (int surroundings = 0; surroundings < 3; surroundings++)
                for (int at = 0; at < N; at += surroundings ? 1 : N) {
                    const uint32_t around = surroundings == 0   ? cases[i].bits
                                            : surroundings == 1 ? masked[dtype]
                                                                : zero[dtype];
                    for (size_t c = 0; c < N; c++)
                        memcpy(cells + c * size, &around, size);
                    memcpy(cells + (size_t)at * size, &cases[i].bits, size);
                    const int want = surroundings == 0                          ? cases[i].class
                                     : surroundings == 1 && cases[i].class == 0 ? 0
                                     : surroundings == 2 && cases[i].class == 2 ? 2
                                                                                : 1;
                    const int got = classify(all.devices[r], dtype, cells, N);
                    if (got != want)
                        fail_msg("%s: %s %08" PRIX32 " at column %d, surroundings %d: class %d, "
                                 "expected %d",
                                 tskip_device_get_info(all.devices[r])->name,
                                 tskip_dtype_name(dtype), cases[i].bits, at, surroundings, got,
                                 want);
                }
        }
}

/* A tensor's cells come out as they went in, but for sentinels, which become -inf, and NaN, which
 * becomes the canonical one. */
static void test_fill_from_tensor(void **state)
{
    (void)state;
    static const uint32_t in[] = {0x00000000, 0x80000000, 0xBF800000, 0xFF7FFFFF, 0xF149F2CA,
                                  0xF149F2C9, 0x7F800000, 0xFFC12345, 0x7F800001, 0x00000001};
    static const uint32_t out[] = {0x00000000, 0x80000000, 0xBF800000, 0xFF800000, 0xFF800000,
                                   0xF149F2C9, 0x7F800000, 0x7FC00000, 0x7FC00000, 0x00000001};
    static const uint16_t bf16[] = {0x0000, 0x8000, 0xBF80, 0xFF80, 0xFF80,
                                    0xF14A, 0x7F80, 0x7FC0, 0x7FC0, 0x0000};
    static const uint8_t bools[] = {1, 1, 1, 0, 0, 1, 1, 1, 1, 1};
    uint32_t cells[10], filled[10];
    uint16_t narrow[10];
    uint8_t seen[10];
    memcpy(cells, in, sizeof in);
    tskip_buffer *buffer = import(cells, sizeof cells), *wide = import(filled, sizeof filled);
    tskip_buffer *half = import(narrow, sizeof narrow), *bytes = import(seen, sizeof seen);
    const tskip_mask_desc desc = {.tensor = {buffer, 0, TSKIP_F32, 2, {2, 5}, {0}}};
    const tskip_extent extent = {.q_len = 2, .k_len = 5};
    tskip_mask *mask;
    assert_done(tskip_mask_create(device, &desc, &mask));
    run_fill(mask, &extent, &(tskip_mask_tensor){wide, 0, TSKIP_F32, 2, {2, 5}, {0}});
    run_fill(mask, &extent, &(tskip_mask_tensor){half, 0, TSKIP_BF16, 2, {2, 5}, {0}});
    run_fill(mask, &extent, &(tskip_mask_tensor){bytes, 0, TSKIP_BOOL, 2, {2, 5}, {0}});
    assert_memory_equal(filled, out, sizeof out);
    assert_memory_equal(seen, bools, sizeof bools);
    for (size_t i = 0; i < 10; i++)
        if (i != 5) /* rounds to the masked side of the threshold */
            assert_int_equal(narrow[i], bf16[i]);
    tskip_mask_destroy(&mask);
    tskip_buffer_destroy(&buffer);
    tskip_buffer_destroy(&wide);
    tskip_buffer_destroy(&half);
    tskip_buffer_destroy(&bytes);
}

/* Planes follow the tensor's shape and strides; a broadcast gives one. */
static void test_planes(void **state)
{
    (void)state;
    static float cells[2 * 3 * 4 * 5];
    tskip_buffer *buffer = import(cells, sizeof cells);
    const struct {
        tskip_mask_tensor tensor;
        uint32_t batch, head;
    } cases[] = {
        {{buffer, 0, TSKIP_F32, 2, {4, 5}, {0}}, 1, 1},
        {{buffer, 0, TSKIP_F32, 2, {1, 5}, {0}}, 1, 1},
        {{buffer, 0, TSKIP_F32, 2, {4, 5}, {0, 1}}, 1, 1},
        {{buffer, 0, TSKIP_F32, 4, {2, 3, 4, 5}, {0}}, 2, 3},
        {{buffer, 0, TSKIP_F32, 4, {1, 3, 4, 5}, {0}}, 1, 3},
        {{buffer, 0, TSKIP_F32, 4, {2, 1, 1, 5}, {0}}, 2, 1},
        {{buffer, 0, TSKIP_F32, 4, {2, 3, 4, 5}, {0, 20, 5, 1}}, 1, 3},
        {{buffer, 0, TSKIP_F32, 4, {2, 3, 4, 5}, {60, 0, 0, 1}}, 2, 1},
        {{buffer, 0, TSKIP_F32, 4, {2, 3, 4, 5}, {5, 10, 0, 1}}, 2, 3},
        {{buffer, 80, TSKIP_F32, 4, {1, 1, 4, 5}, {7, 7, 5, 1}}, 1, 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        tskip_mask *mask;
        tskip_tile_map *map;
        assert_done(
            tskip_mask_create(device, &(tskip_mask_desc){.tensor = cases[i].tensor}, &mask));
        const tskip_tile_map_desc desc = {
            mask, {.batch = 2, .n_heads = 3, .q_len = 4, .k_len = 5}, {2, 2}};
        assert_done(tskip_tile_map_build(&desc, &map));
        assert_int_equal(tskip_tile_map_get_info(map)->planes_batch, cases[i].batch);
        assert_int_equal(tskip_tile_map_get_info(map)->planes_head, cases[i].head);
        tskip_tile_map_destroy(&map);
        tskip_mask_destroy(&mask);
    }
    tskip_buffer_destroy(&buffer);
}

static void test_refused_tensors(void **state)
{
    (void)state;
    static float cells[60];
    tskip_buffer *b = import(cells, sizeof cells);
    const tskip_status bad = TSKIP_INVALID_ARGUMENT, no = TSKIP_UNSUPPORTED;
    const int64_t huge = INT64_MAX;
    const struct {
        tskip_mask_tensor tensor;
        tskip_status status;
        const char *error;
    } cases[] = {
        {{b, 0, TSKIP_F32, 1, {5}, {0}}, no, "tensor has rank 1, expected 2"},
        {{b, 0, TSKIP_F32, 3, {1, 4, 5}, {0}}, no, "tensor has rank 3"},
        {{b, 0, TSKIP_F32, 5, {1, 1, 4, 5}, {0}}, no, "tensor has rank 5"},
        {{b, 0, TSKIP_DTYPE_NONE, 2, {4, 5}, {0}}, no, "tensor has dtype 0"},
        {{b, 0, (tskip_dtype)9, 2, {4, 5}, {0}},
         no,
         "tensor has dtype 9, expected one of f32, f16, bf16, bool"},
        {{NULL, 0, TSKIP_F32, 2, {4, 5}, {0}}, bad, "tensor.buffer is NULL"},
        {{b, 0, TSKIP_F32, 2, {0, 5}, {0}}, bad, "has size 0"},
        {{b, 0, TSKIP_F32, 2, {4, -5}, {0}}, bad, "has size -5"},
        {{b, 0, TSKIP_F32, 2, {4, 5}, {-5, 1}}, bad, "has stride -5"},
        {{b, 0, TSKIP_F32, 2, {4, 5}, {5, 2}}, bad, "the innermost stride is 2, expected 1"},
        {{b, 0, TSKIP_F32, 2, {4, 5}, {5, 0}}, bad, "the innermost stride is 0, expected 1"},
        {{b, 2, TSKIP_F32, 2, {4, 5}, {0}}, bad, "tensor.offset is 2, expected a multiple of 4"},
        {{b, 1, TSKIP_F16, 2, {4, 5}, {0}}, bad, "tensor.offset is 1, expected a multiple of 2"},
        {{b, 0, TSKIP_F32, 2, {13, 5}, {0}}, bad, "needs 260 bytes from offset 0 on, its buffer"},
        {{b, 0, TSKIP_F32, 2, {12, 5}, {6, 1}}, bad, "needs 284 bytes"},
        {{b, 4, TSKIP_F32, 2, {12, 5}, {0}}, bad, "needs 240 bytes from offset 4 on"},
        {{b, 244, TSKIP_F32, 2, {1, 1}, {0}}, bad, "from offset 244 on, its buffer has 240"},
        {{b, 0, TSKIP_F32, 4, {2, 2, 4, 5}, {0}}, bad, "needs 320 bytes"},
        {{b, 0, TSKIP_F32, 2, {huge, huge}, {0}}, bad, "more than 2^63 cells"},
        {{b, 0, TSKIP_F32, 2, {huge, 5}, {huge, 1}}, bad, "does not fit 64 bits"},
        {{b, 0, TSKIP_F32, 2, {2, 5}, {huge, 1}}, bad, "more than 2^64 bytes"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        tskip_mask *mask = (tskip_mask *)&state;
        assert_refused(
            tskip_mask_create(device, &(tskip_mask_desc){.tensor = cases[i].tensor}, &mask),
            cases[i].status, cases[i].error);
        assert_null(mask);
    }
    tskip_device *other;
    tskip_mask *mask;
    assert_done(tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = 1}, &other));
    const tskip_mask_desc elsewhere = {.tensor = {b, 0, TSKIP_F32, 2, {4, 5}, {0}}};
    assert_refused(tskip_mask_create(other, &elsewhere, &mask), bad,
                   "tensor.buffer lies on another device");
    const tskip_mask_desc no_rank = {.rules = "causal", .tensor = {.buffer = b, .shape = {4, 5}}};
    assert_refused(tskip_mask_create(other, &no_rank, &mask), bad, "tensor.rank is 0 beside");
    tskip_device_destroy(&other);
    tskip_buffer_destroy(&b);
}

static void test_refused_masks(void **state)
{
    (void)state;
    const tskip_rules causal = {.causal = true}, negative = {.window = -4};
    const float slopes[3] = {1, 2, 3};
    const tskip_rules three = {.alibi = true, .slopes = slopes, .n_slopes = 3};
    const tskip_status bad = TSKIP_INVALID_ARGUMENT;
    tskip_mask *mask;
    const tskip_mask_desc none = {0}, both = {.rules = "causal", .rule_values = &causal};
    const tskip_mask_desc wrong = {.rules = "casual"}, values = {.rule_values = &negative};
    const tskip_mask_desc heads = {.rules = "alibi"};
    const tskip_mask_desc two = {.rule_values = &three, .n_heads = 2};
    assert_refused(tskip_mask_create(NULL, &both, &mask), bad, "device is NULL");
    assert_refused(tskip_mask_create(device, NULL, &mask), bad, "desc is NULL");
    assert_refused(tskip_mask_create(device, &both, NULL), bad, "out is NULL");
    assert_refused(tskip_mask_create(device, &none, &mask), bad, "neither rules nor a tensor");
    assert_refused(tskip_mask_create(device, &both, &mask), bad, "both given");
    assert_refused(tskip_mask_create(device, &wrong, &mask), bad, "the nearest is causal");
    assert_refused(tskip_mask_create(device, &values, &mask), bad, "window is -4");
    assert_refused(tskip_mask_create(device, &heads, &mask), bad, "n_heads is 0");
    assert_refused(tskip_mask_create(device, &two, &mask), bad, "alibi has 3 slopes, expected 2");
    assert_null(mask);
    tskip_mask_destroy(&mask);
    tskip_mask_destroy(NULL);
}

/* What a tensor or rules do not fit is found out when the mask meets lengths. */
static void test_refused_extents(void **state)
{
    (void)state;
    static float cells[2 * 3 * 4 * 5];
    tskip_buffer *b = import(cells, sizeof cells);
    const struct {
        tskip_mask_tensor tensor;
        const char *error;
    } cases[] = {
        {{b, 0, TSKIP_F32, 2, {3, 5}, {0}}, "query dimension is 3, expected 1 or 4"},
        {{b, 0, TSKIP_F32, 2, {4, 4}, {0}}, "key dimension is 4, expected k_len = 5"},
        {{b, 0, TSKIP_F32, 2, {4, 1}, {0}}, "key dimension is 1, expected k_len = 5"},
        {{b, 0, TSKIP_F32, 4, {3, 1, 4, 5}, {0}}, "batch dimension is 3, expected 1 or 2"},
        {{b, 0, TSKIP_F32, 4, {1, 2, 4, 5}, {0}}, "head dimension is 2, expected 1 or 3"},
    };
    const tskip_extent extent = {.batch = 2, .n_heads = 3, .q_len = 4, .k_len = 5};
    for (size_t i = 0; i < COUNT(cases); i++) {
        tskip_mask *mask;
        uint64_t pairs;
        assert_done(
            tskip_mask_create(device, &(tskip_mask_desc){.tensor = cases[i].tensor}, &mask));
        assert_refused(tskip_mask_count_pairs(mask, &extent, &pairs, NULL), TSKIP_INVALID_ARGUMENT,
                       cases[i].error);
        tskip_mask_destroy(&mask);
    }
    tskip_buffer_destroy(&b);
}

/* More rows than groups can be counted: the length is named, and no tile that nobody gave. */
static void test_too_many_rows(void **state)
{
    (void)state;
    static float cells[5];
    static const char text[] = "q_len is 1099511627776, expected at most 274877906880 for ";
    tskip_buffer *b = import(cells, sizeof cells);
    const tskip_extent extent = {.q_len = (int64_t)1 << 40, .k_len = 5};
    const tskip_mask_tensor row = {b, 0, TSKIP_F32, 2, {1, 5}, {0}};
    tskip_mask *mask;
    tskip_encoder *encoder;
    uint64_t pairs;
    assert_done(tskip_encoder_create(device, NULL, &encoder));
    assert_done(tskip_mask_create(device, &(tskip_mask_desc){.tensor = row}, &mask));
    assert_refused(tskip_mask_count_pairs(mask, &extent, &pairs, NULL), TSKIP_UNSUPPORTED, text);
    assert_refused(tskip_mask_fill_encode(mask, &extent, &row, encoder), TSKIP_UNSUPPORTED, text);
    tskip_mask_destroy(&mask);
    assert_done(tskip_mask_create(device, &(tskip_mask_desc){.rules = ""}, &mask));
    assert_done(tskip_mask_count_pairs(mask, &extent, &pairs, NULL));
    assert_true(pairs == (uint64_t)5 << 40);
    tskip_mask_destroy(&mask);
    tskip_encoder_destroy(&encoder);
    tskip_buffer_destroy(&b);
}

static void test_refused_fills(void **state)
{
    (void)state;
    static float cells[240];
    tskip_buffer *b = import(cells, sizeof cells);
    tskip_mask *causal, *alibi, *entries;
    tskip_encoder *encoder;
    const tskip_extent e = {.batch = 2, .n_heads = 3, .q_len = 4, .k_len = 5};
    const tskip_status bad = TSKIP_INVALID_ARGUMENT, no = TSKIP_UNSUPPORTED;
    assert_done(tskip_encoder_create(device, NULL, &encoder));
    assert_done(tskip_mask_create(device, &(tskip_mask_desc){.rules = "causal"}, &causal));
    assert_done(tskip_mask_create(device, &(tskip_mask_desc){.rules = "klen=4/5"}, &entries));
    assert_done(
        tskip_mask_create(device, &(tskip_mask_desc){.rules = "alibi", .n_heads = 3}, &alibi));
    const struct {
        const tskip_mask *mask;
        tskip_mask_tensor out;
        tskip_status status;
        const char *error;
    } cases[] = {
        {causal, {b, 0, TSKIP_F32, 3, {1, 4, 5}, {0}}, no, "out has rank 3"},
        {causal, {b, 0, TSKIP_F32, 0, {4, 5}, {0}}, no, "out has rank 0"},
        {causal, {b, 0, TSKIP_DTYPE_NONE, 2, {4, 5}, {0}}, no, "out has dtype 0"},
        {causal, {NULL, 0, TSKIP_F32, 2, {4, 5}, {0}}, bad, "out.buffer is NULL"},
        {causal, {b, 0, TSKIP_F32, 2, {4, 6}, {0}}, bad, "expected [4, 5]"},
        {causal, {b, 0, TSKIP_F32, 2, {1, 5}, {0}}, bad, "expected [4, 5]"},
        {causal, {b, 0, TSKIP_F32, 4, {3, 1, 4, 5}, {0}}, bad, "batch dimension is 3, expected 2"},
        {causal, {b, 0, TSKIP_F32, 4, {1, 2, 4, 5}, {0}}, bad, "head dimension is 2, expected 3"},
        {entries, {b, 0, TSKIP_F32, 2, {4, 5}, {0}}, bad, "batch dimension is 1, expected 2"},
        {alibi, {b, 0, TSKIP_F32, 2, {4, 5}, {0}}, bad, "head dimension is 1, expected 3"},
        {alibi, {b, 0, TSKIP_F16, 4, {1, 3, 4, 5}, {0}}, no, "expected f32: alibi needs it"},
        {causal, {b, 0, TSKIP_F32, 2, {4, 5}, {0, 1}}, bad, "stride 0, expected at least 5"},
        {causal, {b, 0, TSKIP_F32, 2, {4, 5}, {4, 1}}, bad, "stride 4, expected at least 5"},
        {causal, {b, 0, TSKIP_F32, 4, {2, 3, 4, 5}, {60, 19, 5, 1}}, bad, "expected at least 20"},
        {causal, {b, 0, TSKIP_F32, 4, {2, 3, 4, 5}, {59, 20, 5, 1}}, bad, "expected at least 60"},
        {causal, {b, 700, TSKIP_F32, 4, {2, 3, 4, 5}, {0}}, bad, "needs 480 bytes from offset 700"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(tskip_mask_fill_encode(cases[i].mask, &e, &cases[i].out, encoder),
                       cases[i].status, cases[i].error);
    const tskip_mask_tensor out = {b, 0, TSKIP_F32, 2, {4, 5}, {0}};
    assert_refused(tskip_mask_fill_encode(NULL, &e, &out, encoder), bad, "mask is NULL");
    assert_refused(tskip_mask_fill_encode(causal, NULL, &out, encoder), bad, "extent is NULL");
    assert_refused(tskip_mask_fill_encode(causal, &e, NULL, encoder), bad, "out is NULL");
    assert_refused(tskip_mask_fill_encode(causal, &e, &out, NULL), bad, "encoder is NULL");
    uint64_t pairs;
    assert_refused(tskip_mask_count_pairs(NULL, &e, &pairs, NULL), bad, "mask is NULL");
    assert_refused(tskip_mask_count_pairs(causal, NULL, &pairs, NULL), bad, "extent is NULL");
    assert_refused(tskip_mask_count_pairs(causal, &e, NULL, NULL), bad, "pairs is NULL");
    assert_done(tskip_encoder_submit(encoder)); /* nothing was queued */
    for (size_t i = 0; i < COUNT(cells); i++)
        assert_true(cells[i] == 0);
    assert_refused(tskip_mask_fill_encode(causal, &e, &out, encoder), bad, "was submitted");
    tskip_encoder_destroy(&encoder);
    tskip_mask_destroy(&causal);
    tskip_mask_destroy(&entries);
    tskip_mask_destroy(&alibi);
    tskip_buffer_destroy(&b);
}

/* The paper's slopes: 2^(-8i/n) for powers of two, else those below and every second one above. */
static void test_alibi_slopes(void **state)
{
    (void)state;
    static const struct {
        uint32_t heads;
        double slopes[6];
    } cases[] = {
        {1, {0x1p-8}},
        {2, {0x1p-4, 0x1p-8}},
        {4, {0x1p-2, 0x1p-4, 0x1p-6, 0x1p-8}},
        {3, {0x1p-4, 0x1p-8, 0x1p-2}},
        {6, {0x1p-2, 0x1p-4, 0x1p-6, 0x1p-8, 0x1p-1, 0x1p-3}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const uint32_t n = cases[i].heads;
        float cells[6][3];
        tskip_buffer *b = import(cells, sizeof cells);
        tskip_mask *mask;
        assert_done(
            tskip_mask_create(device, &(tskip_mask_desc){.rules = "alibi", .n_heads = n}, &mask));
        run_fill(mask, &(tskip_extent){.n_heads = n, .q_len = 1, .k_len = 3, .q_offset = 1},
                 &(tskip_mask_tensor){b, 0, TSKIP_F32, 4, {1, n, 1, 3}, {0}});
        for (uint32_t h = 0; h < n; h++) {
            assert_true(cells[h][0] == (float)-cases[i].slopes[h]);
            assert_true(cells[h][1] == 0);
            assert_true(cells[h][2] == (float)-cases[i].slopes[h]);
        }
        tskip_mask_destroy(&mask);
        tskip_buffer_destroy(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentinels),     cmocka_unit_test(test_fill_from_tensor),
        cmocka_unit_test(test_planes),        cmocka_unit_test(test_refused_tensors),
        cmocka_unit_test(test_refused_masks), cmocka_unit_test(test_refused_extents),
        cmocka_unit_test(test_too_many_rows), cmocka_unit_test(test_refused_fills),
        cmocka_unit_test(test_alibi_slopes),
    };
    rungs_open(&all, 2);
    device = all.devices[0];
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rungs_close(&all);
    return failed;
}
