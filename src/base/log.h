/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BASE_LOG_H
#define TSKIP_BASE_LOG_H

#include <tileskip/base.h>

/* Sends one line, without a newline, to the function of tskip_set_log if that wants this level; a
 * line past 511 bytes is cut. Costs one atomic load when nobody listens. Thread-safety: any. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void tskip__log(tskip_log_level level, const char *format, ...);

#endif
