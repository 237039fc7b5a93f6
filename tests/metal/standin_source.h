/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_METAL_STANDIN_SOURCE_H
#define TESTS_METAL_STANDIN_SOURCE_H

#include "standin.h"

/* Where in a library's text something happened, for reports. */

/* "line N: its text" of the code at `where` (a return address); empty if unknown. */
void standin_source_line(const standin_library *library, const void *where, char *out, size_t size);

/* The text of line `line`, without what it is indented by. */
void standin_source_text(const standin_library *library, int line, char *out, size_t size);

#endif
