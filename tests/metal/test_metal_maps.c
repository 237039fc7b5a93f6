/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Maps of tiles that no attention kernel asks for, filled tensors and counted pairs: on Metal as on
 * the CPU, byte for byte. */

#include "harness/refused.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tileskip/attention.h>

enum { NO_DEVICE = 77, Q = 67, K = 301, MOST_TILES = 1 << 16 };

static const tskip_extent extent = {.n_heads = 2, .q_len = Q, .k_len = K, .q_offset = K - Q};
static const char RULES[] = "causal,window=150,sink=100,kstart=3,klen=290";

/* Blocks of zeros, of masked cells, now and then of NaN, a tiny number or a neighbour of -1e30, as
 * bf16; few tiles lie in one block, and many reach into the next by a few cells. */
static void make_cells(uint16_t cells[Q * K])
{
    enum { ROWS = 33, COLUMNS = 97 };
    static const uint16_t kinds[] = {0,      0xFF80, 0x8000, 0xFF80, 0xF14A, 0,
                                     0x7FC0, 0xFF80, 0x0001, 0,      0xF149, 0xFF7F};
    for (int i = 0; i < Q * K; i++) {
        const int block = i / K / ROWS * 4 + i % K / COLUMNS;
        cells[i] = kinds[block * 5 % (int)(sizeof kinds / sizeof kinds[0])];
    }
    cells[40 * K + 250] = 0x7FC0;
}

typedef struct scene {
    tskip_device *device;
    tskip_buffer *cells;
    tskip_mask *rules, *tensor, *both;
} scene;

static void set_up(scene *s, const char *name)
{
    static uint16_t cells[Q * K];
    *s = (scene){0};
    make_cells(cells);
    assert_done(tskip_device_open(&(tskip_device_desc){.name = name}, &s->device));
    assert_done(tskip_buffer_create(s->device, sizeof cells, &s->cells));
    assert_done(tskip_buffer_write(s->cells, 0, cells, sizeof cells));
    const tskip_mask_tensor tensor = {s->cells, 0, TSKIP_BF16, 2, {Q, K}, {0}};
    assert_done(tskip_mask_create(s->device, &(tskip_mask_desc){.rules = RULES}, &s->rules));
    assert_done(tskip_mask_create(s->device, &(tskip_mask_desc){.tensor = tensor}, &s->tensor));
    assert_done(tskip_mask_create(s->device, &(tskip_mask_desc){.rules = RULES, .tensor = tensor},
                                  &s->both));
}

static void tear_down(scene *s)
{
    tskip_mask_destroy(&s->rules);
    tskip_mask_destroy(&s->tensor);
    tskip_mask_destroy(&s->both);
    tskip_buffer_destroy(&s->cells);
    tskip_device_destroy(&s->device);
}

static size_t read_map(const tskip_mask *mask, tskip_tile tile, uint8_t *bytes)
{
    const tskip_tile_map_desc desc = {mask, extent, tile};
    tskip_tile_map *map;
    assert_done(tskip_tile_map_build(&desc, &map));
    const tskip_tile_map_info *info = tskip_tile_map_get_info(map);
    const size_t size = (size_t)info->nq * info->nk;
    assert_done(tskip_tile_map_read(map, bytes, MOST_TILES));
    tskip_tile_map_destroy(&map);
    return size;
}

static void test_maps(void **state)
{
    (void)state;
    static const tskip_tile tiles[] = {{24, 40}, {7, 13},  {8, 64},  {16, 128}, {9, 256},
                                       {5, 1},   {64, 32}, {32, 96}, {1, 7},    {100, 500}};
    static uint8_t right[MOST_TILES], got[MOST_TILES];
    scene cpu, metal;
    set_up(&cpu, "cpu");
    set_up(&metal, "metal:0");
    const tskip_mask *const pairs[][2] = {
        {cpu.rules, metal.rules}, {cpu.tensor, metal.tensor}, {cpu.both, metal.both}};
    for (size_t m = 0; m < sizeof pairs / sizeof pairs[0]; m++)
        for (size_t i = 0; i < sizeof tiles / sizeof tiles[0]; i++) {
            const size_t size = read_map(pairs[m][0], tiles[i], right);
            assert_int_equal(read_map(pairs[m][1], tiles[i], got), size);
            if (memcmp(right, got, size) != 0)
                fail_msg("mask %zu, tiles of %ux%u", m, tiles[i].bq, tiles[i].bk);
        }
    tear_down(&cpu);
    tear_down(&metal);
}

static void fill(const scene *s, tskip_dtype dtype, void *bytes, size_t size)
{
    tskip_buffer *buffer;
    tskip_encoder *encoder;
    assert_done(tskip_buffer_create(s->device, size, &buffer));
    assert_done(tskip_encoder_create(s->device, NULL, &encoder));
    const tskip_mask_tensor out = {buffer, 0, dtype, 2, {Q, K}, {0}};
    assert_done(tskip_mask_fill_encode(s->both, &extent, &out, encoder));
    assert_done(tskip_encoder_submit(encoder));
    assert_done(tskip_encoder_wait(encoder));
    assert_done(tskip_buffer_read(buffer, 0, bytes, size));
    tskip_encoder_destroy(&encoder);
    tskip_buffer_destroy(&buffer);
}

static void test_fill_and_count(void **state)
{
    (void)state;
    static const tskip_dtype types[] = {TSKIP_F32, TSKIP_F16, TSKIP_BF16, TSKIP_BOOL};
    static uint8_t right[Q * K * 4], got[Q * K * 4];
    uint64_t n[2];
    scene cpu, metal;
    set_up(&cpu, "cpu");
    set_up(&metal, "metal:0");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const size_t size = Q * K * tskip_dtype_size(types[i]);
        fill(&cpu, types[i], right, size);
        fill(&metal, types[i], got, size);
        if (memcmp(right, got, size) != 0)
            fail_msg("filled as %s", tskip_dtype_name(types[i]));
    }
    const tskip_mask *const pairs[][2] = {{cpu.rules, metal.rules}, {cpu.both, metal.both}};
    for (size_t m = 0; m < sizeof pairs / sizeof pairs[0]; m++) {
        for (size_t d = 0; d < 2; d++)
            assert_done(tskip_mask_count_pairs(pairs[m][d], &extent, &n[d], NULL));
        assert_true(n[0] == n[1] && n[0] > 0);
    }
    tear_down(&cpu);
    tear_down(&metal);
}

int main(void)
{
    tskip_device *device;
    if (tskip_device_open(&(tskip_device_desc){.name = "metal:0"}, &device) != TSKIP_OK) {
        fprintf(stderr, "%s\n", tskip_last_error());
        return NO_DEVICE;
    }
    tskip_device_destroy(&device);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_fill_and_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
