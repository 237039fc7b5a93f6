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

/* For the error about a name that does not exist: writes "; the nearest is NAME" to `text`, or ""
 * if none is near, and returns it. A name past 40 bytes is cut. */
enum { TSKIP__HINT_SIZE = 64 };
const char *tskip__hint(const char *word, const char *const *names, size_t n,
                        char text[TSKIP__HINT_SIZE]);

/* As printf's "%.9g" in the C locale, whatever the program's: its decimal point may be a comma.
 * Nine digits give back the same f32. Like snprintf returns the length it has, whatever `size`. */
int tskip__format_f32(float value, char *text, size_t size);

#endif
