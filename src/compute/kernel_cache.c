/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/half.h"
#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include "objects.h"

enum { MAX_NAMES = 64 };

void tskip__kernel_cache_init(tskip__kernel_cache *cache)
{
    *cache = (tskip__kernel_cache){0};
    tskip__mutex_init(&cache->lock);
}

void tskip__kernel_cache_clear(tskip_device *device)
{
    tskip__kernel_cache *cache = &device->kernels;
    for (tskip_kernel *kernel = cache->kernels, *next; kernel; kernel = next) {
        next = kernel->next;
        device->backend->kernel_destroy(device->impl, kernel->impl);
        tskip__free(kernel, kernel->bytes);
    }
    for (tskip__registration *entry = cache->registrations, *next; entry; entry = next) {
        next = entry->next;
        tskip__free(entry, sizeof *entry);
    }
    tskip__mutex_destroy(&cache->lock);
}

static const tskip_kernel_desc *find_desc(const tskip__kernel_cache *cache, const char *name)
{
    for (const tskip__registration *entry = cache->registrations; entry; entry = entry->next)
        if (strcmp(entry->desc->name, name) == 0)
            return entry->desc;
    return NULL;
}

static tskip_status register_locked(tskip__kernel_cache *cache, const tskip_kernel_desc *desc)
{
    for (const tskip__registration *entry = cache->registrations; entry; entry = entry->next)
        if (entry->desc == desc)
            return TSKIP_OK;
    TSKIP__TRY(tskip__kernel_desc_check(desc));
    if (find_desc(cache, desc->name))
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "kernel \"%s\" is registered already, with another description",
                           desc->name);
    tskip__registration *entry = tskip__alloc(sizeof *entry, "a kernel's registration");
    if (!entry)
        return TSKIP_OUT_OF_MEMORY;
    entry->desc = desc;
    entry->next = cache->registrations;
    cache->registrations = entry;
    return TSKIP_OK;
}

tskip_status tskip__kernel_cache_register(tskip_device *device, const tskip_kernel_desc *desc)
{
    tskip__mutex_lock(&device->kernels.lock);
    tskip_status status = register_locked(&device->kernels, desc);
    tskip__mutex_unlock(&device->kernels.lock);
    return status;
}

/* Brings the caller's constants into the order of the declaration. */
static tskip_status order_values(const tskip_kernel_desc *desc, const tskip_constant *constants,
                                 size_t n_constants, tskip_constant_value *values)
{
    bool named[TSKIP_MAX_CONSTANTS] = {false};
    for (size_t i = 0; i < desc->n_constants; i++)
        values[i] = desc->constants[i].preset;
    for (size_t c = 0; c < n_constants; c++) {
        const char *name = constants[c].name;
        if (!name)
            return tskip__fail(TSKIP_INVALID_ARGUMENT, "kernel \"%s\": constant %zu has no name",
                               desc->name, c);
        size_t i = 0;
        while (i < desc->n_constants && strcmp(desc->constants[i].name, name) != 0)
            i++;
        if (i == desc->n_constants) {
            const char *names[TSKIP_MAX_CONSTANTS];
            for (size_t k = 0; k < desc->n_constants; k++)
                names[k] = desc->constants[k].name;
            char hint[TSKIP__HINT_SIZE];
            return tskip__fail(TSKIP_INVALID_ARGUMENT, "kernel \"%s\" has no constant \"%s\"%s",
                               desc->name, name, tskip__hint(name, names, desc->n_constants, hint));
        }
        if (named[i])
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "kernel \"%s\": constant \"%s\" is given twice", desc->name, name);
        if (desc->constants[i].type == TSKIP_CONSTANT_BOOL && constants[c].value.u32 > 1)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "kernel \"%s\": bool constant \"%s\" is %u, expected 0 or 1",
                               desc->name, name, constants[c].value.u32);
        named[i] = true;
        values[i] = constants[c].value;
        if (desc->constants[i].type == TSKIP_CONSTANT_F32) /* one NaN has one name */
            values[i].f32 = tskip__f32_canonical(values[i].f32);
    }
    return TSKIP_OK;
}

static int format_value(tskip_constant_type type, tskip_constant_value value, char *text,
                        size_t size)
{
    switch (type) {
    case TSKIP_CONSTANT_I32:
        return snprintf(text, size, "%" PRId32, value.i32);
    case TSKIP_CONSTANT_F32:
        return tskip__format_f32(value.f32, text, size);
    case TSKIP_CONSTANT_U32:
    case TSKIP_CONSTANT_BOOL:
        break;
    }
    return snprintf(text, size, "%" PRIu32, value.u32);
}

size_t tskip__kernel_canonical_name(const tskip_kernel_desc *desc,
                                    const tskip_constant_value *values, char *text, size_t size)
{
    size_t order[TSKIP_MAX_CONSTANTS];
    for (size_t i = 0; i < desc->n_constants; i++) {
        size_t j = i;
        for (; j > 0 && strcmp(desc->constants[order[j - 1]].name, desc->constants[i].name) > 0;
             j--)
            order[j] = order[j - 1];
        order[j] = i;
    }
#define REST (used < size ? text + used : NULL), (used < size ? size - used : 0)
    size_t used = 0;
    used += (size_t)snprintf(REST, "%s", desc->name);
    for (size_t k = 0; k < desc->n_constants; k++) {
        const tskip_constant_decl *decl = &desc->constants[order[k]];
        used += (size_t)snprintf(REST, "%c%s=", k ? ' ' : '[', decl->name);
        used += (size_t)format_value(decl->type, values[order[k]], REST);
    }
    if (desc->n_constants > 0)
        used += (size_t)snprintf(REST, "]");
#undef REST
    return used;
}

/* Of the bodies that the device can take, the one for the most capable device. */
static const tskip_kernel_body *choose_body(const tskip_kernel_desc *desc,
                                            const tskip_device_info *info)
{
    const tskip_kernel_body *best = NULL;
    for (size_t i = 0; i < desc->n_bodies; i++) {
        const tskip_kernel_body *body = &desc->bodies[i];
        if (body->format == info->code_format && body->capability <= info->capability &&
            (!best || body->capability > best->capability))
            best = body;
    }
    return best;
}

static tskip_status check_shape(const tskip_device_info *info, const char *name,
                                const tskip_kernel_shape *shape)
{
    if (shape->group_memory > info->max_group_memory)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "kernel %s wants %" PRIu64
                           " bytes of group memory; %s has at most %" PRIu64,
                           name, shape->group_memory, info->name, info->max_group_memory);
    uint64_t threads = 1;
    for (int i = 0; i < 3; i++)
        if (!tskip__mul(threads, shape->group_size[i], &threads))
            threads = UINT64_MAX;
    if (threads > info->max_group_threads)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "kernel %s wants groups of %" PRIu64 " threads; %s has at most %" PRIu32,
                           name, threads, info->name, info->max_group_threads);
    return TSKIP_OK;
}

static void settle(tskip_kernel_shape *shape)
{
    for (int i = 0; i < 3; i++)
        if (shape->group_size[i] == 0)
            shape->group_size[i] = 1;
    if (shape->cluster_size == 0)
        shape->cluster_size = 1;
}

static tskip_status compile(tskip_device *device, const tskip_kernel_desc *desc,
                            const tskip_constant_value *values, tskip_kernel **out)
{
    const tskip_kernel_body *body = choose_body(desc, &device->info);
    if (!body)
        return tskip__fail(TSKIP_KERNEL_NOT_FOUND, "kernel \"%s\" has no body for %s", desc->name,
                           device->info.name);
    size_t length = tskip__kernel_canonical_name(desc, values, NULL, 0);
    size_t values_size = desc->n_constants * sizeof *values;
    size_t bytes = sizeof(tskip_kernel) + values_size + length + 1;
    tskip_kernel *kernel = tskip__alloc_zero(bytes, "a kernel");
    if (!kernel)
        return TSKIP_OUT_OF_MEMORY;
    char *after = (char *)(kernel + 1);
    if (values_size > 0)
        memcpy(after, values, values_size);
    (void)tskip__kernel_canonical_name(desc, values, after + values_size, length + 1);
    kernel->device = device;
    kernel->desc = desc;
    kernel->values = (const tskip_constant_value *)after;
    kernel->name = after + values_size;
    kernel->shape = desc->shape;
    kernel->bytes = bytes;
    if (desc->specialise)
        desc->specialise(kernel->values, body, &kernel->shape);
    settle(&kernel->shape);

    tskip__kernel_spec spec = {desc, body, kernel->values, kernel->shape, kernel->name};
    tskip_status status = check_shape(&device->info, kernel->name, &kernel->shape);
    if (status == TSKIP_OK)
        status = device->backend->kernel_create(device->impl, &spec, &kernel->impl);
    if (status != TSKIP_OK) {
        tskip__free(kernel, bytes);
        return status;
    }
    *out = kernel;
    return TSKIP_OK;
}

static tskip_status not_found(const tskip__kernel_cache *cache, const char *name)
{
    const char *names[MAX_NAMES];
    size_t n = 0;
    for (const tskip__registration *entry = cache->registrations; entry && n < MAX_NAMES;
         entry = entry->next)
        names[n++] = entry->desc->name;
    char hint[TSKIP__HINT_SIZE];
    return tskip__fail(TSKIP_KERNEL_NOT_FOUND, "no kernel \"%s\" is registered%s", name,
                       tskip__hint(name, names, n, hint));
}

static tskip_status get_locked(tskip_device *device, const char *name,
                               const tskip_constant *constants, size_t n_constants,
                               const tskip_kernel **out)
{
    tskip__kernel_cache *cache = &device->kernels;
    const tskip_kernel_desc *desc = find_desc(cache, name);
    if (!desc)
        return not_found(cache, name);
    tskip_constant_value values[TSKIP_MAX_CONSTANTS] = {{0}};
    TSKIP__TRY(order_values(desc, constants, n_constants, values));
    size_t size = desc->n_constants * sizeof values[0];
    for (const tskip_kernel *kernel = cache->kernels; kernel; kernel = kernel->next)
        if (kernel->desc == desc && memcmp(kernel->values, values, size) == 0) {
            *out = kernel;
            return TSKIP_OK;
        }
    tskip_kernel *kernel = NULL;
    TSKIP__TRY(compile(device, desc, values, &kernel));
    kernel->next = cache->kernels;
    cache->kernels = kernel;
    tskip__log(TSKIP_LOG_DEBUG, "kernel %s on %s", kernel->name, device->info.name);
    *out = kernel;
    return TSKIP_OK;
}

tskip_status tskip__kernel_cache_get(tskip_device *device, const char *name,
                                     const tskip_constant *constants, size_t n_constants,
                                     const tskip_kernel **out)
{
    tskip__mutex_lock(&device->kernels.lock);
    tskip_status status = get_locked(device, name, constants, n_constants, out);
    tskip__mutex_unlock(&device->kernels.lock);
    return status;
}
