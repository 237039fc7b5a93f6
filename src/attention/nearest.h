/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_ATTENTION_NEAREST_H
#define TSKIP_ATTENTION_NEAREST_H

#include <fenv.h>

/* The caller's thread may round in another direction. What a plan or a mask computes on the host
 * must not depend on it: enter before, leave with what enter returned. Where the results travel
 * through `volatile`, the compiler keeps the order. */

static inline int tskip__nearest_enter(void)
{
    const int mode = fegetround();
    (void)fesetround(FE_TONEAREST);
    return mode;
}

static inline void tskip__nearest_leave(int mode)
{
    (void)fesetround(mode);
}

#endif
