/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BACKENDS_CUDA_TARGET_H
#define TSKIP_BACKENDS_CUDA_TARGET_H

#include <stdbool.h>

#include "cuda_api.h"

/* Which NVRTC compiles for a device, and for which architecture. Loading NVRTC takes longer than
 * loading kernels from the cache, so the target of the last compilation is kept there too, and
 * NVRTC is loaded when something is to be compiled. */

typedef struct tskip__cuda_target {
    int major, minor;      /* NVRTC's version */
    char architecture[24]; /* "sm_90a", "compute_120" */
} tskip__cuda_target;

/* Asks NVRTC for the target of a device of `capability` (compute capability x 100): its own
 * architecture, with the instructions that only it has ("sm_90a"), or the newest virtual one that
 * this NVRTC knows.
 * Errors: DEVICE_NOT_FOUND (no NVRTC), COMPILATION_FAILED (it knows no such architecture). */
tskip_status tskip__cuda_target_ask(uint32_t capability, tskip__cuda_target *target);

/* The target that was kept, else NVRTC's word. Errors: as above. */
tskip_status tskip__cuda_target_find(uint32_t capability, tskip__cuda_target *target);

/* Keeps the target for later processes, where there is a cache. */
void tskip__cuda_target_keep(uint32_t capability, const tskip__cuda_target *target);

bool tskip__cuda_target_equal(const tskip__cuda_target *a, const tskip__cuda_target *b);

#endif
