/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The grammar of mask rules: what it reads, writes and refuses. */

#include "harness/refused.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include <tileskip/attention.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_round_trip(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical; /* NULL: the text itself */
    } cases[] = {
        {"", NULL},
        {"causal", NULL},
        {"window=1", NULL},
        {"sink=4,window=1024,causal", "causal,window=1024,sink=4"},
        {"causal,window=512,symmetric=7,chunk=256,prefix=9,sink=3", NULL},
        {"causal,images=100:380+900:1180", NULL},
        {"causal,images=900:1180+100:380", NULL},
        {"causal,images=0:1+1:2/5:9", NULL},
        {"window=5,spans=0:3/4:9+1:2", NULL},
        {"segments=1+2+3/4+2/6", NULL},
        {"klen=900/1024,kstart=0/17", NULL},
        {"kstart=0", NULL},
        {"causal,prefix=0,sink=0", "causal"},
        {"window=0009223372036854775807", "window=9223372036854775807"},
        {"alibi", NULL},
        {"causal,alibi=0.5/0.25", NULL},
        {"alibi=1e-3", "alibi=0.00100000005"},
        {"alibi=3E+2/0/1.50", "alibi=300/0/1.5"},
        {"alibi=340282346638528859811704183484516925440", "alibi=3.40282347e+38"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *want = cases[i].canonical ? cases[i].canonical : cases[i].text;
        char text[256], again[256];
        size_t length;
        tskip_rules *rules;
        for (int round = 0; round < 2; round++) { /* the canonical text reads back as itself */
            assert_done(tskip_rules_parse(round ? text : cases[i].text, &rules));
            assert_done(tskip_rules_format(rules, again, sizeof again, &length));
            assert_string_equal(again, want);
            assert_int_equal(length, strlen(want));
            memcpy(text, again, sizeof text);
            tskip_rules_destroy(&rules);
            assert_null(rules);
        }
    }
}

static void test_values(void **state)
{
    (void)state;
    tskip_rules *r;
    assert_done(tskip_rules_parse("causal,window=11,symmetric=12,chunk=13,prefix=14,sink=15,"
                                  "images=1:2+3:4/5:6,spans=7:8,segments=9+1/4+6,klen=8/9,"
                                  "kstart=2/3,alibi=0.5/0.125/2",
                                  &r));
    assert_true(r->causal);
    assert_int_equal(r->window, 11);
    assert_int_equal(r->symmetric, 12);
    assert_int_equal(r->chunk, 13);
    assert_int_equal(r->prefix, 14);
    assert_int_equal(r->sink, 15);
    assert_int_equal(r->n_images, 2);
    assert_int_equal(r->images[0].n_spans, 2);
    assert_int_equal(r->images[0].spans[1].start, 3);
    assert_int_equal(r->images[0].spans[1].end, 4);
    assert_int_equal(r->images[1].n_spans, 1);
    assert_int_equal(r->images[1].spans[0].end, 6);
    assert_int_equal(r->n_spans, 1);
    assert_int_equal(r->spans[0].spans[0].start, 7);
    assert_int_equal(r->n_segments, 2);
    assert_int_equal(r->segments[1].lengths[1], 6);
    assert_int_equal(r->n_klen, 2);
    assert_int_equal(r->klen[1], 9);
    assert_int_equal(r->kstart[0], 2);
    assert_int_equal(r->n_slopes, 3);
    assert_true(r->slopes[0] == 0.5f && r->slopes[1] == 0.125f && r->slopes[2] == 2.0f);
    tskip_rules_destroy(&r);
}

static void test_refused_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"window=0", "rule window: found \"0\" at character 8, expected at least 1"},
        {"symmetric=0", "rule symmetric: found \"0\""},
        {"causal,chunk=0", "rule chunk: found \"0\" at character 14"},
        {"klen=0", "rule klen: found \"0\""},
        {"klen=4/0", "rule klen: found \"0\""},
        {"segments=3+0", "rule segments: found \"0\" at character 12"},
        {"causal,images=5:5", "images, entry 0: span 5:5 is empty"},
        {"causal,images=7:5", "images, entry 0: span 7:5 is empty"},
        {"window=3,spans=1:2/9:4", "spans, entry 1: span 9:4"},
        {"causal,images=5:9+0:6", "images, entry 0: spans 0:6 and 5:9 overlap"},
        {"causal,spans=0:2/3:8+7:9", "spans, entry 1: spans 3:8 and 7:9 overlap"},
        {"window=9223372036854775808", "found \"9223372036854775808\""},
        {"window=99999999999999999999", "expected a number below 2^63"},
        {"segments=9223372036854775807+1", "add up to 2^63 or more"},
        {"causal,causal", "rule causal at character 8 is given twice"},
        {"window=3,causal,window=4", "rule window at character 17 is given twice"},
        {"casual", "\"casual\" at character 1 is no rule; the nearest is causal"},
        {"causal,windw=3", "\"windw\" at character 8 is no rule; the nearest is window"},
        {"Causal", "the nearest is causal"},
        {"xyzzy", "\"xyzzy\" at character 1 is no rule, expected one of causal, window, "},
        {"xyzzy", "klen, kstart, alibi"},
        {"causal=1", "rule causal: found \"=1\""},
        {"window", "rule window: found \"\" at character 7, expected \"=\" and a value"},
        {"window=", "expected a number in decimal digits"},
        {"window=-3", "found \"-3\""},
        {"window=+3", "found \"+3\""},
        {"window=0x10", "rule window"},
        {"window=1e3", "found \"e3\""},
        {"window= 3", "found \" 3\""},
        {"window=3 ", "found \" \""},
        {"window=5/6", "found \"/6\""},
        {"causal,", "\"\" at character 8 is no rule"},
        {",causal", "\"\" at character 1 is no rule"},
        {"causal,,window=3", "is no rule"},
        {"causal,images=", "expected a number"},
        {"causal,images=1", "expected \":\" and the span's end"},
        {"causal,images=1:", "expected a number"},
        {"causal,images=1:2+", "expected a number"},
        {"causal,images=1:2/", "expected a number"},
        {"causal,images=1:2:3", "found \":3\""},
        {"segments=", "expected a number"},
        {"segments=1++2", "found \"+2\""},
        {"klen=3+4", "found \"+4\""},
        {"klen=3,kstart=3", "kstart, entry 0 is 3, expected less than klen = 3"},
        {"klen=8/2,kstart=5", "kstart, entry 1 is 5, expected less than klen = 2"},
        {"klen=5,kstart=1/6", "kstart, entry 1 is 6, expected less than klen = 5"},
        {"klen=1/2,kstart=0/0/0", "klen has 2 entries where another rule has 3"},
        {"causal,images=0:1/2:3,klen=9/9/9", "images has 2 entries where another rule has 3"},
        {"images=0:4", "images without causal changes nothing"},
        {"window=4,images=0:4", "images without causal changes nothing"},
        {"prefix=4", "prefix = 4 without causal changes nothing"},
        {"spans=0:4", "spans without causal, window, symmetric or chunk changes nothing"},
        {"segments=4,spans=0:4", "changes nothing"},
        {"alibi=", "expected a slope"},
        {"alibi=-1", "found \"-1\""},
        {"alibi=1/", "expected a slope"},
        {"alibi=.5", "expected a slope"},
        {"alibi=1.", "expected a slope"},
        {"alibi=1e", "expected a slope"},
        {"alibi=1e39", "expected a slope"},
        {"alibi=nan", "expected a slope"},
        {"alibi=inf", "expected a slope"},
        {"alibi=1+2", "found \"+2\""},
        {"alibi,alibi=1", "rule alibi at character 7 is given twice"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        tskip_rules *rules = (tskip_rules *)&state;
        tskip_status status = tskip_rules_parse(cases[i].text, &rules);
        if (status == TSKIP_OK)
            fail_msg("\"%s\" was accepted, expected: %s", cases[i].text, cases[i].error);
        assert_refused(status, TSKIP_INVALID_ARGUMENT, cases[i].error);
        assert_null(rules);
    }
}

/* A struct can say what text cannot. */
static void test_refused_values(void **state)
{
    (void)state;
    static const int64_t none[] = {0}, negative[] = {-1}, lengths[] = {3, -2};
    static const tskip_span span[] = {{-1, 4}};
    static const tskip_span_list missing = {NULL, 2}, spans = {span, 1}, empty = {NULL, 0};
    static const tskip_length_list no_lengths = {NULL, 3}, no_length = {NULL, 0};
    static const tskip_length_list bad_length = {lengths, 2};
    static const float slopes[][2] = {{0.5f, NAN}, {INFINITY, 1}, {1, -0.5f}};
    const struct {
        tskip_rules rules;
        const char *error;
    } cases[] = {
        {{.window = -1}, "window is -1"},
        {{.symmetric = INT64_MIN}, "symmetric is -9223372036854775808"},
        {{.chunk = -7}, "chunk is -7"},
        {{.causal = true, .prefix = -1}, "prefix is -1"},
        {{.sink = -1}, "sink is -1"},
        {{.causal = true, .n_images = 1}, "images is NULL, expected a list of 1"},
        {{.causal = true, .images = &empty}, "n_images is 0 beside a list, expected"},
        {{.klen = none}, "n_klen is 0 beside a list, expected"},
        {{.alibi = true, .slopes = slopes[0]}, "n_slopes is 0 beside a list, expected"},
        {{.causal = true, .n_spans = 2}, "spans is NULL, expected a list of 2"},
        {{.n_segments = 1}, "segments is NULL"},
        {{.n_klen = 1}, "klen is NULL"},
        {{.n_kstart = 1}, "kstart is NULL"},
        {{.alibi = true, .n_slopes = 2}, "slopes is NULL"},
        {{.causal = true, .images = &missing, .n_images = 1},
         "spans is NULL, expected a list of 2"},
        {{.causal = true, .images = &spans, .n_images = 1}, "span -1:4"},
        {{.segments = &no_lengths, .n_segments = 1}, "lengths is NULL, expected a list of 3"},
        {{.segments = &no_length, .n_segments = 1}, "segments, entry 0 has no length"},
        {{.segments = &bad_length, .n_segments = 1}, "length 1 is -2"},
        {{.klen = none, .n_klen = 1}, "klen, entry 0 is 0"},
        {{.kstart = negative, .n_kstart = 1}, "kstart, entry 0 is -1"},
        {{.slopes = slopes[0], .n_slopes = 1}, "1 slopes without alibi"},
        {{.alibi = true, .slopes = slopes[0], .n_slopes = 2}, "slope 1 is nan"},
        {{.alibi = true, .slopes = slopes[1], .n_slopes = 2}, "slope 0 is inf"},
        {{.alibi = true, .slopes = slopes[2], .n_slopes = 2}, "slope 1 is -0.5"},
        {{.causal = true, .images = &empty, .n_images = 1}, "images, entry 0 has no span"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t length = 1;
        assert_refused(tskip_rules_format(&cases[i].rules, NULL, 0, &length),
                       TSKIP_INVALID_ARGUMENT, cases[i].error);
        assert_int_equal(length, 1); /* as it was */
    }
}

static void test_cut_text(void **state)
{
    (void)state;
    const tskip_rules rules = {.causal = true, .window = 1024};
    char text[32];
    size_t length;
    for (size_t capacity = 1; capacity < sizeof text; capacity++) {
        memset(text, 'x', sizeof text);
        assert_done(tskip_rules_format(&rules, text, capacity, &length));
        assert_int_equal(length, 18);
        assert_int_equal(strlen(text), capacity <= 18 ? capacity - 1 : 18);
        assert_memory_equal(text, "causal,window=1024", strlen(text));
        assert_int_equal(text[capacity], 'x');
    }
    assert_done(tskip_rules_format(&rules, NULL, 0, &length));
    assert_int_equal(length, 18);
}

/* Nine digits bring every f32 slope back. */
static void test_slopes_survive(void **state)
{
    (void)state;
    uint32_t bits = 1;
    for (int i = 0; i < 20000; i++, bits = (bits * 1664525u + 1013904223u)) {
        uint32_t finite = bits % 0x7F800000u;
        float slope, back;
        memcpy(&slope, &finite, sizeof slope);
        const tskip_rules rules = {.alibi = true, .slopes = &slope, .n_slopes = 1};
        char text[64];
        size_t length;
        tskip_rules *again;
        assert_done(tskip_rules_format(&rules, text, sizeof text, &length));
        assert_done(tskip_rules_parse(text, &again));
        back = again->slopes[0];
        tskip_rules_destroy(&again);
        if (memcmp(&back, &slope, sizeof slope) != 0)
            fail_msg("%a became %a by way of \"%s\"", (double)slope, (double)back, text);
    }
}

static void test_null(void **state)
{
    (void)state;
    const tskip_rules none = {0};
    tskip_rules *rules;
    size_t length;
    assert_refused(tskip_rules_parse("causal", NULL), TSKIP_INVALID_ARGUMENT, "out is NULL");
    assert_refused(tskip_rules_parse(NULL, &rules), TSKIP_INVALID_ARGUMENT, "text is NULL");
    assert_refused(tskip_rules_format(NULL, NULL, 0, &length), TSKIP_INVALID_ARGUMENT, "rules");
    assert_refused(tskip_rules_format(&none, NULL, 0, NULL), TSKIP_INVALID_ARGUMENT, "length");
    assert_refused(tskip_rules_format(&none, NULL, 1, &length), TSKIP_INVALID_ARGUMENT, "text");
    rules = NULL;
    tskip_rules_destroy(&rules);
    tskip_rules_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_values),
        cmocka_unit_test(test_refused_text), cmocka_unit_test(test_refused_values),
        cmocka_unit_test(test_cut_text),     cmocka_unit_test(test_slopes_survive),
        cmocka_unit_test(test_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
