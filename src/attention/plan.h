/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_ATTENTION_PLAN_H
#define TSKIP_ATTENTION_PLAN_H

#include "kernels/kernel_table.h"
#include "problem_check.h"

/* A plan: all that is known without the pointers. The argument blocks are complete; encoding only
 * adds bindings. */
struct tskip_plan {
    tskip_plan_info info;
    tskip__problem problem;
    tskip_device *device; /* counted */
    tskip_mask *mask;     /* counted; NULL: none */
    const tskip_kernel *attention;
    const tskip_kernel *combine;             /* joins what it leaves of the parts; NULL: no parts */
    const tskip_kernel *map, *count, *order; /* NULL where unused */
    uint32_t groups;                         /* that attention runs in */
    bool has_views;                          /* Q, K and V are handed over as views too */
    tskip_tensor_view views[3];
    struct tskip__plane_args plane;
    struct tskip__order_args order_args;
    struct tskip__attention_args args;
    /* Pieces of the workspace, in this order; 0 where unused. */
    uint64_t map_bytes, counts_bytes, order_bytes, parts_bytes;
    char text[160];
};

/* What the first byte of a tensor that is handed over as a view lies at a multiple of. */
#define TSKIP__VIEW_ALIGNMENT 16u

/* Each part of a workspace starts on a cache line. */
static inline uint64_t tskip__workspace_part(uint64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

#endif
