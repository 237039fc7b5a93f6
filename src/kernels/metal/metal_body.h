/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_METAL_BODY_H
#define TSKIP_KERNELS_METAL_BODY_H

#include <tileskip/compute.h>

/* The capability that Metal bodies state: the Apple GPU family, 1007 for M1. */
#define TSKIP__METAL_APPLE7 1007u

/* A body from the text that tskip_embed made of <text>.metal. */
#define TSKIP__METAL_BODY(text, name)                                                              \
    {                                                                                              \
        .format = TSKIP_CODE_MSL, .capability = TSKIP__METAL_APPLE7,                               \
        .code = tskip__source_##text##_metal,                                                      \
        .code_size = sizeof tskip__source_##text##_metal - 1, .entry = (name)                      \
    }

#endif
