/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BASE_STATUS_H
#define TSKIP_BASE_STATUS_H

#include <tileskip/base.h>

enum { TSKIP__ERROR_SIZE = 4096 };

/* Records the thread's last error as one sentence that names the argument, its value and what was
 * expected, and returns `status`, so that a check reads `return tskip__fail(…)`. Text past 4095
 * bytes is cut. Allocates nothing. Thread-safety: per thread. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
tskip_status
tskip__fail(tskip_status status, const char *format, ...);

/* Fails with the text "WHAT is NULL, expected EXPECTED" if `pointer` is. */
tskip_status tskip__require(const void *pointer, const char *what, const char *expected);

/* For a call that tries something, sees it fail and goes on: what it leaves must be what it found.
 * Thread-safety: per thread. */
typedef struct tskip__error_text {
    char text[TSKIP__ERROR_SIZE];
} tskip__error_text;

void tskip__error_keep(tskip__error_text *kept);
void tskip__error_restore(const tskip__error_text *kept);

#define TSKIP__TRY(call)                                                                           \
    do {                                                                                           \
        tskip_status tskip__status_ = (call);                                                      \
        if (tskip__status_ != TSKIP_OK)                                                            \
            return tskip__status_;                                                                 \
    } while (0)

#endif
