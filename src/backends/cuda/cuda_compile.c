/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "cuda_compile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"

enum { OPTION_SIZE = 96, FIXED_OPTIONS = 6 };

/* The command line of one compilation. */
typedef struct options {
    char text[FIXED_OPTIONS + TSKIP_MAX_CONSTANTS][OPTION_SIZE];
    const char *list[FIXED_OPTIONS + TSKIP_MAX_CONSTANTS];
    int n;
} options;

static tskip_status check(const tskip__cuda_api *api, int result, const char *what)
{
    if (result == 0)
        return TSKIP_OK;
    return tskip__fail(TSKIP_COMPILATION_FAILED, "NVRTC, %s: %s", what,
                       api->compiler_error(result));
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static tskip_status define_constant(const tskip_constant_decl *decl, tskip_constant_value value,
                                    char text[OPTION_SIZE])
{
    char name[40], number[40];
    size_t length = strlen(decl->name);
    if (length >= sizeof name)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "constant \"%s\" has a name of %zu letters, expected at most %zu",
                           decl->name, length, sizeof name - 1);
    for (size_t i = 0; i <= length; i++)
        name[i] = upper(decl->name[i]);
    if (decl->type == TSKIP_CONSTANT_I32)
        (void)snprintf(number, sizeof number, "(%" PRId32 ")", value.i32);
    else if (decl->type == TSKIP_CONSTANT_F32) /* all bits, NaN's too */
        (void)snprintf(number, sizeof number, "__uint_as_float(0x%08" PRIx32 "u)", value.u32);
    else
        (void)snprintf(number, sizeof number, "%" PRIu32, value.u32);
    (void)snprintf(text, OPTION_SIZE, "-DTSKIP_C_%s=%s", name, number);
    return TSKIP_OK;
}

static uint32_t group_threads(const tskip_kernel_shape *shape)
{
    uint32_t threads = 1;
    for (int i = 0; i < 3; i++)
        threads *= shape->group_size[i] ? shape->group_size[i] : 1;
    return threads;
}

static tskip_status write_options(const tskip__kernel_spec *spec, const char *architecture,
                                  bool report, options *o)
{
    int n = 0;
    (void)snprintf(o->text[n++], OPTION_SIZE, "--gpu-architecture=%s", architecture);
    (void)snprintf(o->text[n++], OPTION_SIZE, "--std=c++17");
    (void)snprintf(o->text[n++], OPTION_SIZE, "--device-as-default-execution-space");
    (void)snprintf(o->text[n++], OPTION_SIZE, "--fmad=false");
    (void)snprintf(o->text[n++], OPTION_SIZE, "-DTSKIP_GROUP_THREADS=%" PRIu32,
                   group_threads(&spec->shape));
    if (report)
        (void)snprintf(o->text[n++], OPTION_SIZE, "--ptxas-options=-v");
    for (size_t i = 0; i < spec->desc->n_constants; i++)
        TSKIP__TRY(define_constant(&spec->desc->constants[i], spec->values[i], o->text[n++]));
    for (int i = 0; i < n; i++)
        o->list[i] = o->text[i];
    o->n = n;
    return TSKIP_OK;
}

static tskip_status take_log(const tskip__cuda_api *api, tskip__nvrtc_program program,
                             tskip__cuda_image *image)
{
    TSKIP__TRY(check(api, api->log_size(program, &image->log_size), "size of the log"));
    if (image->log_size == 0)
        image->log_size = 1;
    image->log = tskip__alloc_zero(image->log_size, "a compiler's log");
    if (!image->log)
        return TSKIP_OUT_OF_MEMORY;
    return check(api, api->log_text(program, image->log), "log");
}

static tskip_status take_code(const tskip__cuda_api *api, tskip__nvrtc_program program,
                              bool virtual_code, tskip__cuda_image *image)
{
    int result = virtual_code ? api->ptx_size(program, &image->code_size)
                              : api->cubin_size(program, &image->code_size);
    TSKIP__TRY(check(api, result, "size of the code"));
    image->code = tskip__alloc(image->code_size, "a kernel's code");
    if (!image->code)
        return TSKIP_OUT_OF_MEMORY;
    return check(api,
                 virtual_code ? api->ptx(program, image->code) : api->cubin(program, image->code),
                 "code");
}

static tskip_status compile_program(const tskip__cuda_api *api, tskip__nvrtc_program program,
                                    const tskip__kernel_spec *spec, const char *architecture,
                                    bool report, tskip__cuda_image *image)
{
    options o;
    TSKIP__TRY(write_options(spec, architecture, report, &o));
    int result = api->program_compile(program, o.n, o.list);
    TSKIP__TRY(take_log(api, program, image));
    if (result != 0)
        return tskip__fail(TSKIP_COMPILATION_FAILED, "kernel %s for %s: %s\n%s", spec->name,
                           architecture, api->compiler_error(result), image->log);
    return take_code(api, program, strncmp(architecture, "compute", 7) == 0, image);
}

tskip_status tskip__cuda_compile(const tskip__cuda_api *api, const tskip__kernel_spec *spec,
                                 const char *architecture, bool report, tskip__cuda_image *image)
{
    *image = (tskip__cuda_image){0};
    size_t size = spec->body->code_size;
    char *text = tskip__alloc(size + 1, "a kernel's text");
    if (!text)
        return TSKIP_OUT_OF_MEMORY;
    memcpy(text, spec->body->code, size);
    text[size] = '\0';
    tskip__nvrtc_program program = NULL;
    tskip_status status = check(
        api, api->program_create(&program, text, spec->desc->name, 0, NULL, NULL), "new program");
    if (status == TSKIP_OK)
        status = compile_program(api, program, spec, architecture, report, image);
    if (program)
        (void)api->program_destroy(&program);
    tskip__free(text, size + 1);
    if (status != TSKIP_OK)
        tskip__cuda_image_release(image);
    return status;
}

void tskip__cuda_image_release(tskip__cuda_image *image)
{
    tskip__free(image->code, image->code_size);
    tskip__free(image->log, image->log_size);
    *image = (tskip__cuda_image){0};
}
