/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BACKENDS_NULL_BACKEND_H
#define TSKIP_BACKENDS_NULL_BACKEND_H

#include <stdatomic.h>

#include "compute/backend.h"

/* The null device records what is asked of it and computes nothing. Its buffers hold no bytes: a
 * write goes nowhere, a read gives zeros, and a size may be larger than any memory. Kernels compile
 * from their C bodies, which are never called.
 *
 * The record is what the device says to tskip_set_log, one line each, at TSKIP_LOG_DEBUG:
 *
 *     null: buffer 1 of 256 bytes
 *     null: buffer 2 of 64 bytes, imported
 *     null: write 1[0+256]
 *     null: read 1[0+4]
 *     null: kernel scale[factor=3]
 *
 * and at submit the commands of the encoder in their order, so that what was dropped leaves no
 * trace:
 *
 *     null: fill w 1[0+256] = 00000000
 *     null: barrier
 *     null: dispatch scale[factor=3] 4x1x1 args=4 r 1[0+128] w 2[0+64] -
 *     null: submitted 3 commands
 *
 * A range is the number of a buffer, counted from 1 on each device, with [offset+size]; r, w and rw
 * are its access and "-" is an empty binding. At TSKIP_LOG_WARNING it tells of two commands that
 * touch the same bytes, one of them writing, with no barrier between: on a GPU they may overlap.
 *
 *     null: race: dispatch 3 (r 1[0+128]) and fill 1 (w 1[0+256]) have no barrier between them */

typedef struct tskip__null_device {
    _Atomic uint32_t buffers; /* made so far */
} tskip__null_device;

typedef struct tskip__null_buffer {
    uint32_t number;
} tskip__null_buffer;

typedef struct tskip__null_kernel {
    size_t name_size;
    char name[];
} tskip__null_kernel;

tskip_status tskip__null_buffer_create(void *device, uint64_t size, void *import, void **buffer);
void tskip__null_buffer_destroy(void *device, void *buffer);
tskip_status tskip__null_buffer_write(void *device, void *buffer, uint64_t offset, const void *data,
                                      uint64_t size);
tskip_status tskip__null_buffer_read(void *device, void *buffer, uint64_t offset, void *data,
                                     uint64_t size);

tskip_status tskip__null_kernel_create(void *device, const tskip__kernel_spec *spec, void **kernel);
void tskip__null_kernel_destroy(void *device, void *kernel);

tskip_status tskip__null_encoder_create(void *device, void *native_stream, void **encoder);
void tskip__null_encoder_destroy(void *device, void *encoder);
tskip_status tskip__null_dispatch(void *device, void *encoder, const tskip__dispatch *dispatch);
tskip_status tskip__null_fill(void *device, void *encoder, const tskip__bound *range,
                              uint32_t value);
tskip__block *tskip__null_commands(void *encoder);
tskip_status tskip__null_barrier(void *device, void *encoder);
tskip_status tskip__null_submit(void *device, void *encoder);
tskip_status tskip__null_wait(void *device, void *encoder);
tskip_status tskip__null_reset(void *device, void *encoder);

#endif
