/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BASE_ALLOC_H
#define TSKIP_BASE_ALLOC_H

#include <tileskip/base.h>

/* All host memory of the library comes from here, so that tskip_set_allocator governs it and a test
 * can make each allocation fail in turn. `size` is that of the allocation, on release too. */

/* `size` bytes, aligned to 64, contents undefined; or NULL with the last error set (size 0 counts
 * as 1). Say what for: "the plan", "a mask's spans". */
void *tskip__alloc(size_t size, const char *what);

/* The same, zeroed. */
void *tskip__alloc_zero(size_t size, const char *what);

/* The same, aligned to `alignment`, a power of two up to 4096. */
void *tskip__alloc_aligned(size_t size, size_t alignment, const char *what);

/* Accepts NULL. */
void tskip__free(void *memory, size_t size);

/* a · b, a + b; false if it does not fit. */
bool tskip__mul(uint64_t a, uint64_t b, uint64_t *product);
bool tskip__add(uint64_t a, uint64_t b, uint64_t *sum);

#endif
