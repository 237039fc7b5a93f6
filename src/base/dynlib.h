/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BASE_DYNLIB_H
#define TSKIP_BASE_DYNLIB_H

#include <stdbool.h>

/* A shared library loaded at run time, so that one binary works with and without a driver. */
typedef struct tskip__dynlib tskip__dynlib;

/* The first of `names` (NULL-ended) that loads, or NULL; then the last error says why the first did
 * not. What was loaded stays until the process ends. */
tskip__dynlib *tskip__dynlib_open(const char *const *names);

/* Stores the function `name` in the function pointer at `function`; false, and NULL there, if the
 * library lacks it. */
bool tskip__dynlib_symbol(tskip__dynlib *library, const char *name, void *function);

#endif
