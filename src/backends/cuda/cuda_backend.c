/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "cuda_backend.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"

extern const tskip__backend tskip__cuda_backend;

enum { LOWEST_CAPABILITY = 800 }; /* Ampere */

tskip_status tskip__cuda_enter(const tskip__cuda_device *device)
{
    return tskip__cuda_check(device->api, device->api->context_push(device->context),
                             "making the context current");
}

void tskip__cuda_leave(const tskip__cuda_device *device)
{
    tskip__cu_context old;
    (void)device->api->context_pop(&old);
}

static tskip_status ask(const tskip__cuda_api *api, tskip__cu_device device, int attribute,
                        uint32_t *value)
{
    int number = 0;
    TSKIP__TRY(tskip__cuda_check(api, api->device_attribute(&number, attribute, device),
                                 "asking for a device's attribute"));
    *value = (uint32_t)number;
    return TSKIP_OK;
}

static tskip_status describe(const tskip__cuda_api *api, int ordinal, tskip_device_info *info)
{
    tskip__cu_device device;
    char model[80] = "";
    size_t memory = 0;
    uint32_t major, minor, shared, architecture;
    *info =
        (tskip_device_info){.backend = "cuda", .code_format = TSKIP_CODE_CUDA, .available = true};
    (void)snprintf(info->name, sizeof info->name, "cuda:%d", ordinal);
    TSKIP__TRY(tskip__cuda_check(api, api->device_get(&device, ordinal), info->name));
    TSKIP__TRY(
        tskip__cuda_check(api, api->device_name(model, sizeof model, device), "a device's name"));
    TSKIP__TRY(tskip__cuda_check(api, api->device_memory(&memory, device), "a device's memory"));
    TSKIP__TRY(ask(api, device, TSKIP__CU_MAJOR, &major));
    TSKIP__TRY(ask(api, device, TSKIP__CU_MINOR, &minor));
    TSKIP__TRY(ask(api, device, TSKIP__CU_MULTIPROCESSORS, &info->compute_units));
    TSKIP__TRY(ask(api, device, TSKIP__CU_SHARED_OPTIN, &shared));
    TSKIP__TRY(ask(api, device, TSKIP__CU_MAX_THREADS, &info->max_group_threads));
    architecture = 10 * major + minor;
    info->capability = 10 * architecture;
    info->memory = memory;
    info->max_buffer_size = memory;
    info->max_group_memory = shared;
    (void)snprintf(info->isa, sizeof info->isa, "sm_%" PRIu32 "%s", architecture,
                   architecture == 90 ? "a" : "");
    (void)snprintf(info->description, sizeof info->description, "%.64s, %s, %" PRIu32 " SMs", model,
                   info->isa, info->compute_units);
    if (info->capability >= LOWEST_CAPABILITY)
        return TSKIP_OK;
    info->available = false;
    (void)snprintf(info->description, sizeof info->description,
                   "%.64s is sm_%" PRIu32 ", older than sm_80", model, architecture);
    return TSKIP_OK;
}

/* The one entry of a machine where nothing can be opened. */
static void describe_failure(tskip_device_info *info)
{
    *info = (tskip_device_info){
        .name = "cuda", .backend = "cuda", .code_format = TSKIP_CODE_CUDA, .available = false};
    (void)snprintf(info->description, sizeof info->description, "%.127s", tskip_last_error());
}

static tskip_status count_devices(const tskip__cuda_api **api, int *count)
{
    TSKIP__TRY(tskip__cuda_load(api));
    TSKIP__TRY(tskip__cuda_check(*api, (*api)->device_count(count), "counting devices"));
    if (*count > 0)
        return TSKIP_OK;
    return tskip__fail(TSKIP_DEVICE_NOT_FOUND, "the NVIDIA driver sees no device");
}

/* Describes a device that can be used; else fails with the reason. */
static tskip_status describe_usable(const tskip__cuda_api *api, int ordinal,
                                    tskip_device_info *info)
{
    tskip__cuda_target target;
    TSKIP__TRY(describe(api, ordinal, info));
    return info->available ? tskip__cuda_target_find(info->capability, &target) : TSKIP_OK;
}

static tskip_status list_devices(tskip_device_info *infos, size_t capacity, size_t *count)
{
    const tskip__cuda_api *api;
    int n = 0;
    if (count_devices(&api, &n) != TSKIP_OK) {
        if (capacity > 0)
            describe_failure(&infos[0]);
        *count = 1;
        return TSKIP_OK;
    }
    for (int i = 0; i < n && (size_t)i < capacity; i++)
        if (describe_usable(api, i, &infos[i]) != TSKIP_OK) {
            describe_failure(&infos[i]);
            (void)snprintf(infos[i].name, sizeof infos[i].name, "cuda:%d", i);
        }
    *count = (size_t)n;
    return TSKIP_OK;
}

/* What a name such as "1" or "0:sm_80" asks for. */
typedef struct request {
    int ordinal;         /* -1: any */
    uint32_t capability; /* whose kernels; 0: the device's own */
} request;

static tskip_status parse_name(const char *name, int count, request *out)
{
    *out = (request){.ordinal = -1};
    if (!*name)
        return TSKIP_OK;
    char *end;
    long number = strtol(name, &end, 10);
    if ((*end && *end != ':') || *name < '0' || *name > '9' || number >= count)
        return tskip__fail(TSKIP_DEVICE_NOT_FOUND, "\"%.32s\" is none of the numbers 0 to %d", name,
                           count - 1);
    out->ordinal = (int)number;
    if (!*end)
        return TSKIP_OK;
    const char *rung = end + 1;
    number = strncmp(rung, "sm_", 3) == 0 ? strtol(rung + 3, &end, 10) : 0;
    if (*end || number < LOWEST_CAPABILITY / 10 || number > 999)
        return tskip__fail(TSKIP_DEVICE_NOT_FOUND,
                           "\"%.32s\" is no generation of kernels, expected one such as sm_80",
                           rung);
    out->capability = (uint32_t)number * 10;
    return TSKIP_OK;
}

/* Makes the device one of the kernels of `capability`, as "cpu:avx2" caps a CPU. */
static tskip_status cap(uint32_t capability, tskip_device_info *info)
{
    char name[sizeof info->name];
    if (capability == 0)
        return TSKIP_OK;
    if (capability > info->capability)
        return tskip__fail(TSKIP_UNSUPPORTED, "%s is %s, expected at least sm_%" PRIu32, info->name,
                           info->isa, capability / 10);
    memcpy(name, info->name, sizeof name);
    info->capability = capability;
    (void)snprintf(info->isa, sizeof info->isa, "sm_%" PRIu32, capability / 10);
    (void)snprintf(info->name, sizeof info->name, "%.32s:%s", name, info->isa);
    return TSKIP_OK;
}

/* Takes the caller's context, or the device's own. */
static tskip_status take_context(tskip__cuda_device *device, int ordinal, void *native_context)
{
    const tskip__cuda_api *api = device->api;
    if (!native_context) {
        TSKIP__TRY(tskip__cuda_check(
            api, api->device_get(&device->ordinal, ordinal < 0 ? 0 : ordinal), "device"));
        TSKIP__TRY(tskip__cuda_check(api, api->primary_retain(&device->context, device->ordinal),
                                     "taking the device's primary context"));
        device->primary = true;
        return TSKIP_OK;
    }
    device->context = native_context;
    TSKIP__TRY(tskip__cuda_enter(device));
    int result = api->context_device(&device->ordinal);
    tskip__cuda_leave(device);
    TSKIP__TRY(tskip__cuda_check(api, result, "asking for native_context's device"));
    tskip__cu_device named;
    if (ordinal < 0)
        return TSKIP_OK;
    TSKIP__TRY(tskip__cuda_check(api, api->device_get(&named, ordinal), "device"));
    if (named == device->ordinal)
        return TSKIP_OK;
    return tskip__fail(TSKIP_INVALID_ARGUMENT,
                       "native_context is of device %d, expected one of cuda:%d", device->ordinal,
                       ordinal);
}

static tskip_status start(tskip__cuda_device *device, const tskip_device_desc *desc,
                          tskip_device_info *info)
{
    int count;
    request wanted;
    TSKIP__TRY(count_devices(&device->api, &count));
    TSKIP__TRY(parse_name(desc->name, count, &wanted));
    TSKIP__TRY(take_context(device, wanted.ordinal, desc->native_context));
    TSKIP__TRY(describe(device->api, device->ordinal, info));
    if (!info->available)
        return tskip__fail(TSKIP_DEVICE_NOT_FOUND, "%s", info->description);
    device->capability = info->capability;
    TSKIP__TRY(tskip__cuda_target_find(device->capability, &device->target));
    TSKIP__TRY(cap(wanted.capability, info));
    TSKIP__TRY(tskip__cuda_enter(device));
    int result = device->api->stream_create(&device->copies, TSKIP__CU_STREAM_NON_BLOCKING);
    tskip__cuda_leave(device);
    return tskip__cuda_check(device->api, result, "making a stream");
}

static void close_device(void *opened)
{
    tskip__cuda_device *device = opened;
    if (device->copies && tskip__cuda_enter(device) == TSKIP_OK) {
        (void)device->api->stream_destroy(device->copies);
        tskip__cuda_leave(device);
    }
    if (device->primary)
        (void)device->api->primary_release(device->ordinal);
    tskip__free(device, sizeof *device);
}

static tskip_status open_device(const tskip_device_desc *desc, tskip_device_info *info,
                                void **device)
{
    tskip__cuda_device *out = tskip__alloc_zero(sizeof *out, "a CUDA device");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    tskip_status status = start(out, desc, info);
    if (status != TSKIP_OK) {
        close_device(out);
        return status;
    }
    *device = out;
    return TSKIP_OK;
}

const tskip__backend tskip__cuda_backend = {
    .name = "cuda",
    .imports_addresses = true,
    .list = list_devices,
    .open = open_device,
    .close = close_device,
    .buffer_create = tskip__cuda_buffer_create,
    .buffer_destroy = tskip__cuda_buffer_destroy,
    .buffer_write = tskip__cuda_buffer_write,
    .buffer_read = tskip__cuda_buffer_read,
    .kernel_create = tskip__cuda_kernel_create,
    .kernel_destroy = tskip__cuda_kernel_destroy,
    .encoder_create = tskip__cuda_encoder_create,
    .encoder_destroy = tskip__cuda_encoder_destroy,
    .dispatch = tskip__cuda_dispatch,
    .fill = tskip__cuda_fill,
    .commands = tskip__cuda_commands,
    .barrier = tskip__cuda_barrier,
    .submit = tskip__cuda_submit,
    .wait = tskip__cuda_wait,
    .reset = tskip__cuda_reset,
    .elapsed = tskip__cuda_elapsed,
};
