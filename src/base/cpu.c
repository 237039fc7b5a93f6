/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#if defined(__linux__)
#define _GNU_SOURCE /* syscall */
#endif
#include "cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"
#include "thread.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

const tskip__rung_name tskip__cpu_ladder[] = {
    {"c", TSKIP__CPU_C},           {"avx2", TSKIP__CPU_AVX2},
    {"avx512", TSKIP__CPU_AVX512}, {"avx512bf16", TSKIP__CPU_AVX512BF16},
    {"amx", TSKIP__CPU_AMX},       {NULL, TSKIP__CPU_C},
};

/* Registers that the system saves, bits of XCR0. */
enum { SAVES_YMM = 0x6, SAVES_ZMM = 0xe0, SAVES_TILES = 0x60000 };

/* CPUID bits: leaf 1 ECX; leaf 7.0 EBX and EDX; leaf 7.1 EAX. */
enum { FMA = 1 << 12, OSXSAVE = 1 << 27, AVX = 1 << 28, F16C = 1 << 29 };
enum { AVX2 = 1 << 5, AVX512F = 1 << 16, AVX512DQ = 1 << 17, AVX512BW = 1 << 30 };
#define AVX512VL    (1u << 31)
#define AMX_BF16    (1u << 22)
#define AMX_TILE    (1u << 24)
#define AVX512_BF16 (1u << 5)

static bool has(uint32_t word, uint32_t bits)
{
    return (word & bits) == bits;
}

static uint32_t saved_registers(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* Linux gives a process its tile registers only on request. */
static bool tiles_permitted(void)
{
#if defined(__linux__) && defined(SYS_arch_prctl)
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
    return false;
#endif
}

static tskip__rung detect(void)
{
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, OSXSAVE | AVX | FMA | F16C))
        return TSKIP__CPU_C;
    uint32_t saved = saved_registers();
    if (!has(saved, SAVES_YMM))
        return TSKIP__CPU_C;

    uint32_t features, more, extended, unused;
    if (!__get_cpuid_count(7, 0, &a, &features, &unused, &more) || !has(features, AVX2))
        return TSKIP__CPU_C;
    if (!has(features, AVX512F | AVX512DQ | AVX512BW | AVX512VL) || !has(saved, SAVES_ZMM))
        return TSKIP__CPU_AVX2;

    if (a < 1 || !__get_cpuid_count(7, 1, &extended, &b, &c, &d) || !has(extended, AVX512_BF16))
        return TSKIP__CPU_AVX512;
    if (!has(more, AMX_TILE | AMX_BF16) || !has(saved, SAVES_TILES) || !tiles_permitted())
        return TSKIP__CPU_AVX512BF16;
    return TSKIP__CPU_AMX;
}

#elif defined(__aarch64__)
#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

const tskip__rung_name tskip__cpu_ladder[] = {
    {"c", TSKIP__CPU_C},
    {"neon", TSKIP__CPU_NEON},
    {"neonbf16", TSKIP__CPU_NEONBF16},
    {NULL, TSKIP__CPU_C},
};

static tskip__rung detect(void)
{
#if defined(__linux__)
    enum { ASIMD = 1 << 1, BF16 = 1 << 14 }; /* AT_HWCAP, AT_HWCAP2 */
    if (!(getauxval(AT_HWCAP) & ASIMD))
        return TSKIP__CPU_C;
    return getauxval(AT_HWCAP2) & BF16 ? TSKIP__CPU_NEONBF16 : TSKIP__CPU_NEON;
#elif defined(__APPLE__)
    int bf16 = 0;
    size_t size = sizeof bf16;
    (void)sysctlbyname("hw.optional.arm.FEAT_BF16", &bf16, &size, NULL, 0);
    return bf16 ? TSKIP__CPU_NEONBF16 : TSKIP__CPU_NEON;
#else
    return TSKIP__CPU_NEON; /* part of the architecture */
#endif
}

#else

const tskip__rung_name tskip__cpu_ladder[] = {{"c", TSKIP__CPU_C}, {NULL, TSKIP__CPU_C}};

static tskip__rung detect(void)
{
    return TSKIP__CPU_C;
}
#endif

static tskip__once once = TSKIP__ONCE_INIT;
static tskip__rung best;

static void detect_once(void)
{
    best = detect();
}

tskip__rung tskip__cpu_best(void)
{
    tskip__once_run(&once, detect_once);
    return best;
}

tskip_status tskip__cpu_allowed(tskip__rung *rung)
{
    *rung = tskip__cpu_best();
    const char *cap = getenv("TSKIP_CPU");
    if (!cap || !*cap)
        return TSKIP_OK;
    tskip__rung capped;
    if (!tskip__cpu_rung_find(cap, &capped)) {
        char ladder[128];
        tskip__cpu_ladder_text(ladder, sizeof ladder);
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "environment TSKIP_CPU is \"%s\", expected one of %s", cap, ladder);
    }
    if (capped < *rung)
        *rung = capped;
    return TSKIP_OK;
}

const char *tskip__cpu_rung_name(tskip__rung rung)
{
    for (const tskip__rung_name *step = tskip__cpu_ladder; step->name; step++)
        if (step->rung == rung)
            return step->name;
    return "?";
}

bool tskip__cpu_rung_find(const char *name, tskip__rung *rung)
{
    for (const tskip__rung_name *step = tskip__cpu_ladder; step->name; step++)
        if (strcmp(step->name, name) == 0) {
            *rung = step->rung;
            return true;
        }
    return false;
}

void tskip__cpu_ladder_text(char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (const tskip__rung_name *step = tskip__cpu_ladder; step->name && used < size; step++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", step->name);
}
