/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/status.h"
#include "base/text.h"
#include "rules.h"

struct writer {
    char *text;
    size_t capacity, length;
};

static void put(struct writer *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bool room = w->length < w->capacity;
    int n = vsnprintf(room ? w->text + w->length : NULL, room ? w->capacity - w->length : 0, format,
                      arguments);
    va_end(arguments);
    w->length += n > 0 ? (size_t)n : 0;
}

static void put_number(struct writer *w, char before, int64_t value)
{
    put(w, "%c%" PRId64, before, value);
}

/* Before number j of entry i. */
static char separator(size_t i, size_t j)
{
    return j > 0 ? '+' : i > 0 ? '/' : '=';
}

static void put_spans(struct writer *w, const tskip_span_list *lists, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < lists[i].n_spans; j++) {
            put_number(w, separator(i, j), lists[i].spans[j].start);
            put_number(w, ':', lists[i].spans[j].end);
        }
}

static void put_lengths(struct writer *w, const tskip_length_list *lists, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < lists[i].n_lengths; j++)
            put_number(w, separator(i, j), lists[i].lengths[j]);
}

static void put_columns(struct writer *w, const int64_t *columns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_number(w, separator(i, 0), columns[i]);
}

static void put_slopes(struct writer *w, const float *slopes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char digits[32];
        (void)tskip__format_f32(fabsf(slopes[i]), digits, sizeof digits); /* no "-0" */
        put(w, "%c%s", separator(i, 0), digits);
    }
}

static void put_rule(struct writer *w, const tskip_rules *r, const tskip__rule *rule)
{
    const size_t n = tskip__rule_entries(r, rule);
    put(w, "%s%s", w->length > 0 ? "," : "", rule->name);
    switch (rule->form) {
    case TSKIP__FORM_LIMIT:
        put_number(w, '=', tskip__rule_limit(r, rule));
        break;
    case TSKIP__FORM_SPANS:
        put_spans(w, tskip__rule_spans(r, rule), n);
        break;
    case TSKIP__FORM_LENGTHS:
        put_lengths(w, tskip__rule_lengths(r, rule), n);
        break;
    case TSKIP__FORM_COLUMNS:
        put_columns(w, tskip__rule_columns(r, rule), n);
        break;
    case TSKIP__FORM_SLOPES:
        put_slopes(w, r->slopes, r->n_slopes);
        break;
    case TSKIP__FORM_FLAG:
        break;
    }
}

/* The grammar cannot spell an entry without a span. */
static tskip_status check_spellable(const tskip_rules *r, const tskip__rule *rule)
{
    const size_t n = tskip__rule_entries(r, rule);
    for (size_t i = 0; i < n && rule->form == TSKIP__FORM_SPANS; i++)
        if (tskip__rule_spans(r, rule)[i].n_spans == 0)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "rule %s, entry %zu has no span, which the text form cannot say",
                               rule->name, i);
    return TSKIP_OK;
}

tskip_status tskip_rules_format(const tskip_rules *rules, char *text, size_t capacity,
                                size_t *length)
{
    TSKIP__TRY(tskip__require(rules, "rules", "the rules to write"));
    TSKIP__TRY(tskip__require(length, "length", "where to store the length"));
    if (capacity > 0)
        TSKIP__TRY(tskip__require(text, "text", "room for `capacity` bytes"));
    TSKIP__TRY(tskip__rules_check(rules));
    for (const tskip__rule *rule = tskip__rule_table; rule->name; rule++)
        TSKIP__TRY(check_spellable(rules, rule));
    struct writer w = {text, capacity, 0};
    if (capacity > 0)
        text[0] = '\0';
    for (const tskip__rule *rule = tskip__rule_table; rule->name; rule++)
        if (tskip__rule_present(rules, rule))
            put_rule(&w, rules, rule);
    *length = w.length;
    return TSKIP_OK;
}
