/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Who keeps whom alive: handles destroyed in every order, with retains in between, leave nothing
 * allocated, and what is left still works until its last owner goes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <tileskip/compute.h>

#include "harness/failing_alloc.h"

enum { HANDLES = 6 };

typedef struct handles {
    tskip_device *device, *device_again;
    tskip_buffer *buffer, *view, *view_again;
    tskip_encoder *encoder;
} handles;

static void nothing(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    (void)group;
    (void)buffers;
    (void)args;
    (void)memory;
}

static const tskip_kernel_body body = {.format = TSKIP_CODE_C, .function = nothing};
static const tskip_kernel_desc desc = {.name = "nothing", .bodies = &body, .n_bodies = 1};

static void make(const char *name, handles *h)
{
    const tskip_kernel *kernel;
    const uint32_t grid[3] = {3, 1, 1};
    assert_int_equal(tskip_device_open(&(tskip_device_desc){.name = name}, &h->device), TSKIP_OK);
    assert_int_equal(tskip_kernel_register(h->device, &desc), TSKIP_OK);
    assert_int_equal(tskip_kernel_get(h->device, "nothing", NULL, 0, &kernel), TSKIP_OK);
    assert_int_equal(tskip_buffer_create(h->device, 64, &h->buffer), TSKIP_OK);
    assert_int_equal(tskip_buffer_view(h->buffer, 4, 16, &h->view), TSKIP_OK);
    assert_int_equal(tskip_encoder_create(h->device, NULL, &h->encoder), TSKIP_OK);
    assert_int_equal(tskip_encoder_dispatch(h->encoder, kernel, grid, NULL, 0, NULL, 0), TSKIP_OK);
    h->device_again = tskip_device_retain(h->device);
    h->view_again = tskip_buffer_retain(h->view);
    assert_ptr_equal(h->device_again, h->device);
    assert_ptr_equal(h->view_again, h->view);
}

/* Uses whatever is left. */
static void use(const handles *h)
{
    uint32_t word = 5;
    tskip_buffer *buffers[] = {h->buffer, h->view, h->view_again};
    for (int i = 0; i < 3; i++)
        if (buffers[i]) {
            assert_int_equal(tskip_buffer_write(buffers[i], 8, &word, 4), TSKIP_OK);
            assert_non_null(tskip_device_get_info(tskip_buffer_get_device(buffers[i])));
            assert_int_equal(tskip_buffer_size(buffers[i]), buffers[i] == h->buffer ? 64 : 16);
        }
    if (h->encoder)
        assert_int_equal(tskip_encoder_barrier(h->encoder), TSKIP_OK);
    if (h->device || h->device_again)
        assert_non_null(tskip_device_get_info(h->device ? h->device : h->device_again));
}

static void destroy(handles *h, int which)
{
    switch (which) {
    case 0:
        tskip_device_destroy(&h->device);
        break;
    case 1:
        tskip_device_destroy(&h->device_again);
        break;
    case 2:
        tskip_buffer_destroy(&h->buffer);
        break;
    case 3:
        tskip_buffer_destroy(&h->view);
        break;
    case 4:
        tskip_buffer_destroy(&h->view_again);
        break;
    default:
        tskip_encoder_destroy(&h->encoder);
        break;
    }
}

/* The permutation of that number. */
static void order_of(int number, int order[HANDLES])
{
    int left[HANDLES] = {0, 1, 2, 3, 4, 5};
    for (int i = 0; i < HANDLES; i++) {
        int n = HANDLES - i, pick = number % n;
        number /= n;
        order[i] = left[pick];
        memmove(&left[pick], &left[pick + 1], (size_t)(n - pick - 1) * sizeof left[0]);
    }
}

static void every_order(const char *device)
{
    for (int number = 0; number < 720; number++) {
        int order[HANDLES];
        handles h;
        size_t live, faults;
        order_of(number, order);
        failing_alloc_install(FAILING_ALLOC_NEVER, false);
        make(device, &h);
        for (int i = 0; i < HANDLES; i++) {
            use(&h);
            destroy(&h, order[i]);
        }
        (void)failing_alloc_remove(&live, &faults);
        if (live != 0 || faults != 0)
            fail_msg("order %d on %s: %zu leak, %zu released wrongly", number, device, live,
                     faults);
    }
}

static void test_every_order_on_the_cpu(void **state)
{
    (void)state;
    every_order("cpu");
}

static void test_every_order_on_null(void **state)
{
    (void)state;
    every_order("null");
}

/* A view shares its parent's bytes and outlives its handle. */
static void test_a_view_keeps_the_bytes(void **state)
{
    (void)state;
    tskip_device *device;
    tskip_buffer *buffer, *view, *inner;
    void *first;
    assert_int_equal(tskip_device_open(&(tskip_device_desc){.name = "cpu"}, &device), TSKIP_OK);
    assert_int_equal(tskip_buffer_create(device, 100, &buffer), TSKIP_OK);
    assert_int_equal(tskip_buffer_view(buffer, 10, 50, &view), TSKIP_OK);
    assert_int_equal(tskip_buffer_view(view, 5, 10, &inner), TSKIP_OK);
    assert_int_equal(tskip_buffer_write(buffer, 15, "0123456789", 10), TSKIP_OK);
    tskip_buffer_destroy(&buffer);
    tskip_buffer_destroy(&view);
    tskip_device_destroy(&device);
    assert_int_equal(tskip_buffer_map(inner, &first), TSKIP_OK);
    assert_memory_equal(first, "0123456789", 10);
    tskip_buffer_destroy(&inner);
}

/* The caller's memory is neither freed nor touched past its ends. */
static void test_an_import_is_borrowed(void **state)
{
    (void)state;
    char bytes[12] = "abcdefghijkl";
    tskip_device *device;
    tskip_buffer *buffer;
    void *first;
    assert_int_equal(tskip_device_open(&(tskip_device_desc){.name = "cpu"}, &device), TSKIP_OK);
    assert_int_equal(tskip_buffer_import(device, bytes + 1, 10, &buffer), TSKIP_OK);
    assert_int_equal(tskip_buffer_map(buffer, &first), TSKIP_OK);
    assert_ptr_equal(first, bytes + 1);
    assert_int_equal(tskip_buffer_write(buffer, 0, "0123456789", 10), TSKIP_OK);
    tskip_buffer_destroy(&buffer);
    tskip_device_destroy(&device);
    assert_memory_equal(bytes, "a0123456789l", 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_order_on_the_cpu),
        cmocka_unit_test(test_every_order_on_null),
        cmocka_unit_test(test_a_view_keeps_the_bytes),
        cmocka_unit_test(test_an_import_is_borrowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
