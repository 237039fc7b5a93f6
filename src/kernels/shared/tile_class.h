/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_SHARED_TILE_CLASS_H
#define TSKIP_KERNELS_SHARED_TILE_CLASS_H

#include "row_limits.h"

/* The class of a tile under rules in closed form: no cell is visited. No end of a row's intervals
 * ever decreases with the row, so the first and the last row of a tile, and the first row that
 * reaches the tile at all, decide. For rows p0 … p1, keys [x0, x1) and present keys [n0, n1), with
 * the ends of row_limits.h as functions of p and S = sink:
 *
 *     FULL: n0 <= x0, x1 <= n1, a(p1) <= x0, b(p0) >= x1, and
 *           if S >= x1: max(h(p0), min(u(p0), S)) >= x1
 *           else:       h(p0) >= x1 and l(p1) <= max(x0, S)
 *     seen: with y0 = max(x0, n0) < y1 = min(x1, n1)
 *           the first p with min(h, b)(p) > y0 has max(l, a)(p) < y1, or
 *           y0 < S and the first p with min(u, b)(p) > y0 has a(p) < min(y1, S)
 *
 * A tile that is not seen is SKIP. */

/* What the tiles of one row of tiles share. Positions are absolute. */
struct tskip__tile_row {
    struct tskip__rules rules;
    struct tskip__rules_entry entry;
    TSKIP__GLOBAL tskip_i64 *words;
    tskip_i64 p0, p1;                   /* positions of the first and the last row */
    tskip_i64 n0, n1;                   /* the present keys [n0, n1) */
    struct tskip__row_ends first, last; /* of p0 and p1 */
};

TSKIP__FN struct tskip__tile_row tskip__tile_row(struct tskip__rules rules,
                                                 struct tskip__rules_entry entry,
                                                 TSKIP__GLOBAL tskip_i64 *words, tskip_i64 q_len,
                                                 tskip_i64 k_len, tskip_i64 row, tskip_i64 bq)
{
    struct tskip__tile_row t;
    t.rules = rules;
    t.entry = entry;
    t.words = words;
    t.p0 = row + rules.q_offset;
    t.p1 = tskip__min(row + bq, q_len) - 1 + rules.q_offset;
    t.n0 = entry.kstart + rules.k_offset;
    t.n1 = tskip__min(entry.klen, k_len) + rules.k_offset;
    t.first = tskip__row_ends(rules, entry, words, t.p0);
    t.last = tskip__row_ends(rules, entry, words, t.p1);
    return t;
}

/* The end of what a row sees: of its neighbourhood, or of the columns a sink keeps in sight. */
TSKIP__FN tskip_i64 tskip__reach(struct tskip__row_ends e, int sink)
{
    return tskip__min(sink ? e.u : e.h, e.b);
}

/* The ends of the first row of the tile whose reach passes y; those of the last if none does. */
TSKIP__FN struct tskip__row_ends tskip__first_reaching(struct tskip__tile_row t, tskip_i64 y,
                                                       int sink)
{
    if (tskip__reach(t.first, sink) > y || tskip__reach(t.last, sink) <= y)
        return tskip__reach(t.first, sink) > y ? t.first : t.last;
    tskip_i64 below = t.p0, above = t.p1;
    struct tskip__row_ends found = t.last;
    while (above - below > 1) {
        tskip_i64 middle = below + (above - below) / 2;
        struct tskip__row_ends e = tskip__row_ends(t.rules, t.entry, t.words, middle);
        if (tskip__reach(e, sink) > y) {
            above = middle;
            found = e;
        } else {
            below = middle;
        }
    }
    return found;
}

TSKIP__FN int tskip__tile_is_full(struct tskip__tile_row t, tskip_i64 x0, tskip_i64 x1)
{
    tskip_i64 sink = t.rules.sink;
    if (t.rules.flags & TSKIP__RULE_ALIBI || x0 < t.n0 || x1 > t.n1 || t.last.a > x0 ||
        t.first.b < x1)
        return 0;
    if (sink >= x1)
        return tskip__max(t.first.h, tskip__min(t.first.u, sink)) >= x1;
    return t.first.h >= x1 && t.last.l <= tskip__max(x0, sink);
}

TSKIP__FN int tskip__tile_is_seen(struct tskip__tile_row t, tskip_i64 x0, tskip_i64 x1)
{
    tskip_i64 y0 = tskip__max(x0, t.n0), y1 = tskip__min(x1, t.n1), sink = t.rules.sink;
    if (y0 >= y1)
        return 0;
    struct tskip__row_ends e = tskip__first_reaching(t, y0, 0);
    if (tskip__reach(e, 0) > y0 && tskip__max(e.l, e.a) < y1)
        return 1;
    if (y0 >= sink)
        return 0;
    e = tskip__first_reaching(t, y0, 1);
    return tskip__reach(e, 1) > y0 && e.a < tskip__min(y1, sink);
}

/* The class of the tile of columns [column, end), end cut at k_len by the caller. */
TSKIP__FN tskip_u8 tskip__tile_class(struct tskip__tile_row t, tskip_i64 column, tskip_i64 end)
{
    tskip_i64 x0 = column + t.rules.k_offset, x1 = end + t.rules.k_offset;
    if (tskip__tile_is_full(t, x0, x1))
        return TSKIP__FULL;
    return tskip__tile_is_seen(t, x0, x1) ? TSKIP__MIXED : TSKIP__SKIP;
}

/* The class under rules and a tensor both: MIXED where SKIP could only be seen cell by cell. */
TSKIP__FN tskip_u8 tskip__combine_classes(tskip_u8 a, tskip_u8 b)
{
    return a == TSKIP__SKIP || b == TSKIP__SKIP   ? TSKIP__SKIP
           : a == TSKIP__FULL && b == TSKIP__FULL ? TSKIP__FULL
                                                  : TSKIP__MIXED;
}

#endif
