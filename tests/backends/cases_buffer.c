/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 1000 };

static void pattern(unsigned char *bytes, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(seed + 7 * i + (i >> 8));
}

static bool write_then_read(conformance *c)
{
    unsigned char in[SIZE], out[SIZE] = {0};
    tskip_buffer *buffer;
    pattern(in, SIZE, 3);
    if (!conformance_buffer(c, SIZE, &buffer))
        return false;
    CHECK(tskip_buffer_size(buffer) == SIZE);
    CHECK_STATUS(OK, tskip_buffer_write(buffer, 0, in, SIZE));
    CHECK_STATUS(OK, tskip_buffer_read(buffer, 0, out, SIZE));
    CHECK(memcmp(in, out, SIZE) == 0);
    return true;
}

static bool parts_at_odd_offsets(conformance *c)
{
    unsigned char whole[SIZE], out[SIZE];
    tskip_buffer *buffer;
    pattern(whole, SIZE, 3);
    if (!conformance_buffer(c, SIZE, &buffer))
        return false;
    CHECK_STATUS(OK, tskip_buffer_write(buffer, 0, whole, SIZE));
    pattern(whole + 13, 101, 200);
    CHECK_STATUS(OK, tskip_buffer_write(buffer, 13, whole + 13, 101));
    CHECK_STATUS(OK, tskip_buffer_write(buffer, SIZE, whole, 0));
    CHECK_STATUS(OK, tskip_buffer_read(buffer, 7, out, SIZE - 7));
    CHECK(memcmp(whole + 7, out, SIZE - 7) == 0);
    return true;
}

static bool one_byte(conformance *c)
{
    unsigned char in = 0x5a, out = 0;
    tskip_buffer *buffer;
    if (!conformance_buffer(c, 1, &buffer))
        return false;
    CHECK_STATUS(OK, tskip_buffer_write(buffer, 0, &in, 1));
    CHECK_STATUS(OK, tskip_buffer_read(buffer, 0, &out, 1));
    CHECK(out == in);
    return true;
}

static bool view_of_a_view(conformance *c)
{
    unsigned char whole[SIZE], out[SIZE];
    tskip_buffer *buffer, *view, *inner;
    pattern(whole, SIZE, 9);
    if (!conformance_buffer(c, SIZE, &buffer) || !conformance_view(c, buffer, 101, 500, &view) ||
        !conformance_view(c, view, 50, 30, &inner))
        return false;
    CHECK_STATUS(OK, tskip_buffer_write(buffer, 0, whole, SIZE));
    CHECK_STATUS(OK, tskip_buffer_read(inner, 10, out, 20));
    CHECK(memcmp(whole + 161, out, 20) == 0);
    pattern(whole + 151, 30, 77);
    CHECK_STATUS(OK, tskip_buffer_write(inner, 0, whole + 151, 30));
    CHECK_STATUS(OK, tskip_buffer_read(buffer, 0, out, SIZE));
    CHECK(memcmp(whole, out, SIZE) == 0);
    CHECK_STATUS(INVALID_ARGUMENT, tskip_buffer_read(inner, 11, out, 20));
    return true;
}

static bool map_shows_the_bytes(conformance *c)
{
    unsigned char whole[SIZE], out[SIZE];
    tskip_buffer *buffer, *view;
    void *first = out;
    pattern(whole, SIZE, 40);
    if (!conformance_buffer(c, SIZE, &buffer) || !conformance_view(c, buffer, 11, 600, &view))
        return false;
    if (!c->info->shares_memory) {
        CHECK_STATUS(UNSUPPORTED, tskip_buffer_map(view, &first));
        CHECK(first == NULL);
        return true;
    }
    CHECK_STATUS(OK, tskip_buffer_write(buffer, 0, whole, SIZE));
    CHECK_STATUS(OK, tskip_buffer_map(view, &first));
    CHECK(memcmp(first, whole + 11, 600) == 0);
    pattern(first, 600, 50);
    pattern(whole + 11, 600, 50);
    CHECK_STATUS(OK, tskip_buffer_read(buffer, 0, out, SIZE));
    CHECK(memcmp(out, whole, SIZE) == 0);
    return true;
}

static bool is_aligned(conformance *c)
{
    tskip_buffer *buffer;
    void *first;
    for (uint64_t size = 1; size < 100; size += 33) {
        if (!conformance_buffer(c, size, &buffer))
            return false;
        CHECK_STATUS(OK, tskip_buffer_map(buffer, &first));
        CHECK((uintptr_t)first % 64 == 0);
    }
    return true;
}

/* Host memory at an address that nothing is aligned to, with a byte on either side. */
static bool import_of_host_memory(conformance *c)
{
    unsigned char host[SIZE], before[SIZE];
    pattern(host, SIZE, 90);
    memcpy(before, host, SIZE);
    CHECK_STATUS(OK, tskip_buffer_import(c->device, host + 1, SIZE - 2, &c->buffers[0]));
    c->n_buffers = 1;
    memset(before + 1, 0x11, SIZE - 2);
    CHECK_STATUS(OK, tskip_buffer_write(c->buffers[0], 0, before + 1, SIZE - 2));
    CHECK(memcmp(host, before, SIZE) == 0);
    tskip_encoder *encoder;
    if (!conformance_encoder(c, &encoder))
        return false;
    CHECK_STATUS(OK, tskip_encoder_fill(encoder, c->buffers[0], 4, 992, 0x22222222));
    if (!conformance_finish(c, encoder))
        return false;
    memset(before + 5, 0x22, 992);
    tskip_buffer_destroy(&c->buffers[0]);
    CHECK(memcmp(host, before, SIZE) == 0);
    return true;
}

/* Whole pages at whatever size a page has, the last one bound in part: what a fill writes shows at
 * once in the caller's memory, and the bytes behind stay. */
static bool import_host_shares_pages(conformance *c)
{
    enum { PAGE = 16384, PART = PAGE + 1000 };
    unsigned char *host = aligned_alloc(PAGE, 2 * PAGE);
    CHECK(host);
    memset(host, 0x33, 2 * PAGE);
    tskip_status status = tskip_buffer_import_host(c->device, host, PART, &c->buffers[0]);
    tskip_encoder *encoder;
    bool good = status == (c->info->shares_memory ? TSKIP_OK : TSKIP_UNSUPPORTED);
    if (status == TSKIP_OK) {
        good = conformance_encoder(c, &encoder) && tskip_buffer_size(c->buffers[0]) == PART &&
               tskip_encoder_fill(encoder, c->buffers[0], 0, PART, 0x44444444) == TSKIP_OK &&
               conformance_finish(c, encoder);
        tskip_encoder_destroy(&c->encoders[0]);
        tskip_buffer_destroy(&c->buffers[0]);
    }
    for (int i = 0; i < 2 * PAGE && status == TSKIP_OK; i++)
        good = good && host[i] == (i < PART ? 0x44 : 0x33);
    free(host);
    CHECK(good);
    return true;
}

static bool above_the_limit(conformance *c)
{
    tskip_buffer *none = NULL;
    if (c->info->max_buffer_size == UINT64_MAX)
        return true;
    CHECK_STATUS(INVALID_ARGUMENT,
                 tskip_buffer_create(c->device, c->info->max_buffer_size + 1, &none));
    CHECK(none == NULL && strstr(tskip_last_error(), "size is"));
    return true;
}

const conformance_case conformance_buffer_cases[] = {
    {"buffer_write_then_read", write_then_read},
    {"buffer_parts_at_odd_offsets", parts_at_odd_offsets},
    {"buffer_one_byte", one_byte},
    {"buffer_view_of_a_view", view_of_a_view},
    {"buffer_map_shows_the_bytes", map_shows_the_bytes},
    {"buffer_is_aligned", is_aligned},
    {"buffer_import_of_host_memory", import_of_host_memory},
    {"buffer_import_host_shares_pages", import_host_shares_pages},
    {"buffer_above_the_limit", above_the_limit},
    {NULL, NULL},
};
