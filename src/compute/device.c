/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include "objects.h"

enum { MAX_THREADS = 4096, MAX_LISTED = 32 };

tskip_device *tskip_device_retain(tskip_device *device)
{
    if (device)
        atomic_fetch_add_explicit(&device->references, 1, memory_order_relaxed);
    return device;
}

void tskip__device_release(tskip_device *device)
{
    if (atomic_fetch_sub_explicit(&device->references, 1, memory_order_acq_rel) != 1)
        return;
    tskip__kernel_cache_clear(device);
    device->backend->close(device->impl);
    tskip__free(device, sizeof *device);
}

tskip_status tskip_device_list(tskip_device_info *infos, size_t capacity, size_t *count)
{
    TSKIP__TRY(tskip__require(count, "count", "where to store how many devices there are"));
    *count = 0;
    if (capacity > 0)
        TSKIP__TRY(tskip__require(infos, "infos", "an array of `capacity` entries"));
    tskip__error_text before; /* a backend that cannot work fails inside and says so with success */
    tskip__error_keep(&before);
    size_t total = 0;
    for (const tskip__backend *const *backend = tskip__backends; *backend; backend++) {
        size_t room = total < capacity ? capacity - total : 0;
        size_t found = 0;
        TSKIP__TRY((*backend)->list(room ? infos + total : NULL, room, &found));
        for (size_t i = total; i < total + found && i < capacity; i++)
            infos[i].computes = !(*backend)->computes_nothing;
        total += found;
    }
    tskip__error_restore(&before);
    *count = total;
    return TSKIP_OK;
}

/* DEVICE_NOT_FOUND: why, which name was probably meant, which names exist. */
static tskip_status not_found(const char *name, const char *reason)
{
    tskip_device_info infos[MAX_LISTED];
    size_t count = 0;
    if (tskip_device_list(infos, MAX_LISTED, &count) != TSKIP_OK)
        count = 0;
    const char *names[MAX_LISTED];
    size_t n = 0;
    char list[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < count && i < MAX_LISTED; i++) {
        if (!infos[i].available)
            continue;
        names[n++] = infos[i].name;
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                                     infos[i].name);
    }
    char hint[TSKIP__HINT_SIZE];
    return tskip__fail(TSKIP_DEVICE_NOT_FOUND, "device \"%.64s\": %.512s%s; there are: %s", name,
                       reason, tskip__hint(name, names, n, hint), list);
}

static tskip_status open_on(const tskip__backend *backend, const tskip_device_desc *desc,
                            const char *name, tskip_device **out)
{
    tskip_device *device = tskip__alloc_zero(sizeof *device, "a device");
    if (!device)
        return TSKIP_OUT_OF_MEMORY;
    tskip_device_desc own = *desc;
    own.name = name;
    tskip_status status = backend->open(&own, &device->info, &device->impl);
    if (status != TSKIP_OK) {
        tskip__free(device, sizeof *device);
        return status;
    }
    device->backend = backend;
    device->info.computes = !backend->computes_nothing;
    atomic_init(&device->references, 1);
    tskip__kernel_cache_init(&device->kernels);
    tskip__log(TSKIP_LOG_INFO, "device %s: %s", device->info.name, device->info.description);
    *out = device;
    return TSKIP_OK;
}

static tskip_status open_any(const tskip_device_desc *desc, tskip_device **out)
{
    tskip__error_text before;
    tskip__error_keep(&before);
    tskip_status status =
        tskip__fail(TSKIP_DEVICE_NOT_FOUND, "this build of the library has no backend");
    for (const tskip__backend *const *backend = tskip__backends; *backend; backend++) {
        if ((*backend)->computes_nothing)
            continue;
        status = open_on(*backend, desc, "", out);
        if (status == TSKIP_OK)
            tskip__error_restore(&before);
        if (status == TSKIP_OK || status == TSKIP_OUT_OF_MEMORY)
            return status;
        tskip__log(TSKIP_LOG_INFO, "%s passed over: %s", (*backend)->name, tskip_last_error());
    }
    return status;
}

static tskip_status open_named(const tskip_device_desc *desc, tskip_device **out)
{
    const char *colon = strchr(desc->name, ':');
    size_t length = colon ? (size_t)(colon - desc->name) : strlen(desc->name);
    for (const tskip__backend *const *backend = tskip__backends; *backend; backend++) {
        if (strlen((*backend)->name) != length ||
            strncmp((*backend)->name, desc->name, length) != 0)
            continue;
        tskip_status status = open_on(*backend, desc, colon ? colon + 1 : "", out);
        if (status != TSKIP_DEVICE_NOT_FOUND)
            return status;
        char reason[512];
        (void)snprintf(reason, sizeof reason, "%s", tskip_last_error());
        return not_found(desc->name, reason);
    }
    return not_found(desc->name, "no such backend");
}

tskip_status tskip_device_open(const tskip_device_desc *desc, tskip_device **out)
{
    TSKIP__TRY(tskip__require(out, "out", "where to store the device"));
    *out = NULL;
    tskip_device_desc usual = {0};
    if (!desc)
        desc = &usual;
    if (desc->threads > MAX_THREADS)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "threads is %u, expected at most %d",
                           desc->threads, MAX_THREADS);
    if (!desc->name || strcmp(desc->name, "auto") == 0)
        return open_any(desc, out);
    return open_named(desc, out);
}

void tskip_device_destroy(tskip_device **device)
{
    if (!device || !*device)
        return;
    tskip__device_release(*device);
    *device = NULL;
}

const tskip_device_info *tskip_device_get_info(const tskip_device *device)
{
    return device ? &device->info : NULL;
}
