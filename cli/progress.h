/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_PROGRESS_H
#define TSKIP_CLI_PROGRESS_H

#include <stdint.h>

/* A line on stderr that shows that long work goes on, drawn by a thread of its own from two seconds
 * after the start, and only if stderr is a terminal. */
typedef struct progress progress;

/* total 0: how much there is to do is unknown, and time alone is shown. NULL (which every call
 * accepts) where nothing would be shown. */
progress *progress_start(const char *what, uint64_t total);
void progress_set(progress *p, uint64_t done);

/* From now on it is known: so much, and none of it done. */
void progress_expect(progress *p, uint64_t total);

/* Wipes the line and frees. */
void progress_stop(progress **p);

#endif
