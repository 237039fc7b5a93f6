/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char last_error[TSKIP__ERROR_SIZE];

tskip_status tskip__fail(tskip_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(last_error, sizeof last_error, format, arguments);
    va_end(arguments);
    for (char *c = last_error; *c; c++) /* what a caller gave may reach a terminal */
        if ((unsigned char)*c < ' ' && *c != '\n' && *c != '\t')
            *c = '?';
    return status;
}

tskip_status tskip__require(const void *pointer, const char *what, const char *expected)
{
    if (pointer)
        return TSKIP_OK;
    return tskip__fail(TSKIP_INVALID_ARGUMENT, "%s is NULL, expected %s", what, expected);
}

const char *tskip_last_error(void)
{
    return last_error;
}

void tskip__error_keep(tskip__error_text *kept)
{
    memcpy(kept->text, last_error, strlen(last_error) + 1);
}

void tskip__error_restore(const tskip__error_text *kept)
{
    memcpy(last_error, kept->text, strlen(kept->text) + 1);
}

const char *tskip_status_name(tskip_status status)
{
    switch (status) {
#define NAME(name, value, text)                                                                    \
    case TSKIP_##name:                                                                             \
        return "TSKIP_" #name;
        TSKIP_STATUS_LIST(NAME)
#undef NAME
    }
    return "TSKIP_UNKNOWN";
}

const char *tskip_status_text(tskip_status status)
{
    switch (status) {
#define TEXT(name, value, text)                                                                    \
    case TSKIP_##name:                                                                             \
        return text;
        TSKIP_STATUS_LIST(TEXT)
#undef TEXT
    }
    return "unknown status";
}

#define QUOTE(x)    #x
#define EXPANDED(x) QUOTE(x)

const char *tskip_version(void)
{
    return EXPANDED(TSKIP_VERSION_MAJOR) "." EXPANDED(TSKIP_VERSION_MINOR) "." EXPANDED(
        TSKIP_VERSION_PATCH);
}
