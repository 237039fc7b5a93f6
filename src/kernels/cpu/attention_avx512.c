/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "simd_avx512.h"

#include "attention_tmpl.h"

void tskip__attention_avx512(const tskip_group *group, void *const *buffers, const void *args,
                             void *memory)
{
    (void)run_item(group, buffers, args, memory);
}

void tskip__attention_parts_avx512(const tskip_group *group, void *const *buffers, const void *args,
                                   void *memory)
{
    (void)run_part(group, buffers, args, memory);
}
