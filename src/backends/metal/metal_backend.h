/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BACKENDS_METAL_BACKEND_H
#define TSKIP_BACKENDS_METAL_BACKEND_H

#include "base/thread.h"
#include "compute/backend.h"
#include "metal_api.h"
#include "metal_compile.h"

/* The Metal backend's objects. Each tskip__id in them is owned: retained or made here, released by
 * the destroy function of the struct that it lies in. */

typedef struct tskip__metal_kernel {
    tskip__id pipeline;
    tskip__mtl_size group;
    uint64_t group_memory; /* a multiple of 16, as Metal takes it */
    uint64_t (*group_work)(const tskip_constant_value *constants, const void *args);
    tskip_constant_value constants[TSKIP_MAX_CONSTANTS]; /* for group_work */
} tskip__metal_kernel;

typedef struct tskip__metal_device {
    const tskip__metal_api *api;
    tskip__id device, queue;
    tskip__id nothing;  /* the buffer that stands for empty bindings */
    uint64_t most_work; /* floating-point operations that one command buffer should hold at most */
    tskip__mutex library_lock;
    tskip__metal_library *libraries;
    tskip__mutex fill_lock;
    tskip__metal_kernel *fill; /* made by the first fill */
} tskip__metal_device;

typedef struct tskip__metal_buffer {
    tskip__id buffer;
    char *contents; /* NULL: the memory is the GPU's alone */
} tskip__metal_buffer;

/* Whether the caller's object (a buffer, queue, command buffer or encoder) is of this GPU. Devices
 * are told apart by their number: Metal's debug layer wraps one in several objects. */
bool tskip__metal_is_of(const tskip__metal_device *device, tskip__id object);

tskip_status tskip__metal_buffer_create(void *device, uint64_t size, void *import, void **buffer);
tskip_status tskip__metal_buffer_import_host(void *device, uint64_t size, void *memory,
                                             void **buffer);
void tskip__metal_buffer_destroy(void *device, void *buffer);
tskip_status tskip__metal_buffer_write(void *device, void *buffer, uint64_t offset,
                                       const void *data, uint64_t size);
tskip_status tskip__metal_buffer_read(void *device, void *buffer, uint64_t offset, void *data,
                                      uint64_t size);
tskip_status tskip__metal_buffer_map(void *device, void *buffer, void **pointer);

tskip_status tskip__metal_kernel_create(void *device, const tskip__kernel_spec *spec,
                                        void **kernel);
void tskip__metal_kernel_destroy(void *device, void *kernel);

/* The kernel that fills: binding 0 is the range, its block a tskip__metal_fill_args. The device
 * owns it. Thread-safety: any. */
typedef struct tskip__metal_fill_args {
    uint64_t words;
    uint32_t value, reserved;
} tskip__metal_fill_args;

tskip_status tskip__metal_fill_kernel(tskip__metal_device *device,
                                      const tskip__metal_kernel **kernel);

enum { TSKIP__METAL_FILL_THREADS = 256 }; /* of a group; each writes every so many words */

tskip_status tskip__metal_encoder_create(void *device, void *native_stream, void **encoder);
void tskip__metal_encoder_destroy(void *device, void *encoder);
tskip_status tskip__metal_dispatch(void *device, void *encoder, const tskip__dispatch *dispatch);
tskip_status tskip__metal_fill(void *device, void *encoder, const tskip__bound *range,
                               uint32_t value);
tskip__block *tskip__metal_commands(void *encoder);
tskip_status tskip__metal_barrier(void *device, void *encoder);
tskip_status tskip__metal_submit(void *device, void *encoder);
tskip_status tskip__metal_wait(void *device, void *encoder);
tskip_status tskip__metal_reset(void *device, void *encoder);
tskip_status tskip__metal_elapsed(void *device, void *encoder, double *seconds);

#endif
