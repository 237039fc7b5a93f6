/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BASE_TEXT_H
#define TSKIP_BASE_TEXT_H

#include <stddef.h>

/* How many insertions, deletions, replacements and swaps of neighbours turn a into b. Compares at
 * most 63 bytes of each. */
size_t tskip__edit_distance(const char *a, const char *b);

/* The one of names[0 … n - 1] that `word` was probably meant to be, or NULL if none is near: at
 * most a third of its letters differ, or one is the beginning of the other. */
const char *tskip__nearest(const char *word, const char *const *names, size_t n);

#endif
