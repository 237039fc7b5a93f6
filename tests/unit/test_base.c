/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Status, last error, log, element types, allocation, nearest names. */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include "harness/failing_alloc.h"

/* ---- status ---------------------------------------------------------------------------------- */

static void test_status_names(void **state)
{
    (void)state;
    static const struct {
        tskip_status status;
        int value;
        const char *name, *text;
    } all[] = {
        {TSKIP_OK, 0, "TSKIP_OK", "success"},
        {TSKIP_INVALID_ARGUMENT, 1, "TSKIP_INVALID_ARGUMENT", "invalid argument"},
        {TSKIP_UNSUPPORTED, 2, "TSKIP_UNSUPPORTED", "not supported"},
        {TSKIP_OUT_OF_MEMORY, 3, "TSKIP_OUT_OF_MEMORY", "out of memory"},
        {TSKIP_DEVICE_NOT_FOUND, 4, "TSKIP_DEVICE_NOT_FOUND", "device not found"},
        {TSKIP_DEVICE_LOST, 5, "TSKIP_DEVICE_LOST", "device lost or command failed"},
        {TSKIP_KERNEL_NOT_FOUND, 6, "TSKIP_KERNEL_NOT_FOUND", "kernel not found"},
        {TSKIP_COMPILATION_FAILED, 7, "TSKIP_COMPILATION_FAILED", "kernel compilation failed"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_int_equal(all[i].status, all[i].value);
        assert_string_equal(tskip_status_name(all[i].status), all[i].name);
        assert_string_equal(tskip_status_text(all[i].status), all[i].text);
    }
    assert_string_equal(tskip_status_name((tskip_status)99), "TSKIP_UNKNOWN");
    assert_string_equal(tskip_status_text((tskip_status)-1), "unknown status");
}

static void test_version(void **state)
{
    (void)state;
    char expected[32];
    (void)snprintf(expected, sizeof expected, "%d.%d.%d", TSKIP_VERSION_MAJOR, TSKIP_VERSION_MINOR,
                   TSKIP_VERSION_PATCH);
    assert_string_equal(tskip_version(), expected);
}

static void *fail_elsewhere(void *context)
{
    const char *before = tskip_last_error();
    bool empty = *before == '\0';
    (void)tskip__fail(TSKIP_UNSUPPORTED, "theirs %d", 2);
    *(bool *)context = empty && strcmp(tskip_last_error(), "theirs 2") == 0;
    return NULL;
}

static void test_last_error_is_the_threads(void **state)
{
    (void)state;
    bool right = false;
    pthread_t thread;
    assert_int_equal(tskip__fail(TSKIP_UNSUPPORTED, "mine %d", 1), TSKIP_UNSUPPORTED);
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, &right), 0);
    pthread_join(thread, NULL);
    assert_true(right);
    assert_string_equal(tskip_last_error(), "mine 1");
}

static void test_long_error_is_cut(void **state)
{
    (void)state;
    char *text = malloc(10000);
    memset(text, 'x', 9999);
    text[9999] = '\0';
    (void)tskip__fail(TSKIP_UNSUPPORTED, "%s", text);
    assert_int_equal(strlen(tskip_last_error()), TSKIP__ERROR_SIZE - 1);
    free(text);
}

static void test_error_of_an_attempt(void **state)
{
    (void)state;
    tskip__error_text kept;
    (void)tskip__fail(TSKIP_UNSUPPORTED, "before");
    tskip__error_keep(&kept);
    (void)tskip__fail(TSKIP_UNSUPPORTED, "an attempt");
    tskip__error_restore(&kept);
    assert_string_equal(tskip_last_error(), "before");
}

/* ---- log ------------------------------------------------------------------------------------- */

typedef struct heard {
    int lines;
    tskip_log_level level;
    char last[1024];
} heard;

static void hear(void *user, tskip_log_level level, const char *message)
{
    heard *h = user;
    h->lines++;
    h->level = level;
    (void)snprintf(h->last, sizeof h->last, "%s", message);
}

static void test_log_levels(void **state)
{
    (void)state;
    heard h = {0};
    tskip__log(TSKIP_LOG_WARNING, "to nobody");
    tskip_set_log(hear, &h, TSKIP_LOG_INFO);
    tskip__log(TSKIP_LOG_DEBUG, "too fine");
    assert_int_equal(h.lines, 0);
    tskip__log(TSKIP_LOG_INFO, "line %d", 7);
    assert_int_equal(h.lines, 1);
    assert_int_equal(h.level, TSKIP_LOG_INFO);
    assert_string_equal(h.last, "line 7");
    tskip__log(TSKIP_LOG_WARNING, "%600d", 1);
    assert_int_equal(strlen(h.last), 511);
    tskip_set_log(NULL, NULL, TSKIP_LOG_DEBUG);
    tskip__log(TSKIP_LOG_WARNING, "to nobody");
    assert_int_equal(h.lines, 2);
}

/* ---- element types --------------------------------------------------------------------------- */

static void test_dtypes(void **state)
{
    (void)state;
    static const struct {
        tskip_dtype dtype;
        size_t size;
        const char *name;
    } all[] = {{TSKIP_DTYPE_NONE, 0, "none"}, {TSKIP_F32, 4, "f32"},   {TSKIP_F16, 2, "f16"},
               {TSKIP_BF16, 2, "bf16"},       {TSKIP_BOOL, 1, "bool"}, {(tskip_dtype)5, 0, "none"},
               {(tskip_dtype)-1, 0, "none"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_int_equal(tskip_dtype_size(all[i].dtype), all[i].size);
        assert_string_equal(tskip_dtype_name(all[i].dtype), all[i].name);
    }
}

/* ---- allocation ------------------------------------------------------------------------------ */

static void check_block(size_t size, size_t alignment)
{
    unsigned char *memory = tskip__alloc_aligned(size, alignment, "a test");
    assert_non_null(memory);
    assert_int_equal((uintptr_t)memory % alignment, 0);
    memset(memory, 0xff, size);
    tskip__free(memory, size);
}

static void test_alloc(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 63, 64, 65, 5000, (2 << 20) - 1, 2 << 20, (4 << 20) + 7};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t alignment = 64; alignment <= 4096; alignment *= 8)
            check_block(sizes[i], alignment);
    unsigned char *zeros = tskip__alloc_zero(1000, "zeros");
    assert_non_null(zeros);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(zeros[i], 0);
    tskip__free(zeros, 1000);
    tskip__free(NULL, 1);
}

static void test_allocator_is_the_callers(void **state)
{
    (void)state;
    size_t live, faults;
    failing_alloc_install(2, true);
    void *none = tskip__alloc(0, "nothing"), *zero = tskip__alloc_zero(100, "zeros");
    assert_true(none && zero);
    assert_int_equal(((char *)zero)[99], 0); /* the allocator poisons */
    assert_null(tskip__alloc(12345, "the last straw"));
    assert_string_equal(tskip_last_error(), "out of memory: 12345 bytes for the last straw");
    tskip__free(none, 0);
    tskip__free(zero, 100);
    assert_int_equal(failing_alloc_remove(&live, &faults), 3);
    assert_int_equal(live, 0);
    assert_int_equal(faults, 0);
}

static void test_checked_arithmetic(void **state)
{
    (void)state;
    uint64_t out;
    assert_true(tskip__mul(0, UINT64_MAX, &out) && out == 0);
    assert_true(tskip__mul(UINT64_MAX, 0, &out) && out == 0);
    assert_true(tskip__mul(UINT64_MAX, 1, &out) && out == UINT64_MAX);
    assert_true(tskip__mul(UINT32_MAX, UINT32_MAX, &out) && out == 0xfffffffe00000001u);
    assert_false(tskip__mul(1ull << 32, 1ull << 32, &out));
    assert_false(tskip__mul(UINT64_MAX, 2, &out));
    assert_true(tskip__add(UINT64_MAX, 0, &out) && out == UINT64_MAX);
    assert_true(tskip__add(UINT64_MAX - 5, 5, &out) && out == UINT64_MAX);
    assert_false(tskip__add(UINT64_MAX - 5, 6, &out));
}

/* ---- nearest names --------------------------------------------------------------------------- */

static void test_edit_distance(void **state)
{
    (void)state;
    assert_int_equal(tskip__edit_distance("", ""), 0);
    assert_int_equal(tskip__edit_distance("", "abc"), 3);
    assert_int_equal(tskip__edit_distance("causal", "causal"), 0);
    assert_int_equal(tskip__edit_distance("casual", "causal"), 1); /* neighbours swapped */
    assert_int_equal(tskip__edit_distance("windw", "window"), 1);
    assert_int_equal(tskip__edit_distance("kitten", "sitting"), 3);
    char a[200], b[200];
    memset(a, 'a', sizeof a - 1);
    memset(b, 'b', sizeof b - 1);
    a[199] = b[199] = '\0';
    assert_int_equal(tskip__edit_distance(a, b), 63);
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"causal", "window", "prefix", "images"};
    assert_string_equal(tskip__nearest("casual", names, 4), "causal");
    assert_string_equal(tskip__nearest("windo", names, 4), "window");
    assert_string_equal(tskip__nearest("pre", names, 4), "prefix");
    assert_null(tskip__nearest("xyzzy", names, 4));
    assert_null(tskip__nearest("", names, 4));
    assert_null(tskip__nearest("causal", names, 0));
}

static void test_hint(void **state)
{
    (void)state;
    static const char *const names[] = {"causal", "window"};
    char text[TSKIP__HINT_SIZE];
    assert_string_equal(tskip__hint("windo", names, 2, text), "; the nearest is window");
    assert_string_equal(tskip__hint("xyzzy", names, 2, text), "");
    const char *const long_name[] = {"a_name_of_fifty_letters_that_no_message_has_room_for"};
    assert_string_equal(tskip__hint(long_name[0], long_name, 1, text),
                        "; the nearest is a_name_of_fifty_letters_that_no_message_");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_names),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_last_error_is_the_threads),
        cmocka_unit_test(test_long_error_is_cut),
        cmocka_unit_test(test_error_of_an_attempt),
        cmocka_unit_test(test_log_levels),
        cmocka_unit_test(test_dtypes),
        cmocka_unit_test(test_alloc),
        cmocka_unit_test(test_allocator_is_the_callers),
        cmocka_unit_test(test_checked_arithmetic),
        cmocka_unit_test(test_edit_distance),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
