/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_SHARED_ROW_LIMITS_H
#define TSKIP_KERNELS_SHARED_ROW_LIMITS_H

#include "kargs.h"

/* What one query row sees under rules: at most two half-open column intervals,
 *
 *     [lo, hi)            its own neighbourhood: causal, window, symmetric, chunk, images, spans
 *     [sink_lo, sink_hi)  the first columns, which sink keeps in sight
 *
 * cut to the present columns. An empty interval has hi <= lo. They may overlap. All four ends are
 * columns of K, never positions, and never decrease as the row grows, which is what makes tile
 * classes computable in closed form. */
struct tskip__row_limits {
    tskip_i64 lo, hi, sink_lo, sink_hi;
};

TSKIP__FN tskip_i64 tskip__min(tskip_i64 a, tskip_i64 b)
{
    return a < b ? a : b;
}

TSKIP__FN tskip_i64 tskip__max(tskip_i64 a, tskip_i64 b)
{
    return a > b ? a : b;
}

/* What rules hold for one batch entry: there is one for all, or one for each. */
TSKIP__FN struct tskip__rules_entry tskip__entry_of(struct tskip__rules rules,
                                                    TSKIP__GLOBAL tskip_i64 *words, tskip_u32 batch)
{
    TSKIP__GLOBAL struct tskip__rules_entry *entries =
        (TSKIP__GLOBAL struct tskip__rules_entry *)words;
    return entries[rules.n_entries > 1 ? batch : 0];
}

/* The first span of [begin, end) whose end lies past p, or end. Spans are {start, end} pairs. */
TSKIP__FN tskip_u32 tskip__span_after(TSKIP__GLOBAL tskip_i64 *spans, tskip_u32 begin,
                                      tskip_u32 end, tskip_i64 p)
{
    while (begin < end) {
        tskip_u32 middle = begin + (end - begin) / 2;
        if (spans[2 * (tskip_u64)middle + 1] > p)
            end = middle;
        else
            begin = middle + 1;
    }
    return begin;
}

/* The first of the ascending ends in [begin, end) that lies past p, or end. */
TSKIP__FN tskip_u32 tskip__segment_of(TSKIP__GLOBAL tskip_i64 *ends, tskip_u32 begin, tskip_u32 end,
                                      tskip_i64 p)
{
    while (begin < end) {
        tskip_u32 middle = begin + (end - begin) / 2;
        if (ends[middle] > p)
            end = middle;
        else
            begin = middle + 1;
    }
    return begin;
}

/* The same ends in positions, before they are cut to segment and present columns. For a row at p,
 * with spread = floor(symmetric / 2):
 *
 *     u       max(p + 1, prefix, end of p's image); without causal TSKIP__FAR
 *     l       max(p - window + 1, p - spread, floor(p / chunk) * chunk), or the start of p's span
 *             if that is less
 *     h       min(u, p + spread + 1), or p's span's end if that is more
 *     [a, b)  p's segment; both TSKIP__FAR past the last one */
struct tskip__row_ends {
    tskip_i64 l, h, u, a, b;
};

TSKIP__FN struct tskip__row_ends tskip__row_ends(struct tskip__rules rules,
                                                 struct tskip__rules_entry entry,
                                                 TSKIP__GLOBAL tskip_i64 *words, tskip_i64 p)
{
    TSKIP__GLOBAL tskip_i64 *spans = words + rules.first_span;
    struct tskip__row_ends r;
    r.u = TSKIP__FAR;
    if (rules.flags & TSKIP__RULE_CAUSAL) {
        r.u = tskip__max(p + 1, rules.prefix);
        tskip_u32 i = tskip__span_after(spans, entry.images_begin, entry.images_end, p);
        if (i < entry.images_end && spans[2 * (tskip_u64)i] <= p)
            r.u = tskip__max(r.u, spans[2 * (tskip_u64)i + 1]);
    }
    r.l = tskip__max(p - rules.window + 1, p - rules.spread);
    if (rules.chunk > 0)
        r.l = tskip__max(r.l, p / rules.chunk * rules.chunk);
    r.h = tskip__min(r.u, p + rules.spread + 1);
    tskip_u32 s = tskip__span_after(spans, entry.spans_begin, entry.spans_end, p);
    if (s < entry.spans_end && spans[2 * (tskip_u64)s] <= p) {
        r.l = tskip__min(r.l, spans[2 * (tskip_u64)s]);
        r.h = tskip__max(r.h, spans[2 * (tskip_u64)s + 1]);
    }
    r.a = 0;
    r.b = TSKIP__FAR;
    if (rules.flags & TSKIP__RULE_SEGMENT) {
        TSKIP__GLOBAL tskip_i64 *ends = words + rules.first_segment;
        tskip_u32 g = tskip__segment_of(ends, entry.segments_begin, entry.segments_end, p);
        int inside = g < entry.segments_end;
        r.a = !inside ? TSKIP__FAR : g > entry.segments_begin ? ends[g - 1] : 0;
        r.b = inside ? ends[g] : TSKIP__FAR;
    }
    return r;
}

/* The columns that query row `row` sees. `words` is the rules buffer as 8-byte words. */
TSKIP__FN struct tskip__row_limits tskip__row_limits(struct tskip__rules rules,
                                                     struct tskip__rules_entry entry,
                                                     TSKIP__GLOBAL tskip_i64 *words,
                                                     tskip_i64 k_len, tskip_i64 row)
{
    struct tskip__row_ends e = tskip__row_ends(rules, entry, words, row + rules.q_offset);
    tskip_i64 first = entry.kstart, last = tskip__min(entry.klen, k_len);
    struct tskip__row_limits r;
    r.lo = tskip__max(tskip__max(e.l, e.a) - rules.k_offset, first);
    r.hi = tskip__min(tskip__min(e.h, e.b) - rules.k_offset, last);
    r.sink_lo = tskip__max(e.a - rules.k_offset, first);
    r.sink_hi = tskip__min(tskip__min(tskip__min(e.u, rules.sink), e.b) - rules.k_offset, last);
    return r;
}

/* The same limits as columns that exist, in the 32 bits that number the keys on a device. */
struct tskip__columns {
    tskip_u32 lo, hi, sink_lo, sink_hi;
};

TSKIP__FN tskip_u32 tskip__to_column(tskip_i64 limit, tskip_i64 k_len)
{
    return (tskip_u32)tskip__max(0, tskip__min(limit, k_len));
}

TSKIP__FN struct tskip__columns tskip__to_columns(struct tskip__row_limits r, tskip_i64 k_len)
{
    struct tskip__columns c;
    c.lo = tskip__to_column(r.lo, k_len);
    c.hi = tskip__to_column(r.hi, k_len);
    c.sink_lo = tskip__to_column(r.sink_lo, k_len);
    c.sink_hi = tskip__to_column(r.sink_hi, k_len);
    return c;
}

TSKIP__FN int tskip__row_sees(struct tskip__row_limits r, tskip_i64 column)
{
    return (column >= r.lo && column < r.hi) || (column >= r.sink_lo && column < r.sink_hi);
}

#endif
