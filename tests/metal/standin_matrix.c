/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin_run.h"

#include <string.h>

#include "base/half.h"
#include "standin_meet.h"

/* 8 x 8 matrices of a SIMD group. The last lane to arrive does the work of all. */

typedef float row8 __attribute__((vector_size(32)));

/* The lane whose pair holds columns 2 * pair and 2 * pair + 1 of `row`. */
static const unsigned char lane_of[8][4] = {
    {0, 1, 8, 9},     {2, 3, 10, 11},   {4, 5, 12, 13},   {6, 7, 14, 15},
    {16, 17, 24, 25}, {18, 19, 26, 27}, {20, 21, 28, 29}, {22, 23, 30, 31},
};

typedef union row {
    msl_pair pairs[4];
    row8 all;
    float each[8];
} row;

static void gather(const msl_pair from[32], row to[8])
{
    for (unsigned r = 0; r < 8; r++)
        for (unsigned p = 0; p < 4; p++)
            to[r].pairs[p] = from[lane_of[r][p]];
}

static void scatter(const row from[8], msl_pair to[32])
{
    for (unsigned r = 0; r < 8; r++)
        for (unsigned p = 0; p < 4; p++)
            to[lane_of[r][p]] = from[r].pairs[p];
}

static void need_all_lanes(const standin_simd *s, const char *what, int line)
{
    if (s->n_lanes < 32)
        standin_violate(NULL, "%s, line %d, in a SIMD group of %u lanes", what, line, s->n_lanes);
}

STANDIN_EXPORT msl_pair msl_multiply_accumulate(msl_pair a, msl_pair b, msl_pair c, int line)
{
    standin_worker *w = standin_self;
    standin_lane *me = w->current;
    standin_simd *s = me->simd;
    unsigned parity = s->parity, lane = me->index - s->first;
    s->a[parity][lane] = a;
    s->b[parity][lane] = b;
    s->c[parity][lane] = c;
    if (!standin_arrive(s, "a matrix product", line)) {
        standin_yield(w, me);
        return s->c[parity][lane];
    }
    need_all_lanes(s, "a matrix product", line);
    row left[8], right[8], sum[8];
    gather(s->a[parity], left);
    gather(s->b[parity], right);
    gather(s->c[parity], sum);
    for (unsigned r = 0; r < 8; r++)
        for (unsigned k = 0; k < 8; k++)
            sum[r].all += left[r].each[k] * right[k].all;
    scatter(sum, s->c[parity]);
    return s->c[parity][lane];
}

/* ---- load and store -------------------------------------------------------------------------- */

static size_t size_of(msl_element type)
{
    return type == MSL_F32 ? 4 : 2;
}

static float to_float(const unsigned char *from, msl_element type)
{
    float value;
    uint16_t bits;
    if (type == MSL_F32) {
        memcpy(&value, from, sizeof value);
        return value;
    }
    memcpy(&bits, from, sizeof bits);
    if (type == MSL_BF16) {
        uint32_t word = (uint32_t)bits << 16;
        memcpy(&value, &word, sizeof value);
        return value;
    }
    return tskip__f16_to_f32(bits);
}

static void from_float(float value, unsigned char *to, msl_element type)
{
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    uint16_t bits = (uint16_t)(word >> 16); /* a bfloat that was widened: no bit is lost */
    if (type == MSL_F16)
        bits = tskip__f32_to_f16(value);
    memcpy(to, type == MSL_F32 ? (void *)&word : (void *)&bits, size_of(type));
}

STANDIN_EXPORT void msl_use_unset_matrix(int line)
{
    standin_violate(NULL, "line %d: it uses a simdgroup_matrix that holds nothing yet", line);
}

/* Every lane must name the same block. Returns true for the last lane. */
static bool meet_at(uintptr_t address, uint64_t shape, const char *what, int line)
{
    standin_worker *w = standin_self;
    standin_lane *me = w->current;
    standin_simd *s = me->simd;
    uint64_t mine = address * 31 + shape;
    if (s->n_arrived && s->argument != mine)
        standin_violate(NULL, "%s, line %d: the lanes name different blocks", what, line);
    s->argument = mine;
    if (standin_arrive(s, what, line)) {
        need_all_lanes(s, what, line);
        return true;
    }
    standin_yield(w, me);
    return false;
}

STANDIN_EXPORT msl_pair msl_matrix_load(const void *from, msl_element type, unsigned long stride,
                                        bool transpose, int line)
{
    standin_simd *s = standin_self->current->simd;
    unsigned parity = s->parity, lane = msl_own_lane();
    if (!meet_at((uintptr_t)from, 2 * stride + transpose, "simdgroup_load", line))
        return s->c[parity][lane];
    size_t size = size_of(type);
    row m[8];
    for (unsigned r = 0; r < 8; r++) {
        const unsigned char *at = (const unsigned char *)from + r * stride * size;
        standin_judge((uintptr_t)at, 8 * size, false, true, __builtin_return_address(0));
        for (unsigned c = 0; c < 8; c++)
            m[transpose ? c : r].each[transpose ? r : c] = to_float(at + c * size, type);
    }
    scatter(m, s->c[parity]);
    return s->c[parity][lane];
}

STANDIN_EXPORT void msl_matrix_store(msl_pair value, void *to, msl_element type,
                                     unsigned long stride, bool transpose, int line)
{
    standin_simd *s = standin_self->current->simd;
    unsigned parity = s->parity, lane = msl_own_lane();
    s->c[parity][lane] = value;
    if (!meet_at((uintptr_t)to, 2 * stride + transpose, "simdgroup_store", line))
        return;
    size_t size = size_of(type);
    row m[8];
    gather(s->c[parity], m);
    for (unsigned r = 0; r < 8; r++) {
        unsigned char *at = (unsigned char *)to + r * stride * size;
        standin_judge((uintptr_t)at, 8 * size, true, true, __builtin_return_address(0));
        for (unsigned c = 0; c < 8; c++)
            from_float(m[transpose ? c : r].each[transpose ? r : c], at + c * size, type);
    }
}

/* ---- atomics --------------------------------------------------------------------------------- */

static uint32_t changed(uint32_t old, msl_atomic_action action, uint32_t value, uint32_t expected)
{
    switch (action) {
    case MSL_ATOMIC_ADD:
        return old + value;
    case MSL_ATOMIC_SUB:
        return old - value;
    case MSL_ATOMIC_MIN_I32:
        return (int32_t)value < (int32_t)old ? value : old;
    case MSL_ATOMIC_MAX_I32:
        return (int32_t)value > (int32_t)old ? value : old;
    case MSL_ATOMIC_MIN_U32:
        return value < old ? value : old;
    case MSL_ATOMIC_MAX_U32:
        return value > old ? value : old;
    case MSL_ATOMIC_AND:
        return old & value;
    case MSL_ATOMIC_OR:
        return old | value;
    case MSL_ATOMIC_XOR:
        return old ^ value;
    case MSL_ATOMIC_COMPARE_EXCHANGE:
        return old == expected ? value : old;
    default: /* store, exchange */
        return value;
    }
}

STANDIN_EXPORT unsigned msl_atomic(void *word, msl_atomic_action action, unsigned value,
                                   unsigned expected, int line)
{
    (void)line;
    _Atomic uint32_t *at = word;
    bool writes = action != MSL_ATOMIC_LOAD;
    standin_judge_atomic((uintptr_t)word, writes, __builtin_return_address(0));
    uint32_t old = atomic_load_explicit(at, memory_order_relaxed);
    while (writes &&
           !atomic_compare_exchange_weak_explicit(at, &old, changed(old, action, value, expected),
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
    return old;
}
