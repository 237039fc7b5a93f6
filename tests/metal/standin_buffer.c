/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin.h"

#include <string.h>

#include "standin_run.h"

static standin_id new_buffer(standin_device *self, unsigned char *bytes, uint64_t length,
                             uint64_t storage, bool is_borrowed)
{
    if (!bytes)
        return NULL;
    standin_buffer *out = standin_new(&standin_buffer_class);
    out->device = (standin_device *)objc_retain(&self->object);
    out->bytes = bytes;
    out->length = length;
    out->storage = storage;
    out->is_borrowed = is_borrowed;
    standin_buffer_placed(out);
    return &out->object;
}

/* MTLResourceOptions: the storage in bits 4 … 7; how the CPU caches it and whether its hazards are
 * tracked changes nothing here. */
enum { STORAGE_SHIFT = 4, STORAGE_MASK = 15, LAST_STORAGE = 2 };

standin_id standin_new_buffer(standin_device *self, standin_sel selector, uint64_t length,
                              uint64_t options)
{
    const uint64_t storage = options >> STORAGE_SHIFT & STORAGE_MASK;
    if (storage > LAST_STORAGE) {
        standin_report("%s with options %llu: no buffer has that storage", selector->name,
                       (unsigned long long)options);
        return NULL;
    }
    if (length == 0 || length > STANDIN_MAX_BUFFER)
        return NULL;
    return new_buffer(self, standin_memory_new(length), length, storage, false);
}

standin_id standin_new_buffer_with(standin_device *self, standin_sel selector, const void *bytes,
                                   uint64_t length, uint64_t options)
{
    standin_id out = standin_new_buffer(self, selector, length, options);
    if (out)
        memcpy(((standin_buffer *)out)->bytes, bytes, length);
    return out;
}

standin_id standin_new_buffer_around(standin_device *self, standin_sel selector, void *bytes,
                                     uint64_t length, uint64_t options, void *deallocator)
{
    if (options >> STORAGE_SHIFT & STORAGE_MASK)
        standin_report("%s: host memory has shared storage only", selector->name);
    if (deallocator)
        standin_report("%s has a deallocator: blocks are not known here", selector->name);
    if (length == 0 || (uintptr_t)bytes % STANDIN_PAGE != 0 || length % STANDIN_PAGE != 0) {
        standin_report("%s: %p and %llu bytes are not whole pages of %d", selector->name, bytes,
                       (unsigned long long)length, STANDIN_PAGE);
        return NULL;
    }
    return length > STANDIN_MAX_BUFFER ? NULL : new_buffer(self, bytes, length, 0, true);
}

static void buffer_destroy(standin_id object)
{
    standin_buffer *old = (standin_buffer *)object;
    standin_buffer_gone(old);
    if (!old->is_borrowed)
        standin_memory_free(old->bytes, old->length);
    objc_release(&old->device->object);
}

static void *buffer_contents(standin_buffer *self, standin_sel selector)
{
    if (self->storage == STANDIN_PRIVATE) {
        standin_report("%s of a buffer of private storage", selector->name);
        return NULL;
    }
    return self->bytes;
}

static uint64_t buffer_length(standin_buffer *self, standin_sel selector)
{
    (void)selector;
    return self->length;
}

static uint64_t buffer_storage(standin_buffer *self, standin_sel selector)
{
    (void)selector;
    return self->storage;
}

static standin_id buffer_device(standin_buffer *self, standin_sel selector)
{
    (void)selector;
    return &self->device->object;
}

standin_class standin_buffer_class = {
    .name = "MTLBuffer",
    .size = sizeof(standin_buffer),
    .destroy = buffer_destroy,
    .messages =
        (const standin_message[]){
            {"contents", STANDIN_METHOD(buffer_contents)},
            {"length", STANDIN_METHOD(buffer_length)},
            {"storageMode", STANDIN_METHOD(buffer_storage)},
            {"device", STANDIN_METHOD(buffer_device)},
            {NULL, NULL},
        },
};
