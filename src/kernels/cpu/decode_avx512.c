/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "simd_avx512.h"

#include "decode_tmpl.h"

void tskip__decode_avx512(const tskip_group *group, void *const *buffers, const void *args,
                          void *memory)
{
    (void)run_part(group, buffers, args, memory);
}
