/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "standin_run.h"

/* ---- the device ------------------------------------------------------------------------------ */

/* An M1 with 16 GiB: the least that the backend asks for. */
enum { FAMILY_APPLE1 = 1001, FAMILY_APPLE7 = 1007, FAMILY_METAL3 = 5001 };
static const uint64_t max_buffer_length = (uint64_t)8 << 30, working_set = (uint64_t)11 << 30;

/* One for the process, as Metal has it: each call owns it once more, the process itself once. */
standin_device *standin_the_device(void)
{
    static standin_device device = {
        .object = {.isa = &standin_device_class, .magic = STANDIN_LIVE_MAGIC, .count = 1}};
    return &device;
}

static bool is_on_path(const char *program)
{
    char path[4096];
    const char *at = getenv("PATH");
    while (at && *at) {
        size_t n = strcspn(at, ":");
        (void)snprintf(path, sizeof path, "%.*s/%s", (int)n, at, program);
        if (access(path, X_OK) == 0)
            return true;
        at += n + (at[n] == ':');
    }
    return false;
}

/* What this machine lacks to run MSL; NULL if nothing. */
static const char *lacks(void)
{
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2"))
        return "this CPU has no AVX2";
#endif
    if (!is_on_path("clang++") && !is_on_path("clang++-14"))
        return "no clang++ here (Debian: clang)";
    return is_on_path("python3") ? NULL : "no python3 here";
}

STANDIN_EXPORT standin_id MTLCreateSystemDefaultDevice(void)
{
    const char *lacking = lacks();
    if (!lacking)
        return objc_retain(&standin_the_device()->object);
    (void)fprintf(stderr, "metal stand-in: no device: %s\n", lacking);
    return NULL;
}

STANDIN_EXPORT standin_id MTLCopyAllDevices(void)
{
    standin_id device = &standin_the_device()->object;
    return objc_retain(standin_array_of(&device, lacks() ? 0 : 1));
}

static standin_id device_name(standin_device *self, standin_sel selector)
{
    (void)self, (void)selector;
    return standin_autorelease(&standin_string_new("stand-in, M1", 12)->object);
}

static standin_id device_new_queue(standin_device *self, standin_sel selector)
{
    (void)selector;
    return standin_queue_new(self);
}

static standin_id new_buffer(standin_device *self, unsigned char *bytes, uint64_t length,
                             bool is_borrowed)
{
    if (!bytes)
        return NULL;
    standin_buffer *out = standin_new(&standin_buffer_class);
    out->device = (standin_device *)objc_retain(&self->object);
    out->bytes = bytes;
    out->length = length;
    out->is_borrowed = is_borrowed;
    standin_buffer_placed(out);
    return &out->object;
}

static standin_id device_new_buffer(standin_device *self, standin_sel selector, uint64_t length,
                                    uint64_t options)
{
    (void)selector;
    if (options != 0)
        standin_report("a buffer with options %llu: only shared storage (0) is known here",
                       (unsigned long long)options);
    if (length == 0 || length > max_buffer_length)
        return NULL;
    return new_buffer(self, standin_memory_new(length), length, false);
}

static standin_id device_new_buffer_with(standin_device *self, standin_sel selector,
                                         const void *bytes, uint64_t length, uint64_t options)
{
    standin_id out = device_new_buffer(self, selector, length, options);
    if (out)
        memcpy(((standin_buffer *)out)->bytes, bytes, length);
    return out;
}

static standin_id device_new_buffer_around(standin_device *self, standin_sel selector, void *bytes,
                                           uint64_t length, uint64_t options, void *deallocator)
{
    (void)options;
    if (deallocator)
        standin_report("%s has a deallocator: blocks are not known here", selector->name);
    if (length == 0 || (uintptr_t)bytes % STANDIN_PAGE != 0 || length % STANDIN_PAGE != 0) {
        standin_report("%s: %p and %llu bytes are not whole pages of %d", selector->name, bytes,
                       (unsigned long long)length, STANDIN_PAGE);
        return NULL;
    }
    return length > max_buffer_length ? NULL : new_buffer(self, bytes, length, true);
}

static standin_id device_new_library(standin_device *self, standin_sel selector,
                                     standin_string *source, standin_id options, standin_id *error)
{
    (void)selector, (void)options;
    return standin_library_new(self, source, error);
}

static standin_id device_new_pipeline(standin_device *self, standin_sel selector,
                                      standin_function *function, standin_id *error)
{
    (void)self, (void)selector;
    if (!function) {
        standin_set_error(error, 3, "there is no function to make a pipeline of");
        return NULL;
    }
    standin_pipeline *out = standin_new(&standin_pipeline_class);
    out->function = (standin_function *)objc_retain(&function->object);
    return &out->object;
}

static signed char device_supports(standin_device *self, standin_sel selector, int64_t family)
{
    (void)self, (void)selector;
    return (family >= FAMILY_APPLE1 && family <= FAMILY_APPLE7) || family == FAMILY_METAL3;
}

static uint64_t device_max_buffer(standin_device *self, standin_sel selector)
{
    (void)self, (void)selector;
    return max_buffer_length;
}

static uint64_t device_max_group_memory(standin_device *self, standin_sel selector)
{
    (void)self, (void)selector;
    return STANDIN_MAX_GROUP_MEMORY;
}

static uint64_t device_working_set(standin_device *self, standin_sel selector)
{
    (void)self, (void)selector;
    return working_set;
}

static signed char device_is_unified(standin_device *self, standin_sel selector)
{
    (void)self, (void)selector;
    return 1;
}

static uint64_t device_registry(standin_device *self, standin_sel selector)
{
    (void)self, (void)selector;
    return 0x100000001;
}

standin_class standin_device_class = {
    .name = "MTLDevice",
    .size = sizeof(standin_device),
    .messages =
        (const standin_message[]){
            {"name", STANDIN_METHOD(device_name)},
            {"newCommandQueue", STANDIN_METHOD(device_new_queue)},
            {"newBufferWithLength:options:", STANDIN_METHOD(device_new_buffer)},
            {"newBufferWithBytes:length:options:", STANDIN_METHOD(device_new_buffer_with)},
            {"newBufferWithBytesNoCopy:length:options:deallocator:",
             STANDIN_METHOD(device_new_buffer_around)},
            {"newLibraryWithSource:options:error:", STANDIN_METHOD(device_new_library)},
            {"newComputePipelineStateWithFunction:error:", STANDIN_METHOD(device_new_pipeline)},
            {"supportsFamily:", STANDIN_METHOD(device_supports)},
            {"maxBufferLength", STANDIN_METHOD(device_max_buffer)},
            {"maxThreadgroupMemoryLength", STANDIN_METHOD(device_max_group_memory)},
            {"recommendedMaxWorkingSetSize", STANDIN_METHOD(device_working_set)},
            {"hasUnifiedMemory", STANDIN_METHOD(device_is_unified)},
            {"registryID", STANDIN_METHOD(device_registry)},
            {NULL, NULL},
        },
};

/* ---- buffers --------------------------------------------------------------------------------- */

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
    (void)selector;
    return self->bytes;
}

static uint64_t buffer_length(standin_buffer *self, standin_sel selector)
{
    (void)selector;
    return self->length;
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
            {"device", STANDIN_METHOD(buffer_device)},
            {NULL, NULL},
        },
};

/* ---- compile options ------------------------------------------------------------------------- */

/* The stand-in computes as Safe mathematics does, whatever is set: contraction alone depends on the
 * text, as on Apple's GPUs. */
static void ignore(standin_id self, standin_sel selector, uint64_t value)
{
    (void)self, (void)selector, (void)value;
}

standin_class standin_options_class = {
    .name = "MTLCompileOptions",
    .size = sizeof(standin_object),
    .can_new = true,
    .messages =
        (const standin_message[]){
            {"setFastMathEnabled:", STANDIN_METHOD(ignore)},
            {"setMathMode:", STANDIN_METHOD(ignore)},
            {"setMathFloatingPointFunctions:", STANDIN_METHOD(ignore)},
            {"setLanguageVersion:", STANDIN_METHOD(ignore)},
            {NULL, NULL},
        },
};
