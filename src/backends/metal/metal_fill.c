/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "metal_backend.h"

/* Metal's own fill repeats a byte and needs an encoder of its own; the seam fills with words. */

static const char text[] =
    "using namespace metal;\n"
    "struct fill_args {\n"
    "    ulong words;\n"
    "    uint value, reserved;\n"
    "};\n"
    "[[kernel, max_total_threads_per_threadgroup(TSKIP_GROUP_THREADS)]] void\n"
    "fill(device uint *to [[buffer(0)]], constant fill_args &a [[buffer(1)]],\n"
    "     uint3 group [[threadgroup_position_in_grid]], uint3 groups [[threadgroups_per_grid]],\n"
    "     uint thread_index [[thread_index_in_threadgroup]])\n"
    "{\n"
    "    ulong step = (ulong)groups.x * TSKIP_GROUP_THREADS;\n"
    "    ulong i = (ulong)group.x * TSKIP_GROUP_THREADS + thread_index;\n"
    "    for (; i < a.words; i += step)\n"
    "        to[i] = a.value;\n"
    "}\n";

static const tskip_kernel_body body = {
    .format = TSKIP_CODE_MSL, .code = text, .code_size = sizeof text - 1, .entry = "fill"};

static const tskip_kernel_desc desc = {
    .name = "fill",
    .bodies = &body,
    .n_bodies = 1,
    .n_bindings = 1,
    .args_size = sizeof(tskip__metal_fill_args),
};

tskip_status tskip__metal_fill_kernel(tskip__metal_device *device,
                                      const tskip__metal_kernel **kernel)
{
    const tskip__kernel_spec spec = {
        .desc = &desc,
        .body = &body,
        .shape = {.group_size = {TSKIP__METAL_FILL_THREADS, 1, 1}, .cluster_size = 1},
        .name = "fill",
    };
    tskip_status status = TSKIP_OK;
    tskip__mutex_lock(&device->fill_lock);
    if (!device->fill) {
        void *made = NULL;
        status = tskip__metal_kernel_create(device, &spec, &made);
        device->fill = made;
    }
    *kernel = device->fill;
    tskip__mutex_unlock(&device->fill_lock);
    return status;
}
