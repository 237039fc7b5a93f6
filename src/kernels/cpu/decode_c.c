/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "simd_c.h"

#include "decode_tmpl.h"

void tskip__decode_c(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    (void)run_part(group, buffers, args, memory);
}
