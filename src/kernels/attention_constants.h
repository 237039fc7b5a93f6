/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_ATTENTION_CONSTANTS_H
#define TSKIP_KERNELS_ATTENTION_CONSTANTS_H

#include <tileskip/compute.h>

#include "shared/kargs.h"

/* The specialisation constants that every attention kernel declares, and their places. */
enum {
#define CONSTANT(name, shape) TSKIP__ID_##name,
#include "constants.def"
#undef CONSTANT
    TSKIP__N_ATTENTION_CONSTANTS,
};

extern const tskip_constant_decl tskip__attention_constants[];

/* Bindings of an attention kernel, and of one that works the keys in parts: see kernel_table.h. */
enum { TSKIP__N_ATTENTION_BINDINGS = 10, TSKIP__N_DECODE_BINDINGS = 11 };

/* What the descriptions of all attention kernels have in common, given the array of bodies. */
#define TSKIP__ATTENTION_KERNEL(list, bindings)                                                    \
    .bodies = (list), .n_bodies = sizeof(list) / sizeof *(list),                                   \
    .constants = tskip__attention_constants, .n_constants = TSKIP__N_ATTENTION_CONSTANTS,          \
    .n_bindings = (bindings), .args_size = sizeof(struct tskip__attention_args)

#endif
