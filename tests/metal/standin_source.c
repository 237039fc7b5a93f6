/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void standin_source_text(const standin_library *library, int line, char *out, size_t size)
{
    char text[1024];
    FILE *file = fopen(library->source_path, "r");
    out[0] = '\0';
    if (!file)
        return;
    for (int i = 1; fgets(text, sizeof text, file); i++)
        if (i == line) {
            text[strcspn(text, "\n")] = '\0';
            (void)snprintf(out, size, "%s", text + strspn(text, " \t"));
            break;
        }
    (void)fclose(file);
}

/* addr2line of the distribution's binutils, which the compiler needs anyway. */
void standin_source_line(const standin_library *library, const void *where, char *out, size_t size)
{
    char command[1024], answer[1024] = "", text[200];
    out[0] = '\0';
    uintptr_t at = (uintptr_t)where;
    if (at < library->begin || at >= library->end)
        return;
    (void)snprintf(command, sizeof command, "addr2line -e '%s' 0x%lx 2>/dev/null",
                   library->object_path, (unsigned long)(at - 1 - library->begin));
    FILE *pipe = popen(command, "r");
    if (!pipe)
        return;
    (void)fgets(answer, sizeof answer, pipe);
    (void)pclose(pipe);
    const char *colon = strrchr(answer, ':');
    int line = colon ? atoi(colon + 1) : 0;
    standin_source_text(library, line, text, sizeof text);
    if (line > 0)
        (void)snprintf(out, size, "line %d: %s", line, text);
}
