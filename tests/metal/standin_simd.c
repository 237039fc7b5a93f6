/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin_run.h"

#include <string.h>

#include "standin_meet.h"

/* The operations of a SIMD group that move or reduce one value a lane. */

STANDIN_EXPORT unsigned msl_own_lane(void)
{
    const standin_lane *me = standin_self->current;
    return me->index - me->simd->first;
}

/* Puts `value` down and waits until every lane has; the parity of the slots that hold them. */
static unsigned exchange(uint64_t value, const char *what, int line)
{
    standin_worker *w = standin_self;
    standin_lane *me = w->current;
    standin_simd *s = me->simd;
    unsigned parity = s->parity;
    s->slots[parity][me->index - s->first] = value;
    if (!standin_arrive(s, what, line))
        standin_yield(w, me);
    return parity;
}

STANDIN_EXPORT unsigned long msl_shuffle(unsigned long value, unsigned from, int line)
{
    const standin_simd *s = standin_self->current->simd;
    unsigned parity = exchange(value, "a shuffle", line);
    return from < s->n_lanes ? s->slots[parity][from] : value;
}

static float as_float(uint64_t bits)
{
    uint32_t word = (uint32_t)bits;
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

static float combine_f32(float a, float b, msl_reduction how)
{
    switch (how) {
    case MSL_PRODUCT:
        return a * b;
    case MSL_MIN:
        return b < a || a != a ? b : a;
    case MSL_MAX:
        return a < b || a != a ? b : a;
    default:
        return a + b;
    }
}

/* By halves, as a GPU would: the order of a sum is not that of the lanes. */
static float tree(const uint64_t *slots, unsigned begin, unsigned n, msl_reduction how)
{
    if (n == 1)
        return as_float(slots[begin]);
    unsigned half = n / 2;
    return combine_f32(tree(slots, begin, half, how), tree(slots, begin + half, n - half, how),
                       how);
}

STANDIN_EXPORT unsigned msl_reduce_f32(unsigned bits, msl_reduction how, int line)
{
    standin_worker *w = standin_self;
    standin_lane *me = w->current;
    standin_simd *s = me->simd;
    unsigned parity = s->parity, lane = me->index - s->first;
    s->slots[parity][lane] = bits;
    if (standin_arrive(s, "a reduction", line) && how != MSL_PREFIX_SUM) {
        float all = tree(s->slots[parity], 0, s->n_lanes, how);
        uint32_t word;
        memcpy(&word, &all, sizeof word);
        s->result[parity] = word;
    } else if (s->parity == parity) {
        standin_yield(w, me);
    }
    if (how != MSL_PREFIX_SUM)
        return (unsigned)s->result[parity];
    float sum = as_float(s->slots[parity][0]);
    for (unsigned i = 1; i <= lane; i++)
        sum += as_float(s->slots[parity][i]);
    memcpy(&bits, &sum, sizeof bits);
    return bits;
}

static uint64_t combine(uint64_t a, uint64_t b, msl_reduction how, bool is_signed)
{
    bool less = is_signed ? (int64_t)b < (int64_t)a : b < a;
    switch (how) {
    case MSL_PRODUCT:
        return a * b;
    case MSL_MIN:
        return less ? b : a;
    case MSL_MAX:
        return less ? a : b;
    case MSL_AND:
        return a & b;
    case MSL_OR:
        return a | b;
    case MSL_XOR:
        return a ^ b;
    default:
        return a + b;
    }
}

static uint64_t reduce(uint64_t value, msl_reduction how, bool is_signed, int line)
{
    const standin_lane *me = standin_self->current;
    const standin_simd *s = me->simd;
    const uint64_t *slots = s->slots[exchange(value, "a reduction", line)];
    unsigned n = how == MSL_PREFIX_SUM ? me->index - s->first + 1 : s->n_lanes;
    uint64_t all = how == MSL_BALLOT ? slots[0] != 0 : slots[0];
    for (unsigned i = 1; i < n; i++)
        all = how == MSL_BALLOT ? all | (uint64_t)(slots[i] != 0) << i
                                : combine(all, slots[i], how, is_signed);
    return all;
}

STANDIN_EXPORT unsigned long msl_reduce_u64(unsigned long value, msl_reduction how, int line)
{
    return reduce(value, how, false, line);
}

STANDIN_EXPORT long msl_reduce_i64(long value, msl_reduction how, int line)
{
    return (long)reduce((uint64_t)value, how, true, line);
}
