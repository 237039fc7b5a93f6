/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_TESTS_CUDA_REPORT_H
#define TSKIP_TESTS_CUDA_REPORT_H

#include <stdbool.h>
#include <stddef.h>

/* What ptxas says of one kernel. */
typedef struct cuda_report {
    unsigned registers, shared; /* shared: static bytes */
    unsigned stack, spill_stores, spill_loads;
    char complaint[160]; /* a line that must not be there: serialised products, an ignored
                            setmaxnreg */
} cuda_report;

/* Reads the report of `entry` from NVRTC's log (made with --ptxas-options=-v); false if the log has
 * none. */
bool cuda_report_read(const char *log, const char *entry, cuda_report *report);

#endif
