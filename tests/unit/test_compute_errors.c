/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Every error that compute.h promises: the status, and a text that names the argument, its value
 * and what was expected. All but the last group is checked before a backend is asked, so the null
 * device does for it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <tileskip/compute.h>

/* Checks the status and that the text holds each of the parts, which end with NULL. */
static void check_failure(int line, tskip_status got, tskip_status expected, ...)
{
    if (got != expected)
        fail_msg("line %d: %s (%s), not %s", line, tskip_status_name(got), tskip_last_error(),
                 tskip_status_name(expected));
    va_list parts;
    va_start(parts, expected);
    for (const char *part; (part = va_arg(parts, const char *)) != NULL;)
        if (!strstr(tskip_last_error(), part))
            fail_msg("line %d: \"%s\" does not say \"%s\"", line, tskip_last_error(), part);
    va_end(parts);
}

#define FAILS(status, call, ...)                                                                   \
    check_failure(__LINE__, (call), TSKIP_##status, __VA_ARGS__, (const char *)NULL)
#define INVALID(call, ...) FAILS(INVALID_ARGUMENT, call, __VA_ARGS__)

static void nothing(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    (void)group;
    (void)buffers;
    (void)args;
    (void)memory;
}

static const tskip_kernel_body body = {.format = TSKIP_CODE_C, .function = nothing};
static const tskip_constant_decl constants[] = {
    {.name = "width", .id = 1, .type = TSKIP_CONSTANT_U32, .is_shape = true},
    {.name = "exact", .id = 2, .type = TSKIP_CONSTANT_BOOL},
};
static const tskip_kernel_desc desc = {
    .name = "copy",
    .bodies = &body,
    .n_bodies = 1,
    .constants = constants,
    .n_constants = 2,
    .n_bindings = 2,
    .args_size = 8,
};

typedef struct fixture {
    tskip_device *device, *other_device;
    tskip_buffer *buffer, *view, *other_buffer;
    tskip_encoder *encoder;
    const tskip_kernel *kernel, *other_kernel;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    const tskip_device_desc null = {.name = "null"};
    *state = &f;
    bool done = tskip_device_open(&null, &f.device) == TSKIP_OK &&
                tskip_device_open(&null, &f.other_device) == TSKIP_OK &&
                tskip_buffer_create(f.device, 256, &f.buffer) == TSKIP_OK &&
                tskip_buffer_view(f.buffer, 6, 100, &f.view) == TSKIP_OK &&
                tskip_buffer_create(f.other_device, 256, &f.other_buffer) == TSKIP_OK &&
                tskip_encoder_create(f.device, NULL, &f.encoder) == TSKIP_OK &&
                tskip_kernel_register(f.device, &desc) == TSKIP_OK &&
                tskip_kernel_register(f.other_device, &desc) == TSKIP_OK &&
                tskip_kernel_get(f.device, "copy", NULL, 0, &f.kernel) == TSKIP_OK &&
                tskip_kernel_get(f.other_device, "copy", NULL, 0, &f.other_kernel) == TSKIP_OK;
    return done ? 0 : -1;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    tskip_encoder_destroy(&f->encoder);
    tskip_buffer_destroy(&f->view);
    tskip_buffer_destroy(&f->buffer);
    tskip_buffer_destroy(&f->other_buffer);
    tskip_device_destroy(&f->device);
    tskip_device_destroy(&f->other_device);
    return 0;
}

static void test_device(void **state)
{
    (void)state;
    tskip_device *none = (tskip_device *)state;
    INVALID(tskip_device_open(NULL, NULL), "out is NULL", "where to store the device");
    FAILS(DEVICE_NOT_FOUND, tskip_device_open(&(tskip_device_desc){.name = "cpuu"}, &none),
          "\"cpuu\"", "the nearest is cpu; there", "there are: ", "null");
    assert_null(none);
    FAILS(DEVICE_NOT_FOUND, tskip_device_open(&(tskip_device_desc){.name = ""}, &none), "\"\"");
    FAILS(DEVICE_NOT_FOUND, tskip_device_open(&(tskip_device_desc){.name = ":0"}, &none), "\":0\"");
    FAILS(DEVICE_NOT_FOUND, tskip_device_open(&(tskip_device_desc){.name = "null:1"}, &none),
          "\"null:1\"", "there are: ");
    INVALID(tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = 4097}, &none),
            "threads is 4097", "at most 4096");
    tskip_device_info info;
    size_t count;
    INVALID(tskip_device_list(&info, 1, NULL), "count is NULL");
    INVALID(tskip_device_list(NULL, 1, &count), "infos is NULL");
}

static void test_buffer(void **state)
{
    fixture *f = *state;
    char bytes[8];
    tskip_buffer *none = (tskip_buffer *)bytes;
    INVALID(tskip_buffer_create(f->device, 1, NULL), "out is NULL");
    INVALID(tskip_buffer_create(NULL, 1, &none), "device is NULL", "an open device");
    assert_null(none);
    INVALID(tskip_buffer_create(f->device, 0, &none), "size is 0", "expected 1 to", "on null");
    INVALID(tskip_buffer_create(f->device, UINT64_MAX, &none), "size is 18446744073709551615",
            "expected 1 to 9223372036854775807");
    INVALID(tskip_buffer_import(f->device, bytes, 8, NULL), "out is NULL");
    INVALID(tskip_buffer_import(NULL, bytes, 8, &none), "device is NULL");
    INVALID(tskip_buffer_import(f->device, NULL, 8, &none), "pointer is NULL");
    INVALID(tskip_buffer_import(f->device, bytes, 0, &none), "size is 0");
    assert_null(none);
    INVALID(tskip_buffer_view(f->buffer, 0, 1, NULL), "out is NULL");
    INVALID(tskip_buffer_view(NULL, 0, 1, &none), "parent is NULL");
    INVALID(tskip_buffer_view(f->buffer, 0, 0, &none), "size of the view is 0");
    INVALID(tskip_buffer_view(f->buffer, 200, 57, &none), "offset 200 and size 57", "256 bytes");
    INVALID(tskip_buffer_view(f->buffer, UINT64_MAX, 2, &none), "offset 18446744073709551615");
    INVALID(tskip_buffer_view(f->buffer, 4, UINT64_MAX - 3, &none), "size 18446744073709551612");
    INVALID(tskip_buffer_view(f->view, 50, 51, &none), "offset 50 and size 51", "100 bytes");
    assert_null(none);
}

static void test_buffer_access(void **state)
{
    fixture *f = *state;
    char bytes[8] = {0};
    INVALID(tskip_buffer_write(NULL, 0, bytes, 1), "buffer is NULL");
    INVALID(tskip_buffer_write(f->buffer, 0, NULL, 1), "data is NULL");
    INVALID(tskip_buffer_write(f->buffer, 250, bytes, 7), "write: offset 250 and size 7", "256");
    INVALID(tskip_buffer_write(f->buffer, 257, bytes, 0), "write: offset 257 and size 0");
    INVALID(tskip_buffer_read(NULL, 0, bytes, 1), "buffer is NULL");
    INVALID(tskip_buffer_read(f->buffer, 0, NULL, 1), "data is NULL");
    INVALID(tskip_buffer_read(f->view, 96, bytes, 5), "read: offset 96 and size 5", "100");
    void *pointer = bytes;
    INVALID(tskip_buffer_map(f->buffer, NULL), "pointer is NULL");
    INVALID(tskip_buffer_map(NULL, &pointer), "buffer is NULL");
    assert_null(pointer);
    FAILS(UNSUPPORTED, tskip_buffer_map(f->buffer, &pointer), "null", "use read and write");
}

/* Registers `desc` with one change, which must be refused. */
#define REFUSED(change, ...)                                                                       \
    do {                                                                                           \
        tskip_kernel_desc changed = desc;                                                          \
        changed.name = "changed";                                                                  \
        change;                                                                                    \
        INVALID(tskip_kernel_register(f->device, &changed), __VA_ARGS__);                          \
    } while (0)

static void test_kernel_description(void **state)
{
    fixture *f = *state;
    INVALID(tskip_kernel_register(NULL, &desc), "device is NULL");
    INVALID(tskip_kernel_register(f->device, NULL), "desc is NULL");
    assert_int_equal(tskip_kernel_register(f->device, &desc), TSKIP_OK); /* again */
    REFUSED(changed.name = "copy", "\"copy\"", "another description");
    REFUSED(changed.name = NULL, "name of a kernel is \"\"");
    REFUSED(changed.name = "", "name of a kernel is \"\"");
    REFUSED(changed.name = "a b", "name of a kernel is \"a b\"", "a word");
    REFUSED(changed.n_bodies = 0, "\"changed\" has no bodies");
    REFUSED(changed.bodies = NULL, "\"changed\" has no bodies");
    REFUSED(changed.n_constants = 33, "n_constants is 33", "at most 32");
    REFUSED(changed.constants = NULL, "n_constants is 2 and constants NULL");
    REFUSED(changed.n_bindings = 17, "n_bindings is 17", "at most 16");
    REFUSED(changed.args_size = 1025, "args_size is 1025", "at most 1024");
}

static void test_kernel_bodies(void **state)
{
    fixture *f = *state;
    tskip_kernel_body bad = {.format = TSKIP_CODE_C};
    REFUSED(changed.bodies = &bad, "body 0 has no function");
    bad = (tskip_kernel_body){.format = (tskip_code_format)9, .function = nothing};
    REFUSED(changed.bodies = &bad, "body 0 has format 9", "tskip_code_format");
    bad = (tskip_kernel_body){.format = TSKIP_CODE_CUDA, .code = "x", .code_size = 1};
    REFUSED(changed.bodies = &bad, "body 0 has no code, code_size or entry");
    bad = (tskip_kernel_body){.format = TSKIP_CODE_MSL, .entry = "f", .code_size = 1};
    REFUSED(changed.bodies = &bad, "body 0 has no code, code_size or entry");
    bad = (tskip_kernel_body){.format = TSKIP_CODE_SPIRV, .entry = "f", .code = "x"};
    REFUSED(changed.bodies = &bad, "body 0 has no code, code_size or entry");
}

static void test_kernel_constants(void **state)
{
    fixture *f = *state;
    tskip_constant_decl bad[2] = {constants[0], constants[1]};
    static const char *const names[] = {"", "a b", "2nd", "a-b", "x]"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bad[1].name = names[i];
        REFUSED(changed.constants = bad, "constant 1 is named", names[i], "an identifier");
    }
    bad[1].name = NULL;
    REFUSED(changed.constants = bad, "constant 1 is named \"\"");
    bad[1] = bad[0];
    REFUSED(changed.constants = bad, "\"width\" and \"width\" share a name or an id");
    bad[1].name = "height";
    REFUSED(changed.constants = bad, "\"width\" and \"height\" share");
    bad[1] = constants[1];
    bad[1].type = (tskip_constant_type)5;
    REFUSED(changed.constants = bad, "\"exact\" has type 5");
    bad[1] = constants[1];
    bad[1].preset.u32 = 2;
    REFUSED(changed.constants = bad, "\"exact\" has preset 2", "0 or 1");
}

static void test_kernel_get(void **state)
{
    fixture *f = *state;
    const tskip_kernel *none = f->kernel;
    tskip_constant two[2] = {{"width", {.u32 = 1}}, {"width", {.u32 = 1}}};
    INVALID(tskip_kernel_get(f->device, "copy", NULL, 0, NULL), "out is NULL");
    INVALID(tskip_kernel_get(NULL, "copy", NULL, 0, &none), "device is NULL");
    assert_null(none);
    INVALID(tskip_kernel_get(f->device, NULL, NULL, 0, &none), "name is NULL");
    INVALID(tskip_kernel_get(f->device, "copy", NULL, 1, &none), "constants is NULL");
    FAILS(KERNEL_NOT_FOUND, tskip_kernel_get(f->device, "cpoy", NULL, 0, &none), "\"cpoy\"",
          "the nearest is copy");
    FAILS(KERNEL_NOT_FOUND, tskip_kernel_get(f->device, "zzzzzz", NULL, 0, &none), "\"zzzzzz\"");
    INVALID(tskip_kernel_get(f->device, "copy", two, 2, &none), "\"width\" is given twice");
    two[1] = (tskip_constant){"widht", {.u32 = 1}};
    INVALID(tskip_kernel_get(f->device, "copy", two, 2, &none), "no constant \"widht\"",
            "the nearest is width");
    two[1] = (tskip_constant){"exact", {.u32 = 2}};
    INVALID(tskip_kernel_get(f->device, "copy", two, 2, &none), "\"exact\" is 2", "0 or 1");
    two[1] = (tskip_constant){NULL, {.u32 = 2}};
    INVALID(tskip_kernel_get(f->device, "copy", two, 2, &none), "constant 1 has no name");
    assert_null(none);
}

static const uint32_t one_group[3] = {1, 1, 1};
static const char args[8];

static tskip_status dispatch(const fixture *f, const tskip_binding *bindings)
{
    return tskip_encoder_dispatch(f->encoder, f->kernel, one_group, bindings, 2, args, 8);
}

static void test_dispatch(void **state)
{
    fixture *f = *state;
    const tskip_binding b[2] = {{.buffer = NULL}, {.buffer = f->buffer, .access = TSKIP_READ}};
    tskip_encoder *e = f->encoder;
    assert_int_equal(dispatch(f, b), TSKIP_OK);
    INVALID(tskip_encoder_dispatch(NULL, f->kernel, one_group, b, 2, args, 8), "encoder is NULL");
    INVALID(tskip_encoder_dispatch(e, NULL, one_group, b, 2, args, 8), "kernel is NULL");
    INVALID(tskip_encoder_dispatch(e, f->kernel, NULL, b, 2, args, 8), "grid is NULL");
    INVALID(tskip_encoder_dispatch(e, f->kernel, one_group, NULL, 2, args, 8), "bindings is NULL");
    INVALID(tskip_encoder_dispatch(e, f->kernel, one_group, b, 2, NULL, 8), "args is NULL");
    INVALID(tskip_encoder_dispatch(e, f->kernel, one_group, b, 1, args, 8), "copy[exact=0 width=0]",
            "n_bindings is 1", "expected 2");
    INVALID(tskip_encoder_dispatch(e, f->kernel, one_group, b, 2, args, 7), "args_size is 7",
            "expected 8");
    INVALID(tskip_encoder_dispatch(e, f->other_kernel, one_group, b, 2, args, 8),
            "belongs to another device");
    const uint32_t huge[3] = {UINT32_MAX, UINT32_MAX, UINT32_MAX};
    INVALID(tskip_encoder_dispatch(e, f->kernel, huge, b, 2, args, 8),
            "grid is 4294967295 x 4294967295 x 4294967295", "fewer than 2^64");
    const uint32_t large[3] = {UINT32_MAX, UINT32_MAX, 1};
    assert_int_equal(tskip_encoder_dispatch(e, f->kernel, large, b, 2, args, 8), TSKIP_OK);
}

static void test_bindings(void **state)
{
    fixture *f = *state;
    tskip_binding b[2] = {{.buffer = NULL}, {.buffer = f->other_buffer, .access = TSKIP_READ}};
    INVALID(dispatch(f, b), "binding 1 is a buffer of device null", "the encoder's");
    b[1].buffer = f->view;
    b[1].access = 0;
    INVALID(dispatch(f, b), "binding 1 has no access");
    b[1].access = (tskip_access)4;
    INVALID(dispatch(f, b), "binding 1 has no access");
    b[1].access = TSKIP_READ_WRITE;
    b[1].size = 101;
    INVALID(dispatch(f, b), "binding 1 has offset 0 and size 101", "100 bytes");
    b[1].offset = 100;
    b[1].size = 0;
    INVALID(dispatch(f, b), "binding 1 has offset 100 and size 0", "100 bytes");
    b[1].offset = UINT64_MAX;
    b[1].size = 2;
    INVALID(dispatch(f, b), "binding 1 has offset 18446744073709551615");
    b[1].offset = 4;
    b[1].size = UINT64_MAX - 3; /* the sum is 0 */
    INVALID(dispatch(f, b), "binding 1 has offset 4 and size 18446744073709551612");
    b[1].offset = 99;
    b[1].size = 1;
    assert_int_equal(dispatch(f, b), TSKIP_OK);
}

static void test_tensor_views(void **state)
{
    fixture *f = *state;
    const tskip_tensor_view good = {.dtype = TSKIP_BF16,
                                    .rank = 2,
                                    .dims = {16, 4},
                                    .strides = {2, 64},
                                    .box = {16, 2},
                                    .swizzle = TSKIP_SWIZZLE_32};
    tskip_tensor_view v = good;
    const tskip_binding b[2] = {
        {.buffer = NULL}, {.buffer = f->buffer, .size = 224, .access = TSKIP_READ, .view = &v}};
    assert_int_equal(dispatch(f, b), TSKIP_OK); /* 3 * 64 + 16 * 2 = 224 bytes */
    v.dims[0] = 17;
    INVALID(dispatch(f, b), "binding 1 has a view of 226 bytes", "at most the binding's 224");
    v = good;
    v.rank = 6;
    INVALID(dispatch(f, b), "more than 5 dimensions");
    v = good;
    v.strides[0] = 4;
    INVALID(dispatch(f, b), "innermost stride is not an element's size");
    v = good;
    v.dtype = TSKIP_DTYPE_NONE;
    INVALID(dispatch(f, b), "innermost stride is not an element's size");
    v = good;
    v.swizzle = (tskip_swizzle)4;
    INVALID(dispatch(f, b), "unknown swizzle");
    v = good;
    v.dims[1] = 0;
    INVALID(dispatch(f, b), "dimension or box of 0");
    v = good;
    v.box[1] = 0;
    INVALID(dispatch(f, b), "dimension or box of 0");
    v = good;
    v.dims[1] = UINT64_MAX;
    INVALID(dispatch(f, b), "does not fit 64 bits");
    v.rank = 0; /* no view, whatever else it holds */
    assert_int_equal(dispatch(f, b), TSKIP_OK);
}

static void test_fill(void **state)
{
    fixture *f = *state;
    tskip_encoder *e = f->encoder;
    INVALID(tskip_encoder_fill(NULL, f->buffer, 0, 4, 0), "encoder is NULL");
    INVALID(tskip_encoder_fill(e, NULL, 0, 4, 0), "buffer is NULL");
    INVALID(tskip_encoder_fill(e, f->other_buffer, 0, 4, 0), "buffer is of device null");
    INVALID(tskip_encoder_fill(e, f->buffer, 2, 4, 0), "offset 2 and size 4", "multiples of 4");
    INVALID(tskip_encoder_fill(e, f->buffer, 0, 6, 0), "offset 0 and size 6", "multiples of 4");
    INVALID(tskip_encoder_fill(e, f->buffer, 252, 8, 0), "offset 252 and size 8", "256 bytes");
    INVALID(tskip_encoder_fill(e, f->view, 0, 4, 0), "begins at byte 6", "multiples of 4");
    assert_int_equal(tskip_encoder_fill(e, f->view, 2, 4, 0), TSKIP_OK);
}

static void test_encoder_states(void **state)
{
    fixture *f = *state;
    tskip_encoder *e = f->encoder, *none = e;
    const tskip_binding b[2] = {{.buffer = NULL}};
    double seconds = 1;
    INVALID(tskip_encoder_create(f->device, NULL, NULL), "out is NULL");
    INVALID(tskip_encoder_create(NULL, NULL, &none), "device is NULL");
    assert_null(none);
    INVALID(tskip_encoder_wait(e), "was not submitted");
    INVALID(tskip_encoder_elapsed(e, &seconds), "was not submitted");
    assert_true(seconds == 1); /* as it was */
    INVALID(tskip_encoder_elapsed(e, NULL), "seconds is NULL");
    assert_int_equal(tskip_encoder_submit(e), TSKIP_OK);
    INVALID(tskip_encoder_elapsed(e, &seconds), "still in flight");
    for (int waited = 0; waited < 2; waited++) {
        INVALID(dispatch(f, b), "encoder was submitted", "reset it");
        INVALID(tskip_encoder_fill(e, f->buffer, 0, 4, 0), "encoder was submitted");
        INVALID(tskip_encoder_barrier(e), "encoder was submitted");
        INVALID(tskip_encoder_submit(e), "encoder was submitted");
        assert_int_equal(tskip_encoder_wait(e), TSKIP_OK);
    }
    FAILS(UNSUPPORTED, tskip_encoder_elapsed(e, &seconds), "null measures no time");
    assert_int_equal(tskip_encoder_reset(e), TSKIP_OK);
    assert_int_equal(tskip_encoder_barrier(e), TSKIP_OK);
    INVALID(tskip_encoder_wait(e), "was not submitted");
    INVALID(tskip_encoder_barrier(NULL), "encoder is NULL");
    INVALID(tskip_encoder_submit(NULL), "encoder is NULL");
    INVALID(tskip_encoder_wait(NULL), "encoder is NULL");
    INVALID(tskip_encoder_reset(NULL), "encoder is NULL");
    INVALID(tskip_encoder_elapsed(NULL, &seconds), "encoder is NULL");
}

/* What only a backend can refuse. */
static void test_native_objects(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"cpu", "null"};
    for (int i = 0; i < 2; i++) {
        tskip_device *device = f->device;
        tskip_encoder *none = f->encoder;
        tskip_device_desc with_context = {.name = names[i], .native_context = f};
        INVALID(tskip_device_open(&with_context, &device), "native_context is set",
                "expected NULL");
        assert_null(device);
        with_context.native_context = NULL;
        assert_int_equal(tskip_device_open(&with_context, &device), TSKIP_OK);
        INVALID(tskip_encoder_create(device, &(tskip_encoder_desc){.native_stream = f}, &none),
                "native_stream is set", "expected NULL");
        assert_null(none);
        tskip_device_destroy(&device);
    }
}

static void test_questions_to_null(void **state)
{
    (void)state;
    tskip_device *device = NULL;
    tskip_buffer *buffer = NULL;
    tskip_encoder *encoder = NULL;
    assert_null(tskip_device_get_info(NULL));
    assert_null(tskip_device_retain(NULL));
    assert_null(tskip_buffer_retain(NULL));
    assert_null(tskip_buffer_get_device(NULL));
    assert_int_equal(tskip_buffer_size(NULL), 0);
    assert_string_equal(tskip_kernel_name(NULL), "");
    assert_null(tskip_kernel_get_shape(NULL));
    assert_null(tskip_encoder_get_device(NULL));
    tskip_device_destroy(NULL);
    tskip_device_destroy(&device);
    tskip_buffer_destroy(NULL);
    tskip_buffer_destroy(&buffer);
    tskip_encoder_destroy(NULL);
    tskip_encoder_destroy(&encoder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_device),         TEST(test_buffer),
        TEST(test_buffer_access),  TEST(test_kernel_description),
        TEST(test_kernel_bodies),  TEST(test_kernel_constants),
        TEST(test_kernel_get),     TEST(test_dispatch),
        TEST(test_bindings),       TEST(test_tensor_views),
        TEST(test_fill),           TEST(test_encoder_states),
        TEST(test_native_objects), TEST(test_questions_to_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
