/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "cuda_api.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/dynlib.h"
#include "base/status.h"
#include "base/thread.h"

/* One library's outcome: the status and its sentence, kept for every later caller. */
typedef struct outcome {
    tskip__once once;
    tskip_status status;
    char text[256];
} outcome;

static tskip__cuda_api api;
static outcome driver = {.once = TSKIP__ONCE_INIT}, compiler = {.once = TSKIP__ONCE_INIT};

typedef struct symbol {
    const char *name;
    bool required;
    void *function; /* address of the pointer to fill */
} symbol;

static tskip_status load_symbols(tskip__dynlib *library, const char *what, const symbol *symbols,
                                 size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!tskip__dynlib_symbol(library, symbols[i].name, symbols[i].function) &&
            symbols[i].required)
            return tskip__fail(TSKIP_DEVICE_NOT_FOUND, "%s is too old: it lacks %s", what,
                               symbols[i].name);
    return TSKIP_OK;
}

static tskip_status open_driver(void)
{
    static const char *const names[] = {"libcuda.so.1", "libcuda.so", NULL};
    const symbol symbols[] = {
#define DRIVER(member, symbol, required, result, arguments) {symbol, required, &api.member},
#define NVRTC(member, symbol, required, result, arguments)
#include "cuda_symbols.def"
#undef DRIVER
#undef NVRTC
    };
    tskip__dynlib *library = tskip__dynlib_open(names);
    if (!library)
        return tskip__fail(TSKIP_DEVICE_NOT_FOUND, "no NVIDIA driver here (libcuda.so.1)");
    TSKIP__TRY(
        load_symbols(library, "the NVIDIA driver", symbols, sizeof symbols / sizeof symbols[0]));
    tskip_status status = tskip__cuda_check(&api, api.init(0), "the NVIDIA driver does not start");
    return status == TSKIP_OK ? TSKIP_OK : TSKIP_DEVICE_NOT_FOUND;
}

static tskip_status open_compiler(void)
{
    const char *usual[] = {
        getenv("TSKIP_NVRTC"),
        "libnvrtc.so.13",
        "libnvrtc.so.12",
        "libnvrtc.so.11.2",
        "libnvrtc.so",
        "/usr/local/cuda/lib64/libnvrtc.so.13",
        "/usr/local/cuda/lib64/libnvrtc.so.12",
        "/usr/local/cuda/lib64/libnvrtc.so",
        NULL,
    };
    const symbol symbols[] = {
#define DRIVER(member, symbol, required, result, arguments)
#define NVRTC(member, symbol, required, result, arguments) {symbol, required, &api.member},
#include "cuda_symbols.def"
#undef DRIVER
#undef NVRTC
    };
    tskip__dynlib *library = tskip__dynlib_open(usual[0] ? usual : usual + 1);
    if (!library)
        return tskip__fail(TSKIP_DEVICE_NOT_FOUND,
                           "no NVRTC here, CUDA's run-time compiler (libnvrtc.so.13 or .12)");
    TSKIP__TRY(load_symbols(library, "NVRTC", symbols, sizeof symbols / sizeof symbols[0]));
    int result = api.compiler_version(&api.compiler_major, &api.compiler_minor);
    if (result == 0)
        return TSKIP_OK;
    return tskip__fail(TSKIP_DEVICE_NOT_FOUND, "NVRTC does not start: %s",
                       api.compiler_error(result));
}

static void keep(outcome *to, tskip_status status)
{
    to->status = status;
    if (status != TSKIP_OK)
        (void)snprintf(to->text, sizeof to->text, "%.255s", tskip_last_error());
}

static void load_driver_once(void)
{
    keep(&driver, open_driver());
}

static void load_compiler_once(void)
{
    keep(&compiler, open_compiler());
}

static tskip_status load(outcome *which, void (*once)(void))
{
    tskip__once_run(&which->once, once);
    return which->status == TSKIP_OK ? TSKIP_OK : tskip__fail(which->status, "%s", which->text);
}

tskip_status tskip__cuda_load_compiler(const tskip__cuda_api **out)
{
    *out = &api;
    return load(&compiler, load_compiler_once);
}

tskip_status tskip__cuda_load(const tskip__cuda_api **out)
{
    *out = &api;
    return load(&driver, load_driver_once);
}

tskip_status tskip__cuda_check(const tskip__cuda_api *cuda, int result, const char *what)
{
    if (result == TSKIP__CU_SUCCESS)
        return TSKIP_OK;
    const char *name = NULL, *text = NULL;
    (void)cuda->error_name(result, &name);
    (void)cuda->error_string(result, &text);
    tskip_status status = result == TSKIP__CU_OUT_OF_MEMORY   ? TSKIP_OUT_OF_MEMORY
                          : result == TSKIP__CU_INVALID_VALUE ? TSKIP_INVALID_ARGUMENT
                                                              : TSKIP_DEVICE_LOST;
    return tskip__fail(status, "%s: %s (%s)", what, name ? name : "an unknown CUDA error",
                       text ? text : "no text");
}
