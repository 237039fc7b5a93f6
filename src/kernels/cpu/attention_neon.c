/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "simd_neon.h"

#include "attention_tmpl.h"

void tskip__attention_neon(const tskip_group *group, void *const *buffers, const void *args,
                           void *memory)
{
    run_item(group, buffers, args, memory);
}

void tskip__attention_parts_neon(const tskip_group *group, void *const *buffers, const void *args,
                                 void *memory)
{
    run_part(group, buffers, args, memory);
}
