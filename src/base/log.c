/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "thread.h"

static tskip__mutex lock = TSKIP__MUTEX_INIT;
static tskip_log_fn sink;
static void *sink_user;
static _Atomic int sink_level;

void tskip_set_log(tskip_log_fn log, void *user, tskip_log_level level)
{
    tskip__mutex_lock(&lock);
    sink = log;
    sink_user = user;
    atomic_store(&sink_level, log ? (int)level : 0);
    tskip__mutex_unlock(&lock);
}

void tskip__log(tskip_log_level level, const char *format, ...)
{
    if (atomic_load_explicit(&sink_level, memory_order_relaxed) < (int)level)
        return;
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);

    tskip__mutex_lock(&lock);
    tskip_log_fn log = sink;
    void *user = sink_user;
    tskip__mutex_unlock(&lock);
    if (log)
        log(user, level, line);
}
