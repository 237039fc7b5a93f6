/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "null_backend.h"

#include "base/alloc.h"
#include "base/status.h"

extern const tskip__backend tskip__null_backend;

static const tskip_device_info null_info = {
    .name = "null",
    .description = "records what is asked of it, computes nothing",
    .backend = "null",
    .code_format = TSKIP_CODE_C,
    .available = true,
    .max_buffer_size = INT64_MAX,
    .max_group_memory = INT64_MAX,
    .max_group_threads = UINT32_MAX,
};

static tskip_status list_devices(tskip_device_info *infos, size_t capacity, size_t *count)
{
    if (capacity > 0)
        infos[0] = null_info;
    *count = 1;
    return TSKIP_OK;
}

static tskip_status open_device(const tskip_device_desc *desc, tskip_device_info *info,
                                void **device)
{
    if (*desc->name)
        return tskip__fail(TSKIP_DEVICE_NOT_FOUND, "null has no \"%s\"; it is one device",
                           desc->name);
    if (desc->native_context)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "native_context is set, expected NULL: the null device has none");
    tskip__null_device *out = tskip__alloc(sizeof *out, "a null device");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    atomic_init(&out->buffers, 0);
    *info = null_info;
    *device = out;
    return TSKIP_OK;
}

static void close_device(void *device)
{
    tskip__free(device, sizeof(tskip__null_device));
}

/* The optional entries that this device lacks, buffer_map and elapsed, are not named. */
const tskip__backend tskip__null_backend = {
    .name = "null",
    .computes_nothing = true,
    .imports_addresses = true,
    .list = list_devices,
    .open = open_device,
    .close = close_device,
    .buffer_create = tskip__null_buffer_create,
    .buffer_destroy = tskip__null_buffer_destroy,
    .buffer_write = tskip__null_buffer_write,
    .buffer_read = tskip__null_buffer_read,
    .kernel_create = tskip__null_kernel_create,
    .kernel_destroy = tskip__null_kernel_destroy,
    .encoder_create = tskip__null_encoder_create,
    .encoder_destroy = tskip__null_encoder_destroy,
    .dispatch = tskip__null_dispatch,
    .fill = tskip__null_fill,
    .commands = tskip__null_commands,
    .barrier = tskip__null_barrier,
    .submit = tskip__null_submit,
    .wait = tskip__null_wait,
    .reset = tskip__null_reset,
};
