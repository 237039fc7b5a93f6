/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BACKENDS_METAL_COMPILE_H
#define TSKIP_BACKENDS_METAL_COMPILE_H

#include "compute/backend.h"
#include "metal_api.h"

/* Kernel text to a function. A kernel's text sees its constants as TSKIP_C_<NAME>: those that are a
 * shape as macros, the others as function constants, in lines put before it. It also sees
 * TSKIP_GROUP_THREADS, and TSKIP_ENTRY_<name of the entry>, which is 1. The first line forbids the
 * compiler to fuse products with sums: no option does. */

/* Texts that were compiled, for other function constants to start from. */
typedef struct tskip__metal_library tskip__metal_library;

/* The function for the spec's constants; the caller releases it. Nothing is fused that the text
 * does not fuse, and no value is assumed to be finite. Calls with one list must not overlap.
 * Errors: COMPILATION_FAILED (with the log), UNSUPPORTED (a constant's name too long),
 * OUT_OF_MEMORY. */
tskip_status tskip__metal_compile(const tskip__metal_api *api, tskip__id device,
                                  tskip__metal_library **libraries, const tskip__kernel_spec *spec,
                                  tskip__id *function);

void tskip__metal_libraries_release(const tskip__metal_api *api, tskip__metal_library **libraries);

#endif
