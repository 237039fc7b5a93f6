/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BACKENDS_CPU_FLOAT_H
#define TSKIP_BACKENDS_CPU_FLOAT_H

#include <stdint.h>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

/* The thread's floating-point mode. A program may run with other rounding or with subnormals
 * flushed to zero; kernels always see the default mode and give it back as they found it, the
 * exception flags included, so that results do not depend on the thread that computed them. */

#if defined(__SSE__)
typedef uint32_t tskip__float_mode;

static inline tskip__float_mode tskip__float_mode_enter(void)
{
    uint32_t mode = _mm_getcsr();
    _mm_setcsr(0x1f80); /* nearest, exceptions masked, no flushing */
    return mode;
}

static inline void tskip__float_mode_leave(tskip__float_mode mode)
{
    _mm_setcsr(mode);
}

#elif defined(__aarch64__)
typedef uint64_t tskip__float_mode;

static inline tskip__float_mode tskip__float_mode_enter(void)
{
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    if (mode != 0)
        __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0) : "memory");
    return mode;
}

static inline void tskip__float_mode_leave(tskip__float_mode mode)
{
    if (mode != 0)
        __asm__ volatile("msr fpcr, %0" : : "r"(mode) : "memory");
}

#else
typedef int tskip__float_mode;

static inline tskip__float_mode tskip__float_mode_enter(void)
{
    return 0;
}

static inline void tskip__float_mode_leave(tskip__float_mode mode)
{
    (void)mode;
}
#endif

#endif
