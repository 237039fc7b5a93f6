/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_CUDA_BODY_H
#define TSKIP_KERNELS_CUDA_BODY_H

#include <tileskip/compute.h>

/* Capabilities that CUDA bodies state: compute capability x 100. */
#define TSKIP__CUDA_AMPERE 800u
#define TSKIP__CUDA_HOPPER 900u

/* A body from the text that tskip_embed made of <text>.cu. */
#define TSKIP__CUDA_BODY(lowest, text, name)                                                       \
    {                                                                                              \
        .format = TSKIP_CODE_CUDA, .capability = (lowest), .code = tskip__source_##text##_cu,      \
        .code_size = sizeof tskip__source_##text##_cu - 1, .entry = (name)                         \
    }

#endif
