/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BACKENDS_CPU_BACKEND_H
#define TSKIP_BACKENDS_CPU_BACKEND_H

#include "compute/backend.h"
#include "cpu_pool.h"

/* The CPU: buffers are host memory, kernels are C functions, the encoder keeps its commands in a
 * block of memory and runs them at submit, in order, on the calling thread and the pool. A barrier
 * is therefore nothing, and wait only reports. */

typedef struct tskip__cpu_device {
    tskip__cpu_pool pool;
    uint32_t threads;
    tskip_parallel_for_fn parallel_for; /* NULL: the pool */
    void *parallel_for_user;

    /* Group memory: slot t belongs to task t of the dispatch that holds the pool's lock. */
    char *slots;
    uint64_t slot_size; /* a multiple of 64 */
} tskip__cpu_device;

typedef struct tskip__cpu_buffer {
    char *bytes;
    uint64_t size;
    bool owned;
} tskip__cpu_buffer;

typedef struct tskip__cpu_kernel {
    tskip_c_kernel_fn function;
    uint64_t group_memory;
    size_t n_constants;
    tskip_constant_value constants[];
} tskip__cpu_kernel;

/* One dispatch, ready to run. */
typedef struct tskip__cpu_launch {
    const tskip__cpu_kernel *kernel;
    uint32_t grid[3];
    void *const *buffers;
    const void *args;
} tskip__cpu_launch;

tskip_status tskip__cpu_buffer_create(void *device, uint64_t size, void *import, void **buffer);
void tskip__cpu_buffer_destroy(void *device, void *buffer);
tskip_status tskip__cpu_buffer_write(void *device, void *buffer, uint64_t offset, const void *data,
                                     uint64_t size);
tskip_status tskip__cpu_buffer_read(void *device, void *buffer, uint64_t offset, void *data,
                                    uint64_t size);
tskip_status tskip__cpu_buffer_map(void *device, void *buffer, void **pointer);

tskip_status tskip__cpu_kernel_create(void *device, const tskip__kernel_spec *spec, void **kernel);
void tskip__cpu_kernel_destroy(void *device, void *kernel);

/* Makes the device's slots hold `size` bytes each, if they do not yet; waits for a dispatch that
 * runs now, so never call it inside a kernel. Errors: OUT_OF_MEMORY. */
tskip_status tskip__cpu_reserve(tskip__cpu_device *device, uint64_t size);

/* Runs every group: on this thread alone if there is one group or `memory` is given (then that is
 * the group memory), else on all threads with the device's slots. */
void tskip__cpu_launch_run(tskip__cpu_device *device, const tskip__cpu_launch *launch,
                           void *memory);

/* Whether the calling thread is inside a kernel of any CPU device. What it then starts must run
 * serially, on memory of its own: the slots are in use. */
bool tskip__cpu_inside_kernel(void);

tskip_status tskip__cpu_encoder_create(void *device, void *native_stream, void **encoder);
void tskip__cpu_encoder_destroy(void *device, void *encoder);
tskip_status tskip__cpu_dispatch(void *device, void *encoder, const tskip__dispatch *dispatch);
tskip_status tskip__cpu_fill(void *device, void *encoder, const tskip__bound *range,
                             uint32_t value);
tskip__block *tskip__cpu_commands(void *encoder);
tskip_status tskip__cpu_barrier(void *device, void *encoder);
tskip_status tskip__cpu_submit(void *device, void *encoder);
tskip_status tskip__cpu_wait(void *device, void *encoder);
tskip_status tskip__cpu_reset(void *device, void *encoder);
tskip_status tskip__cpu_elapsed(void *device, void *encoder, double *seconds);

#endif
