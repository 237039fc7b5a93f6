/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "metal_backend.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"

extern const tskip__backend tskip__metal_backend;

/* The most threads of a group on every Apple GPU; a pipeline may allow fewer. */
enum { MAX_GROUP_THREADS = 1024, NOTHING_SIZE = 16 };

/* Half a second of an M1 at half its rate, and still below the system's five at a tenth. */
#define MOST_WORK ((uint64_t)1 << 39)

static uint64_t most_work(void)
{
    const char *chosen = getenv("TSKIP_METAL_WORK");
    const uint64_t work = chosen ? strtoull(chosen, NULL, 10) : 0;
    return work > 0 ? work : MOST_WORK;
}

/* The newest Apple family whose features the device has, 1007 for M1; 0: older than that. */
static uint32_t family_of(const tskip__metal_api *api, tskip__id device)
{
    for (int64_t family = TSKIP__MTL_NEWEST; family >= TSKIP__MTL_APPLE7; family--)
        if (TSKIP__SEND(api, supports_family, device, family))
            return (uint32_t)family;
    return 0;
}

static void describe(const tskip__metal_api *api, tskip__id device, tskip_device_info *info)
{
    const char *model = TSKIP__ASK(api, utf8, TSKIP__ASK(api, name, device));
    *info = (tskip_device_info){
        .name = "metal:0",
        .backend = "metal",
        .code_format = TSKIP_CODE_MSL,
        .capability = family_of(api, device),
        .shares_memory = true,
        .memory = TSKIP__ASK(api, working_set, device),
        .max_buffer_size = TSKIP__ASK(api, max_buffer, device),
        .max_group_memory = TSKIP__ASK(api, max_group_memory, device),
        .max_group_threads = MAX_GROUP_THREADS,
    };
    info->available = info->capability > 0;
    if (info->available)
        (void)snprintf(info->isa, sizeof info->isa, "apple%" PRIu32, info->capability - 1000);
    (void)snprintf(info->description, sizeof info->description, "%.64s%s%s", model ? model : "?",
                   info->available ? ", " : " is older than Apple7 (M1)", info->isa);
}

static tskip_status default_device(const tskip__metal_api *api, tskip__id *device)
{
    *device = api->default_device();
    return *device ? TSKIP_OK : tskip__fail(TSKIP_DEVICE_NOT_FOUND, "Metal sees no device");
}

static tskip_status list_devices(tskip_device_info *infos, size_t capacity, size_t *count)
{
    const tskip__metal_api *api;
    *count = 1;
    if (capacity == 0)
        return TSKIP_OK;
    tskip__id device = NULL;
    tskip_status status = tskip__metal_load(&api);
    if (status == TSKIP_OK) {
        void *pool = api->pool_push();
        status = default_device(api, &device);
        if (status == TSKIP_OK)
            describe(api, device, infos);
        api->release(device);
        api->pool_pop(pool);
    }
    if (status == TSKIP_OK)
        return TSKIP_OK;
    *infos = (tskip_device_info){
        .name = "metal", .backend = "metal", .code_format = TSKIP_CODE_MSL, .available = false};
    (void)snprintf(infos->description, sizeof infos->description, "%.127s", tskip_last_error());
    return TSKIP_OK;
}

bool tskip__metal_is_of(const tskip__metal_device *device, tskip__id object)
{
    const tskip__metal_api *api = device->api;
    return TSKIP__ASK(api, registry, TSKIP__ASK(api, device, object)) ==
           TSKIP__ASK(api, registry, device->device);
}

/* Takes the caller's MTLDevice, or the system's. */
static tskip_status take_device(tskip__metal_device *device, void *native_context)
{
    const tskip__metal_api *api = device->api;
    if (!native_context)
        return default_device(api, &device->device);
    tskip__id given = native_context;
    if (!TSKIP__ANSWERS(api, new_queue, given))
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "native_context is no id<MTLDevice>, expected one or NULL");
    device->device = api->retain(given);
    return TSKIP_OK;
}

static tskip_status start(tskip__metal_device *device, const tskip_device_desc *desc,
                          tskip_device_info *info)
{
    const tskip__metal_api *api = device->api;
    TSKIP__TRY(take_device(device, desc->native_context));
    describe(api, device->device, info);
    if (!info->available)
        return tskip__fail(TSKIP_DEVICE_NOT_FOUND, "%s", info->description);
    device->queue = TSKIP__ASK(api, new_queue, device->device);
    if (!device->queue)
        return tskip__fail(TSKIP_OUT_OF_MEMORY, "Metal makes no command queue");
    device->nothing =
        TSKIP__SEND(api, new_buffer, device->device, NOTHING_SIZE, TSKIP__MTL_STORAGE_SHARED);
    if (!device->nothing)
        return tskip__fail(TSKIP_OUT_OF_MEMORY, "Metal makes no buffer of %d bytes", NOTHING_SIZE);
    return TSKIP_OK;
}

static void close_device(void *opened)
{
    tskip__metal_device *device = opened;
    const tskip__metal_api *api = device->api;
    void *pool = api->pool_push();
    if (device->fill)
        tskip__metal_kernel_destroy(device, device->fill);
    tskip__metal_libraries_release(api, &device->libraries);
    api->release(device->nothing);
    api->release(device->queue);
    api->release(device->device);
    api->pool_pop(pool);
    tskip__mutex_destroy(&device->fill_lock);
    tskip__mutex_destroy(&device->library_lock);
    tskip__free(device, sizeof *device);
}

static tskip_status open_device(const tskip_device_desc *desc, tskip_device_info *info,
                                void **device)
{
    const tskip__metal_api *api;
    TSKIP__TRY(tskip__metal_load(&api));
    if (*desc->name && strcmp(desc->name, "0") != 0)
        return tskip__fail(TSKIP_DEVICE_NOT_FOUND, "\"%.32s\" is not the number 0", desc->name);
    tskip__metal_device *out = tskip__alloc_zero(sizeof *out, "a Metal device");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    out->api = api;
    out->most_work = most_work();
    tskip__mutex_init(&out->library_lock);
    tskip__mutex_init(&out->fill_lock);
    void *pool = api->pool_push();
    tskip_status status = start(out, desc, info);
    api->pool_pop(pool);
    if (status != TSKIP_OK) {
        close_device(out);
        return status;
    }
    *device = out;
    return TSKIP_OK;
}

const tskip__backend tskip__metal_backend = {
    .name = "metal",
    .list = list_devices,
    .open = open_device,
    .close = close_device,
    .buffer_create = tskip__metal_buffer_create,
    .buffer_import_host = tskip__metal_buffer_import_host,
    .buffer_destroy = tskip__metal_buffer_destroy,
    .buffer_write = tskip__metal_buffer_write,
    .buffer_read = tskip__metal_buffer_read,
    .buffer_map = tskip__metal_buffer_map,
    .kernel_create = tskip__metal_kernel_create,
    .kernel_destroy = tskip__metal_kernel_destroy,
    .encoder_create = tskip__metal_encoder_create,
    .encoder_destroy = tskip__metal_encoder_destroy,
    .dispatch = tskip__metal_dispatch,
    .fill = tskip__metal_fill,
    .commands = tskip__metal_commands,
    .barrier = tskip__metal_barrier,
    .submit = tskip__metal_submit,
    .wait = tskip__metal_wait,
    .reset = tskip__metal_reset,
    .elapsed = tskip__metal_elapsed,
};
