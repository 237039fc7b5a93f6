/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Tile maps as objects: known counts and sizes, maps from bytes, pictures, extents at the limits,
 * and all that is refused. */

#include "harness/refused.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <tileskip/attention.h>

#include "harness/failing_alloc.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static tskip_device *device;

static tskip_mask *rules_mask(const char *rules)
{
    tskip_mask *mask;
    assert_done(tskip_mask_create(device, &(tskip_mask_desc){.rules = rules}, &mask));
    return mask;
}

static tskip_tile_map *rules_map(const char *rules, tskip_extent extent, tskip_tile tile)
{
    tskip_mask *mask = rules_mask(rules);
    tskip_tile_map *map;
    assert_done(tskip_tile_map_build(&(tskip_tile_map_desc){mask, extent, tile}, &map));
    tskip_mask_destroy(&mask); /* the map keeps it */
    return map;
}

static void test_known_counts(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        tskip_tile tile;
        uint32_t nq, nk;
        uint64_t size, skip, mixed, full;
    } cases[] = {
        {"causal", {32, 16}, 77, 154, 11872, 5852, 154, 5852},
        {"causal,window=1024", {32, 16}, 77, 154, 11872, 7832, 244, 3782},
        {"causal", {8, 64}, 307, 39, 12000, 5928, 307, 5738},
        {"causal,window=1024", {8, 64}, 307, 39, 12000, 7842, 486, 3645},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        tskip_tile_counts counts;
        tskip_tile_map *map =
            rules_map(cases[i].rules, (tskip_extent){.q_len = 2455, .k_len = 2455}, cases[i].tile);
        const tskip_tile_map_info *info = tskip_tile_map_get_info(map);
        assert_int_equal(info->nq, cases[i].nq);
        assert_int_equal(info->nk, cases[i].nk);
        assert_int_equal(info->size, cases[i].size);
        assert_done(tskip_tile_map_count(map, &counts));
        assert_int_equal(counts.skip, cases[i].skip);
        assert_int_equal(counts.mixed, cases[i].mixed);
        assert_int_equal(counts.full, cases[i].full);
        tskip_tile_map_destroy(&map);
        assert_null(map);
    }
}

static void test_known_sizes(void **state)
{
    (void)state;
    static const struct {
        int64_t length;
        tskip_tile tile;
        uint64_t size;
    } cases[] = {
        {2455, {32, 16}, 11872}, {2455, {8, 8}, 94272}, {2455, {8, 64}, 12000},
        {1, {1, 1}, 32},         {7, {64, 64}, 32},     {8, {2, 1}, 32},
        {33, {33, 1}, 64},       {64, {8, 16}, 32},     {31, {31, 1}, 32},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const tskip_extent extent = {.q_len = cases[i].length, .k_len = cases[i].length};
        tskip_tile_map *map = rules_map("causal", extent, cases[i].tile);
        assert_int_equal(tskip_tile_map_get_info(map)->size, cases[i].size);
        tskip_tile_map_destroy(&map);
    }
}

static void test_known_pairs(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        uint64_t pairs;
    } cases[] = {
        {"causal", 2455 * 2456 / 2},   {"causal,window=1024", 2455 * 2456 / 2 - 1431 * 1432 / 2},
        {"", UINT64_C(2455) * 2455},   {"causal,prefix=2455", UINT64_C(2455) * 2455},
        {"klen=5,kstart=2", 3 * 2455},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        tskip_mask *mask = rules_mask(cases[i].rules);
        uint64_t pairs;
        uint32_t planes;
        const tskip_extent extent = {.n_heads = 5, .q_len = 2455, .k_len = 2455};
        assert_done(tskip_mask_count_pairs(mask, &extent, &pairs, &planes));
        assert_int_equal(pairs, cases[i].pairs);
        assert_int_equal(planes, 1);
        assert_done(tskip_mask_count_pairs(mask, &extent, &pairs, NULL));
        tskip_mask_destroy(&mask);
    }
}

/* Lengths of 2^40 and offsets of 2^59 in closed form: far classes are right and nothing wraps. */
static void test_limits(void **state)
{
    (void)state;
    const int64_t most = INT64_C(1) << 40, offset = INT64_C(1) << 59;
    const uint32_t bq = UINT32_C(1) << 31;
    const struct {
        const char *rules;
        tskip_extent extent;
        tskip_tile_counts counts;
    } cases[] = {
        {"causal", {.q_len = most, .k_len = most}, {511 * 512 / 2, 512, 511 * 512 / 2}},
        {"causal", {.q_len = most, .k_len = most, .q_offset = offset}, {0, 0, 512 * 512}},
        {"causal", {.q_len = most, .k_len = most, .k_offset = offset}, {512 * 512, 0, 0}},
        {"causal,window=1",
         {.q_len = most, .k_len = most, .q_offset = offset, .k_offset = offset},
         {512 * 511, 512, 0}},
        {"causal,window=9223372036854775807",
         {.q_len = most, .k_len = most, .q_offset = offset, .k_offset = offset},
         {511 * 512 / 2, 512, 511 * 512 / 2}},
        {"symmetric=9223372036854775807,chunk=9223372036854775807,sink=9223372036854775807",
         {.q_len = most, .k_len = most, .q_offset = offset},
         {0, 0, 512 * 512}},
        {"causal,prefix=9223372036854775807,images=0:9223372036854775807",
         {.q_len = most, .k_len = most, .q_offset = offset, .k_offset = offset},
         {0, 0, 512 * 512}},
        {"klen=1099511627776,kstart=1099511627775",
         {.q_len = most, .k_len = most},
         {512 * 511, 512, 0}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        tskip_tile_counts counts;
        tskip_tile_map *map = rules_map(cases[i].rules, cases[i].extent, (tskip_tile){bq, bq});
        assert_done(tskip_tile_map_count(map, &counts));
        if (memcmp(&counts, &cases[i].counts, sizeof counts) != 0)
            fail_msg("%s: %" PRIu64 " / %" PRIu64 " / %" PRIu64, cases[i].rules, counts.skip,
                     counts.mixed, counts.full);
        tskip_tile_map_destroy(&map);
    }
    tskip_mask *mask = rules_mask("segments=576460752303423487+1+1099511627776");
    const tskip_extent extent = {
        .q_len = most, .k_len = most, .q_offset = offset, .k_offset = offset};
    tskip_tile_map *map;
    tskip_tile_counts counts;
    const tskip_tile_map_desc desc = {mask, extent, {bq, bq}};
    assert_done(tskip_tile_map_build(&desc, &map));
    assert_done(tskip_tile_map_count(map, &counts));
    assert_int_equal(counts.full, 512 * 512);
    tskip_tile_map_destroy(&map);
    tskip_mask_destroy(&mask);
}

static void test_refused_extents(void **state)
{
    (void)state;
    const int64_t most = INT64_C(1) << 40;
    const struct {
        const char *rules;
        tskip_extent extent;
        tskip_tile tile;
        const char *error;
    } cases[] = {
        {"causal", {.q_len = 0, .k_len = 4}, {1, 1}, "q_len is 0, expected 1 to 1099511627776"},
        {"causal", {.q_len = 4, .k_len = 0}, {1, 1}, "k_len is 0"},
        {"causal", {.q_len = -4, .k_len = 4}, {1, 1}, "q_len is -4"},
        {"causal", {.q_len = 4, .k_len = most + 1}, {1, 1}, "k_len is 1099511627777"},
        {"causal", {.q_len = 4, .k_len = 4, .q_offset = -1}, {1, 1}, "q_offset is -1"},
        {"causal", {.q_len = 4, .k_len = 4, .k_offset = -1}, {1, 1}, "k_offset is -1"},
        {"causal", {.q_len = 4, .k_len = 4, .k_offset = INT64_MAX}, {1, 1}, "k_offset is 9223"},
        {"causal", {.q_len = 4, .k_len = 4, .q_offset = INT64_MAX}, {1, 1}, "q_offset is 9223"},
        {"causal",
         {.q_len = 9, .k_len = 4, .q_offset = TSKIP_OFFSET_END, .k_offset = 3},
         {1, 1},
         "q_offset END is k_offset + k_len - q_len = -2, expected at least 0"},
        {"causal", {.q_len = 4, .k_len = 4}, {0, 1}, "tile.bq is 0"},
        {"causal", {.q_len = 4, .k_len = 4}, {1, 0}, "tile.bk is 0"},
        {"causal",
         {.q_len = most, .k_len = 4},
         {1, 1},
         "q_len is 1099511627776: 1099511627776 tiles of bq = 1, expected"},
        {"klen=5", {.q_len = 4, .k_len = 4}, {1, 1}, "klen, entry 0 is 5, expected at most k_len"},
        {"klen=1152921504606846976", {.q_len = 4, .k_len = 4}, {1, 1}, "is 1152921504606846976"},
        {"klen=9223372036854775807", {.q_len = 4, .k_len = 4}, {1, 1}, "is 9223372036854775807"},
        {"kstart=4", {.q_len = 4, .k_len = 4}, {1, 1}, "kstart, entry 0 is 4, expected less"},
        {"segments=2+3", {.q_len = 4, .k_len = 4}, {1, 1}, "segments, entry 0 add up to 5"},
        {"segments=2+3", {.q_len = 4, .k_len = 4, .k_offset = 2}, {1, 1}, "k_offset + k_len = 6"},
        {"segments=4/3", {.batch = 2, .q_len = 4, .k_len = 4}, {1, 1}, "segments, entry 1 add up"},
        {"klen=4/3", {.batch = 3, .q_len = 4, .k_len = 4}, {1, 1}, "expected one, or batch = 3"},
        {"klen=4/3", {.q_len = 4, .k_len = 4}, {1, 1}, "the rules have 2 entries"},
        {"alibi=1/2/3", {.n_heads = 2, .q_len = 4, .k_len = 4}, {1, 1}, "alibi has 3 slopes"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        tskip_mask *mask = rules_mask(cases[i].rules);
        tskip_tile_map *map = (tskip_tile_map *)&state;
        const tskip_tile_map_desc desc = {mask, cases[i].extent, cases[i].tile};
        assert_refused(tskip_tile_map_create(&desc, &map), TSKIP_INVALID_ARGUMENT, cases[i].error);
        assert_null(map);
        map = (tskip_tile_map *)&state;
        assert_refused(tskip_tile_map_build(&desc, &map), TSKIP_INVALID_ARGUMENT, cases[i].error);
        assert_null(map);
        tskip_mask_destroy(&mask);
    }
}

/* More tiles, planes or pairs than numbers can hold. */
static void test_overflow(void **state)
{
    (void)state;
    const int64_t most = INT64_C(1) << 40;
    tskip_mask *mask = rules_mask("causal"), *none = rules_mask("");
    tskip_tile_map *map;
    uint64_t pairs;
    const tskip_extent long_one = {.q_len = INT64_C(1) << 32, .k_len = INT64_C(1) << 32};
    const tskip_extent longest = {.q_len = INT64_C(1) << 37, .k_len = most};
    const tskip_tile_map_desc huge = {mask, long_one, {2, 1 << 10}};
    assert_refused(tskip_tile_map_create(&huge, &map), TSKIP_OUT_OF_MEMORY, "out of memory");
    assert_refused(tskip_mask_count_pairs(none, &longest, &pairs, NULL), TSKIP_INVALID_ARGUMENT,
                   "do not fit 64 bits");

    float cell = 0;
    tskip_buffer *buffer;
    assert_done(tskip_buffer_import(device, &cell, (uint64_t)1 << 62, &buffer));
    const tskip_mask_desc planes = {
        .tensor = {buffer, 0, TSKIP_F32, 4, {1 << 16, 1 << 16, 1, 1}, {1 << 16, 1, 0, 1}}};
    const tskip_extent heads = {.batch = 1 << 16, .n_heads = 1 << 16, .q_len = 1, .k_len = 1};
    tskip_mask *many;
    assert_done(tskip_mask_create(device, &planes, &many));
    const tskip_tile_map_desc too_many = {many, heads, {1, 1}};
    assert_refused(tskip_tile_map_create(&too_many, &map), TSKIP_UNSUPPORTED,
                   "the mask has 65536 x 65536 planes");
    tskip_mask_destroy(&many);
    tskip_buffer_destroy(&buffer);
    tskip_mask_destroy(&mask);
    tskip_mask_destroy(&none);
}

static void test_from_bytes(void **state)
{
    (void)state;
    static const uint8_t bytes[24] = {2, 0, 1, 0, 2, 1, 1, 1, 2, 2, 0, 0,
                                      0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2};
    uint8_t back[24], bad[24];
    tskip_tile_map *map;
    tskip_tile_counts counts;
    tskip_tile_map_desc desc = {NULL, {.batch = 2, .n_heads = 3, .q_len = 7, .k_len = 3}, {4, 2}};
    assert_done(tskip_tile_map_from_bytes(device, &desc, 2, 3, bytes, 24, &map));
    const tskip_tile_map_info *info = tskip_tile_map_get_info(map);
    assert_int_equal(info->nq, 2);
    assert_int_equal(info->nk, 2);
    assert_int_equal(info->planes_batch, 2);
    assert_int_equal(info->planes_head, 3);
    assert_int_equal(info->size, 32);
    assert_done(tskip_tile_map_read(map, back, 24));
    assert_memory_equal(back, bytes, 24);
    assert_done(tskip_tile_map_count(map, &counts));
    assert_int_equal(counts.skip, 10);
    assert_int_equal(counts.mixed, 7);
    assert_int_equal(counts.full, 7);
    assert_refused(tskip_tile_map_read(map, back, 23), TSKIP_INVALID_ARGUMENT,
                   "capacity is 23, expected at least 24 bytes");
    tskip_encoder *encoder;
    assert_done(tskip_encoder_create(device, NULL, &encoder));
    assert_refused(tskip_tile_map_encode(map, encoder), TSKIP_INVALID_ARGUMENT, "from bytes");
    tskip_encoder_destroy(&encoder);
    tskip_tile_map_destroy(&map);

    assert_done(tskip_tile_map_from_bytes(device, &desc, 1, 3, bytes, 12, &map));
    tskip_tile_map_destroy(&map);
    assert_refused(tskip_tile_map_from_bytes(device, &desc, 1, 3, bytes, 11, &map),
                   TSKIP_INVALID_ARGUMENT, "size is 11, expected at least 12");
    assert_refused(tskip_tile_map_from_bytes(device, &desc, 1, 2, bytes, 24, &map),
                   TSKIP_INVALID_ARGUMENT, "planes are 1 x 2, expected 1 or 2 (batch) by 1 or 3");
    assert_refused(tskip_tile_map_from_bytes(device, &desc, 0, 1, bytes, 24, &map),
                   TSKIP_INVALID_ARGUMENT, "planes are 0 x 1");
    for (int i = 0; i < 24; i++) {
        memcpy(bad, bytes, 24);
        bad[i] = (uint8_t)(3 + i);
        char text[32];
        snprintf(text, sizeof text, "byte %d of the map is %d", i, 3 + i);
        assert_refused(tskip_tile_map_from_bytes(device, &desc, 2, 3, bad, 24, &map),
                       TSKIP_INVALID_ARGUMENT, text);
        assert_null(map);
    }
    tskip_mask *mask = rules_mask("causal");
    desc.mask = mask;
    assert_refused(tskip_tile_map_from_bytes(device, &desc, 2, 3, bytes, 24, &map),
                   TSKIP_INVALID_ARGUMENT, "expected the mask's 1 x 1");
    tskip_device *other;
    assert_done(tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = 1}, &other));
    assert_refused(tskip_tile_map_from_bytes(other, &desc, 1, 1, bytes, 24, &map),
                   TSKIP_INVALID_ARGUMENT, "mask was made on device");
    tskip_device_destroy(&other);
    tskip_mask_destroy(&mask);
}

/* Undefined until built: looking finds out and touches nothing else. */
static void test_not_built(void **state)
{
    (void)state;
    size_t live, faults;
    failing_alloc_install(FAILING_ALLOC_NEVER, false); /* every byte is 165 */
    assert_done(tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = 1}, &device));
    tskip_mask *mask = rules_mask("causal");
    const tskip_tile_map_desc desc = {mask, {.q_len = 9, .k_len = 9}, {3, 3}};
    tskip_tile_map *map;
    tskip_tile_counts counts;
    uint8_t rgb[27];
    assert_done(tskip_tile_map_create(&desc, &map));
    assert_refused(tskip_tile_map_count(map, &counts), TSKIP_INVALID_ARGUMENT,
                   "byte 0 of the map is 165, expected 0, 1 or 2: the map has not been built");
    assert_refused(tskip_tile_map_draw(map, 0, 3, 3, rgb, sizeof rgb), TSKIP_INVALID_ARGUMENT,
                   "byte 0 of the map is 165, expected 0, 1 or 2: the map has not been built");
    for (int round = 0; round < 2; round++) { /* and again: rebuilding is allowed */
        tskip_encoder *encoder;
        assert_done(tskip_encoder_create(device, NULL, &encoder));
        assert_done(tskip_tile_map_encode(map, encoder));
        assert_done(tskip_encoder_submit(encoder));
        assert_refused(tskip_tile_map_encode(map, encoder), TSKIP_INVALID_ARGUMENT, "submitted");
        assert_done(tskip_encoder_wait(encoder));
        tskip_encoder_destroy(&encoder);
        assert_done(tskip_tile_map_count(map, &counts));
        assert_int_equal(counts.skip, 3);
        assert_int_equal(counts.mixed, 3);
        assert_int_equal(counts.full, 3);
    }
    tskip_tile_map_destroy(&map);
    tskip_mask_destroy(&mask);
    tskip_device_destroy(&device);
    (void)failing_alloc_remove(&live, &faults);
    assert_int_equal(live + faults, 0);
}

static void test_not_built_plane(void **state)
{
    (void)state;
    size_t live, faults;
    failing_alloc_install(FAILING_ALLOC_NEVER, false); /* every byte is 165 */
    assert_done(tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = 1}, &device));
    tskip_mask *mask = rules_mask("causal,klen=9/8");
    const tskip_tile_map_desc desc = {mask, {.batch = 2, .q_len = 9, .k_len = 9}, {3, 3}};
    tskip_tile_map *map;
    uint8_t rgb[27];
    assert_done(tskip_tile_map_create(&desc, &map));
    assert_refused(tskip_tile_map_draw(map, 1, 3, 3, rgb, sizeof rgb), TSKIP_INVALID_ARGUMENT,
                   "byte 9 of the map is 165");
    tskip_tile_map_destroy(&map);
    tskip_mask_destroy(&mask);
    tskip_device_destroy(&device);
    (void)failing_alloc_remove(&live, &faults);
    assert_int_equal(live + faults, 0);
}

static const uint8_t *pixel(const uint8_t *rgb, int width, int x, int y)
{
    return rgb + 3 * (y * width + x);
}

static void test_draw(void **state)
{
    (void)state;
    static const uint8_t SKIP[3] = {232, 234, 237}, MIXED[3] = {245, 150, 40},
                         FULL[3] = {38, 96, 186};
    static const uint8_t bytes[8] = {2, 1, 0, 0, 1, 1, 2, 2};
    const tskip_tile_map_desc desc = {NULL, {.n_heads = 2, .q_len = 2, .k_len = 2}, {1, 1}};
    uint8_t rgb[6 * 4 * 3 + 1];
    tskip_tile_map *map;
    assert_done(tskip_tile_map_from_bytes(device, &desc, 1, 2, bytes, 8, &map));
    rgb[6 * 4 * 3] = 99;
    assert_done(tskip_tile_map_draw(map, 0, 6, 4, rgb, 72)); /* 3 x 2 pixels a tile */
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 6; x++)
            assert_memory_equal(pixel(rgb, 6, x, y), y > 1 ? SKIP : x < 3 ? FULL : MIXED, 3);
    assert_int_equal(rgb[72], 99);
    assert_done(tskip_tile_map_draw(map, 1, 2, 2, rgb, sizeof rgb));
    assert_memory_equal(pixel(rgb, 2, 0, 0), MIXED, 3);
    assert_memory_equal(pixel(rgb, 2, 1, 1), FULL, 3);
    assert_done(tskip_tile_map_draw(map, 0, 1, 1, rgb, 3)); /* the average of all four */
    for (int c = 0; c < 3; c++)
        assert_int_equal(rgb[c], (FULL[c] + MIXED[c] + 2 * SKIP[c] + 2) / 4);
    assert_refused(tskip_tile_map_draw(map, 2, 2, 2, rgb, sizeof rgb), TSKIP_INVALID_ARGUMENT,
                   "plane is 2, the map has 2");
    assert_refused(tskip_tile_map_draw(map, 0, 2, 2, rgb, 11), TSKIP_INVALID_ARGUMENT,
                   "capacity is 11 bytes, expected at least 2 x 2 x 3 = 12");
    assert_refused(tskip_tile_map_draw(map, 0, 0, 2, rgb, 11), TSKIP_INVALID_ARGUMENT,
                   "picture is 0 x 2");
    assert_refused(tskip_tile_map_draw(map, 0, UINT32_MAX, UINT32_MAX, rgb, SIZE_MAX),
                   TSKIP_INVALID_ARGUMENT, "capacity");
    tskip_tile_map_destroy(&map);
}

static void test_null(void **state)
{
    (void)state;
    tskip_mask *mask = rules_mask("causal");
    tskip_tile_map *map;
    tskip_encoder *encoder = NULL;
    tskip_tile_counts counts;
    uint8_t byte = 0;
    const tskip_tile_map_desc none = {NULL, {.q_len = 1, .k_len = 1}, {1, 1}};
    const tskip_tile_map_desc one = {mask, {.q_len = 1, .k_len = 1}, {1, 1}};
    const tskip_status bad = TSKIP_INVALID_ARGUMENT;
    assert_refused(tskip_tile_map_create(&one, NULL), bad, "out is NULL");
    assert_refused(tskip_tile_map_create(NULL, &map), bad, "desc is NULL");
    assert_refused(tskip_tile_map_create(&none, &map), bad, "desc.mask is NULL");
    assert_refused(tskip_tile_map_build(&one, NULL), bad, "out is NULL");
    assert_refused(tskip_tile_map_build(NULL, &map), bad, "desc is NULL");
    assert_refused(tskip_tile_map_from_bytes(NULL, &one, 1, 1, &byte, 1, &map), bad, "device is");
    assert_refused(tskip_tile_map_from_bytes(device, NULL, 1, 1, &byte, 1, &map), bad, "desc is");
    assert_refused(tskip_tile_map_from_bytes(device, &one, 1, 1, NULL, 1, &map), bad, "bytes is");
    assert_refused(tskip_tile_map_from_bytes(device, &one, 1, 1, &byte, 1, NULL), bad, "out is");
    assert_done(tskip_tile_map_build(&one, &map));
    assert_refused(tskip_tile_map_encode(NULL, encoder), bad, "map is NULL");
    assert_refused(tskip_tile_map_encode(map, NULL), bad, "encoder is NULL");
    assert_refused(tskip_tile_map_read(NULL, &byte, 1), bad, "map is NULL");
    assert_refused(tskip_tile_map_read(map, NULL, 1), bad, "bytes is NULL");
    assert_refused(tskip_tile_map_count(NULL, &counts), bad, "map is NULL");
    assert_refused(tskip_tile_map_count(map, NULL), bad, "counts is NULL");
    assert_refused(tskip_tile_map_draw(NULL, 0, 1, 1, &byte, 1), bad, "map is NULL");
    assert_refused(tskip_tile_map_draw(map, 0, 1, 1, NULL, 1), bad, "rgb is NULL");
    assert_null(tskip_tile_map_get_info(NULL));
    tskip_tile_map_destroy(&map);
    tskip_tile_map_destroy(&map);
    tskip_tile_map_destroy(NULL);
    tskip_mask_destroy(&mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_counts),
        cmocka_unit_test(test_known_sizes),
        cmocka_unit_test(test_known_pairs),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_refused_extents),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_from_bytes),

        cmocka_unit_test(test_draw),
        cmocka_unit_test(test_null),
    };
    if (tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = 2}, &device) != TSKIP_OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tskip_device_destroy(&device);
    const struct CMUnitTest alone[] = {cmocka_unit_test(test_not_built),
                                       cmocka_unit_test(test_not_built_plane)};
    return failed + cmocka_run_group_tests(alone, NULL, NULL);
}
