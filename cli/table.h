/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_TABLE_H
#define TSKIP_CLI_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A table of text whose columns are as wide as their widest cell. */

#define TABLE_MAX_COLUMNS 12

typedef struct table {
    size_t n_columns;
    const char *align; /* a letter a column: 'l' or 'r' */
    char **cells;
    size_t n_cells, capacity;
} table;

/* `headings` are '|'-separated, as many as `align` has letters. */
void table_begin(table *t, const char *align, const char *headings);

/* Adds the next cell, row by row. Out of memory drops the cell's text. */
void table_cell(table *t, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* Prints the table and empties it. On a terminal too narrow for it the widest column stands on
 * lines of its own: the first one above the rest of its row, another below. */
void table_print(table *t, FILE *stream);

#endif
