/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "kernel_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/cell.h"

guarded kernel_memory(size_t size)
{
    guarded memory;
    if (!guarded_create(&memory, size)) {
        fprintf(stderr, "no memory for %zu bytes\n", size);
        exit(1);
    }
    memset(memory.data, 0x5a, size);
    return memory;
}

void kernel_run(const tskip_kernel_body *body, uint32_t x, uint32_t y, void *const *buffers,
                const void *args, size_t group_memory)
{
    void *memory = aligned_alloc(64, (group_memory + 64) / 64 * 64);
    tskip_group group = {.grid = {x, y, 1}};
    if (!memory)
        exit(1);
    memset(memory, 0xa5, group_memory);
    for (group.index[1] = 0; group.index[1] < y; group.index[1]++)
        for (group.index[0] = 0; group.index[0] < x; group.index[0]++)
            body->function(&group, buffers, args, memory);
    free(memory);
}

/* Zero, masked, and what is neither, as bits. */
static const uint32_t f32_zero[] = {0, 0x80000000};
static const uint32_t f32_masked[] = {0xFF800000, 0xFF7FFFFF, 0xF149F2CA, 0xF149F2CB};
static const uint32_t f32_other[] = {0xF149F2C9, 0x3F800000, 0xBF800000, 0x7FC00000,
                                     0xFFC00000, 0xFF800001, 0x7F800000, 0x00000001};
static const uint32_t f16_zero[] = {0, 0x8000};
static const uint32_t f16_masked[] = {0xFC00, 0xFBFF};
static const uint32_t f16_other[] = {0xFBFE, 0x3C00, 0xBC00, 0x7E00, 0xFE00, 0xFC01, 0x7C00, 1};
static const uint32_t bf16_zero[] = {0, 0x8000};
static const uint32_t bf16_masked[] = {0xFF80, 0xFF7F, 0xF14A};
static const uint32_t bf16_other[] = {0xF149, 0x3F80, 0xBF80, 0x7FC0, 0xFFC0, 0xFF81, 0x7F80, 1};
static const uint32_t bool_zero[] = {1, 255, 128};
static const uint32_t bool_masked[] = {0};

#define LIST(x) x, sizeof(x) / sizeof((x)[0])

static uint32_t random_bits(random_state *rng, uint32_t dtype, int kind)
{
    const struct {
        const uint32_t *bits;
        size_t n;
    } lists[5][3] = {
        [TSKIP__F32] = {{LIST(f32_masked)}, {LIST(f32_other)}, {LIST(f32_zero)}},
        [TSKIP__F16] = {{LIST(f16_masked)}, {LIST(f16_other)}, {LIST(f16_zero)}},
        [TSKIP__BF16] = {{LIST(bf16_masked)}, {LIST(bf16_other)}, {LIST(bf16_zero)}},
        [TSKIP__BOOL] = {{LIST(bool_masked)}, {LIST(bool_zero)}, {LIST(bool_zero)}},
    };
    return lists[dtype][kind].bits[random_between(rng, 0, (int64_t)lists[dtype][kind].n - 1)];
}

void kernel_random_cells(random_state *rng, uint32_t dtype, void *cells, size_t n)
{
    const size_t size = tskip__cell_size(dtype);
    for (size_t i = 0; i < n;) {
        const int kind = random_chance(rng, 10) ? 1 : random_chance(rng, 50) ? 2 : 0;
        const size_t run = kind == 1 ? 1 : (size_t)random_between(rng, 1, 400);
        for (size_t end = i + run; i < end && i < n; i++) {
            const uint32_t bits = random_bits(rng, dtype, kind);
            const uint16_t half = (uint16_t)bits;
            const uint8_t byte = (uint8_t)bits;
            const void *from = size == 4   ? (const void *)&bits
                               : size == 2 ? (const void *)&half
                                           : &byte;
            memcpy((char *)cells + i * size, from, size);
        }
    }
}
