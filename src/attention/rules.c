/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "rules.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"

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
                       "%s is %" PRId64 ", expected at least 1, or 0 for none", name, value);
}

static tskip_status check_spans(const char *name, size_t entry, const tskip_span_list *list)
{
    if (list->n_spans > 0 && !list->spans)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "%s, entry %zu: spans is NULL, expected a list of %zu", name, entry,
                           list->n_spans);
    for (size_t i = 0; i < list->n_spans; i++) {
        tskip_span s = list->spans[i];
        if (s.start < 0 || s.start >= s.end)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "%s, entry %zu: span %" PRId64 ":%" PRId64
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
                                 "%s, entry %zu: spans %" PRId64 ":%" PRId64 " and %" PRId64
                                 ":%" PRId64 " overlap, expected disjoint ones",
                                 name, entry, sorted[i - 1].start, sorted[i - 1].end,
                                 sorted[i].start, sorted[i].end);
    tskip__free(sorted, bytes);
    return status;
}

static tskip_status check_span_lists(const char *name, const tskip_span_list *lists, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (lists[i].n_spans > UINT32_MAX / 4)
            return tskip__fail(TSKIP_INVALID_ARGUMENT, "%s, entry %zu: %zu spans, expected < 2^30",
                               name, i, lists[i].n_spans);
        TSKIP__TRY(check_spans(name, i, &lists[i]));
    }
    return TSKIP_OK;
}

static tskip_status check_segments(const tskip_rules *r)
{
    for (size_t i = 0; i < r->n_segments; i++) {
        int64_t sum = 0;
        if (r->segments[i].n_lengths > 0 && !r->segments[i].lengths)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "segments, entry %zu: lengths is NULL, expected a list of %zu", i,
                               r->segments[i].n_lengths);
        for (size_t j = 0; j < r->segments[i].n_lengths; j++) {
            int64_t length = r->segments[i].lengths[j];
            if (length < 1)
                return tskip__fail(TSKIP_INVALID_ARGUMENT,
                                   "segments, entry %zu: length %zu is %" PRId64
                                   ", expected at least 1",
                                   i, j, length);
            if (length > INT64_MAX - sum)
                return tskip__fail(TSKIP_INVALID_ARGUMENT,
                                   "segments, entry %zu: the lengths add up to 2^63 or more", i);
            sum += length;
        }
        if (sum == 0)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "segments, entry %zu has no length, expected at least one", i);
    }
    return TSKIP_OK;
}

static tskip_status check_key_limits(const tskip_rules *r)
{
    for (size_t i = 0; i < r->n_klen; i++)
        if (r->klen[i] < 1)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "klen, entry %zu is %" PRId64 ", expected at least 1", i,
                               r->klen[i]);
    for (size_t i = 0; i < r->n_kstart; i++)
        if (r->kstart[i] < 0)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "kstart, entry %zu is %" PRId64 ", expected at least 0", i,
                               r->kstart[i]);
    if (r->n_klen == 0)
        return TSKIP_OK;
    for (size_t i = 0; i < r->n_kstart || (r->n_kstart > 0 && i < r->n_klen); i++) {
        int64_t start = r->kstart[r->n_kstart > 1 ? i : 0], end = r->klen[r->n_klen > 1 ? i : 0];
        if (start >= end)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "kstart, entry %zu is %" PRId64
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
                           "images without causal changes nothing, expected causal beside it");
    if (!r->causal && r->prefix > 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "prefix = %" PRId64 " without causal changes nothing, expected causal "
                           "beside it",
                           r->prefix);
    if (!r->causal && !limited && r->n_spans > 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "spans without causal, window, symmetric or chunk changes nothing, "
                           "expected one of them beside it");
    return TSKIP_OK;
}

typedef struct rule_list {
    const char *name;
    const void *list;
    size_t n;
} rule_list;

#define COUNT(name) +1
enum { N_RULE_LISTS = 0 TSKIP__RULE_LISTS(COUNT) };
#undef COUNT

static void list_rules(const tskip_rules *r, rule_list lists[N_RULE_LISTS])
{
#define LIST(name) *lists++ = (rule_list){#name, r->name, r->n_##name};
    TSKIP__RULE_LISTS(LIST)
#undef LIST
}

static tskip_status check_entries(const tskip_rules *r)
{
    rule_list lists[N_RULE_LISTS];
    list_rules(r, lists);
    const size_t entries = tskip__rules_entries(r);
    for (size_t i = 0; i < N_RULE_LISTS; i++)
        if (lists[i].n > 1 && lists[i].n != entries)
            return tskip__fail(
                TSKIP_INVALID_ARGUMENT,
                "%s has %zu entries where another rule has %zu, expected one, or one "
                "for each batch entry",
                lists[i].name, lists[i].n, entries);
    return TSKIP_OK;
}

static tskip_status check_pointer(rule_list list)
{
    if (list.n > 0 && !list.list)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "%s is NULL, expected a list of %zu", list.name,
                           list.n);
    if (list.n == 0 && list.list)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "n_%s is 0 beside a list, expected the number of its entries",
                           list.name);
    return TSKIP_OK;
}

static tskip_status check_pointers(const tskip_rules *r)
{
    rule_list lists[N_RULE_LISTS];
    list_rules(r, lists);
    for (size_t i = 0; i < N_RULE_LISTS; i++)
        TSKIP__TRY(check_pointer(lists[i]));
    return check_pointer((rule_list){"slopes", r->slopes, r->n_slopes});
}

static tskip_status check_slopes(const tskip_rules *r)
{
    if (!r->alibi && r->n_slopes > 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "%zu slopes without alibi, expected none",
                           r->n_slopes);
    for (size_t i = 0; i < r->n_slopes; i++)
        if (!(r->slopes[i] >= 0) || isinf(r->slopes[i]))
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "alibi: slope %zu is %g, expected a finite number, at least 0", i,
                               (double)r->slopes[i]);
    return TSKIP_OK;
}

tskip_status tskip__rules_check(const tskip_rules *rules)
{
#define CHECK(name) TSKIP__TRY(check_limit(#name, rules->name));
    TSKIP__RULE_LIMITS(CHECK)
#undef CHECK
    TSKIP__TRY(check_pointers(rules));
    TSKIP__TRY(check_entries(rules));
    TSKIP__TRY(check_span_lists("images", rules->images, rules->n_images));
    TSKIP__TRY(check_span_lists("spans", rules->spans, rules->n_spans));
    TSKIP__TRY(check_segments(rules));
    TSKIP__TRY(check_key_limits(rules));
    TSKIP__TRY(check_slopes(rules));
    return check_sense(rules);
}

uint32_t tskip__rules_entries(const tskip_rules *r)
{
    rule_list lists[N_RULE_LISTS];
    size_t most = 1;
    list_rules(r, lists);
    for (size_t i = 0; i < N_RULE_LISTS; i++)
        most = lists[i].n > most ? lists[i].n : most;
    return most > UINT32_MAX ? UINT32_MAX : (uint32_t)most;
}

bool tskip__rules_empty(const tskip_rules *r)
{
#define LIMITS(name) || r->name > 0
#define LISTS(name)  || r->n_##name > 0
    return !(r->causal || r->alibi TSKIP__RULE_LIMITS(LIMITS) TSKIP__RULE_LISTS(LISTS));
#undef LIMITS
#undef LISTS
}
