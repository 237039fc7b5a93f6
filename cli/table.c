/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "terminal.h"

static void add(table *t, const char *text, size_t length)
{
    if (t->n_cells == t->capacity) {
        const size_t capacity = t->capacity * 2 + 32;
        char **cells = realloc(t->cells, capacity * sizeof(*cells));
        if (cells == NULL)
            return;
        t->cells = cells;
        t->capacity = capacity;
    }
    char *copy = malloc(length + 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = 0;
    }
    t->cells[t->n_cells++] = copy;
}

void table_begin(table *t, const char *align, const char *headings)
{
    *t = (table){.n_columns = strlen(align), .align = align};
    while (*headings != 0) {
        const size_t length = strcspn(headings, "|");
        add(t, headings, length);
        headings += length + (headings[length] == '|');
    }
}

void table_cell(table *t, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    add(t, text, strlen(text));
}

/* Columns on a terminal: bytes that do not continue a UTF-8 sequence. */
static size_t columns_of(const char *text)
{
    size_t n = 0;
    for (; text != NULL && *text != 0; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void pad(FILE *stream, size_t n)
{
    while (n-- > 0)
        fputc(' ', stream);
}

/* A row without column `left_out`, blanks only where text follows. */
static void print_row(const table *t, size_t row, const size_t *widths, size_t left_out,
                      FILE *stream)
{
    size_t blanks = 0;
    for (size_t column = 0; column < t->n_columns; column++) {
        const size_t i = row * t->n_columns + column;
        const char *text = i < t->n_cells && t->cells[i] != NULL ? t->cells[i] : "";
        const size_t space = widths[column] - columns_of(text);
        const bool to_the_right = t->align[column] == 'r';
        if (column == left_out)
            continue;
        if (text[0] != 0) {
            pad(stream, blanks + (to_the_right ? space : 0));
            fputs(text, stream);
            blanks = to_the_right ? 0 : space;
        } else {
            blanks += space;
        }
        blanks += 2;
    }
    fputc('\n', stream);
}

/* The column that gets lines of its own where a row is wider than the terminal; else none. */
static size_t column_apart(const table *t, const size_t *widths, FILE *stream)
{
    const size_t columns = terminal_size_of(stream).columns;
    size_t total = 2 * (t->n_columns - 1), widest = 0;
    for (size_t i = 0; i < t->n_columns; i++) {
        total += widths[i];
        if (widths[i] > widths[widest])
            widest = i;
    }
    return columns > 0 && total > columns ? widest : t->n_columns;
}

void table_print(table *t, FILE *stream)
{
    size_t widths[TABLE_MAX_COLUMNS] = {0};
    for (size_t i = 0; i < t->n_cells; i++) {
        const size_t width = columns_of(t->cells[i]);
        if (width > widths[i % t->n_columns])
            widths[i % t->n_columns] = width;
    }
    const size_t apart = column_apart(t, widths, stream);
    const size_t n_rows = (t->n_cells + t->n_columns - 1) / t->n_columns;
    for (size_t row = 0; row < n_rows; row++) {
        const size_t i = row * t->n_columns + apart;
        const char *text = apart < t->n_columns && i < t->n_cells ? t->cells[i] : NULL;
        if (apart == 0)
            fprintf(stream, "%s\n    ", text != NULL ? text : "");
        print_row(t, row, widths, apart, stream);
        if (apart > 0 && text != NULL && text[0] != 0)
            fprintf(stream, "    %s\n", text);
    }
    for (size_t i = 0; i < t->n_cells; i++)
        free(t->cells[i]);
    free(t->cells);
    *t = (table){0};
}
