/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#pragma METAL fp contract(off)
#include <metal_stdlib>
using namespace metal;

#include "kernels/metal/metal_planes.h"
#include "kernels/shared/tile_class.h"

/* The tile map from rules, in closed form with a thread a tile, or from a tensor in one pass, or
 * both joined. A group is (row of tiles, plane, share of the columns).
 *
 * The scan judges cells by their bits, so that a NaN is an ordinary value that is neither masked
 * nor zero, and so that a tiny number is none that was flushed to zero. Where tiles divide 256
 * columns a group takes these, its SIMD groups share the rows and join through group memory, and
 * neighbouring lanes read neighbouring cells. Elsewhere a SIMD group takes a tile. */

#define SIMDGROUPS (TSKIP_GROUP_THREADS / LANES)
#define STEPS      8 /* of 32 columns: a strip */
#define STRIP      (STEPS * LANES)

#define ALL_MASKED 1u
#define ALL_ZERO   2u
#define NO_CELL    (ALL_MASKED | ALL_ZERO)

/* What one cell says. Masked are the bits LO … HI: from -1e30 (f16: the lowest finite) to -inf. */
template <uint DTYPE> TSKIP__FN uint judge(const device uchar *row, tskip_i64 i)
{
    if (DTYPE == TSKIP__BOOL)
        return row[i] ? ALL_ZERO : ALL_MASKED;
    uint bits, low, high, sign;
    if (DTYPE == TSKIP__F32) {
        bits = ((const device uint *)row)[i];
        low = 0xF149F2CAu;
        high = 0xFF800000u;
        sign = 0x80000000u;
    } else {
        bits = ((const device ushort *)row)[i];
        low = DTYPE == TSKIP__F16 ? 0xFBFFu : 0xF14Au;
        high = DTYPE == TSKIP__F16 ? 0xFC00u : 0xFF80u;
        sign = 0x8000u;
    }
    return (bits - low <= high - low ? ALL_MASKED : 0u) | ((bits & ~sign) == 0 ? ALL_ZERO : 0u);
}

TSKIP__FN uchar class_of(uint verdict)
{
    return verdict & ALL_MASKED ? TSKIP__SKIP : verdict & ALL_ZERO ? TSKIP__FULL : TSKIP__MIXED;
}

struct tile_row {
    const device uchar *cells; /* of its first row; without a tensor, never read */
    tskip_i64 stride;          /* bytes */
    uint rows;
    device uchar *map;
    struct tskip__tile_row rules; /* meaningful with rules */
};

/* Writes the class of tile j: the rules' joined with `scanned`. */
TSKIP__FN void put_class(PLANE_ARGS &a, const thread struct tile_row &t, tskip_i64 j, uchar scanned)
{
    if (a.has_rules) {
        tskip_i64 begin = j * a.bk, end = tskip__min(begin + a.bk, a.k_len);
        scanned = tskip__combine_classes(scanned, tskip__tile_class(t.rules, begin, end));
    }
    t.map[j] = scanned;
}

/* ---- strips of 256 columns ------------------------------------------------------------------ */

template <uint DTYPE>
TSKIP__FN void scan_strip(PLANE_ARGS &a, const thread struct tile_row &t, tskip_i64 strip,
                          threadgroup uchar *verdicts, uint index)
{
    uint simd = index / LANES, lane = index % LANES;
    uint begin = t.rows * simd / SIMDGROUPS, end = t.rows * (simd + 1) / SIMDGROUPS;
    tskip_i64 first = strip * STRIP + lane;
    uint seen[STEPS];
    for (uint i = 0; i < STEPS; i++)
        seen[i] = NO_CELL;
    for (uint r = begin; r < end; r++) {
        const device uchar *row = t.cells + r * t.stride;
        for (uint i = 0; i < STEPS; i++)
            if (first + i * LANES < a.k_len)
                seen[i] &= judge<DTYPE>(row, first + i * LANES);
    }
    for (uint i = 0; i < STEPS; i++) {
        uint verdict = simd_and(seen[i]);
        if (lane == 0)
            verdicts[simd * STEPS + i] = uchar(verdict);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    uint steps = a.bk / LANES, tiles = STEPS / steps;
    tskip_i64 j = strip * tiles + index;
    if (index < tiles && j < a.nk) {
        uint verdict = NO_CELL;
        for (uint i = 0; i < SIMDGROUPS * steps; i++)
            verdict &= verdicts[i / steps * STEPS + index * steps + i % steps];
        put_class(a, t, j, class_of(verdict));
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
}

/* ---- any tile ------------------------------------------------------------------------------- */

template <uint DTYPE>
TSKIP__FN uint scan_tile(PLANE_ARGS &a, const thread struct tile_row &t, tskip_i64 j, uint lane)
{
    tskip_i64 begin = j * a.bk, end = tskip__min(begin + a.bk, a.k_len);
    uint seen = NO_CELL;
    for (uint r = 0; r < t.rows; r++)
        for (tskip_i64 c = begin + lane; c < end; c += LANES)
            seen &= judge<DTYPE>(t.cells + r * t.stride, c);
    return simd_and(seen);
}

template <uint DTYPE>
TSKIP__FN void scan(PLANE_ARGS &a, const thread struct tile_row &t, threadgroup uchar *verdicts,
                    uint3 group, uint3 groups, uint index)
{
    if (a.bk % LANES == 0 && STRIP % a.bk == 0) {
        tskip_i64 strips = (a.k_len + STRIP - 1) / STRIP;
        for (tskip_i64 strip = group.z; strip < strips; strip += groups.z)
            scan_strip<DTYPE>(a, t, strip, verdicts, index);
        return;
    }
    tskip_i64 step = tskip_i64(groups.z) * SIMDGROUPS;
    for (tskip_i64 j = tskip_i64(group.z) * SIMDGROUPS + index / LANES; j < a.nk; j += step) {
        uint verdict = scan_tile<DTYPE>(a, t, j, index % LANES);
        if (index % LANES == 0)
            put_class(a, t, j, class_of(verdict));
    }
}

[[kernel, max_total_threads_per_threadgroup(TSKIP_GROUP_THREADS)]] void
tile_map(const device tskip_i64 *words [[buffer(0)]], const device uchar *tensor [[buffer(1)]],
         device uchar *map [[buffer(2)]], constant struct tskip__plane_args &a [[buffer(3)]],
         threadgroup uchar *verdicts [[threadgroup(0)]],
         uint3 group [[threadgroup_position_in_grid]], uint3 groups [[threadgroups_per_grid]],
         uint simd [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]])
{
    uint index = simd * LANES + lane, plane = group.y;
    tskip_i64 first = tskip_i64(group.x) * a.bq;
    struct tile_row t;
    t.cells = cells_of(a, tensor, plane, first);
    t.stride = a.tensor.stride_row * element_size(a.tensor.dtype);
    t.rows = uint(tskip__min(a.bq, a.q_len - first));
    t.map = map + (tskip_u64(plane) * a.nq + group.x) * a.nk;
    if (a.has_rules)
        t.rules =
            tskip__tile_row(a.rules, tskip__entry_of(a.rules, words, plane / a.planes_head), words,
                            a.q_len, a.k_len, first, a.bq);
    if (a.tensor.dtype == TSKIP__F32)
        scan<TSKIP__F32>(a, t, verdicts, group, groups, index);
    else if (a.tensor.dtype == TSKIP__F16)
        scan<TSKIP__F16>(a, t, verdicts, group, groups, index);
    else if (a.tensor.dtype == TSKIP__BF16)
        scan<TSKIP__BF16>(a, t, verdicts, group, groups, index);
    else if (a.tensor.dtype == TSKIP__BOOL)
        scan<TSKIP__BOOL>(a, t, verdicts, group, groups, index);
    else
        for (tskip_i64 j = tskip_i64(group.z) * TSKIP_GROUP_THREADS + index; j < a.nk;
             j += tskip_i64(groups.z) * TSKIP_GROUP_THREADS)
            put_class(a, t, j, TSKIP__FULL);
}
