/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "cuda_report.h"

#include <stdio.h>
#include <string.h>

/* Messages of ptxas that cost a kernel its speed without failing it. C7519, an added fence, is
 * harmless. */
static const char *const COMPLAINTS[] = {
    "C7508", "C7510", "C7511", "C7512", "C7513", "C7514", "C7518", "C7520", "setmaxnreg ignored"};

static void find_complaint(const char *log, cuda_report *report)
{
    for (size_t i = 0; i < sizeof COMPLAINTS / sizeof COMPLAINTS[0]; i++) {
        const char *found = strstr(log, COMPLAINTS[i]);
        if (found)
            snprintf(report->complaint, sizeof report->complaint, "%.*s", (int)strcspn(found, "\n"),
                     found);
    }
}

/* The number that stands before `word` on the line; 0 if the word is not there. */
static unsigned number_before(const char *line, size_t length, const char *word)
{
    char text[512];
    snprintf(text, sizeof text, "%.*s", (int)length, line);
    const char *found = strstr(text, word);
    unsigned number = 0;
    if (!found)
        return 0;
    while (found > text && (found[-1] == ' ' || (found[-1] >= '0' && found[-1] <= '9')))
        found--;
    return sscanf(found, "%u", &number) == 1 ? number : 0;
}

bool cuda_report_read(const char *log, const char *entry, cuda_report *report)
{
    *report = (cuda_report){0};
    find_complaint(log, report);
    char head[160];
    snprintf(head, sizeof head, "Function properties for %s\n", entry);
    const char *at = strstr(log, head);
    if (!at)
        return false;
    const char *frame = at + strlen(head), *used = strstr(frame, "Used ");
    if (!used)
        return false;
    report->stack = number_before(frame, strcspn(frame, "\n"), "bytes stack frame");
    report->spill_stores = number_before(frame, strcspn(frame, "\n"), "bytes spill stores");
    report->spill_loads = number_before(frame, strcspn(frame, "\n"), "bytes spill loads");
    report->registers = number_before(used, strcspn(used, "\n"), "registers");
    report->shared = number_before(used, strcspn(used, "\n"), "bytes smem");
    return true;
}
