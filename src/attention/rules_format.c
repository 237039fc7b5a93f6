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

static void put_name(struct writer *w, const char *name)
{
    put(w, "%s%s", w->length > 0 ? "," : "", name);
}

static void put_limit(struct writer *w, const char *name, int64_t value)
{
    if (value == 0)
        return;
    put_name(w, name);
    put(w, "=%" PRId64, value);
}

static void put_spans(struct writer *w, const char *name, const tskip_span_list *lists, size_t n)
{
    if (n == 0)
        return;
    put_name(w, name);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < lists[i].n_spans; j++)
            put(w, "%s%" PRId64 ":%" PRId64,
                j > 0   ? "+"
                : i > 0 ? "/"
                        : "=",
                lists[i].spans[j].start, lists[i].spans[j].end);
}

static void put_segments(struct writer *w, const tskip_rules *r)
{
    if (r->n_segments == 0)
        return;
    put_name(w, "segments");
    for (size_t i = 0; i < r->n_segments; i++)
        for (size_t j = 0; j < r->segments[i].n_lengths; j++)
            put(w, "%s%" PRId64, j > 0 ? "+" : i > 0 ? "/" : "=", r->segments[i].lengths[j]);
}

static void put_entries(struct writer *w, const char *name, const int64_t *values, size_t n)
{
    if (n == 0)
        return;
    put_name(w, name);
    for (size_t i = 0; i < n; i++)
        put(w, "%s%" PRId64, i > 0 ? "/" : "=", values[i]);
}

static void put_slope(struct writer *w, char separator, float slope)
{
    char digits[32];
    (void)tskip__format_f32(fabsf(slope), digits, sizeof digits); /* no "-0" */
    put(w, "%c%s", separator, digits);
}

/* Lists that the grammar cannot spell: an entry without a span. */
static tskip_status check_spellable(const char *name, const tskip_span_list *lists, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lists[i].n_spans == 0)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "%s, entry %zu has no span, which the text form cannot say", name,
                               i);
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
    TSKIP__TRY(check_spellable("images", rules->images, rules->n_images));
    TSKIP__TRY(check_spellable("spans", rules->spans, rules->n_spans));
    struct writer w = {text, capacity, 0};
    if (capacity > 0)
        text[0] = '\0';
    if (rules->causal)
        put_name(&w, "causal");
#define PUT(name) put_limit(&w, #name, rules->name);
    TSKIP__RULE_LIMITS(PUT)
#undef PUT
    put_spans(&w, "images", rules->images, rules->n_images);
    put_spans(&w, "spans", rules->spans, rules->n_spans);
    put_segments(&w, rules);
    put_entries(&w, "klen", rules->klen, rules->n_klen);
    put_entries(&w, "kstart", rules->kstart, rules->n_kstart);
    if (rules->alibi)
        put_name(&w, "alibi");
    for (size_t i = 0; i < rules->n_slopes; i++)
        put_slope(&w, i > 0 ? '/' : '=', rules->slopes[i]);
    *length = w.length;
    return TSKIP_OK;
}
