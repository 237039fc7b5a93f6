/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The ladder of instruction sets, the environment's cap on it, and the devices that result. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tileskip/compute.h>

#include "base/cpu.h"

static int forget_cap(void **state)
{
    (void)state;
    return unsetenv("TSKIP_CPU");
}

static tskip_status open_named(const char *name, char isa[16])
{
    tskip_device *device;
    tskip_status status = tskip_device_open(&(tskip_device_desc){.name = name}, &device);
    assert_int_equal(status == TSKIP_OK, device != NULL);
    if (device && isa)
        (void)snprintf(isa, 16, "%s", tskip_device_get_info(device)->isa);
    tskip_device_destroy(&device);
    return status;
}

static void expect_error(const char *part)
{
    if (!strstr(tskip_last_error(), part))
        fail_msg("\"%s\" does not say \"%s\"", tskip_last_error(), part);
}

static void test_ladder_ascends(void **state)
{
    (void)state;
    assert_string_equal(tskip__cpu_ladder[0].name, "c");
    for (const tskip__rung_name *step = tskip__cpu_ladder; step->name; step++) {
        tskip__rung found;
        assert_true(tskip__cpu_rung_find(step->name, &found));
        assert_int_equal(found, step->rung);
        assert_string_equal(tskip__cpu_rung_name(step->rung), step->name);
        assert_true(!step[1].name || step[1].rung > step->rung);
    }
    tskip__rung none;
    assert_false(tskip__cpu_rung_find("sse", &none));
    assert_string_equal(tskip__cpu_rung_name((tskip__rung)7), "?");
}

static void test_machine(void **state)
{
    (void)state;
    char name[64];
    uint64_t caches[3];
    tskip__cpu_model(name, sizeof name);
    tskip__cpu_caches(caches);
    assert_true(tskip__cpu_count() >= 1);
    assert_true(strlen(name) < sizeof name);
    assert_true(caches[0] == 0 || caches[0] >= 4096);
    assert_true(caches[1] == 0 || caches[1] >= caches[0]);
    assert_true(tskip__cpu_memory() == 0 || tskip__cpu_memory() > 1 << 20);
}

/* Every rung up to the machine's opens by name and is what it says; those above are refused. */
static void test_rungs_by_name(void **state)
{
    (void)state;
    for (const tskip__rung_name *step = tskip__cpu_ladder; step->name; step++) {
        char name[64], isa[16];
        (void)snprintf(name, sizeof name, "cpu:%s", step->name);
        if (step->rung <= tskip__cpu_best()) {
            assert_int_equal(open_named(name, isa), TSKIP_OK);
            assert_string_equal(isa, step->name);
        } else {
            assert_int_equal(open_named(name, NULL), TSKIP_UNSUPPORTED);
            expect_error("this machine lacks it");
        }
    }
    assert_int_equal(open_named("cpu:sse", NULL), TSKIP_DEVICE_NOT_FOUND);
    expect_error("cpu:sse");
}

static void test_cap(void **state)
{
    (void)state;
    char isa[16];
    for (const tskip__rung_name *step = tskip__cpu_ladder; step->name; step++) {
        tskip__rung allowed, best = tskip__cpu_best();
        assert_int_equal(setenv("TSKIP_CPU", step->name, 1), 0);
        assert_int_equal(tskip__cpu_allowed(&allowed), TSKIP_OK);
        assert_int_equal(allowed, step->rung < best ? step->rung : best);
        assert_int_equal(open_named("cpu", isa), TSKIP_OK);
        assert_string_equal(isa, tskip__cpu_rung_name(allowed));
        assert_int_equal(open_named("auto", isa), TSKIP_OK);
    }
    assert_int_equal(setenv("TSKIP_CPU", "", 1), 0);
    assert_int_equal(open_named("cpu", isa), TSKIP_OK);
    assert_string_equal(isa, tskip__cpu_rung_name(tskip__cpu_best()));
}

static void test_cap_below_the_named_rung(void **state)
{
    (void)state;
    if (tskip__cpu_best() == TSKIP__CPU_C)
        skip();
    char name[64];
    (void)snprintf(name, sizeof name, "cpu:%s", tskip__cpu_rung_name(tskip__cpu_best()));
    assert_int_equal(setenv("TSKIP_CPU", "c", 1), 0);
    assert_int_equal(open_named(name, NULL), TSKIP_UNSUPPORTED);
    expect_error("TSKIP_CPU allows cpu:c at most");
}

static void test_garbage_cap(void **state)
{
    (void)state;
    static const char *const garbage[] = {"avx", "AVX2", " avx2", "c ", "1", "%s%n"};
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        assert_int_equal(setenv("TSKIP_CPU", garbage[i], 1), 0);
        static const char *const names[] = {"cpu", "cpu:c", "auto"};
        for (size_t n = 0; n < 3; n++) {
            assert_int_equal(open_named(names[n], NULL), TSKIP_INVALID_ARGUMENT);
            expect_error("TSKIP_CPU");
            expect_error(garbage[i]);
            expect_error("expected one of c");
        }
    }
}

/* A listing says what cannot be used, succeeds, and so leaves the last error alone. */
static void test_garbage_cap_in_a_list(void **state)
{
    (void)state;
    tskip_device_info infos[32];
    size_t count;
    assert_int_equal(tskip_device_list(infos, 32, NULL), TSKIP_INVALID_ARGUMENT);
    char before[256];
    (void)snprintf(before, sizeof before, "%s", tskip_last_error());
    assert_int_equal(setenv("TSKIP_CPU", "garbage", 1), 0);
    assert_int_equal(tskip_device_list(infos, 32, &count), TSKIP_OK);
    assert_string_equal(tskip_last_error(), before);
    size_t i = 0;
    while (i < count && strcmp(infos[i].name, "cpu") != 0)
        i++;
    assert_true(i < count);
    assert_false(infos[i].available);
    assert_non_null(strstr(infos[i].description, "garbage"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ladder_ascends),
        cmocka_unit_test(test_machine),
        cmocka_unit_test_setup_teardown(test_rungs_by_name, forget_cap, forget_cap),
        cmocka_unit_test_setup_teardown(test_cap, forget_cap, forget_cap),
        cmocka_unit_test_setup_teardown(test_cap_below_the_named_rung, forget_cap, forget_cap),
        cmocka_unit_test_setup_teardown(test_garbage_cap, forget_cap, forget_cap),
        cmocka_unit_test_setup_teardown(test_garbage_cap_in_a_list, forget_cap, forget_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
