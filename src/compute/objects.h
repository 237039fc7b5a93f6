/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_COMPUTE_OBJECTS_H
#define TSKIP_COMPUTE_OBJECTS_H

#include <stdatomic.h>

#include "backend.h"
#include "base/thread.h"
#include "kernel_cache.h"

/* The front end's objects: what every backend's objects have in common. `impl` is the backend's. */

struct tskip_device {
    _Atomic size_t references; /* the caller's handles, buffers, encoders */
    const tskip__backend *backend;
    void *impl;
    tskip_device_info info;
    tskip__kernel_cache kernels;
};

/* A view has a root, holds a reference to it and shares its impl. */
struct tskip_buffer {
    _Atomic size_t references; /* the caller's handle, views */
    tskip_device *device;
    tskip_buffer *root; /* NULL: this is one */
    void *impl;
    uint64_t offset; /* into impl */
    uint64_t size;
    uint32_t misalignment; /* see tskip_buffer_misalignment */
};

struct tskip_kernel {
    tskip_kernel *next;
    tskip_device *device;
    const tskip_kernel_desc *desc;
    const tskip_constant_value *values; /* in the order of the declaration */
    const char *name;
    tskip_kernel_shape shape;
    void *impl;
    size_t bytes; /* of this allocation: the struct, values and name */
};

typedef enum tskip__encoder_state {
    TSKIP__ENCODER_OPEN,
    TSKIP__ENCODER_SUBMITTED,
    TSKIP__ENCODER_DONE,
} tskip__encoder_state;

struct tskip_encoder {
    tskip_device *device;
    void *impl;
    tskip__encoder_state state;
    tskip_status outcome; /* of the wait, once DONE */
};

void tskip__device_release(tskip_device *device);

/* Fails unless [offset, offset + size) lies within `buffer`; `what` begins the sentence. */
tskip_status tskip__require_range(const tskip_buffer *buffer, uint64_t offset, uint64_t size,
                                  const char *what);

#endif
