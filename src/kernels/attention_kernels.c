/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "base/cpu.h"
#include "attention_constants.h"
#include "cpu/attention_cpu.h"
#include "cpu/decode_cpu.h"
#include "kernel_table.h"

const tskip_constant_decl tskip__attention_constants[] = {
#define CONSTANT(text, shape)                                                                      \
    {.name = #text, .id = TSKIP__ID_##text, .type = TSKIP_CONSTANT_U32, .is_shape = shape},
#include "constants.def"
#undef CONSTANT
};

static const tskip_kernel_body bodies[] = {
    {.format = TSKIP_CODE_C, .capability = TSKIP__CPU_C, .function = tskip__attention_c},
#if defined(__x86_64__)
    {.format = TSKIP_CODE_C, .capability = TSKIP__CPU_AVX2, .function = tskip__attention_avx2},
    {.format = TSKIP_CODE_C, .capability = TSKIP__CPU_AVX512, .function = tskip__attention_avx512},
    {.format = TSKIP_CODE_C,
     .capability = TSKIP__CPU_AVX512BF16,
     .function = tskip__attention_avx512bf16},
    {.format = TSKIP_CODE_C, .capability = TSKIP__CPU_AMX, .function = tskip__attention_amx},
#elif defined(__aarch64__)
    {.format = TSKIP_CODE_C, .capability = TSKIP__CPU_NEON, .function = tskip__attention_neon},
    {.format = TSKIP_CODE_C,
     .capability = TSKIP__CPU_NEONBF16,
     .function = tskip__attention_neonbf16},
#endif
};

static void specialise(const tskip_constant_value *values, const tskip_kernel_body *body,
                       tskip_kernel_shape *shape)
{
    (void)body;
    shape->group_memory =
        tskip__attention_memory(values[TSKIP__ID_head_dim].u32, values[TSKIP__ID_head_dim_v].u32,
                                values[TSKIP__ID_bk].u32, values[TSKIP__ID_panels].u32);
}

const tskip_kernel_desc tskip__kernel_attention = {
    .name = "attention",
    TSKIP__ATTENTION_KERNEL(bodies, TSKIP__N_ATTENTION_BINDINGS),
    .shape = {.group_size = {1, 1, 1}},
    .specialise = specialise,
};

static const tskip_kernel_body parts_bodies[] = {
    {.format = TSKIP_CODE_C, .capability = TSKIP__CPU_C, .function = tskip__attention_parts_c},
#if defined(__x86_64__)
    {.format = TSKIP_CODE_C,
     .capability = TSKIP__CPU_AVX2,
     .function = tskip__attention_parts_avx2},
    {.format = TSKIP_CODE_C,
     .capability = TSKIP__CPU_AVX512,
     .function = tskip__attention_parts_avx512},
    {.format = TSKIP_CODE_C,
     .capability = TSKIP__CPU_AVX512BF16,
     .function = tskip__attention_parts_avx512bf16},
    {.format = TSKIP_CODE_C, .capability = TSKIP__CPU_AMX, .function = tskip__attention_parts_amx},
#elif defined(__aarch64__)
    {.format = TSKIP_CODE_C,
     .capability = TSKIP__CPU_NEON,
     .function = tskip__attention_parts_neon},
    {.format = TSKIP_CODE_C,
     .capability = TSKIP__CPU_NEONBF16,
     .function = tskip__attention_parts_neonbf16},
#endif
};

const tskip_kernel_desc tskip__kernel_attention_parts = {
    .name = "attention_parts",
    TSKIP__ATTENTION_KERNEL(parts_bodies, TSKIP__N_DECODE_BINDINGS),
    .shape = {.group_size = {1, 1, 1}},
    .specialise = specialise,
};

static const tskip_kernel_body decode_bodies[] = {
    {.format = TSKIP_CODE_C, .capability = TSKIP__CPU_C, .function = tskip__decode_c},
#if defined(__x86_64__)
    {.format = TSKIP_CODE_C, .capability = TSKIP__CPU_AVX2, .function = tskip__decode_avx2},
    {.format = TSKIP_CODE_C, .capability = TSKIP__CPU_AVX512, .function = tskip__decode_avx512},
    {.format = TSKIP_CODE_C,
     .capability = TSKIP__CPU_AVX512BF16,
     .function = tskip__decode_avx512bf16},
#elif defined(__aarch64__)
    {.format = TSKIP_CODE_C, .capability = TSKIP__CPU_NEON, .function = tskip__decode_neon},
    {.format = TSKIP_CODE_C, .capability = TSKIP__CPU_NEONBF16, .function = tskip__decode_neonbf16},
#endif
};

static void specialise_decode(const tskip_constant_value *values, const tskip_kernel_body *body,
                              tskip_kernel_shape *shape)
{
    (void)body;
    shape->group_memory =
        tskip__decode_memory(values[TSKIP__ID_head_dim].u32, values[TSKIP__ID_head_dim_v].u32,
                             values[TSKIP__ID_group].u32);
}

const tskip_kernel_desc tskip__kernel_decode = {
    .name = "decode",
    TSKIP__ATTENTION_KERNEL(decode_bodies, TSKIP__N_DECODE_BINDINGS),
    .shape = {.group_size = {1, 1, 1}},
    .specialise = specialise_decode,
};

static const tskip_kernel_body decode_combine_bodies[] = {
    {.format = TSKIP_CODE_C, .capability = TSKIP__CPU_C, .function = tskip__decode_combine_c},
};

const tskip_kernel_desc tskip__kernel_decode_combine = {
    .name = "decode_combine",
    TSKIP__ATTENTION_KERNEL(decode_combine_bodies, TSKIP__N_DECODE_BINDINGS),
    .shape = {.group_size = {1, 1, 1}},
};
