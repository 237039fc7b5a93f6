/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "metal_scene.h"

/* What a caller hands to the Metal backend besides queues: buffers of every storage, host memory,
 * objects of Metal 4 and of other devices. */

enum { PAGE = 16384 };

static void test_callers_buffer(void **state)
{
    (void)state;
    scene s;
    void *bytes;
    set_up(&s);
    tskip__id given = TSKIP__SEND(metal, new_buffer, s.native, 2 * N * 4, 0);
    uint32_t *words = TSKIP__ASK(metal, contents, given);
    tskip_buffer *whole;
    INVALID(tskip_buffer_import(s.device, given, 2 * N * 4 + 1, &whole), "at most the MTLBuffer's");
    INVALID(tskip_buffer_import(s.device, s.native, 16, &whole), "no id<MTLBuffer>");
    OK(tskip_buffer_import(s.device, given, 2 * N * 4, &whole));
    OK(tskip_buffer_map(whole, &bytes));
    assert_ptr_equal(bytes, words);
    tskip_buffer_destroy(&s.buffer);
    OK(tskip_buffer_view(whole, 4 * N, 4 * N, &s.buffer));
    memset(words, 0, 2 * N * 4);
    start_encoder(&s, NULL);
    OK(encode(&s, 70));
    OK(tskip_encoder_submit(s.encoder));
    OK(tskip_encoder_wait(s.encoder));
    check_words(&s, 71);
    for (int i = 0; i < 2 * N; i++)
        assert_int_equal(words[i], i < N ? 0 : 71);
    tskip_buffer_destroy(&whole);
    tear_down(&s);
    words[0] = 1; /* still the caller's */
    metal->release(given);
}

/* A buffer that only the GPU reaches is written by commands and read by them; the host may not. */
static void test_private_buffer(void **state)
{
    (void)state;
    enum { PRIVATE = 2 << 4, MANAGED = 1 << 4 };
    const uint32_t grid[3] = {(N + THREADS - 1) / THREADS, 1, 1}, n = N;
    const tskip_kernel *kernel;
    scene s;
    void *bytes;
    uint32_t word;
    set_up(&s);
    tskip_buffer *shared = s.buffer;
    tskip__id given = TSKIP__SEND(metal, new_buffer, s.native, N * 4, PRIVATE);
    OK(tskip_buffer_import(s.device, given, N * 4, &s.buffer));
    OK(tskip_kernel_register(s.device, &metal_copy));
    OK(tskip_kernel_get(s.device, "copy", NULL, 0, &kernel));
    start_encoder(&s, NULL);
    OK(encode(&s, 90));
    OK(tskip_encoder_barrier(s.encoder));
    const tskip_binding bindings[] = {{.buffer = s.buffer, .access = TSKIP_READ},
                                      {.buffer = shared, .access = TSKIP_WRITE}};
    OK(tskip_encoder_dispatch(s.encoder, kernel, grid, bindings, 2, &n, sizeof n));
    OK(tskip_encoder_submit(s.encoder));
    OK(tskip_encoder_wait(s.encoder));
    const tskip_status refused[] = {tskip_buffer_read(s.buffer, 0, &word, 4),
                                    tskip_buffer_write(s.buffer, 0, &word, 4),
                                    tskip_buffer_map(s.buffer, &bytes)};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(refused[i], TSKIP_UNSUPPORTED);
    assert_non_null(strstr(tskip_last_error(), "private storage"));
    tskip_buffer_destroy(&s.buffer);
    metal->release(given);
    s.buffer = shared;
    check_words(&s, 91);
    given = TSKIP__SEND(metal, new_buffer, s.native, N * 4, MANAGED);
    if (given)
        INVALID(tskip_buffer_import(s.device, given, N * 4, &shared), "managed storage");
    metal->release(given);
    tear_down(&s);
}

static tskip__id make(tskip__id from, const char *selector)
{
    const tskip__sel name = metal->get_selector(selector);
    const bool answers = TSKIP__SEND(metal, responds_to, from, name) != 0;
    return answers ? metal->messages.make.send(from, name) : NULL;
}

/* Objects of Metal 4 share selectors with those before; none may be taken for one of them. Where
 * the system is older there are none. */
static void test_metal_4(void **state)
{
    (void)state;
    scene s;
    set_up(&s);
    tskip__id queue = make(s.native, "newMTL4CommandQueue");
    if (queue) {
        tskip__id buffer = make(s.native, "newCommandBuffer");
        tskip__id allocator = make(s.native, "newCommandAllocator");
        metal->messages.set_pipeline.send(
            buffer, metal->get_selector("beginCommandBufferWithAllocator:"), allocator);
        tskip__id encoder = make(buffer, "computeCommandEncoder");
        assert_non_null(encoder);
        tskip__id const all[] = {queue, buffer, encoder, allocator};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
            INVALID(tskip_encoder_create(s.device, &(tskip_encoder_desc){all[i]}, &s.encoder),
                    "objects of Metal 4 are others");
        TSKIP__ASK(metal, end_encoding, encoder);
        (void)make(buffer, "endCommandBuffer");
        metal->release(allocator);
        metal->release(buffer);
        metal->release(queue);
    }
    tear_down(&s);
}

/* What lies on another GPU is refused: its queue, command buffer, encoder and buffer. */
static void test_another_device(void **state)
{
    (void)state;
    scene s;
    tskip_buffer *none;
    if (!other_device) /* no Mac with such a GPU has two */
        skip();
    set_up(&s);
    tskip__id other = other_device(), queue = TSKIP__ASK(metal, new_queue, other);
    tskip__id buffer = TSKIP__ASK(metal, command_buffer, queue);
    tskip__id encoder = TSKIP__SEND(metal, compute_encoder, buffer, TSKIP__MTL_DISPATCH_CONCURRENT);
    tskip__id const all[] = {queue, buffer, encoder};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        INVALID(tskip_encoder_create(s.device, &(tskip_encoder_desc){all[i]}, &s.encoder),
                "native_stream is of another MTLDevice");
    TSKIP__ASK(metal, end_encoding, encoder);
    tskip__id memory = TSKIP__SEND(metal, new_buffer, other, N * 4, 0);
    INVALID(tskip_buffer_import(s.device, memory, N * 4, &none), "of another MTLDevice");
    metal->release(memory);
    metal->release(queue);
    metal->release(other);
    tear_down(&s);
}

static void test_host_pages(void **state)
{
    (void)state;
    scene s;
    void *bytes;
    set_up(&s);
    char *host = aligned_alloc(PAGE, 2 * PAGE);
    assert_non_null(host);
    tskip_buffer *buffer;
    INVALID(tskip_buffer_import_host(s.device, host + 64, N * 4, &buffer), "not at the start");
    OK(tskip_buffer_import_host(s.device, host, PAGE + 1, &buffer));
    OK(tskip_buffer_map(buffer, &bytes));
    assert_ptr_equal(bytes, host);
    tskip_buffer_destroy(&buffer);
    tear_down(&s);
    free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callers_buffer), cmocka_unit_test(test_private_buffer),
        cmocka_unit_test(test_metal_4),        cmocka_unit_test(test_another_device),
        cmocka_unit_test(test_host_pages),
    };
    if (!metal_begin())
        return NO_DEVICE;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    metal_end();
    return failed;
}
