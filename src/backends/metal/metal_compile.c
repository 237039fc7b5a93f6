/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "metal_compile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/status.h"

enum { LINE_SIZE = 128, MAX_NAME = 40 };

struct tskip__metal_library {
    tskip__metal_library *next;
    tskip__id library;
    tskip__block text; /* what it was made of, with a final zero */
};

static const char *const type_names[] = {
    [TSKIP_CONSTANT_U32] = "uint",
    [TSKIP_CONSTANT_I32] = "int",
    [TSKIP_CONSTANT_F32] = "float",
    [TSKIP_CONSTANT_BOOL] = "bool",
};

static const uint64_t metal_types[] = {
    [TSKIP_CONSTANT_U32] = TSKIP__MTL_UINT,
    [TSKIP_CONSTANT_I32] = TSKIP__MTL_INT,
    [TSKIP_CONSTANT_F32] = TSKIP__MTL_FLOAT,
    [TSKIP_CONSTANT_BOOL] = TSKIP__MTL_BOOL,
};

static tskip_status append(tskip__block *text, const char *bytes, size_t n)
{
    char *to = tskip__block_reserve(text, n, "a kernel's text");
    if (!to)
        return TSKIP_OUT_OF_MEMORY;
    memcpy(to, bytes, n);
    text->used += n;
    return TSKIP_OK;
}

static tskip_status upper_name(const tskip_constant_decl *decl, char name[MAX_NAME])
{
    size_t length = strlen(decl->name);
    if (length >= MAX_NAME)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "constant \"%s\" has a name of %zu letters, expected at most %d",
                           decl->name, length, MAX_NAME - 1);
    for (size_t i = 0; i <= length; i++) {
        const char c = decl->name[i];
        name[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return TSKIP_OK;
}

static tskip_status append_constant(tskip__block *text, const tskip_constant_decl *decl,
                                    tskip_constant_value value)
{
    char name[MAX_NAME], line[LINE_SIZE];
    int n;
    TSKIP__TRY(upper_name(decl, name));
    if (!decl->is_shape)
        n = snprintf(line, sizeof line,
                     "constant %s TSKIP_C_%s [[function_constant(%" PRIu32 ")]];\n",
                     type_names[decl->type], name, decl->id);
    else if (decl->type == TSKIP_CONSTANT_I32)
        n = snprintf(line, sizeof line, "#define TSKIP_C_%s (%" PRId32 ")\n", name, value.i32);
    else if (decl->type == TSKIP_CONSTANT_F32) /* all bits, NaN's too */
        n = snprintf(line, sizeof line, "#define TSKIP_C_%s as_type<float>(0x%08" PRIx32 "u)\n",
                     name, value.u32);
    else
        n = snprintf(line, sizeof line, "#define TSKIP_C_%s %" PRIu32 "\n", name, value.u32);
    return append(text, line, (size_t)n);
}

/* The lines before the text, then the text. */
static tskip_status write_text(const tskip__kernel_spec *spec, tskip__block *text)
{
    char head[2 * LINE_SIZE];
    const uint32_t *group = spec->shape.group_size;
    int n = snprintf(head, sizeof head,
                     "#pragma METAL fp contract(off)\n#include <metal_stdlib>\n"
                     "#define TSKIP_GROUP_THREADS %" PRIu32 "\n#define TSKIP_ENTRY_%.100s 1\n",
                     group[0] * group[1] * group[2], spec->body->entry);
    TSKIP__TRY(append(text, head, (size_t)n));
    for (size_t i = 0; i < spec->desc->n_constants; i++)
        TSKIP__TRY(append_constant(text, &spec->desc->constants[i], spec->values[i]));
    TSKIP__TRY(append(text, spec->body->code, spec->body->code_size));
    return append(text, "", 1);
}

/* Relaxed mathematics and fast functions are the default; they let NaN and infinities be assumed
 * away. */
static void set_options(const tskip__metal_api *api, tskip__id options)
{
    if (TSKIP__ANSWERS(api, set_math_mode, options)) {
        TSKIP__SEND(api, set_math_mode, options, TSKIP__MTL_MATH_SAFE);
        TSKIP__SEND(api, set_math_functions, options, TSKIP__MTL_FUNCTIONS_PRECISE);
    } else {
        TSKIP__SEND(api, set_fast_math, options, 0);
    }
    TSKIP__SEND(api, set_language, options, TSKIP__MTL_LANGUAGE);
}

static tskip_status compile(const tskip__metal_api *api, tskip__id device, const char *name,
                            tskip__metal_library *library)
{
    tskip__id source = TSKIP__SEND(api, string_from, api->string, library->text.bytes);
    tskip__id options = TSKIP__ASK(api, make, api->compile_options);
    tskip__id error = NULL;
    if (source && options) {
        set_options(api, options);
        library->library = TSKIP__SEND(api, new_library, device, source, options, &error);
    }
    api->release(options);
    if (library->library)
        return TSKIP_OK;
    char what[256];
    (void)snprintf(what, sizeof what, "kernel %.240s", name);
    return tskip__metal_fail(api, TSKIP_COMPILATION_FAILED, what, error);
}

static void release(const tskip__metal_api *api, tskip__metal_library *library)
{
    api->release(library->library);
    tskip__block_free(&library->text);
    tskip__free(library, sizeof *library);
}

/* The library of the spec's text: one of the list, or a new one put there. */
static tskip_status find_library(const tskip__metal_api *api, tskip__id device,
                                 tskip__metal_library **libraries, const tskip__kernel_spec *spec,
                                 tskip__id *out)
{
    tskip__metal_library *made = tskip__alloc_zero(sizeof *made, "a kernel library");
    if (!made)
        return TSKIP_OUT_OF_MEMORY;
    tskip_status status = write_text(spec, &made->text);
    for (tskip__metal_library *l = *libraries; l && status == TSKIP_OK; l = l->next)
        if (l->text.used == made->text.used &&
            memcmp(l->text.bytes, made->text.bytes, l->text.used) == 0) {
            release(api, made);
            *out = l->library;
            return TSKIP_OK;
        }
    if (status == TSKIP_OK)
        status = compile(api, device, spec->name, made);
    if (status != TSKIP_OK) {
        release(api, made);
        return status;
    }
    made->next = *libraries;
    *libraries = made;
    *out = made->library;
    return TSKIP_OK;
}

static void set_constants(const tskip__metal_api *api, const tskip__kernel_spec *spec,
                          tskip__id values)
{
    for (size_t i = 0; i < spec->desc->n_constants; i++) {
        const tskip_constant_decl *decl = &spec->desc->constants[i];
        const unsigned char byte = spec->values[i].u32 != 0;
        const void *value =
            decl->type == TSKIP_CONSTANT_BOOL ? &byte : (const void *)&spec->values[i];
        if (!decl->is_shape)
            TSKIP__SEND(api, set_constant, values, value, metal_types[decl->type], decl->id);
    }
}

tskip_status tskip__metal_compile(const tskip__metal_api *api, tskip__id device,
                                  tskip__metal_library **libraries, const tskip__kernel_spec *spec,
                                  tskip__id *function)
{
    tskip__id library, error = NULL;
    TSKIP__TRY(find_library(api, device, libraries, spec, &library));
    tskip__id values = TSKIP__ASK(api, make, api->constant_values);
    tskip__id entry = TSKIP__SEND(api, string_from, api->string, spec->body->entry);
    *function = NULL;
    if (values && entry) {
        set_constants(api, spec, values);
        *function = TSKIP__SEND(api, new_function, library, entry, values, &error);
    }
    api->release(values);
    if (*function)
        return TSKIP_OK;
    char what[384];
    (void)snprintf(what, sizeof what, "kernel %.240s, function %.100s", spec->name,
                   spec->body->entry);
    return tskip__metal_fail(api, TSKIP_COMPILATION_FAILED, what, error);
}

void tskip__metal_libraries_release(const tskip__metal_api *api, tskip__metal_library **libraries)
{
    while (*libraries) {
        tskip__metal_library *first = *libraries;
        *libraries = first->next;
        release(api, first);
    }
}
