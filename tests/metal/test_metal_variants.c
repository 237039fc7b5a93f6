/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/attention_constants.h"
#include "kernels/kernel_table.h"
#include "kernels/shared/row_limits.h"

/* Every shape that a Metal kernel can take fits every Apple GPU: group memory, threads, and on
 * paper the registers. Needs no Metal. */

enum { GROUP_MEMORY = 32 * 1024, GROUP_THREADS = 1024, LANES = 32 };

/* Fragments of 8 x 8 take two registers a lane in f32, one in 16 bits. All of O and S, one fragment
 * of Q, those of K; what else a lane keeps is an estimate. A thread has 128. */
enum { REGISTERS = 128, OTHER_REGISTERS = 28 };

static const tskip_kernel_desc *kernel(const char *name)
{
    for (const tskip_kernel_desc *const *desc = tskip__kernel_table; *desc; desc++)
        if (strcmp((*desc)->name, name) == 0)
            return *desc;
    fail_msg("no kernel %s", name);
    return NULL;
}

static const tskip_kernel_body *metal_body(const tskip_kernel_desc *desc)
{
    for (size_t i = 0; i < desc->n_bodies; i++)
        if (desc->bodies[i].format == TSKIP_CODE_MSL)
            return &desc->bodies[i];
    return NULL;
}

static uint32_t up(uint32_t n, uint32_t by)
{
    return (n + by - 1) / by;
}

static uint32_t registers(const tskip__variant *v, tskip_dtype dtype, uint32_t dim_v,
                          uint32_t simdgroups)
{
    const uint32_t element = dtype == TSKIP_F32 ? 2 : 1, bands = v->bq / 8;
    const uint32_t columns = up(dim_v / 8, simdgroups), blocks = up(v->bk / 8, simdgroups);
    const uint32_t scores = blocks * bands * 2 + blocks * element + element;
    const uint32_t values = bands * 2 + element;
    return columns * bands * 2 + (scores > values ? scores : values) + OTHER_REGISTERS;
}

static void check_shape(const tskip__variant *v, tskip_dtype dtype, uint32_t dim, uint32_t dim_v)
{
    const tskip_kernel_desc *desc = kernel(v->kernel);
    const tskip_kernel_body *body = metal_body(desc);
    tskip_constant_value values[TSKIP_MAX_CONSTANTS] = {
        [TSKIP__ID_dtype].u32 = dtype,  [TSKIP__ID_out_dtype].u32 = dtype,
        [TSKIP__ID_head_dim].u32 = dim, [TSKIP__ID_head_dim_v].u32 = dim_v,
        [TSKIP__ID_bq].u32 = v->bq,     [TSKIP__ID_bk].u32 = v->bk,
    };
    tskip_kernel_shape shape = desc->shape;
    assert_non_null(body);
    desc->specialise(values, body, &shape);
    const uint32_t simdgroups = shape.group_size[0] / LANES;
    const uint32_t used = registers(v, dtype, dim_v, simdgroups);
    const bool named = dim == dim_v && (dim == 64 || dim == 128 || dim == 256 || dim == 512);
    if (named)
        print_message("%4s d%-3u %2ux%-2u: %u SIMD groups, %5u bytes, about %3u registers\n",
                      tskip_dtype_name(dtype), dim, v->bq, v->bk, simdgroups,
                      (unsigned)shape.group_memory, used);
    assert_in_range(shape.group_memory, 1, GROUP_MEMORY);
    assert_in_range(shape.group_size[0], LANES, GROUP_THREADS);
    assert_int_equal(shape.group_size[0] % LANES, 0);
    assert_in_range(used, 1, REGISTERS);
}

static void test_attention(void **state)
{
    (void)state;
    int rows = 0;
    for (const tskip__variant *v = tskip__variants; v->kernel; v++) {
        const tskip_dtype most = v->needs & TSKIP__NEEDS_HALVES ? TSKIP_BF16 : TSKIP_F32;
        if (v->format != TSKIP_CODE_MSL)
            continue;
        rows++;
        assert_int_equal(v->multiple, 8);
        for (uint32_t dim = 8; dim <= v->max_head_dim; dim += 8)
            for (uint32_t dim_v = 8; dim_v <= v->max_head_dim; dim_v += 8)
                check_shape(v, most, dim, dim_v);
    }
    assert_true(rows >= 4);
}

static void test_others(void **state)
{
    (void)state;
    int found = 0;
    for (const tskip_kernel_desc *const *desc = tskip__kernel_table; *desc; desc++) {
        const tskip_kernel_body *body = metal_body(*desc);
        tskip_kernel_shape shape = (*desc)->shape;
        if (!body || (*desc)->n_constants > 0)
            continue;
        found++;
        (*desc)->specialise(NULL, body, &shape);
        assert_in_range(shape.group_memory, 0, GROUP_MEMORY);
        assert_int_equal(shape.group_size[0], 256);
    }
    assert_int_equal(found, 5);
}

/* ---- the work of a group --------------------------------------------------------------------- */

enum { BQ = 16, BK = 64, KEYS = 4000, DIM = 512 };

/* Keys in tiles of which a row of the panel from `first` on sees something. */
static int64_t visited(const struct tskip__rules *rules, int64_t first)
{
    const struct tskip__rules_entry all = {.klen = TSKIP__FAR};
    int64_t keys = 0;
    for (int64_t x = 0; x < KEYS; x += BK) {
        bool seen = false;
        for (int64_t row = first; row < first + BQ && row < KEYS; row++) {
            const struct tskip__row_limits l = tskip__row_limits(*rules, all, NULL, KEYS, row);
            for (int64_t c = x; c < x + BK && c < KEYS && !seen; c++)
                seen = tskip__row_sees(l, c);
        }
        keys += seen ? BK : 0;
    }
    return keys;
}

/* No group visits more than its work says, and where rules keep rows short that is far from all. */
static void test_group_work(void **state)
{
    (void)state;
    static const struct {
        tskip_i64 window, spread, chunk, prefix, sink;
        bool causal, is_short;
    } cases[] = {
        {300, TSKIP__FAR, 0, 0, 0, true, true},    {300, TSKIP__FAR, 0, 0, 400, true, true},
        {TSKIP__FAR, 390, 0, 0, 0, false, true},   {TSKIP__FAR, TSKIP__FAR, 256, 0, 0, true, true},
        {300, TSKIP__FAR, 0, 900, 0, true, false}, {400, 90, 0, 0, 33, false, true},
        {300, TSKIP__FAR, 0, 0, 0, false, false},  {TSKIP__FAR, TSKIP__FAR, 0, 0, 0, true, false},
        {1, TSKIP__FAR, 0, 0, 0, true, true},      {300, TSKIP__FAR, 0, 0, 3990, true, false},
    };
    const tskip_kernel_desc *desc = kernel("attention_metal");
    const tskip_constant_value values[TSKIP_MAX_CONSTANTS] = {
        [TSKIP__ID_bq].u32 = BQ, [TSKIP__ID_bk].u32 = BK};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct tskip__attention_args args = {
            .k_len = KEYS,
            .head_dim = DIM,
            .head_dim_v = DIM,
            .flags = TSKIP__HAS_MAP | TSKIP__HAS_RULES,
            .rules = {.window = cases[i].window,
                      .spread = cases[i].spread,
                      .chunk = cases[i].chunk,
                      .prefix = cases[i].prefix,
                      .sink = cases[i].sink,
                      .flags = cases[i].causal ? TSKIP__RULE_CAUSAL : 0},
        };
        const int64_t keys = (int64_t)(desc->group_work(values, &args) / (2 * BQ * 2 * DIM));
        for (int64_t row = 0; row < KEYS; row += BQ)
            if (visited(&args.rules, row) > (keys + BK - 1) / BK * BK)
                fail_msg("case %zu, row %d: more than %d keys", i, (int)row, (int)keys);
        assert_true((keys < KEYS / 4) == cases[i].is_short);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_group_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
