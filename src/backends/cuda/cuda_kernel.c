/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "cuda_backend.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/status.h"
#include "cuda_cache.h"
#include "cuda_compile.h"

enum { KEY_SIZE = 1024 };

/* All that decides the code: its text, constants, group size, architecture and compiler. "" if that
 * is too long: then nothing is kept. */
static void write_key(const tskip__cuda_target *target, const tskip__kernel_spec *spec,
                      char key[KEY_SIZE])
{
    const uint32_t *group = spec->shape.group_size;
    uint64_t source = tskip__hash(TSKIP__HASH_BEGIN, spec->body->code, spec->body->code_size);
    int n = snprintf(key, KEY_SIZE,
                     "%s %" PRIu32 "x%" PRIu32 "x%" PRIu32 " %s %s text=%016" PRIx64
                     " nvrtc=%d.%d tileskip=%s",
                     spec->name, group[0], group[1], group[2], target->architecture,
                     spec->body->entry, source, target->major, target->minor, tskip_version());
    if (n <= 0 || n >= KEY_SIZE)
        key[0] = '\0';
}

static tskip_status load_code(const tskip__cuda_device *device, const tskip__kernel_spec *spec,
                              const char *code, tskip__cuda_kernel *kernel)
{
    const tskip__cuda_api *api = device->api;
    TSKIP__TRY(tskip__cuda_check(api, api->module_load(&kernel->module, code, 0, NULL, NULL),
                                 "loading a kernel"));
    return tskip__cuda_check(
        api, api->module_function(&kernel->function, kernel->module, spec->body->entry),
        spec->body->entry);
}

static void unload(const tskip__cuda_device *device, tskip__cuda_kernel *kernel)
{
    if (kernel->module)
        (void)device->api->module_unload(kernel->module);
    kernel->module = NULL;
}

static bool load_cached(const tskip__cuda_device *device, const tskip__kernel_spec *spec,
                        const char *key, tskip__cuda_kernel *kernel)
{
    char *code;
    size_t size;
    if (!*key || !tskip__cuda_cache_load(key, &code, &size))
        return false;
    tskip__error_text before;
    tskip__error_keep(&before);
    bool good = load_code(device, spec, code, kernel) == TSKIP_OK;
    tskip__free(code, size);
    if (!good) {
        unload(device, kernel);
        tskip__log(TSKIP_LOG_WARNING, "cache entry of kernel %s ignored: %s", spec->name,
                   tskip_last_error());
        tskip__error_restore(&before);
    }
    return good;
}

static tskip_status compile(const tskip__cuda_device *device, const tskip__kernel_spec *spec,
                            const tskip__cuda_target *target, const char *key,
                            tskip__cuda_kernel *kernel)
{
    tskip__cuda_image image;
    TSKIP__TRY(tskip__cuda_compile(device->api, spec, target->architecture, false, &image));
    tskip_status status = load_code(device, spec, image.code, kernel);
    if (status == TSKIP_OK && *key) {
        if (!tskip__cuda_cache_store(key, image.code, image.code_size))
            tskip__log(TSKIP_LOG_DEBUG, "kernel %s is not kept on disk", spec->name);
        tskip__cuda_target_keep(device->capability, target);
    }
    tskip__cuda_image_release(&image);
    return status;
}

/* The device's target may be from an earlier run; the compiler that is here now decides what is
 * compiled, and under which key it is kept. */
static tskip_status get_code(const tskip__cuda_device *device, const tskip__kernel_spec *spec,
                             tskip__cuda_kernel *kernel)
{
    char key[KEY_SIZE];
    tskip__cuda_target now;
    write_key(&device->target, spec, key);
    if (load_cached(device, spec, key, kernel))
        return TSKIP_OK;
    TSKIP__TRY(tskip__cuda_target_ask(device->capability, &now));
    if (!tskip__cuda_target_equal(&now, &device->target)) {
        write_key(&now, spec, key);
        if (load_cached(device, spec, key, kernel))
            return TSKIP_OK;
    }
    return compile(device, spec, &now, key, kernel);
}

static tskip_status build(const tskip__cuda_device *device, const tskip__kernel_spec *spec,
                          tskip__cuda_kernel *kernel)
{
    const tskip__cuda_api *api = device->api;
    TSKIP__TRY(get_code(device, spec, kernel));
    if (spec->shape.cluster_size > 1 && !api->launch_with)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "kernel %s runs in clusters; the NVIDIA driver lacks cuLaunchKernelEx",
                           spec->name);
    return tskip__cuda_check(api,
                             api->function_set(kernel->function, TSKIP__CU_FUNCTION_DYNAMIC_SHARED,
                                               (int)spec->shape.group_memory),
                             "reserving group memory");
}

tskip_status tskip__cuda_kernel_create(void *opened, const tskip__kernel_spec *spec, void **kernel)
{
    const tskip__cuda_device *device = opened;
    tskip__cuda_kernel *out = tskip__alloc_zero(sizeof *out, "a kernel");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    out->shape = spec->shape;
    for (int i = 0; i < 3; i++)
        if (out->shape.group_size[i] == 0)
            out->shape.group_size[i] = 1;
    out->name_size = strlen(spec->name) + 1;
    out->name = tskip__alloc(out->name_size, "a kernel's name");
    tskip_status status = out->name ? tskip__cuda_enter(device) : TSKIP_OUT_OF_MEMORY;
    if (status == TSKIP_OK) {
        memcpy(out->name, spec->name, out->name_size);
        status = build(device, spec, out);
        if (status != TSKIP_OK)
            unload(device, out);
        tskip__cuda_leave(device);
    }
    if (status != TSKIP_OK) {
        tskip__free(out->name, out->name_size);
        tskip__free(out, sizeof *out);
        return status;
    }
    *kernel = out;
    return TSKIP_OK;
}

void tskip__cuda_kernel_destroy(void *opened, void *kernel)
{
    const tskip__cuda_device *device = opened;
    tskip__cuda_kernel *old = kernel;
    if (tskip__cuda_enter(device) == TSKIP_OK) {
        unload(device, old);
        tskip__cuda_leave(device);
    }
    tskip__free(old->name, old->name_size);
    tskip__free(old, sizeof *old);
}
