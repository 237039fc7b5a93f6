/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "backend.h"

extern const tskip__backend tskip__cpu_backend;

const tskip__backend *const tskip__backends[] = {
    &tskip__cpu_backend,
    NULL,
};
