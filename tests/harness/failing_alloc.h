/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_HARNESS_FAILING_ALLOC_H
#define TESTS_HARNESS_FAILING_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <tileskip/base.h>

/* An allocator that counts, poisons and fails on demand. Link tests/harness/failing_alloc.c.
 *
 * Fresh memory holds 0xA5 in every byte, so that nothing can rely on zeros. A release of what was
 * not allocated, or with another size, is a fault.
 * Thread-safety: the allocator any; the functions below from one thread, with no object of the
 * library alive where nothing else is said. */

/* Makes one thing of the library's from nothing, destroys all of it again whatever happens, and
 * returns the first status that was not TSKIP_OK. */
typedef tskip_status (*failing_alloc_scenario)(void *context);

/* Runs `scenario` with a working allocator, where it must succeed, then once for each of its
 * allocations: first with that one failing alone, then with it and all later ones failing. Each
 * such run must return TSKIP_OUT_OF_MEMORY with a text that says so and leave nothing allocated;
 * the run after it, with a working allocator, must succeed. Fails the cmocka test otherwise.
 * Returns how many allocations the scenario makes, so that a test can assert that it makes some. */
size_t failing_alloc_sweep(failing_alloc_scenario scenario, void *context);

/* The parts of the sweep, for tests that need something else. */

#define FAILING_ALLOC_NEVER ((size_t)-1)

/* Installs the allocator, counts at zero. The n-th allocation from now on fails (0: the first), and
 * if `onwards` all after it; FAILING_ALLOC_NEVER: none. */
void failing_alloc_install(size_t n, bool onwards);

/* The same for an allocator already installed: the n-th from now on. What is alive may be. */
void failing_alloc_arm(size_t n, bool onwards);

/* Puts the C library's allocator back. Returns the number of allocations asked for; *live is how
 * many are left, *faults how many releases were wrong. */
size_t failing_alloc_remove(size_t *live, size_t *faults);

#endif
