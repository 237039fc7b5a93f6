/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_BLAME_H
#define TSKIP_CLI_BLAME_H

#include <string.h>

#include <tileskip/base.h>

/* What a message with the library's last error begins with: the option that is to blame, where a
 * plan or a map only found out what is wrong with its value. */
static inline const char *blame(const char *otherwise)
{
    static const struct {
        const char *begins, *option;
    } KNOWN[] = {
        {"rule ", "--rules"},
        {"the rules ", "--rules"},
        {"q_offset ", "--q-offset"},
        {"tile is ", "--tile"},
    };
    for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++) {
        if (strncmp(tskip_last_error(), KNOWN[i].begins, strlen(KNOWN[i].begins)) == 0)
            return KNOWN[i].option;
    }
    return otherwise;
}

#endif
