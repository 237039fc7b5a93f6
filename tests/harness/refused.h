/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_HARNESS_REFUSED_H
#define TESTS_HARNESS_REFUSED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <tileskip/base.h>

/* For tests of errors and of the calls that must not make any. Include before nothing in
 * particular; it brings cmocka with it. */

/* The call must have returned `status`, and the last error must contain `text`. */
#define assert_refused(call, status, text) assert_refused_at((call), status, text, #call, __LINE__)

static inline void assert_refused_at(tskip_status got, tskip_status want, const char *text,
                                     const char *call, int line)
{
    if (got == want && strstr(tskip_last_error(), text))
        return;
    fail_msg("line %d: %s\n  gave %s: \"%s\"\n  expected %s with \"%s\"", line, call,
             tskip_status_name(got), tskip_last_error(), tskip_status_name(want), text);
}

#define assert_done(call) assert_done_at((call), #call, __LINE__)

static inline void assert_done_at(tskip_status got, const char *call, int line)
{
    if (got != TSKIP_OK)
        fail_msg("line %d: %s\n  gave %s: \"%s\"", line, call, tskip_status_name(got),
                 tskip_last_error());
}

#endif
