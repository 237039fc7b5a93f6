/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "simd_avx512bf16.h"

#include "attention_tmpl.h"

void tskip__attention_avx512bf16(const tskip_group *group, void *const *buffers, const void *args,
                                 void *memory)
{
    if (!tskip__takes_pairs(group, args) || run_item(group, buffers, args, memory))
        tskip__attention_avx512(group, buffers, args, memory);
}

void tskip__attention_parts_avx512bf16(const tskip_group *group, void *const *buffers,
                                       const void *args, void *memory)
{
    if (!tskip__takes_pairs(group, args) || run_part(group, buffers, args, memory))
        tskip__attention_parts_avx512(group, buffers, args, memory);
}
