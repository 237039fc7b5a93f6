/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Kernels of a user's own: canonical names, one entry a set of constants, which body is chosen,
 * what shape results, and many threads that ask at once. */

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <tileskip/compute.h>

#include "base/cpu.h"

static uint32_t ran;

static void run_low(const tskip_group *g, void *const *b, const void *a, void *m)
{
    (void)g, (void)b, (void)a, (void)m;
    ran = 1;
}

static void run_high(const tskip_group *g, void *const *b, const void *a, void *m)
{
    (void)g, (void)b, (void)a, (void)m;
    ran = 2;
}

static void run_out_of_reach(const tskip_group *g, void *const *b, const void *a, void *m)
{
    (void)g, (void)b, (void)a, (void)m;
    ran = 3;
}

static _Atomic int specialised;

static void specialise(const tskip_constant_value *values, const tskip_kernel_body *body,
                       tskip_kernel_shape *shape)
{
    (void)body;
    atomic_fetch_add(&specialised, 1);
    shape->group_memory += 16 * (values[0].u32 & 0xffffff);
}

static const tskip_kernel_body bodies[] = {
    {.format = TSKIP_CODE_CUDA, .code = "x", .code_size = 1, .entry = "x"},
    {.format = TSKIP_CODE_C, .capability = TSKIP__CPU_C, .function = run_low},
    {.format = TSKIP_CODE_C, .capability = UINT32_MAX, .function = run_out_of_reach},
    {.format = TSKIP_CODE_C, .capability = 5, .function = run_high},
};
static const tskip_constant_decl constants[] = {
    {.name = "width", .id = 0, .type = TSKIP_CONSTANT_U32, .preset = {.u32 = 64}},
    {.name = "bias", .id = 1, .type = TSKIP_CONSTANT_I32, .preset = {.i32 = -1}},
    {.name = "scale", .id = 2, .type = TSKIP_CONSTANT_F32, .preset = {.f32 = 0.25f}},
    {.name = "exact", .id = 3, .type = TSKIP_CONSTANT_BOOL},
};
static const tskip_kernel_desc desc = {
    .name = "mine",
    .bodies = bodies,
    .n_bodies = 4,
    .constants = constants,
    .n_constants = 4,
    .shape = {.group_memory = 8},
    .specialise = specialise,
};
static const tskip_kernel_desc plain = {.name = "plain", .bodies = &bodies[1], .n_bodies = 1};

static int open_device(void **state)
{
    tskip_device *device;
    if (tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = 2}, &device) != TSKIP_OK ||
        tskip_kernel_register(device, &desc) != TSKIP_OK ||
        tskip_kernel_register(device, &plain) != TSKIP_OK)
        return -1;
    atomic_store(&specialised, 0);
    *state = device;
    return 0;
}

static int close_device(void **state)
{
    tskip_device *device = *state;
    tskip_device_destroy(&device);
    return 0;
}

static const tskip_kernel *get(tskip_device *device, const char *name, const tskip_constant *set,
                               size_t n)
{
    const tskip_kernel *kernel;
    if (tskip_kernel_get(device, name, set, n, &kernel) != TSKIP_OK)
        fail_msg("%s", tskip_last_error());
    return kernel;
}

static const char *name_with(tskip_device *device, tskip_constant constant)
{
    return tskip_kernel_name(get(device, "mine", &constant, 1));
}

static void test_canonical_names(void **state)
{
    tskip_device *d = *state;
    assert_string_equal(tskip_kernel_name(get(d, "plain", NULL, 0)), "plain");
    assert_string_equal(tskip_kernel_name(get(d, "mine", NULL, 0)),
                        "mine[bias=-1 exact=0 scale=0.25 width=64]");
    assert_string_equal(name_with(d, (tskip_constant){"width", {.u32 = 0xff000000}}),
                        "mine[bias=-1 exact=0 scale=0.25 width=4278190080]");
    assert_string_equal(name_with(d, (tskip_constant){"bias", {.i32 = INT32_MIN}}),
                        "mine[bias=-2147483648 exact=0 scale=0.25 width=64]");
    assert_string_equal(name_with(d, (tskip_constant){"scale", {.f32 = 0.1f}}),
                        "mine[bias=-1 exact=0 scale=0.100000001 width=64]");
    assert_string_equal(name_with(d, (tskip_constant){"scale", {.f32 = 1e30f}}),
                        "mine[bias=-1 exact=0 scale=1.00000002e+30 width=64]");
    assert_string_equal(name_with(d, (tskip_constant){"scale", {.f32 = -INFINITY}}),
                        "mine[bias=-1 exact=0 scale=-inf width=64]");
}

/* -0 and 0 are two constants; every NaN is one. */
static void test_values_with_one_name_are_one(void **state)
{
    tskip_device *d = *state;
    tskip_constant a = {"scale", {.f32 = 0.0f}}, b = {"scale", {.f32 = -0.0f}};
    assert_true(get(d, "mine", &a, 1) != get(d, "mine", &b, 1));
    a.value.u32 = 0x7fc00000;
    b.value.u32 = 0xffc00123;
    assert_true(get(d, "mine", &a, 1) == get(d, "mine", &b, 1));
    assert_string_equal(name_with(d, b), "mine[bias=-1 exact=0 scale=nan width=64]");
}

static void test_names_do_not_follow_the_locale(void **state)
{
    static const char *const commas[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"};
    tskip_device *d = *state;
    bool found = false;
    for (size_t i = 0; i < sizeof commas / sizeof commas[0] && !found; i++)
        found = setlocale(LC_NUMERIC, commas[i]) != NULL;
    if (!found)
        skip();
    char number[8];
    (void)snprintf(number, sizeof number, "%.1f", 1.5);
    assert_string_equal(number, "1,5");
    const char *name = name_with(d, (tskip_constant){"scale", {.f32 = -1.5e-7f}});
    (void)setlocale(LC_NUMERIC, "C");
    assert_string_equal(name, "mine[bias=-1 exact=0 scale=-1.50000005e-07 width=64]");
}

static void test_order_is_irrelevant(void **state)
{
    tskip_device *d = *state;
    tskip_constant set[4] = {
        {"width", {.u32 = 3}}, {"bias", {.i32 = 4}}, {"scale", {.f32 = 5}}, {"exact", {.u32 = 1}}};
    const tskip_kernel *first = get(d, "mine", set, 4);
    for (int turn = 0; turn < 24; turn++) {
        int i = turn % 3;
        tskip_constant kept = set[i];
        set[i] = set[i + 1];
        set[i + 1] = kept;
        assert_true(get(d, "mine", set, 4) == first);
    }
    assert_int_equal(atomic_load(&specialised), 1);
    set[2].value.u32++;
    assert_true(get(d, "mine", set, 4) != first);
}

static void test_presets_named_or_not(void **state)
{
    tskip_device *d = *state;
    const tskip_constant preset = {"width", {.u32 = 64}};
    assert_true(get(d, "mine", &preset, 1) == get(d, "mine", NULL, 0));
    assert_int_equal(atomic_load(&specialised), 1);
}

static void test_shape(void **state)
{
    tskip_device *d = *state;
    const tskip_constant constant = {"width", {.u32 = 10}};
    const tskip_kernel_shape *shape = tskip_kernel_get_shape(get(d, "mine", &constant, 1));
    assert_int_equal(shape->group_memory, 8 + 160);
    for (int i = 0; i < 3; i++)
        assert_int_equal(shape->group_size[i], 1);
    assert_int_equal(shape->cluster_size, 1);
    const tskip_constant huge = {"width", {.u32 = UINT32_MAX}};
    const tskip_kernel *none;
    assert_int_equal(tskip_kernel_get(d, "mine", &huge, 1, &none), TSKIP_UNSUPPORTED);
    assert_non_null(strstr(tskip_last_error(), "bytes of group memory"));
}

static void run_mine(const char *device_name)
{
    const uint32_t grid[3] = {1, 1, 1};
    tskip_device *device;
    tskip_encoder *encoder;
    assert_int_equal(tskip_device_open(&(tskip_device_desc){.name = device_name}, &device),
                     TSKIP_OK);
    assert_int_equal(tskip_kernel_register(device, &desc), TSKIP_OK);
    assert_int_equal(tskip_encoder_create(device, NULL, &encoder), TSKIP_OK);
    assert_int_equal(
        tskip_encoder_dispatch(encoder, get(device, "mine", NULL, 0), grid, NULL, 0, NULL, 0),
        TSKIP_OK);
    assert_int_equal(tskip_encoder_submit(encoder), TSKIP_OK);
    tskip_encoder_destroy(&encoder);
    tskip_device_destroy(&device);
}

/* Of the bodies that the device can take, the most capable one. */
static void test_choice_of_body(void **state)
{
    (void)state;
    run_mine("cpu:c");
    assert_int_equal(ran, 1);
    if (tskip__cpu_best() == TSKIP__CPU_C)
        return;
    char name[64];
    (void)snprintf(name, sizeof name, "cpu:%s", tskip__cpu_ladder[1].name);
    run_mine(name);
    assert_int_equal(ran, 2);
}

/* ---- many threads ---------------------------------------------------------------------------- */

enum { THREADS = 6, WIDTHS = 20 };

typedef struct asker {
    pthread_t thread;
    tskip_device *device;
    const tskip_kernel *kernels[WIDTHS];
    bool failed;
} asker;

static void *ask(void *context)
{
    asker *self = context;
    for (uint32_t i = 0; i < WIDTHS; i++) {
        const tskip_constant constant = {"width", {.u32 = 1000 + i}};
        self->failed |=
            tskip_kernel_register(self->device, &plain) != TSKIP_OK ||
            tskip_kernel_get(self->device, "mine", &constant, 1, &self->kernels[i]) != TSKIP_OK;
    }
    return NULL;
}

static void test_threads_get_the_same(void **state)
{
    asker them[THREADS] = {{0}};
    for (int t = 0; t < THREADS; t++) {
        them[t].device = *state;
        assert_int_equal(pthread_create(&them[t].thread, NULL, ask, &them[t]), 0);
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(them[t].thread, NULL);
    for (int t = 0; t < THREADS; t++) {
        assert_false(them[t].failed);
        assert_memory_equal(them[t].kernels, them[0].kernels, sizeof them[0].kernels);
    }
    assert_int_equal(atomic_load(&specialised), WIDTHS); /* none was made twice */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_device, close_device)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_canonical_names),
        TEST(test_values_with_one_name_are_one),
        TEST(test_names_do_not_follow_the_locale),
        TEST(test_order_is_irrelevant),
        TEST(test_presets_named_or_not),
        TEST(test_shape),
        TEST(test_choice_of_body),
        TEST(test_threads_get_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
