/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Pins the oracle's formats, rules, cells and tile classes on cases worked out by hand. Nothing
 * here is computed by the code under test: pictures and numbers are written down. */

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "oracle.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- Number formats ---- */

static void test_f16_rounding(void **state)
{
    (void)state;
    static const struct {
        float value;
        uint16_t bits;
    } cases[] = {
        {0.0f, 0x0000},          {-0.0f, 0x8000},      {1.0f, 0x3C00},
        {-2.0f, 0xC000},         {65504.0f, 0x7BFF},   {65519.996f, 0x7BFF},
        {65520.0f, 0x7C00},      {-65520.0f, 0xFC00},  {INFINITY, 0x7C00},
        {0x1p-24f, 0x0001},      {0x1p-25f, 0x0000},   {0x1.000002p-25f, 0x0001},
        {0x1.8p-24f, 0x0002},    {0x1p-14f, 0x0400},   {0x1.ff8p-15f, 0x03FF},
        {0x1.ffep-15f, 0x0400},  {0x1.002p0f, 0x3C00}, {0x1.006p0f, 0x3C02},
        {0x1.002002p0f, 0x3C01}, {0x1.ffep0f, 0x4000}, {-0x1.002002p0f, 0xBC01},
        {1e-40f, 0x0000},
    };
    for (size_t i = 0; i < COUNT(cases); ++i)
        assert_int_equal(oracle_f16_from_f32(cases[i].value), cases[i].bits);
    assert_int_equal(oracle_f16_from_f32(float_of(0xFFABCDEFu)), 0x7E00);
}

static void test_bf16_rounding(void **state)
{
    (void)state;
    static const struct {
        uint32_t value;
        uint16_t bits;
    } cases[] = {
        {0x3F800000u, 0x3F80}, {0x3F808000u, 0x3F80}, {0x3F808001u, 0x3F81}, {0x3F818000u, 0x3F82},
        {0x3F817FFFu, 0x3F81}, {0x7F7FFFFFu, 0x7F80}, {0xFF7F0000u, 0xFF7F}, {0x80000000u, 0x8000},
        {0x00008000u, 0x0000}, {0x00018000u, 0x0002}, {0x7F800001u, 0x7FC0}, {0xFFFFFFFFu, 0x7FC0},
    };
    for (size_t i = 0; i < COUNT(cases); ++i)
        assert_int_equal(oracle_bf16_from_f32(float_of(cases[i].value)), cases[i].bits);
}

static void test_every_half_survives(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
        bool f16_nan = (bits & 0x7FFF) > 0x7C00;
        bool bf16_nan = (bits & 0x7FFF) > 0x7F80;
        float f16 = oracle_f32_from_f16((uint16_t)bits);
        float bf16 = oracle_f32_from_bf16((uint16_t)bits);
        assert_int_equal(oracle_f16_from_f32(f16), f16_nan ? 0x7E00 : bits);
        assert_int_equal(oracle_bf16_from_f32(bf16), bf16_nan ? 0x7FC0 : bits);
        if (f16_nan)
            assert_int_equal(bits_of(f16), 0x7FC00000u);
        if (bf16_nan)
            assert_int_equal(bits_of(bf16), 0x7FC00000u);
    }
    assert_true(oracle_f32_from_f16(0x3555) == 0x1.554p-2f);
    assert_true(oracle_f32_from_f16(0x83FF) == -0x1.ff8p-15f);
}

static void test_ulp(void **state)
{
    (void)state;
    assert_true(oracle_ulp(ORACLE_F32, 1.0) == 0x1p-23);
    assert_true(oracle_ulp(ORACLE_F32, -1.999) == 0x1p-23);
    assert_true(oracle_ulp(ORACLE_F32, 2.0) == 0x1p-22);
    assert_true(oracle_ulp(ORACLE_F32, 0.0) == 0x1p-149);
    assert_true(oracle_ulp(ORACLE_F16, 1.0) == 0x1p-10);
    assert_true(oracle_ulp(ORACLE_F16, 0x1p-20) == 0x1p-24);
    assert_true(oracle_ulp(ORACLE_BF16, 1.5) == 0x1p-7);
    assert_true(oracle_ulp(ORACLE_BF16, 0.0) == 0x1p-133);
}

/* ---- Mask cells ---- */

static void expect_f32(float value, bool masked)
{
    struct oracle_cell cell = oracle_cell_from_value(ORACLE_F32, &value, 0);
    assert_int_equal(cell.masked, masked);
    if (!masked && !isnan(value))
        assert_true(cell.bias == (double)value);
    if (isnan(value))
        assert_true(isnan(cell.bias));
}

static void expect_16(enum oracle_dtype dtype, uint16_t value, bool masked)
{
    assert_int_equal(oracle_cell_from_value(dtype, &value, 0).masked, masked);
}

static void test_sentinels(void **state)
{
    (void)state;
    expect_f32(-INFINITY, true);
    expect_f32(-FLT_MAX, true);
    expect_f32(-FLT_MAX / 2, true);
    expect_f32(-1e30f, true);
    expect_f32(nextafterf(-1e30f, 0), false);
    expect_f32(-9.9e29f, false);
    expect_f32(-1e9f, false);
    expect_f32(-10000.0f, false);
    expect_f32(-0.0f, false);
    expect_f32(INFINITY, false);
    expect_f32(NAN, false);

    expect_16(ORACLE_BF16, 0xFF80, true);  /* -inf */
    expect_16(ORACLE_BF16, 0xFF7F, true);  /* lowest finite */
    expect_16(ORACLE_BF16, 0xF14A, true);  /* -1e30 rounded, just below it */
    expect_16(ORACLE_BF16, 0xF149, false); /* the neighbour above */
    expect_16(ORACLE_BF16, 0x7FC0, false);
    expect_16(ORACLE_BF16, 0xFFC0, false); /* NaN with a sign */

    expect_16(ORACLE_F16, 0xFC00, true);  /* -inf */
    expect_16(ORACLE_F16, 0xFBFF, true);  /* -65504 */
    expect_16(ORACLE_F16, 0xFBFE, false); /* -65472 */
    expect_16(ORACLE_F16, 0x7E00, false);
    expect_16(ORACLE_F16, 0xFE00, false);

    static const uint8_t bools[] = {0, 1, 2, 255};
    for (int i = 0; i < 4; ++i) {
        assert_int_equal(oracle_cell_from_value(ORACLE_BOOL, bools, i).masked, i == 0);
        assert_true(oracle_cell_from_value(ORACLE_BOOL, bools, i).bias == 0);
    }
}

/* ---- Rules, as pictures ---- */

struct picture {
    const char *rules;
    int64_t q_offset, k_offset;
    int64_t entry;
    const char *rows[6]; /* '#' visible, '.' masked; NULL ends */
};

static const struct picture pictures[] = {
    {"", 0, 0, 0, {"###", "###"}},
    {"causal", 0, 0, 0, {"#...", "##..", "###.", "####"}},
    {"causal", 0, 0, 0, {"#..", "##.", "###", "###", "###"}},    /* top-left */
    {"causal", 3, 0, 0, {"####.", "#####"}},                     /* chunked prefill */
    {"causal", 3, 3, 0, {"#...", "##.."}},                       /* a slid cache */
    {"causal", 0, 2, 0, {"...", "...", "#..", "##."}},           /* keys ahead */
    {"window=2", 0, 0, 0, {"#####", "#####", ".####", "..###"}}, /* future stays visible */
    {"causal,window=2", 0, 0, 0, {"#....", "##...", ".##..", "..##.", "...##"}},
    {"causal,window=1", 0, 0, 0, {"#..", ".#.", "..#"}},
    {"symmetric=1", 0, 0, 0, {"#...", ".#..", "..#.", "...#"}},
    {"symmetric=3", 0, 0, 0, {"##...", "###..", ".###.", "..###", "...##"}},
    {"symmetric=4", 0, 0, 0, {"###..", "####.", "#####", ".####", "..###"}},
    {"chunk=2", 0, 0, 0, {"#####", "#####", "..###", "..###", "....#"}},
    {"causal,chunk=2", 1, 0, 0, {"##...", "..#..", "..##.", "....#"}},
    {"segments=2+3", 0, 0, 0, {"##...", "##...", "..###", "..###", "..###", "....."}},
    {"causal,segments=1+2+1", 0, 0, 0, {"#...", ".#..", ".##.", "...#"}},
    {"segments=3+2", 2, 2, 0, {"#..", ".##", ".##", "..."}},
    {"klen=3", 0, 0, 0, {"###..", "###.."}},
    {"kstart=2", 0, 0, 0, {"..###", "..###"}},
    {"klen=3,kstart=1,causal", 0, 0, 0, {".....", ".#...", ".##..", ".##.."}},
    {"klen=2", 5, 3, 0, {"##...", "##..."}}, /* columns, not positions */
    {"klen=1/3", 0, 0, 1, {"###.", "###."}},
    {"klen=1/3", 0, 0, 0, {"#...", "#..."}},
    {"kstart=0/2,klen=3", 0, 0, 1, {"..#.", "..#."}},
    {"causal,images=1:3", 0, 0, 0, {"#....", "###..", "###..", "####.", "#####"}},
    {"causal,images=3:5+0:2", 0, 0, 0, {"##...", "##...", "###..", "#####", "#####"}},
    {"causal,images=1:3/2:4", 0, 0, 1, {"#....", "##...", "####.", "####."}},
    {"causal,images=1:99", 0, 0, 0, {"#..", "###", "###"}}, /* past the keys */
    /* an image stays within the window, a span does not */
    {"causal,window=2,images=0:4", 0, 0, 0, {"####.", "####.", ".###.", "..##.", "...##"}},
    {"causal,window=2,spans=0:4", 0, 0, 0, {"####.", "####.", "####.", "####.", "...##"}},
    {"window=1,spans=0:2", 0, 0, 0, {"####", "####", "..##", "...#"}},
    {"symmetric=1,spans=1:3", 0, 0, 0, {"#...", ".##.", ".##.", "...#"}},
    {"causal,chunk=1,spans=0:2,images=2:4", 0, 0, 0, {"##..", "##..", "..##", "...#"}},
    /* the prefix is bound by the window, too */
    {"causal,prefix=3", 0, 0, 0, {"###..", "###..", "###..", "####.", "#####"}},
    {"causal,window=2,prefix=3", 0, 0, 0, {"###..", "###..", ".##..", "..##.", "...##"}},
    {"causal,prefix=4", 2, 2, 0, {"##..", "##..", "###."}}, /* positions, not columns */
    /* a sink frees from the limits, never from causal */
    {"causal,window=1,sink=2", 0, 0, 0, {"#....", "##...", "###..", "##.#.", "##..#"}},
    {"causal,chunk=2,sink=1", 0, 0, 0, {"#....", "##...", "#.#..", "#.##.", "#...#"}},
    {"causal,symmetric=2,sink=1", 0, 0, 0, {"#...", "##..", "###.", "#.##"}},
    {"causal,sink=3", 0, 0, 0, {"#...", "##..", "###.", "####"}}, /* nothing to free from */
    {"causal,window=1,sink=4", 3, 3, 0, {"#..", "##.", "#.#"}},
    {"causal,window=1,sink=1,prefix=3", 0, 0, 0, {"###.", "###.", "#.#.", "#..#"}},
    {"causal,window=1,sink=2,images=1:3", 0, 0, 0, {"#...", "###.", "###.", "##.#"}},
    /* segments, klen and kstart cut everything, spans included */
    {"causal,spans=0:4,segments=2+3", 0, 0, 0, {"##...", "##...", "..##.", "..##.", "..###"}},
    {"causal,prefix=4,segments=2+3", 0, 0, 0, {"##...", "##...", "..##.", "..##.", "..###"}},
    {"causal,window=1,sink=2,segments=1+3", 0, 0, 0, {"#...", ".#..", ".##.", ".#.#"}},
    {"causal,spans=0:4,klen=3,kstart=1", 0, 0, 0, {".##..", ".##..", ".##..", ".##..", ".##.."}},
    {"causal,window=1,sink=2,kstart=1", 0, 0, 0, {"...", ".#.", ".##"}},
};

static void test_pictures(void **state)
{
    (void)state;
    for (size_t n = 0; n < COUNT(pictures); ++n) {
        const struct picture *picture = &pictures[n];
        struct oracle_rules rules;
        char err[200] = "";
        if (!oracle_rules_parse(picture->rules, &rules, err, sizeof err))
            fail_msg("%s: %s", picture->rules, err);
        for (int64_t r = 0; r < 6 && picture->rows[r] != NULL; ++r) {
            for (int64_t k = 0; picture->rows[r][k] != '\0'; ++k) {
                bool want = picture->rows[r][k] == '#';
                bool got = oracle_rules_visible(&rules, picture->entry, r + picture->q_offset,
                                                k + picture->k_offset, k);
                if (want != got)
                    fail_msg("picture %zu, '%s': row %d column %d is %s", n, picture->rules, (int)r,
                             (int)k, got ? "visible" : "masked");
            }
        }
        oracle_rules_free(&rules);
    }
}

static void test_parse_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        const char *says;
    } cases[] = {
        {"casual", "'causal'"},
        {"windows=4", "'window'"},
        {"kend=4", "'klen'"},
        {"Causal", "unknown"},
        {"causal,causal", "twice"},
        {"window=1,causal,window=1", "twice"},
        {"causal=1", "no value"},
        {"causal=", "no value"},
        {"window", "needs a value"},
        {"window=", "missing"},
        {"window=0", "at least 1"},
        {"symmetric=0", "at least 1"},
        {"chunk=0", "at least 1"},
        {"klen=0", "at least 1"},
        {"klen=3/0", "at least 1"},
        {"window=-1", "digits"},
        {"window=+1", "digits"},
        {"window=0x10", "digits"},
        {"window=1e3", "digits"},
        {"window= 1", "digits"},
        {"window=4/5", "digits"},
        {"causal, window=4", "unknown"},
        {"causal,", "unknown"},
        {",causal", "unknown"},
        {"window=9223372036854775808", "too large"},
        {"window=99999999999999999999999", "too large"},
        {"causal,images=3:3", "empty"},
        {"causal,images=4:3", "empty"},
        {"causal,images=1", "start:end"},
        {"causal,images=1:2:3", "start:end"},
        {"causal,images=", "start:end"},
        {"causal,images=1:2+", "start:end"},
        {"causal,images=1:2/", "start:end"},
        {"causal,images=:2", "missing"},
        {"causal,images=1:4+3:5", "overlap"},
        {"causal,spans=5:9+1:6", "overlap"},
        {"causal,spans=1:9/1:6+5:7", "overlap"},
        {"segments=3+0", "at least 1"},
        {"segments=3++1", "missing"},
        {"segments=9223372036854775807+1", "overflow"},
        {"klen=4,kstart=4", "not below"},
        {"klen=4/9,kstart=5", "not below"},
        {"klen=4/9,kstart=1/2/3", "entries"},
        {"images=1:2", "images without causal"},
        {"prefix=4", "prefix without causal"},
        {"prefix=0", "prefix without causal"},
        {"window=4,images=1:2", "images without causal"},
        {"spans=1:2", "spans without causal"},
        {"sink=4,spans=1:2", "spans without causal"},
        {"alibi=", "slope"},
        {"alibi=-1", "slope"},
        {"alibi=0.5/", "slope"},
        {"alibi=.5", "slope"},
        {"alibi=inf", "slope"},
        {"alibi=nan", "slope"},
        {"alibi=1e39", "does not fit"},
    };
    for (size_t i = 0; i < COUNT(cases); ++i) {
        struct oracle_rules rules;
        char err[200] = "";
        if (oracle_rules_parse(cases[i].rules, &rules, err, sizeof err))
            fail_msg("'%s' is accepted", cases[i].rules);
        if (strstr(err, cases[i].says) == NULL)
            fail_msg("'%s': '%s' does not say '%s'", cases[i].rules, err, cases[i].says);
        assert_null(rules.images);
        assert_false(oracle_rules_parse(cases[i].rules, &rules, NULL, 0));
    }
}

static void test_parse_accepts(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "window=9223372036854775807",
        "causal,images=1:3+3:5",
        "window=4,spans=1:2",
        "prefix=0,causal",
        "sink=0",
        "kstart=0",
        "causal,images=5:6+1:2/0:9",
        "alibi",
        "alibi=0.5/3/1e-3,causal",
        "symmetric=007",
        "chunk=8,spans=1:2",
    };
    for (size_t i = 0; i < COUNT(texts); ++i) {
        struct oracle_rules rules;
        char err[200] = "";
        if (!oracle_rules_parse(texts[i], &rules, err, sizeof err))
            fail_msg("'%s': %s", texts[i], err);
        oracle_rules_free(&rules);
    }
}

static void test_extreme_positions(void **state)
{
    (void)state;
    struct oracle_rules rules;
    int64_t far = INT64_MAX - 1;
    assert_true(oracle_rules_parse("symmetric=9223372036854775807", &rules, NULL, 0));
    assert_true(oracle_rules_visible(&rules, 0, INT64_MAX / 2, 0, 0));
    assert_false(oracle_rules_visible(&rules, 0, INT64_MAX / 2 + 1, 0, 0));
    oracle_rules_free(&rules);
    assert_true(oracle_rules_parse("causal,window=9223372036854775807", &rules, NULL, 0));
    assert_true(oracle_rules_visible(&rules, 0, far, 0, 0));
    assert_false(oracle_rules_visible(&rules, 0, INT64_MAX, 0, 0));
    oracle_rules_free(&rules);
    assert_true(oracle_rules_parse("causal,chunk=4294967296", &rules, NULL, 0));
    assert_true(oracle_rules_visible(&rules, 0, 0x200000005, 0x200000000, 0));
    assert_false(oracle_rules_visible(&rules, 0, 0x200000005, 0x1FFFFFFFF, 0));
    oracle_rules_free(&rules);
}

static void test_alibi_slopes(void **state)
{
    (void)state;
    struct oracle_rules rules;
    assert_true(oracle_rules_parse("alibi", &rules, NULL, 0));
    for (int h = 0; h < 8; ++h)
        assert_true(oracle_alibi_slope(&rules, h, 8) == ldexpf(1, -1 - h));
    assert_true(oracle_alibi_slope(&rules, 0, 1) == 0x1p-8f);
    assert_true(oracle_alibi_slope(&rules, 1, 16) == 0.5f);
    assert_true(oracle_alibi_slope(&rules, 0, 16) == 0x1.6a09e6p-1f);
    /* 12 heads: those of 8, then the 1st, 3rd, 5th and 7th of 16 */
    assert_true(oracle_alibi_slope(&rules, 7, 12) == 0x1p-8f);
    assert_true(oracle_alibi_slope(&rules, 8, 12) == 0x1.6a09e6p-1f);
    assert_true(oracle_alibi_slope(&rules, 11, 12) == 0x1.6a09e6p-4f);
    oracle_rules_free(&rules);
    assert_true(oracle_rules_parse("alibi=0.1/2", &rules, NULL, 0));
    assert_true(oracle_alibi_slope(&rules, 0, 2) == 0.1f);
    assert_true(oracle_alibi_slope(&rules, 1, 2) == 2.0f);
    oracle_rules_free(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f16_rounding),        cmocka_unit_test(test_bf16_rounding),
        cmocka_unit_test(test_every_half_survives), cmocka_unit_test(test_ulp),
        cmocka_unit_test(test_sentinels),           cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_parse_refuses),       cmocka_unit_test(test_parse_accepts),
        cmocka_unit_test(test_extreme_positions),   cmocka_unit_test(test_alibi_slopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
