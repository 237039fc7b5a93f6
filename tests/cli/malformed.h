/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_TESTS_MALFORMED_H
#define TSKIP_TESTS_MALFORMED_H

#include <stddef.h>

/* Inputs that a reader must refuse, each with what its message must say beside the file: the field
 * and the value, or what was expected. */

typedef struct malformed {
    const char *text;
    const char *says[2];
} malformed;

/* A list ends with a text of NULL. */
extern const malformed MALFORMED_RULES[];       /* the grammar */
extern const malformed MALFORMED_PROBLEMS[];    /* problem texts */
extern const malformed MALFORMED_SAFETENSORS[]; /* JSON headers; 64 bytes of data follow */
extern const malformed MALFORMED_NPY[];         /* dictionaries; 64 bytes of data follow */

#endif
