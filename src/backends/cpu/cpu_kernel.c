/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "cpu_backend.h"
#include "cpu_float.h"

static _Thread_local bool inside_kernel;

bool tskip__cpu_inside_kernel(void)
{
    return inside_kernel;
}

/* Makes every slot at least `size` bytes. The pool is locked. */
static tskip_status grow_slots(tskip__cpu_device *device, uint64_t size)
{
    size = (size + 63) & ~(uint64_t)63;
    if (size <= device->slot_size)
        return TSKIP_OK;
    uint64_t bytes;
    if (!tskip__mul(size, device->threads, &bytes) || bytes > SIZE_MAX)
        return tskip__fail(TSKIP_OUT_OF_MEMORY,
                           "out of memory: group memory of %" PRIu64 " bytes for %u threads", size,
                           device->threads);
    char *slots = tskip__alloc((size_t)bytes, "group memory");
    if (!slots)
        return TSKIP_OUT_OF_MEMORY;
    tskip__free(device->slots, (size_t)device->slot_size * device->threads);
    device->slots = slots;
    device->slot_size = size;
    return TSKIP_OK;
}

tskip_status tskip__cpu_reserve(tskip__cpu_device *device, uint64_t size)
{
    tskip__cpu_pool_lock(&device->pool);
    tskip_status status = grow_slots(device, size);
    tskip__cpu_pool_unlock(&device->pool);
    return status;
}

/* Now if the slots are free, else when the kernel is first submitted: the dispatch that uses them
 * may be waiting for the kernel cache, whose lock is held here. */
static tskip_status reserve_unless_busy(tskip__cpu_device *device, uint64_t size)
{
    if (!tskip__cpu_pool_try_lock(&device->pool))
        return TSKIP_OK;
    tskip_status status = grow_slots(device, size);
    tskip__cpu_pool_unlock(&device->pool);
    return status;
}

tskip_status tskip__cpu_kernel_create(void *device, const tskip__kernel_spec *spec, void **kernel)
{
    size_t n = spec->desc->n_constants;
    tskip__cpu_kernel *out = tskip__alloc(sizeof *out + n * sizeof out->constants[0], "a kernel");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    out->function = spec->body->function;
    out->group_memory = spec->shape.group_memory;
    out->n_constants = n;
    if (n > 0)
        memcpy(out->constants, spec->values, n * sizeof out->constants[0]);
    if (out->group_memory > 0 && reserve_unless_busy(device, out->group_memory) != TSKIP_OK) {
        tskip__cpu_kernel_destroy(device, out);
        return TSKIP_OUT_OF_MEMORY;
    }
    *kernel = out;
    return TSKIP_OK;
}

void tskip__cpu_kernel_destroy(void *device, void *kernel)
{
    (void)device;
    tskip__cpu_kernel *old = kernel;
    tskip__free(old, sizeof *old + old->n_constants * sizeof old->constants[0]);
}

/* A parallel region: every task takes groups from `next` until none is left. */
typedef struct region {
    alignas(64) _Atomic uint64_t next;
    alignas(64) const tskip__cpu_launch *launch;
    uint64_t n_groups;
    char *slots;
    uint64_t slot_size;
} region;

static void run_group(const tskip__cpu_launch *launch, const uint32_t index[3], uint32_t task,
                      void *memory)
{
    const uint32_t *grid = launch->grid;
    const tskip_group group = {
        .index = {index[0], index[1], index[2]},
        .grid = {grid[0], grid[1], grid[2]},
        .thread = task,
        .constants = launch->kernel->constants,
    };
    launch->kernel->function(&group, launch->buffers, launch->args, memory);
}

static void run_task(void *context, uint32_t task)
{
    region *shared = context;
    bool was_inside = inside_kernel;
    inside_kernel = true;
    tskip__float_mode mode = tskip__float_mode_enter();
    void *memory = shared->slots ? shared->slots + task * shared->slot_size : NULL;
    for (;;) {
        uint64_t i = atomic_fetch_add_explicit(&shared->next, 1, memory_order_relaxed);
        if (i >= shared->n_groups)
            break;
        const uint32_t *grid = shared->launch->grid;
        const uint64_t rows = i / grid[0];
        const uint32_t index[3] = {(uint32_t)(i % grid[0]), (uint32_t)(rows % grid[1]),
                                   (uint32_t)(rows / grid[1])};
        run_group(shared->launch, index, task, memory);
    }
    tskip__float_mode_leave(mode);
    inside_kernel = was_inside;
}

static void run_serially(const tskip__cpu_launch *launch, void *memory)
{
    bool was_inside = inside_kernel;
    inside_kernel = true;
    tskip__float_mode mode = tskip__float_mode_enter();
    const uint32_t *grid = launch->grid;
    uint32_t index[3];
    for (index[2] = 0; index[2] < grid[2]; index[2]++)
        for (index[1] = 0; index[1] < grid[1]; index[1]++)
            for (index[0] = 0; index[0] < grid[0]; index[0]++)
                run_group(launch, index, 0, memory);
    tskip__float_mode_leave(mode);
    inside_kernel = was_inside;
}

void tskip__cpu_launch_run(tskip__cpu_device *device, const tskip__cpu_launch *launch, void *memory)
{
    uint64_t n_groups = (uint64_t)launch->grid[0] * launch->grid[1] * launch->grid[2];
    bool needs_memory = launch->kernel->group_memory > 0;
    bool alone = n_groups == 1 || device->threads == 1;
    if (inside_kernel || (alone && !needs_memory)) {
        run_serially(launch, memory);
        return;
    }

    tskip__cpu_pool_lock(&device->pool);
    char *slots = needs_memory ? device->slots : NULL;
    if (alone) {
        run_serially(launch, slots);
    } else {
        region shared = {
            .launch = launch, .n_groups = n_groups, .slots = slots, .slot_size = device->slot_size};
        uint32_t n_tasks = n_groups < device->threads ? (uint32_t)n_groups : device->threads;
        inside_kernel = true; /* while it waits, a caller's pool may give this thread other work */
        if (device->parallel_for)
            device->parallel_for(device->parallel_for_user, n_tasks, run_task, &shared);
        else
            tskip__cpu_pool_run(&device->pool, n_tasks, run_task, &shared);
        inside_kernel = false;
    }
    tskip__cpu_pool_unlock(&device->pool);
}
