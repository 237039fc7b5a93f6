/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <math.h>

#include "oracle_internal.h"

static const struct oracle_span *span_with(const struct oracle_span_list *lists, size_t n_lists,
                                           int64_t entry, int64_t position)
{
    if (n_lists == 0)
        return NULL;
    const struct oracle_span_list *list = &lists[n_lists == 1 ? 0 : entry];
    for (size_t i = 0; i < list->count; ++i)
        if (list->items[i].start <= position && position < list->items[i].end)
            return &list->items[i];
    return NULL;
}

static int64_t value_for(const int64_t *values, size_t n_values, int64_t entry, int64_t absent)
{
    return n_values == 0 ? absent : values[n_values == 1 ? 0 : entry];
}

void oracle__row_rules_begin(const struct oracle_rules *rules, int64_t entry, int64_t p,
                             struct oracle__row_rules *row)
{
    *row = (struct oracle__row_rules){
        .rules = rules,
        .p = p,
        .image = span_with(rules->images, rules->n_images, entry, p),
        .span = span_with(rules->spans, rules->n_spans, entry, p),
        .segment = span_with(rules->segments, rules->n_segments, entry, p),
        .klen = value_for(rules->klen, rules->n_klen, entry, INT64_MAX),
        .kstart = value_for(rules->kstart, rules->n_kstart, entry, 0),
    };
}

static bool holds(const struct oracle_span *span, int64_t x)
{
    return span != NULL && span->start <= x && x < span->end;
}

bool oracle__row_rules_visible(const struct oracle__row_rules *row, int64_t x, int64_t column)
{
    const struct oracle_rules *rules = row->rules;
    int64_t p = row->p;
    int64_t distance = p > x ? p - x : x - p;

    bool causal = !rules->causal || x <= p;
    bool images = holds(row->image, x);
    bool prefix = x < rules->prefix;
    bool window = rules->window == 0 || p - x < rules->window;
    /* 2 * distance <= W, written so that it cannot overflow */
    bool symmetric = rules->symmetric == 0 || distance <= rules->symmetric - distance;
    bool chunk = rules->chunk == 0 || x >= p / rules->chunk * rules->chunk;
    bool sink = x < rules->sink;
    bool spans = holds(row->span, x);
    bool segments = rules->n_segments == 0 || holds(row->segment, x);
    bool klen = column < row->klen;
    bool kstart = column >= row->kstart;

    return (((causal || images || prefix) && ((window && symmetric && chunk) || sink)) || spans) &&
           segments && klen && kstart;
}

bool oracle_rules_visible(const struct oracle_rules *rules, int64_t entry, int64_t p, int64_t x,
                          int64_t column)
{
    struct oracle__row_rules row;
    oracle__row_rules_begin(rules, entry, p, &row);
    return oracle__row_rules_visible(&row, x, column);
}

float oracle_alibi_slope(const struct oracle_rules *rules, int64_t head, int64_t n_heads)
{
    if (rules->slopes != NULL)
        return rules->slopes[head];
    int64_t power = 1;
    while (power <= n_heads / 2)
        power *= 2;
    if (head < power)
        return (float)exp2(-8.0 * (double)(head + 1) / (double)power);
    return (float)exp2(-8.0 * (double)(2 * (head - power) + 1) / (double)(2 * power));
}
