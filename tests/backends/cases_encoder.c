/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "conformance.h"

#include <string.h>

/* One command with all it can have: grids, bindings, arguments, group memory, fills. */

enum { WIDTH = CONFORMANCE_WIDTH };

static bool words_of(conformance *c, tskip_buffer *buffer, uint32_t *words, size_t n)
{
    CHECK_STATUS(OK, tskip_buffer_read(buffer, 0, words, n * sizeof *words));
    return true;
}

/* Sizes below, at and above a group's width, and one word more in the buffer, which must
 * survive. */
static bool iota_of_many_sizes(conformance *c)
{
    static const uint32_t sizes[] = {1, WIDTH - 1, WIDTH, WIDTH + 1, 1000};
    const tskip_constant constants[] = {{"first", {.u32 = 10}}, {"step", {.u32 = 3}}};
    const tskip_kernel *kernel;
    if (!conformance_kernel(c, &conformance_iota, constants, 2, &kernel))
        return false;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const struct conformance_length args = {sizes[s]};
        const uint32_t grid[3] = {(args.n + WIDTH - 1) / WIDTH, 1, 1};
        uint32_t words[1001];
        tskip_buffer *buffer;
        tskip_encoder *encoder;
        if (!conformance_buffer(c, (args.n + 1) * 4, &buffer) || !conformance_encoder(c, &encoder))
            return false;
        const tskip_binding binding = {.buffer = buffer, .access = TSKIP_WRITE};
        CHECK_STATUS(OK, tskip_encoder_fill(encoder, buffer, 0, (args.n + 1) * 4, 0xabababab));
        CHECK_STATUS(OK, tskip_encoder_barrier(encoder));
        CHECK_STATUS(OK, tskip_encoder_dispatch(encoder, kernel, grid, &binding, 1, &args, 4));
        if (!conformance_finish(c, encoder) || !words_of(c, buffer, words, args.n + 1))
            return false;
        for (uint32_t i = 0; i < args.n; i++)
            CHECK(words[i] == 10 + 3 * i);
        CHECK(words[args.n] == 0xabababab);
    }
    return true;
}

static bool grid_of_three_dimensions(conformance *c)
{
    const uint32_t grid[3] = {7, 5, 3};
    const tskip_kernel *kernel;
    uint32_t words[7 * 5 * 3];
    tskip_buffer *buffer;
    tskip_encoder *encoder;
    if (!conformance_kernel(c, &conformance_grid, NULL, 0, &kernel) ||
        !conformance_buffer(c, sizeof words, &buffer) || !conformance_encoder(c, &encoder))
        return false;
    const tskip_binding binding = {.buffer = buffer, .access = TSKIP_WRITE};
    CHECK_STATUS(OK, tskip_encoder_dispatch(encoder, kernel, grid, &binding, 1, NULL, 0));
    if (!conformance_finish(c, encoder) || !words_of(c, buffer, words, 7 * 5 * 3))
        return false;
    for (uint32_t z = 0; z < 3; z++)
        for (uint32_t y = 0; y < 5; y++)
            for (uint32_t x = 0; x < 7; x++)
                CHECK(words[x + 7 * (y + 5 * z)] == x + 1000 * y + 1000000 * z);
    return true;
}

/* More groups than 16 bits count, in x alone. */
static bool grid_of_many_groups(conformance *c)
{
    enum { GROUPS = 70000 };
    static uint32_t words[GROUPS];
    const uint32_t grid[3] = {GROUPS, 1, 1};
    const tskip_kernel *kernel;
    tskip_buffer *buffer;
    tskip_encoder *encoder;
    if (!conformance_kernel(c, &conformance_grid, NULL, 0, &kernel) ||
        !conformance_buffer(c, sizeof words, &buffer) || !conformance_encoder(c, &encoder))
        return false;
    const tskip_binding binding = {.buffer = buffer, .access = TSKIP_WRITE};
    CHECK_STATUS(OK, tskip_encoder_dispatch(encoder, kernel, grid, &binding, 1, NULL, 0));
    if (!conformance_finish(c, encoder) || !words_of(c, buffer, words, GROUPS))
        return false;
    for (uint32_t x = 0; x < GROUPS; x++)
        CHECK(words[x] == x);
    return true;
}

static bool empty_grid_runs_nothing(conformance *c)
{
    static const uint32_t grids[3][3] = {{0, 1, 1}, {4, 0, 1}, {4, 4, 0}};
    const tskip_kernel *kernel;
    uint32_t word = 0;
    tskip_buffer *buffer;
    tskip_encoder *encoder;
    if (!conformance_kernel(c, &conformance_grid, NULL, 0, &kernel) ||
        !conformance_buffer(c, 64, &buffer) || !conformance_encoder(c, &encoder))
        return false;
    const tskip_binding binding = {.buffer = buffer, .access = TSKIP_WRITE};
    CHECK_STATUS(OK, tskip_encoder_fill(encoder, buffer, 0, 64, 9));
    CHECK_STATUS(OK, tskip_encoder_barrier(encoder));
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(OK, tskip_encoder_dispatch(encoder, kernel, grids[i], &binding, 1, NULL, 0));
    if (!conformance_finish(c, encoder) || !words_of(c, buffer, &word, 1))
        return false;
    CHECK(word == 9);
    return true;
}

/* Every second binding is empty; the others lie side by side in one buffer. */
static bool bindings_all_and_empty(conformance *c)
{
    const uint32_t grid[3] = {1, 1, 1};
    const tskip_kernel *kernel;
    uint32_t words[TSKIP_MAX_BINDINGS];
    tskip_buffer *buffer;
    tskip_encoder *encoder;
    if (!conformance_kernel(c, &conformance_bindings, NULL, 0, &kernel) ||
        !conformance_buffer(c, sizeof words, &buffer) || !conformance_encoder(c, &encoder))
        return false;
    tskip_binding bindings[TSKIP_MAX_BINDINGS] = {{0}};
    for (uint32_t i = 0; i < TSKIP_MAX_BINDINGS; i += 2)
        bindings[i] =
            (tskip_binding){.buffer = buffer, .offset = 4 * i, .size = 4, .access = TSKIP_WRITE};
    CHECK_STATUS(OK, tskip_encoder_fill(encoder, buffer, 0, sizeof words, 0));
    CHECK_STATUS(OK, tskip_encoder_barrier(encoder));
    CHECK_STATUS(
        OK, tskip_encoder_dispatch(encoder, kernel, grid, bindings, TSKIP_MAX_BINDINGS, NULL, 0));
    if (!conformance_finish(c, encoder) || !words_of(c, buffer, words, TSKIP_MAX_BINDINGS))
        return false;
    for (uint32_t i = 0; i < TSKIP_MAX_BINDINGS; i++)
        CHECK(words[i] == (i % 2 == 0 ? i + 1 : 0));
    return true;
}

/* The offset of a binding counts from the start of the view that it names. */
static bool binding_in_a_view(conformance *c)
{
    const uint32_t grid[3] = {1, 1, 1};
    const struct conformance_length args = {2};
    const tskip_kernel *kernel;
    uint32_t words[64] = {0};
    tskip_buffer *buffer, *view;
    tskip_encoder *encoder;
    if (!conformance_kernel(c, &conformance_iota, NULL, 0, &kernel) ||
        !conformance_buffer(c, sizeof words, &buffer) ||
        !conformance_view(c, buffer, 64, 64, &view) || !conformance_encoder(c, &encoder))
        return false;
    const tskip_binding binding = {.buffer = view, .offset = 16, .access = TSKIP_WRITE};
    CHECK_STATUS(OK, tskip_encoder_fill(encoder, buffer, 0, sizeof words, 50));
    CHECK_STATUS(OK, tskip_encoder_fill(encoder, buffer, 0, 0, 51));
    CHECK_STATUS(OK, tskip_encoder_barrier(encoder));
    CHECK_STATUS(OK, tskip_encoder_dispatch(encoder, kernel, grid, &binding, 1, &args, 4));
    if (!conformance_finish(c, encoder) || !words_of(c, buffer, words, 64))
        return false;
    for (uint32_t i = 0; i < 64; i++)
        CHECK(words[i] == (i == 20 ? 0 : i == 21 ? 1 : 50));
    return true;
}

/* The block is the caller's again when the call returns. */
static bool arguments_are_copied(conformance *c)
{
    const uint32_t grid[3] = {1, 1, 1};
    const tskip_kernel *kernel;
    unsigned char args[TSKIP_MAX_ARGS_SIZE], out[TSKIP_MAX_ARGS_SIZE];
    tskip_buffer *buffer;
    tskip_encoder *encoder;
    if (!conformance_kernel(c, &conformance_arguments, NULL, 0, &kernel) ||
        !conformance_buffer(c, sizeof out, &buffer) || !conformance_encoder(c, &encoder))
        return false;
    const tskip_binding binding = {.buffer = buffer, .access = TSKIP_WRITE};
    for (size_t i = 0; i < sizeof args; i++)
        args[i] = (unsigned char)(i * 5 + i / 256);
    CHECK_STATUS(OK, tskip_encoder_dispatch(encoder, kernel, grid, &binding, 1, args, sizeof args));
    memset(args, 0, sizeof args);
    if (!conformance_finish(c, encoder))
        return false;
    CHECK_STATUS(OK, tskip_buffer_read(buffer, 0, out, sizeof out));
    for (size_t i = 0; i < sizeof out; i++)
        CHECK(out[i] == (unsigned char)(i * 5 + i / 256));
    return true;
}

static bool group_memory_is_the_groups_own(conformance *c)
{
    enum { GROUPS = 200 };
    static uint32_t words[GROUPS * WIDTH];
    const uint32_t grid[3] = {GROUPS, 1, 1};
    const tskip_kernel *kernel;
    tskip_buffer *in, *out;
    tskip_encoder *encoder;
    if (!conformance_kernel(c, &conformance_reverse, NULL, 0, &kernel) ||
        !conformance_buffer(c, sizeof words, &in) || !conformance_buffer(c, sizeof words, &out) ||
        !conformance_encoder(c, &encoder))
        return false;
    for (uint32_t i = 0; i < GROUPS * WIDTH; i++)
        words[i] = i;
    CHECK_STATUS(OK, tskip_buffer_write(in, 0, words, sizeof words));
    const tskip_binding bindings[] = {{.buffer = in, .access = TSKIP_READ},
                                      {.buffer = out, .access = TSKIP_WRITE}};
    CHECK_STATUS(OK, tskip_encoder_dispatch(encoder, kernel, grid, bindings, 2, NULL, 0));
    if (!conformance_finish(c, encoder) || !words_of(c, out, words, GROUPS * WIDTH))
        return false;
    for (uint32_t i = 0; i < GROUPS * WIDTH; i++)
        CHECK(words[i] == i / WIDTH * WIDTH + (WIDTH - 1 - i % WIDTH));
    return true;
}

static bool fill_of_a_part(conformance *c)
{
    uint32_t words[100];
    tskip_buffer *buffer, *view;
    tskip_encoder *encoder;
    if (!conformance_buffer(c, sizeof words, &buffer) ||
        !conformance_view(c, buffer, 40, 200, &view) || !conformance_encoder(c, &encoder))
        return false;
    CHECK_STATUS(OK, tskip_encoder_fill(encoder, buffer, 0, sizeof words, 0x01020304));
    CHECK_STATUS(OK, tskip_encoder_barrier(encoder));
    CHECK_STATUS(OK, tskip_encoder_fill(encoder, view, 4, 12, 0xfeedbeef));
    if (!conformance_finish(c, encoder) || !words_of(c, buffer, words, 100))
        return false;
    for (uint32_t i = 0; i < 100; i++)
        CHECK(words[i] == (i >= 11 && i < 14 ? 0xfeedbeef : 0x01020304));
    return true;
}

/* Commands after the mark are dropped, those before it and those added later are not. */
static bool rewind_drops_what_came_after(conformance *c)
{
    uint32_t words[48];
    tskip_buffer *buffer;
    tskip_encoder *encoder;
    if (!conformance_buffer(c, sizeof words, &buffer) || !conformance_encoder(c, &encoder))
        return false;
    CHECK_STATUS(OK, tskip_encoder_fill(encoder, buffer, 0, sizeof words, 1));
    CHECK_STATUS(OK, tskip_encoder_barrier(encoder));
    const uint64_t mark = tskip_encoder_mark(encoder);
    CHECK_STATUS(OK, tskip_encoder_fill(encoder, buffer, 0, 64, 2));
    CHECK_STATUS(OK, tskip_encoder_barrier(encoder));
    const uint64_t later = tskip_encoder_mark(encoder);
    CHECK_STATUS(OK, tskip_encoder_rewind(encoder, mark));
    CHECK(tskip_encoder_mark(encoder) == mark);
    CHECK_STATUS(INVALID_ARGUMENT, tskip_encoder_rewind(encoder, later));
    CHECK_STATUS(OK, tskip_encoder_fill(encoder, buffer, 128, 64, 3));
    if (!conformance_finish(c, encoder))
        return false;
    CHECK_STATUS(INVALID_ARGUMENT, tskip_encoder_rewind(encoder, 0));
    if (!words_of(c, buffer, words, 48))
        return false;
    for (uint32_t i = 0; i < 48; i++)
        CHECK(words[i] == (i < 32 ? 1 : 3));
    return true;
}

const conformance_case conformance_encoder_cases[] = {
    {"encoder_iota_of_many_sizes", iota_of_many_sizes},
    {"encoder_grid_of_three_dimensions", grid_of_three_dimensions},
    {"encoder_grid_of_many_groups", grid_of_many_groups},
    {"encoder_empty_grid_runs_nothing", empty_grid_runs_nothing},
    {"encoder_bindings_all_and_empty", bindings_all_and_empty},
    {"encoder_binding_in_a_view", binding_in_a_view},
    {"encoder_arguments_are_copied", arguments_are_copied},
    {"encoder_group_memory_is_the_groups_own", group_memory_is_the_groups_own},
    {"encoder_fill_of_a_part", fill_of_a_part},
    {"encoder_rewind_drops_what_came_after", rewind_drops_what_came_after},
    {NULL, NULL},
};
