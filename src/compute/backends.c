/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "backend.h"

extern const tskip__backend tskip__cpu_backend;
extern const tskip__backend tskip__cuda_backend;
extern const tskip__backend tskip__metal_backend;
extern const tskip__backend tskip__null_backend;

/* clang-format off */
const tskip__backend *const tskip__backends[] = {
    &tskip__cuda_backend,
    &tskip__metal_backend,
    &tskip__cpu_backend,
    &tskip__null_backend,
    NULL,
};
/* clang-format on */
