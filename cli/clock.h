/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_CLOCK_H
#define TSKIP_CLI_CLOCK_H

#include <stddef.h>

/* Seconds since some moment, never going back. */
double clock_seconds(void);

/* The median; sorts the array. 0 for none. */
double clock_median(double *seconds, size_t n);

#endif
