/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "text.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST = 63 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t tskip__edit_distance(const char *a, const char *b)
{
    size_t n = least(strlen(a), LONGEST), m = least(strlen(b), LONGEST);
    size_t rows[3][LONGEST + 1];
    size_t *older = rows[0], *old = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++)
        old[j] = j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t replaced = old[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(replaced, least(old[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], older[j - 2] + 1);
        }
        size_t *spare = older;
        older = old;
        old = row;
        row = spare;
    }
    return old[m];
}

const char *tskip__nearest(const char *word, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t best_distance = (size_t)-1;
    for (size_t i = 0; i < n; i++) {
        size_t distance = tskip__edit_distance(word, names[i]);
        size_t shorter = least(strlen(word), strlen(names[i]));
        if ((distance * 3 <= strlen(names[i]) + 2 ||
             (shorter >= 2 && strncmp(word, names[i], shorter) == 0)) &&
            distance < best_distance) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}

const char *tskip__hint(const char *word, const char *const *names, size_t n,
                        char text[TSKIP__HINT_SIZE])
{
    const char *near = tskip__nearest(word, names, n);
    text[0] = '\0';
    if (near)
        (void)snprintf(text, TSKIP__HINT_SIZE, "; the nearest is %.40s", near);
    return text;
}

int tskip__format_f32(float value, char *text, size_t size)
{
    char number[32];
    (void)snprintf(number, sizeof number, "%.9g", (double)value);
    char *point = number + strspn(number, "+-0123456789");
    size_t length = strcspn(point, "0123456789einf");
    if (length > 0) {
        *point = '.';
        memmove(point + 1, point + length, strlen(point + length) + 1);
    }
    return snprintf(text, size, "%s", number);
}
