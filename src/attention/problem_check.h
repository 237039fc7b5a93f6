/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_ATTENTION_PROBLEM_CHECK_H
#define TSKIP_ATTENTION_PROBLEM_CHECK_H

#include <tileskip/attention.h>

/* An attention problem, checked: the only place where its arguments are. */
typedef struct tskip__problem {
    tskip_attention_desc desc; /* zeros replaced by the values in use, tile excepted */
    uint64_t q_bytes, k_bytes, v_bytes, o_bytes; /* from the first element to past the last */
    uint64_t lse_bytes, sinks_bytes;             /* 0 where not wanted */
} tskip__problem;

/* Fills *problem from the caller's description. Errors: INVALID_ARGUMENT, UNSUPPORTED. */
tskip_status tskip__problem_check(const tskip_attention_desc *desc, tskip__problem *problem);

#endif
