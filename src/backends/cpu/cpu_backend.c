/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "cpu_backend.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/status.h"

enum { MAX_GROUP_MEMORY = 64 << 20 };

extern const tskip__backend tskip__cpu_backend;

static void describe(tskip__rung rung, uint32_t threads, tskip_device_info *info)
{
    char model[64];
    tskip__cpu_model(model, sizeof model);
    const char *name = tskip__cpu_rung_name(rung);
    *info = (tskip_device_info){
        .backend = "cpu",
        .capability = (uint32_t)rung,
        .code_format = TSKIP_CODE_C,
        .threads = threads,
        .compute_units = threads,
        .shares_memory = true,
        .available = true,
        .memory = tskip__cpu_memory(),
        .max_buffer_size = PTRDIFF_MAX,
        .max_group_memory = MAX_GROUP_MEMORY,
        .max_group_threads = UINT32_MAX,
    };
    tskip__cpu_caches(info->cache_sizes);
    (void)snprintf(info->name, sizeof info->name, "cpu:%s", name);
    (void)snprintf(info->isa, sizeof info->isa, "%s", name);
    (void)snprintf(info->description, sizeof info->description, "%s%s%s, %u thread%s", model,
                   *model ? ", " : "", name, threads, threads == 1 ? "" : "s");
}

static tskip_status list_devices(tskip_device_info *infos, size_t capacity, size_t *count)
{
    tskip__rung allowed;
    tskip_status status = tskip__cpu_allowed(&allowed);
    size_t n = 0;
    if (n < capacity) {
        describe(allowed, tskip__cpu_count(), &infos[n]);
        (void)snprintf(infos[n].name, sizeof infos[n].name, "cpu");
        if (status != TSKIP_OK) {
            infos[n].available = false;
            (void)snprintf(infos[n].description, sizeof infos[n].description, "%.127s",
                           tskip_last_error());
        }
    }
    n++;
    for (const tskip__rung_name *step = tskip__cpu_ladder; step->name; step++, n++) {
        if (n >= capacity)
            continue;
        describe(step->rung, tskip__cpu_count(), &infos[n]);
        infos[n].available = status == TSKIP_OK && step->rung <= allowed;
        if (!infos[n].available)
            (void)snprintf(infos[n].description, sizeof infos[n].description, "%s",
                           step->rung > tskip__cpu_best() ? "this machine lacks it"
                                                          : "TSKIP_CPU does not allow it");
    }
    *count = n;
    return TSKIP_OK;
}

static tskip_status choose_rung(const char *name, tskip__rung *rung)
{
    tskip__rung allowed, wanted;
    TSKIP__TRY(tskip__cpu_allowed(&allowed));
    *rung = allowed;
    if (!*name)
        return TSKIP_OK;
    if (!tskip__cpu_rung_find(name, &wanted)) {
        char ladder[128];
        tskip__cpu_ladder_text(ladder, sizeof ladder);
        return tskip__fail(TSKIP_DEVICE_NOT_FOUND, "\"%s\" is none of this architecture's %s", name,
                           ladder);
    }
    if (wanted > tskip__cpu_best())
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "device \"cpu:%s\": this machine lacks it; the best here is cpu:%s",
                           name, tskip__cpu_rung_name(tskip__cpu_best()));
    if (wanted > allowed)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "device \"cpu:%s\": the environment's TSKIP_CPU allows cpu:%s at most",
                           name, tskip__cpu_rung_name(allowed));
    *rung = wanted;
    return TSKIP_OK;
}

static tskip_status open_device(const tskip_device_desc *desc, tskip_device_info *info,
                                void **device)
{
    if (desc->native_context)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "native_context is set, expected NULL: the CPU has none");
    tskip__rung rung;
    TSKIP__TRY(choose_rung(desc->name, &rung));
    tskip__cpu_device *out = tskip__alloc_zero(sizeof *out, "a CPU device");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    out->threads = desc->threads ? desc->threads : tskip__cpu_count();
    out->parallel_for = desc->parallel_for;
    out->parallel_for_user = desc->parallel_for_user;
    tskip_status status = tskip__cpu_pool_init(&out->pool, out->parallel_for ? 1 : out->threads);
    if (status != TSKIP_OK) {
        tskip__free(out, sizeof *out);
        return status;
    }
    describe(rung, out->threads, info);
    *device = out;
    return TSKIP_OK;
}

static void close_device(void *device)
{
    tskip__cpu_device *old = device;
    tskip__cpu_pool_destroy(&old->pool);
    tskip__free(old->slots, (size_t)old->slot_size * old->threads);
    tskip__free(old, sizeof *old);
}

const tskip__backend tskip__cpu_backend = {
    .name = "cpu",
    .imports_addresses = true,
    .list = list_devices,
    .open = open_device,
    .close = close_device,
    .buffer_create = tskip__cpu_buffer_create,
    .buffer_import_host = tskip__cpu_buffer_create,
    .buffer_destroy = tskip__cpu_buffer_destroy,
    .buffer_write = tskip__cpu_buffer_write,
    .buffer_read = tskip__cpu_buffer_read,
    .buffer_map = tskip__cpu_buffer_map,
    .kernel_create = tskip__cpu_kernel_create,
    .kernel_destroy = tskip__cpu_kernel_destroy,
    .encoder_create = tskip__cpu_encoder_create,
    .encoder_destroy = tskip__cpu_encoder_destroy,
    .dispatch = tskip__cpu_dispatch,
    .fill = tskip__cpu_fill,
    .commands = tskip__cpu_commands,
    .barrier = tskip__cpu_barrier,
    .submit = tskip__cpu_submit,
    .wait = tskip__cpu_wait,
    .reset = tskip__cpu_reset,
    .elapsed = tskip__cpu_elapsed,
};
