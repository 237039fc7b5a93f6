/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_ATTENTION_CONSTANTS_H
#define TSKIP_KERNELS_ATTENTION_CONSTANTS_H

#include <tileskip/compute.h>

/* The specialisation constants that every attention kernel declares, and their places. */
enum {
#define CONSTANT(name, shape) TSKIP__ID_##name,
#include "constants.def"
#undef CONSTANT
    TSKIP__N_ATTENTION_CONSTANTS,
};

extern const tskip_constant_decl tskip__attention_constants[];

#endif
