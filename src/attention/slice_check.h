/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_ATTENTION_SLICE_CHECK_H
#define TSKIP_ATTENTION_SLICE_CHECK_H

#include <tileskip/attention.h>

/* Refuses a slice whose place is no multiple of `alignment`, at most 64, or that does not hold
 * `bytes` bytes; its buffer is there. `name` begins the message. */
tskip_status tskip__slice_check(const char *name, tskip_slice slice, uint64_t bytes,
                                uint64_t alignment);

#endif
