/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The null device's record, read as any program can: through the log. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <tileskip/compute.h>

typedef struct record {
    tskip_device *device;
    tskip_buffer *a, *b;
    tskip_encoder *encoder;
    const tskip_kernel *kernel;
    char lines[4096]; /* what null said since set_up, a newline after each */
    int warnings;
} record;

static void hear(void *user, tskip_log_level level, const char *message)
{
    record *r = user;
    size_t used = strlen(r->lines);
    if (strncmp(message, "null: ", 6) == 0)
        (void)snprintf(r->lines + used, sizeof r->lines - used, "%s\n", message + 6);
    r->warnings += level == TSKIP_LOG_WARNING;
}

static void never(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    (void)group;
    (void)buffers;
    (void)args;
    (void)memory;
    fail_msg("null computes");
}

static const tskip_kernel_body body = {.format = TSKIP_CODE_C, .function = never};
static const tskip_constant_decl factor = {.name = "factor", .type = TSKIP_CONSTANT_U32};
static const tskip_kernel_desc desc = {
    .name = "scale",
    .bodies = &body,
    .n_bodies = 1,
    .constants = &factor,
    .n_constants = 1,
    .n_bindings = 2,
    .args_size = 4,
};

static int set_up(void **state)
{
    static record r;
    memset(&r, 0, sizeof r);
    *state = &r;
    tskip_set_log(hear, &r, TSKIP_LOG_DEBUG);
    const tskip_constant three = {"factor", {.u32 = 3}};
    bool done = tskip_device_open(&(tskip_device_desc){.name = "null"}, &r.device) == TSKIP_OK &&
                tskip_kernel_register(r.device, &desc) == TSKIP_OK &&
                tskip_kernel_get(r.device, "scale", &three, 1, &r.kernel) == TSKIP_OK &&
                tskip_buffer_create(r.device, (uint64_t)1 << 50, &r.a) == TSKIP_OK &&
                tskip_buffer_import(r.device, &r, 64, &r.b) == TSKIP_OK &&
                tskip_encoder_create(r.device, NULL, &r.encoder) == TSKIP_OK;
    return done ? 0 : -1;
}

static int tear_down(void **state)
{
    record *r = *state;
    tskip_encoder_destroy(&r->encoder);
    tskip_buffer_destroy(&r->a);
    tskip_buffer_destroy(&r->b);
    tskip_device_destroy(&r->device);
    tskip_set_log(NULL, NULL, TSKIP_LOG_WARNING);
    return 0;
}

/* Compares what was said since the last time. */
static void expect(record *r, const char *lines)
{
    assert_string_equal(r->lines, lines);
    r->lines[0] = '\0';
}

static tskip_status dispatch(record *r, uint64_t offset, tskip_access access)
{
    const uint32_t grid[3] = {4, 2, 1};
    const tskip_binding bindings[] = {
        {.buffer = r->a, .offset = offset, .size = 16, .access = access}, {.buffer = NULL}};
    return tskip_encoder_dispatch(r->encoder, r->kernel, grid, bindings, 2, grid, 4);
}

static void test_objects(void **state)
{
    record *r = *state;
    char bytes[8] = "garbage";
    tskip_buffer *view;
    expect(r, "kernel scale[factor=3]\n"
              "buffer 1 of 1125899906842624 bytes\n"
              "buffer 2 of 64 bytes, imported\n");
    assert_int_equal(tskip_buffer_view(r->a, 100, 8, &view), TSKIP_OK);
    assert_int_equal(tskip_buffer_write(view, 0, bytes, 8), TSKIP_OK);
    assert_int_equal(tskip_buffer_read(r->b, 4, bytes, 8), TSKIP_OK);
    tskip_buffer_destroy(&view);
    expect(r, "write 1[100+8]\nread 2[4+8]\n");
    for (int i = 0; i < 8; i++)
        assert_int_equal(bytes[i], 0);
}

static void test_commands(void **state)
{
    record *r = *state;
    r->lines[0] = '\0';
    assert_int_equal(tskip_encoder_fill(r->encoder, r->a, 8, 256, 0xbeef), TSKIP_OK);
    assert_int_equal(tskip_encoder_barrier(r->encoder), TSKIP_OK);
    assert_int_equal(dispatch(r, 32, TSKIP_READ), TSKIP_OK);
    assert_int_equal(dispatch(r, 64, TSKIP_READ_WRITE), TSKIP_OK);
    assert_int_equal(dispatch(r, 64, (tskip_access)0), TSKIP_INVALID_ARGUMENT);
    expect(r, "");
    assert_int_equal(tskip_encoder_submit(r->encoder), TSKIP_OK);
    expect(r, "fill w 1[8+256] = 0000beef\n"
              "barrier\n"
              "dispatch scale[factor=3] 4x2x1 args=4 r 1[32+16] -\n"
              "dispatch scale[factor=3] 4x2x1 args=4 rw 1[64+16] -\n"
              "submitted 4 commands\n");
    assert_int_equal(r->warnings, 0);
}

static void test_dropped_commands(void **state)
{
    record *r = *state;
    r->lines[0] = '\0';
    for (int i = 0; i < 40; i++) /* more than the list holds at first */
        assert_int_equal(dispatch(r, 0, TSKIP_READ), TSKIP_OK);
    assert_int_equal(tskip_encoder_reset(r->encoder), TSKIP_OK);
    assert_int_equal(tskip_encoder_barrier(r->encoder), TSKIP_OK);
    assert_int_equal(tskip_encoder_submit(r->encoder), TSKIP_OK);
    expect(r, "barrier\nsubmitted 1 commands\n");
}

/* Encodes two dispatches at these ranges, with or without a barrier; returns the warnings. */
static int races(record *r, uint64_t first, tskip_access a, uint64_t second, tskip_access b,
                 bool barrier)
{
    r->warnings = 0;
    assert_int_equal(tskip_encoder_reset(r->encoder), TSKIP_OK);
    assert_int_equal(dispatch(r, first, a), TSKIP_OK);
    if (barrier)
        assert_int_equal(tskip_encoder_barrier(r->encoder), TSKIP_OK);
    assert_int_equal(dispatch(r, second, b), TSKIP_OK);
    r->lines[0] = '\0';
    assert_int_equal(tskip_encoder_submit(r->encoder), TSKIP_OK);
    return r->warnings;
}

static void test_races(void **state)
{
    record *r = *state;
    static const tskip_access accesses[] = {TSKIP_READ, TSKIP_WRITE, TSKIP_READ_WRITE};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            int expected = i > 0 || j > 0;
            assert_int_equal(races(r, 100, accesses[i], 115, accesses[j], false), expected);
            assert_int_equal(races(r, 115, accesses[i], 100, accesses[j], false), expected);
            assert_int_equal(races(r, 100, accesses[i], 115, accesses[j], true), 0);
            assert_int_equal(races(r, 100, accesses[i], 116, accesses[j], false), 0);
        }
    assert_int_equal(races(r, 100, TSKIP_WRITE, 115, TSKIP_READ, false), 1);
    assert_non_null(strstr(r->lines, "race: dispatch 2 (r 1[115+16]) and dispatch 1 (w 1[100+16]) "
                                     "have no barrier between them\n"));
}

/* A device that computes nothing must be nobody's default. */
static void test_only_by_name(void **state)
{
    (void)state;
    tskip_device *device;
    assert_int_equal(tskip_device_open(NULL, &device), TSKIP_OK);
    assert_string_not_equal(tskip_device_get_info(device)->backend, "null");
    assert_true(tskip_device_get_info(device)->computes);
    tskip_device_destroy(&device);
    assert_int_equal(tskip_device_open(&(tskip_device_desc){.name = "null"}, &device), TSKIP_OK);
    assert_false(tskip_device_get_info(device)->computes);
    tskip_device_destroy(&device);
    tskip_device_info infos[32];
    size_t count;
    assert_int_equal(tskip_device_list(infos, 32, &count), TSKIP_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(infos[i].computes, strcmp(infos[i].backend, "null") != 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_objects), TEST(test_commands),     TEST(test_dropped_commands),
        TEST(test_races),   TEST(test_only_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
