/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BACKENDS_CUDA_BACKEND_H
#define TSKIP_BACKENDS_CUDA_BACKEND_H

#include "compute/backend.h"
#include "cuda_api.h"
#include "cuda_target.h"

/* The CUDA backend's objects. Every call makes the device's context current for its own length and
 * gives the thread back the one it had. */

typedef struct tskip__cuda_device {
    const tskip__cuda_api *api;
    tskip__cu_device ordinal;
    tskip__cu_context context;
    bool primary;        /* the context is the device's own, retained here; else the caller's */
    uint32_t capability; /* the hardware's, whatever kernels were asked for */
    tskip__cuda_target target;
    tskip__cu_stream copies; /* buffer_write and buffer_read */
} tskip__cuda_device;

typedef struct tskip__cuda_buffer {
    tskip__cu_address address;
    bool owned;
} tskip__cuda_buffer;

typedef struct tskip__cuda_kernel {
    tskip__cu_module module;
    tskip__cu_function function;
    tskip_kernel_shape shape;
    char *name;
    size_t name_size;
} tskip__cuda_kernel;

tskip_status tskip__cuda_enter(const tskip__cuda_device *device);
void tskip__cuda_leave(const tskip__cuda_device *device);

tskip_status tskip__cuda_buffer_create(void *device, uint64_t size, void *import, void **buffer);
void tskip__cuda_buffer_destroy(void *device, void *buffer);
tskip_status tskip__cuda_buffer_write(void *device, void *buffer, uint64_t offset, const void *data,
                                      uint64_t size);
tskip_status tskip__cuda_buffer_read(void *device, void *buffer, uint64_t offset, void *data,
                                     uint64_t size);

tskip_status tskip__cuda_kernel_create(void *device, const tskip__kernel_spec *spec, void **kernel);
void tskip__cuda_kernel_destroy(void *device, void *kernel);

tskip_status tskip__cuda_encoder_create(void *device, void *native_stream, void **encoder);
void tskip__cuda_encoder_destroy(void *device, void *encoder);
tskip_status tskip__cuda_dispatch(void *device, void *encoder, const tskip__dispatch *dispatch);
tskip_status tskip__cuda_fill(void *device, void *encoder, const tskip__bound *range,
                              uint32_t value);
tskip__block *tskip__cuda_commands(void *encoder);
tskip_status tskip__cuda_barrier(void *device, void *encoder);
tskip_status tskip__cuda_submit(void *device, void *encoder);
tskip_status tskip__cuda_wait(void *device, void *encoder);
tskip_status tskip__cuda_reset(void *device, void *encoder);
tskip_status tskip__cuda_elapsed(void *device, void *encoder, double *seconds);

/* The driver's tensor map of a view that begins at `address`. Errors: UNSUPPORTED, naming the rule
 * of the copy engine that the view breaks. */
tskip_status tskip__cuda_tensor_map(const tskip__cuda_api *api, tskip__cu_address address,
                                    const tskip_tensor_view *view, tskip__cu_tensor_map *map);

#endif
