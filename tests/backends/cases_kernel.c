/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "conformance.h"

#include <string.h>

static bool same_constants_same_kernel(conformance *c)
{
    const tskip_constant forth[] = {{"first", {.u32 = 5}}, {"step", {.u32 = 2}}};
    const tskip_constant back[] = {{"step", {.u32 = 2}}, {"first", {.u32 = 5}}};
    const tskip_kernel *a, *b, *other;
    if (!conformance_kernel(c, &conformance_iota, forth, 2, &a) ||
        !conformance_kernel(c, &conformance_iota, back, 2, &b) ||
        !conformance_kernel(c, &conformance_iota, back, 1, &other))
        return false;
    CHECK(a == b && a != other);
    CHECK(strcmp(tskip_kernel_name(a), "iota[first=5 step=2]") == 0);
    CHECK(strcmp(tskip_kernel_name(other), "iota[first=0 step=2]") == 0);
    CHECK(tskip_kernel_get_shape(a)->group_size[0] == CONFORMANCE_WIDTH);
    return true;
}

static bool run_constants(conformance *c, const tskip_constant *constants, size_t n,
                          uint32_t words[4])
{
    const uint32_t grid[3] = {1, 1, 1};
    const tskip_kernel *kernel;
    tskip_buffer *buffer;
    tskip_encoder *encoder;
    if (!conformance_kernel(c, &conformance_constants, constants, n, &kernel) ||
        !conformance_buffer(c, 16, &buffer) || !conformance_encoder(c, &encoder))
        return false;
    const tskip_binding binding = {.buffer = buffer, .access = TSKIP_WRITE};
    CHECK_STATUS(OK, tskip_encoder_dispatch(encoder, kernel, grid, &binding, 1, NULL, 0));
    if (!conformance_finish(c, encoder))
        return false;
    CHECK_STATUS(OK, tskip_buffer_read(buffer, 0, words, 16));
    return true;
}

static uint32_t bits(float value)
{
    uint32_t word;
    memcpy(&word, &value, 4);
    return word;
}

static bool constants_of_every_type(conformance *c)
{
    const tskip_constant constants[] = {
        {"u", {.u32 = 0xfffffff1u}}, {"b", {.u32 = 0}}, {"i", {.i32 = -77}}, {"f", {.f32 = 0.1f}}};
    uint32_t words[4];
    if (!run_constants(c, constants, 4, words))
        return false;
    CHECK(words[0] == 0xfffffff1u);
    CHECK(words[1] == (uint32_t)-77);
    CHECK(words[2] == bits(0.1f));
    CHECK(words[3] == 0);
    return true;
}

static bool constants_not_named_keep_their_preset(conformance *c)
{
    const tskip_constant constants[] = {{"i", {.i32 = INT32_MIN}}};
    uint32_t words[4];
    if (!run_constants(c, constants, 1, words))
        return false;
    CHECK(words[0] == 7 && words[1] == 0x80000000u && words[2] == bits(0.5f) && words[3] == 1);
    return true;
}

static bool f32_constants_survive(conformance *c)
{
    static const float values[] = {-0.0f, 1e-45f, 3.4028235e38f, 1.17549435e-38f, 16777217.0f};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const tskip_constant constant = {"f", {.f32 = values[i]}};
        uint32_t words[4];
        if (!run_constants(c, &constant, 1, words))
            return false;
        CHECK(words[2] == bits(values[i]));
    }
    return true;
}

/* (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24 is half way between two floats and rounds to 1 + 2^-11: apart,
 * product and sum give 0; fused, the 2^-24 stays, which the third word shows that it can. */
static bool products_are_not_fused(conformance *c)
{
    const uint32_t grid[3] = {1, 1, 1};
    const float a = 1.000244140625f, square = 1.00048828125f;
    const float in[] = {a, a, -square, square, a, a, a, a, -square};
    const tskip_kernel *kernel;
    tskip_buffer *from, *to;
    tskip_encoder *encoder;
    float out[3];
    if (!conformance_kernel(c, &conformance_products, NULL, 0, &kernel) ||
        !conformance_buffer(c, sizeof in, &from) || !conformance_buffer(c, 16, &to) ||
        !conformance_encoder(c, &encoder))
        return false;
    const tskip_binding bindings[] = {{.buffer = from, .access = TSKIP_READ},
                                      {.buffer = to, .access = TSKIP_WRITE}};
    CHECK_STATUS(OK, tskip_buffer_write(from, 0, in, sizeof in));
    CHECK_STATUS(OK, tskip_encoder_dispatch(encoder, kernel, grid, bindings, 2, NULL, 0));
    if (!conformance_finish(c, encoder))
        return false;
    CHECK_STATUS(OK, tskip_buffer_read(to, 0, out, sizeof out));
    CHECK(out[0] == 0 && out[1] == 0);
    CHECK(out[2] == 0x1p-24f);
    return true;
}

static void never_called(const tskip_group *group, void *const *buffers, const void *args,
                         void *memory)
{
    (void)group;
    (void)buffers;
    (void)args;
    (void)memory;
}

static bool no_body_for_the_device(conformance *c)
{
    static const tskip_kernel_body c_body = {.format = TSKIP_CODE_C, .function = never_called};
    static const tskip_kernel_body spirv = {
        .format = TSKIP_CODE_SPIRV, .code = "none", .code_size = 4, .entry = "main"};
    static const tskip_kernel_desc only_c = {.name = "only", .bodies = &c_body, .n_bodies = 1};
    static const tskip_kernel_desc only_spirv = {.name = "only", .bodies = &spirv, .n_bodies = 1};
    bool takes_c = c->info->code_format == TSKIP_CODE_C;
    const tskip_kernel *none;
    CHECK_STATUS(OK, tskip_kernel_register(c->device, takes_c ? &only_spirv : &only_c));
    CHECK_STATUS(KERNEL_NOT_FOUND, tskip_kernel_get(c->device, "only", NULL, 0, &none));
    CHECK(none == NULL && strstr(tskip_last_error(), "no body"));
    return true;
}

static bool too_much_group_memory(conformance *c)
{
    static tskip_kernel_desc greedy;
    const tskip_kernel *none;
    greedy = conformance_reverse;
    greedy.name = "greedy";
    greedy.shape.group_memory = UINT64_MAX;
    CHECK_STATUS(OK, tskip_kernel_register(c->device, &greedy));
    CHECK_STATUS(UNSUPPORTED, tskip_kernel_get(c->device, "greedy", NULL, 0, &none));
    CHECK(none == NULL && strstr(tskip_last_error(), "group memory"));
    return true;
}

const conformance_case conformance_kernel_cases[] = {
    {"kernel_same_constants_same_kernel", same_constants_same_kernel},
    {"kernel_constants_of_every_type", constants_of_every_type},
    {"kernel_constants_not_named_keep_their_preset", constants_not_named_keep_their_preset},
    {"kernel_f32_constants_survive", f32_constants_survive},
    {"kernel_products_are_not_fused", products_are_not_fused},
    {"kernel_no_body_for_the_device", no_body_for_the_device},
    {"kernel_too_much_group_memory", too_much_group_memory},
    {NULL, NULL},
};
