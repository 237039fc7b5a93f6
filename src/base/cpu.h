/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BASE_CPU_H
#define TSKIP_BASE_CPU_H

#include <tileskip/base.h>

/* What this processor can run, what it caches and how much of it this process may use. Built
 * without instruction-set flags, so that asking is safe anywhere.
 *
 * Instruction sets form a ladder, one ladder an architecture; a rung needs all below it. The number
 * of a rung is the `capability` that a kernel body in C states: the device takes the highest body
 * at or below its own rung. A rung is there only if the processor has it (CPUID) *and* the
 * operating system saves its registers (XCR0; for AMX also a permission asked of Linux). */

typedef enum tskip__rung {
    TSKIP__CPU_C = 0, /* portable C */

    TSKIP__CPU_AVX2 = 10,       /* AVX2, FMA, F16C */
    TSKIP__CPU_AVX512 = 20,     /* AVX-512 F, BW, DQ, VL */
    TSKIP__CPU_AVX512BF16 = 30, /* AVX512_BF16 */
    TSKIP__CPU_AMX = 40,        /* AMX-TILE, AMX-BF16 */

    TSKIP__CPU_NEON = 10,     /* Advanced SIMD */
    TSKIP__CPU_NEONBF16 = 20, /* BFDOT, BFMMLA */
} tskip__rung;

typedef struct tskip__rung_name {
    const char *name;
    tskip__rung rung;
} tskip__rung_name;

/* This architecture's ladder, lowest first, "c" at its foot; ended by a NULL name. */
extern const tskip__rung_name tskip__cpu_ladder[];

/* The highest rung that this machine has, whatever TSKIP_CPU says. Asks the machine once.
 * Thread-safety: any. */
tskip__rung tskip__cpu_best(void);

/* The lower of tskip__cpu_best and the environment's TSKIP_CPU, read at each call.
 * Errors: INVALID_ARGUMENT (TSKIP_CPU holds no rung's name: it and the ladder are named). */
tskip_status tskip__cpu_allowed(tskip__rung *rung);

/* A rung's name, static; "?" for a number that is none. */
const char *tskip__cpu_rung_name(tskip__rung rung);

/* Finds a rung by name in the ladder; false if it is none. */
bool tskip__cpu_rung_find(const char *name, tskip__rung *rung);

/* The ladder in one line, "c, avx2, avx512", for an error's text. */
void tskip__cpu_ladder_text(char *text, size_t size);

/* Processors that this process may run on (its affinity), at least 1. Asked at each call. */
uint32_t tskip__cpu_count(void);

/* L1 data, L2 and L3 in bytes, of the first processor; 0 where the machine does not say. */
void tskip__cpu_caches(uint64_t sizes[3]);

/* The processor's name, "" if it has none. */
void tskip__cpu_model(char *name, size_t size);

/* Bytes of memory in the machine; 0 if unknown. */
uint64_t tskip__cpu_memory(void);

#endif
