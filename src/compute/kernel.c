/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <string.h>

#include "base/status.h"
#include "objects.h"

tskip_status tskip_kernel_register(tskip_device *device, const tskip_kernel_desc *desc)
{
    TSKIP__TRY(tskip__require(device, "device", "an open device"));
    TSKIP__TRY(tskip__require(desc, "desc", "a kernel's description"));
    return tskip__kernel_cache_register(device, desc);
}

tskip_status tskip_kernel_get(tskip_device *device, const char *name,
                              const tskip_constant *constants, size_t n_constants,
                              const tskip_kernel **out)
{
    TSKIP__TRY(tskip__require(out, "out", "where to store the kernel"));
    *out = NULL;
    TSKIP__TRY(tskip__require(device, "device", "an open device"));
    TSKIP__TRY(tskip__require(name, "name", "a registered kernel's name"));
    if (n_constants > 0)
        TSKIP__TRY(tskip__require(constants, "constants", "an array of `n_constants` entries"));
    return tskip__kernel_cache_get(device, name, constants, n_constants, out);
}

const char *tskip_kernel_name(const tskip_kernel *kernel)
{
    return kernel ? kernel->name : "";
}

const tskip_kernel_shape *tskip_kernel_get_shape(const tskip_kernel *kernel)
{
    return kernel ? &kernel->shape : NULL;
}

static tskip_status check_body(const tskip_kernel_desc *desc, size_t i)
{
    const tskip_kernel_body *body = &desc->bodies[i];
    switch (body->format) {
    case TSKIP_CODE_C:
        if (body->function)
            return TSKIP_OK;
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "kernel \"%s\": body %zu has no function",
                           desc->name, i);
    case TSKIP_CODE_CUDA:
    case TSKIP_CODE_MSL:
    case TSKIP_CODE_SPIRV:
        if (body->code && body->code_size > 0 && body->entry)
            return TSKIP_OK;
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "kernel \"%s\": body %zu has no code, code_size or entry", desc->name,
                           i);
    }
    return tskip__fail(TSKIP_INVALID_ARGUMENT,
                       "kernel \"%s\": body %zu has format %d, expected a tskip_code_format",
                       desc->name, i, (int)body->format);
}

/* A shape becomes a #define, and a name part of the canonical name. */
static bool is_identifier(const char *name)
{
    static const char characters[] = "0123456789_abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *name && strspn(name, characters) == strlen(name) && strspn(name, "0123456789") == 0;
}

static tskip_status check_constant(const tskip_kernel_desc *desc, size_t i)
{
    const tskip_constant_decl *decl = &desc->constants[i];
    if (!decl->name || !is_identifier(decl->name))
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "kernel \"%s\": constant %zu is named \"%s\", expected an identifier",
                           desc->name, i, decl->name ? decl->name : "");
    if (decl->type < TSKIP_CONSTANT_U32 || decl->type > TSKIP_CONSTANT_BOOL)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "kernel \"%s\": constant \"%s\" has type %d, expected a "
                           "tskip_constant_type",
                           desc->name, decl->name, (int)decl->type);
    if (decl->type == TSKIP_CONSTANT_BOOL && decl->preset.u32 > 1)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "kernel \"%s\": bool constant \"%s\" has preset %u, expected 0 or 1",
                           desc->name, decl->name, decl->preset.u32);
    for (size_t j = 0; j < i; j++)
        if (strcmp(desc->constants[j].name, decl->name) == 0 || desc->constants[j].id == decl->id)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "kernel \"%s\": constants \"%s\" and \"%s\" share a name or an id",
                               desc->name, desc->constants[j].name, decl->name);
    return TSKIP_OK;
}

tskip_status tskip__kernel_desc_check(const tskip_kernel_desc *desc)
{
    if (!desc->name || !*desc->name || strpbrk(desc->name, "[]= "))
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "name of a kernel is \"%s\", expected a word without [, ], = and space",
                           desc->name ? desc->name : "");
    if (desc->n_bodies == 0 || !desc->bodies)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "kernel \"%s\" has no bodies", desc->name);
    if (desc->n_constants > TSKIP_MAX_CONSTANTS || (desc->n_constants > 0 && !desc->constants))
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "kernel \"%s\": n_constants is %zu%s, expected at most %d", desc->name,
                           desc->n_constants, desc->constants ? "" : " and constants NULL",
                           TSKIP_MAX_CONSTANTS);
    if (desc->n_bindings > TSKIP_MAX_BINDINGS)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "kernel \"%s\": n_bindings is %u, expected at most %d", desc->name,
                           desc->n_bindings, TSKIP_MAX_BINDINGS);
    if (desc->args_size > TSKIP_MAX_ARGS_SIZE)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "kernel \"%s\": args_size is %u, expected at most %d", desc->name,
                           desc->args_size, TSKIP_MAX_ARGS_SIZE);
    for (size_t i = 0; i < desc->n_bodies; i++)
        TSKIP__TRY(check_body(desc, i));
    for (size_t i = 0; i < desc->n_constants; i++)
        TSKIP__TRY(check_constant(desc, i));
    return TSKIP_OK;
}
