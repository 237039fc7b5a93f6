/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "metal_backend.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/status.h"

enum { SIMD_WIDTH = 32 };

static tskip_status check_pipeline(const tskip__metal_api *api, const tskip__kernel_spec *spec,
                                   tskip__id pipeline)
{
    const uint32_t *group = spec->shape.group_size;
    const uint64_t threads = (uint64_t)group[0] * group[1] * group[2];
    const uint64_t most = TSKIP__ASK(api, max_group_threads, pipeline);
    const uint64_t width = TSKIP__ASK(api, simd_width, pipeline);
    tskip__log(TSKIP_LOG_DEBUG, "kernel %s: at most %" PRIu64 " threads a group", spec->name, most);
    if (threads > most)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "kernel %s wants groups of %" PRIu64
                           " threads; its registers leave room for %" PRIu64,
                           spec->name, threads, most);
    if (width != SIMD_WIDTH)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "kernel %s: SIMD groups have %" PRIu64 " lanes, expected %d", spec->name,
                           width, SIMD_WIDTH);
    return TSKIP_OK;
}

static tskip_status build(tskip__metal_device *device, const tskip__kernel_spec *spec,
                          tskip__metal_kernel *kernel)
{
    const tskip__metal_api *api = device->api;
    tskip__id function, error = NULL;
    tskip__mutex_lock(&device->library_lock);
    tskip_status status =
        tskip__metal_compile(api, device->device, &device->libraries, spec, &function);
    tskip__mutex_unlock(&device->library_lock);
    TSKIP__TRY(status);
    kernel->pipeline = TSKIP__SEND(api, new_pipeline, device->device, function, &error);
    api->release(function);
    if (!kernel->pipeline)
        return tskip__metal_fail(api, TSKIP_COMPILATION_FAILED, spec->name, error);
    return check_pipeline(api, spec, kernel->pipeline);
}

static void release(const tskip__metal_api *api, tskip__metal_kernel *kernel)
{
    api->release(kernel->pipeline);
    tskip__free(kernel, sizeof *kernel);
}

tskip_status tskip__metal_kernel_create(void *opened, const tskip__kernel_spec *spec, void **kernel)
{
    tskip__metal_device *device = opened;
    const uint32_t *group = spec->shape.group_size;
    tskip__metal_kernel *out = tskip__alloc_zero(sizeof *out, "a kernel");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    out->group = (tskip__mtl_size){group[0], group[1], group[2]};
    out->group_memory = (spec->shape.group_memory + 15) / 16 * 16;
    out->group_work = spec->desc->group_work;
    for (size_t i = 0; i < spec->desc->n_constants; i++)
        out->constants[i] = spec->values[i];
    void *pool = device->api->pool_push();
    tskip_status status = build(device, spec, out);
    if (status != TSKIP_OK)
        release(device->api, out);
    device->api->pool_pop(pool);
    if (status == TSKIP_OK)
        *kernel = out;
    return status;
}

void tskip__metal_kernel_destroy(void *opened, void *kernel)
{
    const tskip__metal_device *device = opened;
    void *pool = device->api->pool_push();
    release(device->api, kernel);
    device->api->pool_pop(pool);
}
