/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BACKENDS_CUDA_COMPILE_H
#define TSKIP_BACKENDS_CUDA_COMPILE_H

#include "compute/backend.h"
#include "cuda_api.h"

/* Kernel text to machine code with NVRTC. Needs no GPU. */

/* What came out. One allocation each; log is "" where there is nothing to say. */
typedef struct tskip__cuda_image {
    char *code; /* a cubin, or PTX for a device that this NVRTC does not know yet */
    size_t code_size;
    char *log;
    size_t log_size; /* with the final zero */
} tskip__cuda_image;

/* Compiles spec->body->code for `architecture`. The constants arrive as macros TSKIP_C_<NAME>, the
 * threads of a group as TSKIP_GROUP_THREADS. Nothing is fused that the text does not fuse.
 * `report`: the log tells registers, shared memory and spills.
 * Errors: COMPILATION_FAILED (with the log), OUT_OF_MEMORY; *image is then empty. */
tskip_status tskip__cuda_compile(const tskip__cuda_api *api, const tskip__kernel_spec *spec,
                                 const char *architecture, bool report, tskip__cuda_image *image);

void tskip__cuda_image_release(tskip__cuda_image *image);

#endif
