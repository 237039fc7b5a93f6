/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "rules.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"

#define AT(field) offsetof(tskip_rules, field)
#define FLAG(name)                                                                                 \
    {                                                                                              \
#name, TSKIP__FORM_FLAG, 0, AT(name), 0                                                    \
    }
#define LIMIT(name, least)                                                                         \
    {                                                                                              \
#name, TSKIP__FORM_LIMIT, least, AT(name), 0                                               \
    }
#define LIST(name, form, least)                                                                    \
    {                                                                                              \
#name, TSKIP__FORM_##form, least, AT(name), AT(n_##name)                                   \
    }

const tskip__rule tskip__rule_table[] = {
    FLAG(causal),
    LIMIT(window, 1),
    LIMIT(symmetric, 1),
    LIMIT(chunk, 1),
    LIMIT(prefix, 0),
    LIMIT(sink, 0),
    LIST(images, SPANS, 0),
    LIST(spans, SPANS, 0),
    LIST(segments, LENGTHS, 1),
    LIST(klen, COLUMNS, 1),
    LIST(kstart, COLUMNS, 0),
    {"alibi", TSKIP__FORM_SLOPES, 0, AT(alibi), 0},
    {0},
};

size_t tskip__rule_entries(const tskip_rules *rules, const tskip__rule *rule)
{
    return rule->count ? *(const size_t *)(const void *)((const char *)rules + rule->count) : 0;
}

bool tskip__rule_present(const tskip_rules *rules, const tskip__rule *rule)
{
    if (rule->form == TSKIP__FORM_FLAG || rule->form == TSKIP__FORM_SLOPES)
        return *(const bool *)((const char *)rules + rule->value);
    if (rule->form == TSKIP__FORM_LIMIT)
        return tskip__rule_limit(rules, rule) > 0;
    return tskip__rule_entries(rules, rule) > 0;
}

static int by_start(const void *a, const void *b)
{
    const tskip_span *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

void tskip__spans_sort(tskip_span *spans, size_t n)
{
    if (n > 1)
        qsort(spans, n, sizeof *spans, by_start);
}

static tskip_status check_limit(const char *name, int64_t value)
{
    if (value >= 0)
        return TSKIP_OK;
    return tskip__fail(TSKIP_INVALID_ARGUMENT,
                       "rule %s is %" PRId64 ", expected at least 1, or 0 for none", name, value);
}

/* A list and the number of its entries come together. */
static tskip_status check_pointer(const char *name, const void *list, size_t n)
{
    if (n > 0 && !list)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "%s is NULL, expected a list of %zu", name, n);
    if (n == 0 && list)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "n_%s is 0 beside a list, expected the number of its entries", name);
    return TSKIP_OK;
}

static tskip_status check_spans(const char *name, size_t entry, const tskip_span_list *list)
{
    if (list->n_spans > 0 && !list->spans)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "rule %s, entry %zu: spans is NULL, expected a list of %zu", name, entry,
                           list->n_spans);
    for (size_t i = 0; i < list->n_spans; i++) {
        tskip_span s = list->spans[i];
        if (s.start < 0 || s.start >= s.end)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "rule %s, entry %zu: span %" PRId64 ":%" PRId64
                               " is empty or negative, expected start < end",
                               name, entry, s.start, s.end);
    }
    if (list->n_spans < 2)
        return TSKIP_OK;
    size_t bytes = list->n_spans * sizeof(tskip_span);
    tskip_span *sorted = tskip__alloc(bytes, "sorting a mask's spans");
    if (!sorted)
        return TSKIP_OUT_OF_MEMORY;
    memcpy(sorted, list->spans, bytes);
    tskip__spans_sort(sorted, list->n_spans);
    tskip_status status = TSKIP_OK;
    for (size_t i = 1; i < list->n_spans && status == TSKIP_OK; i++)
        if (sorted[i].start < sorted[i - 1].end)
            status = tskip__fail(TSKIP_INVALID_ARGUMENT,
                                 "rule %s, entry %zu: spans %" PRId64 ":%" PRId64 " and %" PRId64
                                 ":%" PRId64 " overlap, expected disjoint ones",
                                 name, entry, sorted[i - 1].start, sorted[i - 1].end,
                                 sorted[i].start, sorted[i].end);
    tskip__free(sorted, bytes);
    return status;
}

static tskip_status check_span_lists(const char *name, const tskip_span_list *lists, size_t n)
{
    TSKIP__TRY(check_pointer(name, lists, n));
    for (size_t i = 0; i < n; i++) {
        if (lists[i].n_spans > UINT32_MAX / 4)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "rule %s, entry %zu: %zu spans, expected < 2^30", name, i,
                               lists[i].n_spans);
        TSKIP__TRY(check_spans(name, i, &lists[i]));
    }
    return TSKIP_OK;
}

static tskip_status check_lengths(const char *name, size_t entry, const tskip_length_list *list)
{
    int64_t sum = 0;
    if (list->n_lengths == 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "rule %s, entry %zu has no length, expected at least one", name, entry);
    if (!list->lengths)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "rule %s, entry %zu: lengths is NULL, expected a list of %zu", name,
                           entry, list->n_lengths);
    for (size_t i = 0; i < list->n_lengths; i++) {
        const int64_t length = list->lengths[i];
        if (length < 1)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "rule %s, entry %zu: length %zu is %" PRId64 ", expected at least 1",
                               name, entry, i, length);
        if (length > INT64_MAX - sum)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "rule %s, entry %zu: the lengths add up to 2^63 or more", name,
                               entry);
        sum += length;
    }
    return TSKIP_OK;
}

static tskip_status check_length_lists(const char *name, const tskip_length_list *lists, size_t n)
{
    TSKIP__TRY(check_pointer(name, lists, n));
    for (size_t i = 0; i < n; i++)
        TSKIP__TRY(check_lengths(name, i, &lists[i]));
    return TSKIP_OK;
}

static tskip_status check_columns(const tskip__rule *rule, const int64_t *columns, size_t n)
{
    TSKIP__TRY(check_pointer(rule->name, columns, n));
    for (size_t i = 0; i < n; i++)
        if (columns[i] < rule->least)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "rule %s, entry %zu is %" PRId64 ", expected at least %" PRId64,
                               rule->name, i, columns[i], rule->least);
    return TSKIP_OK;
}

static tskip_status check_slopes(const tskip_rules *r)
{
    TSKIP__TRY(check_pointer("slopes", r->slopes, r->n_slopes));
    if (!r->alibi && r->n_slopes > 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "%zu slopes without alibi, expected none",
                           r->n_slopes);
    for (size_t i = 0; i < r->n_slopes; i++)
        if (!(r->slopes[i] >= 0) || isinf(r->slopes[i]))
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "rule alibi: slope %zu is %g, expected a finite number, at least 0",
                               i, (double)r->slopes[i]);
    return TSKIP_OK;
}

static tskip_status check_rule(const tskip_rules *r, const tskip__rule *rule)
{
    const size_t n = tskip__rule_entries(r, rule);
    switch (rule->form) {
    case TSKIP__FORM_LIMIT:
        return check_limit(rule->name, tskip__rule_limit(r, rule));
    case TSKIP__FORM_SPANS:
        return check_span_lists(rule->name, tskip__rule_spans(r, rule), n);
    case TSKIP__FORM_LENGTHS:
        return check_length_lists(rule->name, tskip__rule_lengths(r, rule), n);
    case TSKIP__FORM_COLUMNS:
        return check_columns(rule, tskip__rule_columns(r, rule), n);
    case TSKIP__FORM_SLOPES:
        return check_slopes(r);
    case TSKIP__FORM_FLAG:
        break;
    }
    return TSKIP_OK;
}

static tskip_status check_entries(const tskip_rules *r)
{
    const size_t entries = tskip__rules_entries(r);
    for (const tskip__rule *rule = tskip__rule_table; rule->name; rule++) {
        const size_t n = tskip__rule_entries(r, rule);
        if (n > 1 && n != entries)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "rule %s has %zu entries where another rule has %zu, expected one, "
                               "or one for each batch entry",
                               rule->name, n, entries);
    }
    return TSKIP_OK;
}

/* Present keys begin before they end. */
static tskip_status check_key_limits(const tskip_rules *r)
{
    if (r->n_klen == 0)
        return TSKIP_OK;
    for (size_t i = 0; i < r->n_kstart || (r->n_kstart > 0 && i < r->n_klen); i++) {
        int64_t start = r->kstart[r->n_kstart > 1 ? i : 0], end = r->klen[r->n_klen > 1 ? i : 0];
        if (start >= end)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "rule kstart, entry %zu is %" PRId64
                               ", expected less than klen = %" PRId64,
                               i, start, end);
    }
    return TSKIP_OK;
}

static tskip_status check_sense(const tskip_rules *r)
{
    bool limited = r->window || r->symmetric || r->chunk;
    if (!r->causal && r->n_images > 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "rule images without causal changes nothing, expected causal beside it");
    if (!r->causal && r->prefix > 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "rule prefix = %" PRId64
                           " without causal changes nothing, expected causal "
                           "beside it",
                           r->prefix);
    if (!r->causal && !limited && r->n_spans > 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "rule spans without causal, window, symmetric or chunk changes nothing, "
                           "expected one of them beside it");
    return TSKIP_OK;
}

tskip_status tskip__rules_check(const tskip_rules *rules)
{
    for (const tskip__rule *rule = tskip__rule_table; rule->name; rule++)
        TSKIP__TRY(check_rule(rules, rule));
    TSKIP__TRY(check_entries(rules));
    TSKIP__TRY(check_key_limits(rules));
    return check_sense(rules);
}

uint32_t tskip__rules_entries(const tskip_rules *r)
{
    size_t most = 1;
    for (const tskip__rule *rule = tskip__rule_table; rule->name; rule++) {
        const size_t n = tskip__rule_entries(r, rule);
        most = n > most ? n : most;
    }
    return most > UINT32_MAX ? UINT32_MAX : (uint32_t)most;
}

bool tskip__rules_empty(const tskip_rules *r)
{
    for (const tskip__rule *rule = tskip__rule_table; rule->name; rule++)
        if (tskip__rule_present(r, rule))
            return false;
    return true;
}
