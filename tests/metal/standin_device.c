/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "standin_run.h"

/* An M1 with 16 GiB: the least that the backend asks for. */
enum { FAMILY_APPLE1 = 1001, FAMILY_APPLE7 = 1007, FAMILY_METAL3 = 5001 };
static const uint64_t working_set = (uint64_t)11 << 30;

/* One for the process, as Metal has it: each call owns it once more, the process itself once. */
standin_device *standin_the_device(void)
{
    static standin_device device = {
        .object = {.isa = &standin_device_class, .magic = STANDIN_LIVE_MAGIC, .count = 1},
        .registry = 0x100000001};
    return &device;
}

standin_id metal_standin_other_device(void)
{
    standin_device *out = standin_new(&standin_device_class);
    out->registry = standin_the_device()->registry + 1;
    return &out->object;
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

static standin_id device_new_library(standin_device *self, standin_sel selector,
                                     standin_string *source, standin_id options, standin_id *error)
{
    (void)selector;
    standin_check_options(options);
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
    return STANDIN_MAX_BUFFER;
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
    (void)selector;
    return self->registry;
}

static standin_id device_new_fence(standin_device *self, standin_sel selector)
{
    (void)self, (void)selector;
    return standin_new(&standin_fence_class);
}

/* Metal 4 */
static standin_id device_new_queue4(standin_device *self, standin_sel selector)
{
    (void)self, (void)selector;
    return standin_new(&standin_queue4_class);
}

static standin_id device_new_buffer4(standin_device *self, standin_sel selector)
{
    (void)self, (void)selector;
    return standin_new(&standin_command_buffer4_class);
}

static standin_id device_new_allocator4(standin_device *self, standin_sel selector)
{
    (void)self, (void)selector;
    return standin_new(&standin_allocator4_class);
}

standin_class standin_device_class = {
    .name = "MTLDevice",
    .size = sizeof(standin_device),
    .messages =
        (const standin_message[]){
            {"name", STANDIN_METHOD(device_name)},
            {"newCommandQueue", STANDIN_METHOD(device_new_queue)},
            {"newFence", STANDIN_METHOD(device_new_fence)},
            {"newBufferWithLength:options:", STANDIN_METHOD(standin_new_buffer)},
            {"newBufferWithBytes:length:options:", STANDIN_METHOD(standin_new_buffer_with)},
            {"newBufferWithBytesNoCopy:length:options:deallocator:",
             STANDIN_METHOD(standin_new_buffer_around)},
            {"newLibraryWithSource:options:error:", STANDIN_METHOD(device_new_library)},
            {"newComputePipelineStateWithFunction:error:", STANDIN_METHOD(device_new_pipeline)},
            {"supportsFamily:", STANDIN_METHOD(device_supports)},
            {"maxBufferLength", STANDIN_METHOD(device_max_buffer)},
            {"maxThreadgroupMemoryLength", STANDIN_METHOD(device_max_group_memory)},
            {"recommendedMaxWorkingSetSize", STANDIN_METHOD(device_working_set)},
            {"hasUnifiedMemory", STANDIN_METHOD(device_is_unified)},
            {"registryID", STANDIN_METHOD(device_registry)},
            {"newMTL4CommandQueue", STANDIN_METHOD(device_new_queue4)},
            {"newCommandBuffer", STANDIN_METHOD(device_new_buffer4)},
            {"newCommandAllocator", STANDIN_METHOD(device_new_allocator4)},
            {NULL, NULL},
        },
};
