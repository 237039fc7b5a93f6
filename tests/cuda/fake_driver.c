/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "fake_cuda.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT fake_cuda fake_cuda_state;

static fake_cuda *const f = &fake_cuda_state;
static char thing; /* what handles point to */

/* As CUlaunchConfig lies in memory. */
typedef struct launch_config {
    unsigned grid[3], block[3], shared;
    void *stream;
    struct {
        unsigned id, pad, cluster[3], rest[13];
    } * attributes;
    unsigned n_attributes;
} launch_config;

#define CALL(name, ...)                                                                            \
    EXPORT int name(__VA_ARGS__);                                                                  \
    EXPORT int name(__VA_ARGS__)

CALL(cuGetErrorName, int error, const char **name)
{
    *name = error == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_ILLEGAL_ADDRESS";
    return 0;
}

CALL(cuGetErrorString, int error, const char **text)
{
    *text = error == 2 ? "out of memory" : "an illegal memory access was encountered";
    return 0;
}

CALL(cuInit, unsigned flags)
{
    return (int)flags;
}

CALL(cuDeviceGetCount, int *count)
{
    *count = 2;
    return 0;
}

CALL(cuDeviceGet, int *device, int ordinal)
{
    *device = ordinal;
    return 0;
}

CALL(cuDeviceGetName, char *name, int size, int device)
{
    strncpy(name, device ? "Fake One" : "Fake Zero", (size_t)size);
    return 0;
}

CALL(cuDeviceTotalMem_v2, size_t *bytes, int device)
{
    *bytes = (size_t)1 << (30 + device);
    return 0;
}

CALL(cuDeviceGetAttribute, int *value, int attribute, int device)
{
    *value = attribute == 1    ? 1024
             : attribute == 75 ? 9
             : attribute == 97 ? 232448
             : attribute == 16 ? 132 - device
                               : 0;
    return 0;
}

CALL(cuDevicePrimaryCtxRetain, void **context, int device)
{
    *context = &thing + device;
    return 0;
}

CALL(cuDevicePrimaryCtxRelease_v2, int device)
{
    return device < 0;
}

CALL(cuCtxPushCurrent_v2, void *context)
{
    f->depth++;
    return context == NULL;
}

CALL(cuCtxPopCurrent_v2, void **context)
{
    f->depth--;
    *context = NULL;
    return 0;
}

CALL(cuCtxGetDevice, int *device)
{
    *device = 0;
    return 0;
}

CALL(cuMemAlloc_v2, uint64_t *address, size_t size)
{
    if (f->alloc_result)
        return f->alloc_result;
    f->n_buffers++;
    *address = (uint64_t)(uintptr_t)malloc(size);
    return 0;
}

CALL(cuMemFree_v2, uint64_t address)
{
    f->n_buffers--;
    free((void *)(uintptr_t)address);
    return 0;
}

CALL(cuMemcpyHtoDAsync_v2, uint64_t to, const void *from, size_t size, void *stream)
{
    memcpy((void *)(uintptr_t)to, from, size);
    return stream == NULL;
}

CALL(cuMemcpyDtoHAsync_v2, void *to, uint64_t from, size_t size, void *stream)
{
    memcpy(to, (const void *)(uintptr_t)from, size);
    return stream == NULL;
}

CALL(cuMemsetD32Async, uint64_t to, unsigned value, size_t n, void *stream)
{
    for (size_t i = 0; i < n; i++)
        memcpy((char *)(uintptr_t)to + 4 * i, &value, 4);
    f->n_fills++;
    return stream == NULL;
}

CALL(cuPointerGetAttribute, void *value, int attribute, uint64_t address)
{
    int number = attribute == 2 ? 2 : 0;
    memcpy(value, &number, sizeof number);
    return address % 4096 == 64 ? 1
                                : 0; /* the test's way to name a pointer that CUDA does not know */
}

CALL(cuStreamCreate, void **stream, unsigned flags)
{
    f->n_streams++;
    *stream = &thing;
    return flags != 1;
}

CALL(cuStreamDestroy_v2, void *stream)
{
    f->n_streams--;
    return stream == NULL;
}

CALL(cuStreamSynchronize, void *stream)
{
    return stream == NULL;
}

CALL(cuStreamIsCapturing, void *stream, int *capturing)
{
    *capturing = f->capturing;
    return stream == NULL;
}

CALL(cuEventCreate, void **event, unsigned flags)
{
    f->n_events++;
    *event = &thing;
    return (int)flags;
}

CALL(cuEventDestroy_v2, void *event)
{
    f->n_events--;
    return event == NULL;
}

CALL(cuEventRecord, void *event, void *stream)
{
    return event == NULL || stream == NULL;
}

CALL(cuEventSynchronize, void *event)
{
    return event == NULL ? 1 : f->wait_result;
}

CALL(cuEventElapsedTime, float *milliseconds, void *first, void *last)
{
    *milliseconds = 2.0f;
    return first == NULL || last == NULL;
}

CALL(cuModuleLoadDataEx, void **module, const void *image, unsigned n, int *options, void **values)
{
    (void)n, (void)options, (void)values;
    if (f->refuse_loads > 0) {
        f->refuse_loads--;
        return 200;
    }
    f->n_loads++;
    *module = &thing;
    return image == NULL;
}

CALL(cuModuleUnload, void *module)
{
    f->n_loads--;
    return module == NULL;
}

CALL(cuModuleGetFunction, void **function, void *module, const char *name)
{
    *function = &thing;
    strncpy(f->entry, name, sizeof f->entry - 1);
    return module == NULL;
}

CALL(cuFuncSetAttribute, void *function, int attribute, int value)
{
    return function == NULL || attribute != 8 || value < 0;
}

static int note(const fake_launch *launch, void **parameters)
{
    if (f->launch_result)
        return f->launch_result;
    if (f->n_launches == FAKE_MAX_LAUNCHES)
        return 2;
    fake_launch *to = &f->launches[f->n_launches++];
    *to = *launch;
    for (int i = 0; i < FAKE_MAX_POINTERS; i++)
        memcpy(&to->pointers[i], parameters[i], sizeof to->pointers[i]);
    return 0;
}

CALL(cuLaunchKernel, void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
     unsigned by, unsigned bz, unsigned shared, void *stream, void **parameters, void **extra)
{
    const fake_launch launch = {function, stream, {gx, gy, gz}, {bx, by, bz}, shared, 1, {0}};
    return extra ? 1 : note(&launch, parameters);
}

CALL(cuLaunchKernelEx, const launch_config *c, void *function, void **parameters, void **extra)
{
    const fake_launch launch = {function,
                                c->stream,
                                {c->grid[0], c->grid[1], c->grid[2]},
                                {c->block[0], c->block[1], c->block[2]},
                                c->shared,
                                c->attributes[0].cluster[0],
                                {0}};
    return extra || c->n_attributes != 1 || c->attributes[0].id != 4 ? 1
                                                                     : note(&launch, parameters);
}

CALL(cuTensorMapEncodeTiled, void *map, int type, uint32_t rank, void *address,
     const uint64_t *sizes, const uint64_t *strides, const uint32_t *box, const uint32_t *steps,
     int interleave, int swizzle, int promotion, int fill)
{
    (void)sizes, (void)strides, (void)box, (void)steps, (void)interleave, (void)swizzle;
    (void)promotion, (void)fill, (void)type, (void)rank;
    memcpy(map, &address, sizeof address);
    return (uintptr_t)map % 64 != 0;
}
