/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Random rules, lengths, offsets and tiles: the closed form, the scan of the filled tensor and the
 * reference's look at every cell must give the same class for every tile, the same cells and the
 * same number of visible pairs. */

#include "harness/refused.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <oracle.h>
#include <problem_random.h>
#include <random.h>
#include <tileskip/attention.h>

#include "harness/rungs.h"

static rungs all;
static uint64_t first_seed = 20240613;
static uint64_t n_cases = 4000;

/* What all parts of one case share. */
struct trial {
    tskip_device *device;
    problem p;
    tskip_extent extent; /* resolved */
    tskip_tile tile;
    struct oracle_rules rules;
    struct oracle_mask mask;
    tskip_mask *by_rules, *by_tensor;
    tskip_buffer *cells;
    tskip_mask_tensor tensor;
    uint64_t seed;
};

static void fail_case(const struct trial *t, const char *what)
{
    fail_msg("seed %" PRIu64 ": %s\n  %s, q_len %" PRId64 ", k_len %" PRId64 ", q_offset %" PRId64
             ", k_offset %" PRId64 ", batch %" PRIu32 ", heads %" PRIu32 ", tile %" PRIu32
             "x%" PRIu32 ", cells %s, rules \"%s\"",
             t->seed, what, tskip_device_get_info(t->device)->name, t->extent.q_len,
             t->extent.k_len, t->extent.q_offset, t->extent.k_offset, t->extent.batch,
             t->extent.n_heads, t->tile.bq, t->tile.bk, tskip_dtype_name(t->tensor.dtype),
             t->p.rules);
}

static void choose(struct trial *t, random_state *rng)
{
    problem *p = &t->p;
    p->extent.batch = (uint32_t)random_between(rng, 1, 3);
    p->extent.n_heads = (uint32_t)random_between(rng, 1, 3);
    p->extent.q_len = random_between(rng, 1, random_chance(rng, 20) ? 3 : 90);
    p->extent.k_len = random_between(rng, 1, random_chance(rng, 20) ? 3 : 90);
    if (random_chance(rng, 40))
        p->extent.k_offset = random_between(rng, 1, 60);
    if (random_chance(rng, 40))
        p->extent.q_offset = random_between(rng, 1, 120);
    else if (p->extent.k_offset + p->extent.k_len >= p->extent.q_len && random_chance(rng, 50))
        p->extent.q_offset = TSKIP_OFFSET_END;
    problem_random_rules(rng, p);
    t->extent = p->extent;
    if (p->extent.q_offset == TSKIP_OFFSET_END)
        t->extent.q_offset =
            oracle_q_offset_end(p->extent.q_len, p->extent.k_len, p->extent.k_offset);
    const bool small = random_chance(rng, 70);
    t->tile.bq = (uint32_t)random_between(rng, 1, small ? 12 : 100);
    t->tile.bk = (uint32_t)random_between(rng, 1, small ? 12 : 100);
    if (random_chance(rng, 3))
        t->tile = (tskip_tile){UINT32_MAX, UINT32_MAX};
}

/* A tensor of the rules' cells: broadcast where the rules are, or not, with gaps between rows. */
static void fill(struct trial *t, random_state *rng)
{
    static const tskip_dtype DTYPES[] = {TSKIP_F32, TSKIP_F16, TSKIP_BF16, TSKIP_BOOL};
    const bool per_batch = strchr(t->p.rules, '/') || random_chance(rng, 30);
    const bool per_head = t->rules.alibi || random_chance(rng, 30);
    tskip_mask_tensor *to = &t->tensor;
    *to = (tskip_mask_tensor){.dtype = DTYPES[random_between(rng, 0, 3)], .rank = 4};
    if (t->rules.alibi)
        to->dtype = TSKIP_F32;
    to->shape[0] = per_batch ? t->extent.batch : 1;
    to->shape[1] = per_head ? t->extent.n_heads : 1;
    to->shape[2] = t->extent.q_len;
    to->shape[3] = t->extent.k_len;
    to->strides[3] = 1;
    to->strides[2] = t->extent.k_len + random_between(rng, 0, 5);
    to->strides[1] = to->strides[2] * t->extent.q_len + random_between(rng, 0, 3);
    to->strides[0] = to->strides[1] * to->shape[1];
    to->offset = (uint64_t)random_between(rng, 0, 3) * tskip_dtype_size(to->dtype);
    const uint64_t size =
        to->offset + tskip_dtype_size(to->dtype) * (uint64_t)(to->strides[0] * to->shape[0]);
    void *bytes;
    tskip_encoder *encoder;
    assert_done(tskip_buffer_create(t->device, size, &t->cells));
    assert_done(tskip_buffer_map(t->cells, &bytes));
    memset(bytes, 0x7b, size);
    to->buffer = t->cells;
    assert_done(tskip_encoder_create(t->device, NULL, &encoder));
    assert_done(tskip_mask_fill_encode(t->by_rules, &t->p.extent, to, encoder));
    assert_done(tskip_encoder_submit(encoder));
    assert_done(tskip_encoder_wait(encoder));
    tskip_encoder_destroy(&encoder);
    assert_done(tskip_mask_create(t->device, &(tskip_mask_desc){.tensor = *to}, &t->by_tensor));
}

/* Every cell is what the rules say; every byte between the rows is as it was. */
static void check_cells(const struct trial *t)
{
    const tskip_mask_tensor *c = &t->tensor;
    const size_t element = tskip_dtype_size(c->dtype);
    static const enum oracle_dtype DTYPES[] = {[TSKIP_F32] = ORACLE_F32,
                                               [TSKIP_F16] = ORACLE_F16,
                                               [TSKIP_BF16] = ORACLE_BF16,
                                               [TSKIP_BOOL] = ORACLE_BOOL};
    void *bytes;
    assert_done(tskip_buffer_map(t->cells, &bytes));
    const size_t size = tskip_buffer_size(t->cells);
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    for (int64_t b = 0; b < c->shape[0]; b++)
        for (int64_t h = 0; h < c->shape[1]; h++)
            for (int64_t i = 0; i < c->shape[2]; i++) {
                uint8_t *row =
                    copy + c->offset +
                    element * (size_t)(b * c->strides[0] + h * c->strides[1] + i * c->strides[2]);
                for (int64_t j = 0; j < c->shape[3]; j++) {
                    const struct oracle_cell want = oracle_mask_cell(&t->mask, b, h, i, j);
                    const struct oracle_cell got = oracle_cell_from_value(DTYPES[c->dtype], row, j);
                    if (got.masked != want.masked || got.bias != want.bias)
                        fail_case(t, "a filled cell is not what the rules say");
                }
                memset(row, 0x7b, element * (size_t)c->shape[3]);
            }
    for (size_t i = 0; i < size; i++)
        if (copy[i] != 0x7b)
            fail_case(t, "the fill wrote between the rows");
    free(copy);
}

static uint8_t *build(const struct trial *t, const tskip_mask *mask, tskip_tile_map_info *info)
{
    tskip_tile_map *map;
    const tskip_tile_map_desc desc = {mask, t->p.extent, t->tile};
    assert_done(tskip_tile_map_build(&desc, &map));
    *info = *tskip_tile_map_get_info(map);
    const size_t size = (size_t)info->planes_batch * info->planes_head * info->nq * info->nk;
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    assert_done(tskip_tile_map_read(map, bytes, size));
    tskip_tile_map_destroy(&map);
    return bytes;
}

/* A mask's map against the reference, plane by plane. */
static void check_map(const struct trial *t, const tskip_mask *mask, const char *what)
{
    tskip_tile_map_info info;
    uint8_t *bytes = build(t, mask, &info);
    const size_t tiles = (size_t)info.nq * info.nk;
    uint8_t *want = malloc(tiles);
    assert_non_null(want);
    for (uint32_t b = 0; b < info.planes_batch; b++)
        for (uint32_t h = 0; h < info.planes_head; h++) {
            oracle_classify(&t->mask, b, h, t->tile.bq, t->tile.bk, want, NULL);
            if (memcmp(want, bytes + tiles * ((size_t)b * info.planes_head + h), tiles) != 0)
                fail_case(t, what);
        }
    free(want);
    free(bytes);
}

static void check_pairs(const struct trial *t, const tskip_mask *mask, const char *what)
{
    uint64_t pairs, want = 0;
    uint32_t planes;
    assert_done(tskip_mask_count_pairs(mask, &t->p.extent, &pairs, &planes));
    for (uint32_t b = 0; b < t->extent.batch; b++)
        want += (uint64_t)oracle_visible_pairs(&t->mask, b, 0);
    if (pairs * (t->extent.batch * t->extent.n_heads / planes) != want * t->extent.n_heads)
        fail_case(t, what);
}

static void run_case(uint64_t seed, uint64_t classes[3])
{
    struct trial t = {.seed = seed};
    random_state rng = {random_mix(seed)};
    char error[200];
    t.device = all.devices[seed % all.n];
    choose(&t, &rng);
    const tskip_mask_desc desc = {.rules = t.p.rules, .n_heads = t.extent.n_heads};
    assert_done(tskip_mask_create(t.device, &desc, &t.by_rules));
    assert_true(oracle_rules_parse(t.p.rules, &t.rules, error, sizeof error));
    t.mask = (struct oracle_mask){.rules = &t.rules,
                                  .n_batch = t.extent.batch,
                                  .n_heads = t.extent.n_heads,
                                  .q_len = t.extent.q_len,
                                  .k_len = t.extent.k_len,
                                  .q_offset = t.extent.q_offset,
                                  .k_offset = t.extent.k_offset};
    assert_true(oracle_mask_check(&t.mask, error, sizeof error));
    fill(&t, &rng);
    check_cells(&t);
    check_map(&t, t.by_rules, "the closed form's classes differ from the cells'");
    check_pairs(&t, t.by_rules, "the closed form's visible pairs differ from the cells'");
    check_pairs(&t, t.by_tensor, "the scan's visible pairs differ from the cells'");
    if (!t.rules.alibi)
        check_map(&t, t.by_tensor, "the scan's classes differ from the cells'");
    struct oracle_counts counts;
    oracle_classify(&t.mask, 0, 0, t.tile.bq, t.tile.bk, NULL, &counts);
    classes[0] += (uint64_t)counts.skip;
    classes[1] += (uint64_t)counts.mixed;
    classes[2] += (uint64_t)counts.full;
    oracle_rules_free(&t.rules);
    tskip_mask_destroy(&t.by_rules);
    tskip_mask_destroy(&t.by_tensor);
    tskip_buffer_destroy(&t.cells);
}

static void test_random_rules(void **state)
{
    (void)state;
    uint64_t classes[3] = {0, 0, 0};
    printf("%" PRIu64 " cases from seed %" PRIu64 " on; again with: test_tile_class SEED CASES\n",
           n_cases, first_seed);
    for (uint64_t i = 0; i < n_cases; i++)
        run_case(first_seed + i, classes);
    printf("tiles of plane 0: %" PRIu64 " skip, %" PRIu64 " mixed, %" PRIu64 " full\n", classes[0],
           classes[1], classes[2]);
    for (int c = 0; c < 3; c++)
        assert_true(classes[c] > n_cases);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_rules)};
    if (argc > 1)
        first_seed = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        n_cases = strtoull(argv[2], NULL, 10);
    rungs_open(&all, 2);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rungs_close(&all);
    return failed;
}
