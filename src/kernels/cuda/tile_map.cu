/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "kernels/cuda/planes.h"
#include "kernels/shared/tile_class.h"

/* The tile map from rules, in closed form with a thread a tile, or from a tensor in one pass, or
 * both joined. A group is (row of tiles, plane, share of the columns).
 *
 * The scan keeps two integers of what it has seen, by unsigned arithmetic on the bits, so that a
 * NaN is an ordinary value that is neither masked nor zero:
 *
 *     high = max of (bits - LO)    all masked iff high <= HI - LO, masked cells being LO … HI
 *     any  = or of bits            all zero   iff any without the sign is 0
 *
 * A strip of columns holds whole tiles, its warps share out the rows and join through shared
 * memory. Wide path: a lane reads 16 bytes of a row at a time, always of one tile. Where rows are
 * not aligned: 256 columns, a warp reads 32 neighbours at a time, always of one tile. Where the
 * tile fits neither, a warp takes a tile and reads cell by cell. */

#define WARPS 8
#define LANES 32

enum { ALL_MASKED = 1, ALL_ZERO = 2 };

TSKIP__FN tskip_u8 class_of(tskip_u32 verdict)
{
    return verdict & ALL_MASKED ? TSKIP__SKIP : verdict & ALL_ZERO ? TSKIP__FULL : TSKIP__MIXED;
}

/* One cell's part in both integers of its type. */
struct cell_range {
    tskip_u32 low, range, magnitude; /* LO, HI - LO, all bits but the sign */
};

TSKIP__FN struct cell_range range_of(tskip_u32 dtype)
{
    struct cell_range f32 = {0xF149F2CAu, 0xFF800000u - 0xF149F2CAu, 0x7FFFFFFFu};
    struct cell_range f16 = {0xFBFFu, 0xFC00u - 0xFBFFu, 0x7FFFu};
    struct cell_range bf16 = {0xF14Au, 0xFF80u - 0xF14Au, 0x7FFFu};
    return dtype == TSKIP__F32 ? f32 : dtype == TSKIP__F16 ? f16 : bf16;
}

/* ---- the wide path ------------------------------------------------------------------------- */

/* What a lane has seen. 16-bit cells lie in pairs, bools in fours. */
struct seen {
    tskip_u32 high, any;
};

TSKIP__FN void see_word(struct seen &s, tskip_u32 word, tskip_u32 dtype, tskip_u32 low)
{
    s.any |= word;
    if (dtype == TSKIP__F32)
        s.high = max(s.high, word - low);
    else if (dtype == TSKIP__BOOL)
        s.high |= __vcmpeq4(word, 0);
    else
        s.high = __vmaxu2(s.high, __vsub2(word, low));
}

TSKIP__FN tskip_u32 judge(const struct seen &s, tskip_u32 dtype, const struct cell_range &cell)
{
    if (dtype == TSKIP__BOOL)
        return (s.any == 0 ? ALL_MASKED : 0) | (s.high == 0 ? ALL_ZERO : 0);
    tskip_u32 high = s.high, any = s.any;
    if (dtype != TSKIP__F32) {
        high = max(high & 0xFFFFu, high >> 16);
        any |= any >> 16;
    }
    return (high <= cell.range ? ALL_MASKED : 0) | ((any & cell.magnitude) == 0 ? ALL_ZERO : 0);
}

/* A cell that begins no whole vector: spread over its word so that the others count for nothing. */
TSKIP__FN void see_cell(struct seen &s, const char *cells, tskip_u32 dtype, tskip_i64 i,
                        tskip_u32 low)
{
    if (dtype == TSKIP__F32)
        see_word(s, ((const tskip_u32 *)cells)[i], dtype, low);
    else if (dtype == TSKIP__BOOL)
        see_word(s, ((const tskip_u8 *)cells)[i] * 0x01010101u, dtype, low);
    else
        see_word(s, ((const tskip_u16 *)cells)[i] * 0x00010001u, dtype, low);
}

/* The columns [column, end) of the warp's rows, `stride` bytes apart; up to 16 bytes a row. */
template <tskip_u32 DTYPE>
TSKIP__FN tskip_u32 scan_lane(const char *cells, tskip_i64 stride, int rows, tskip_i64 columns)
{
    const struct cell_range cell = range_of(DTYPE);
    const tskip_u32 low = DTYPE == TSKIP__F32 ? cell.low : cell.low * 0x00010001u;
    struct seen s = {0, 0};
    if (columns * element_size(DTYPE) == 16) {
#pragma unroll 8
        for (int r = 0; r < rows; r++) {
            uint4 v = __ldcs((const uint4 *)(cells + r * stride));
            see_word(s, v.x, DTYPE, low);
            see_word(s, v.y, DTYPE, low);
            see_word(s, v.z, DTYPE, low);
            see_word(s, v.w, DTYPE, low);
        }
    } else {
        for (int r = 0; r < rows; r++)
            for (tskip_i64 c = 0; c < columns; c++)
                see_cell(s, cells + r * stride, DTYPE, c, low);
    }
    return judge(s, DTYPE, cell);
}

/* ---- the plan of a row of tiles -------------------------------------------------------------- */

struct tile_row {
    const char *cells; /* of its first row; null without a tensor */
    tskip_i64 stride;  /* bytes */
    int rows;
    tskip_u8 *map;
    struct tskip__tile_row rules; /* meaningful with rules */
};

/* The class of tile j under the rules joined with `scanned`. */
TSKIP__FN void put_class(const struct tskip__plane_args &a, const struct tile_row &t, tskip_i64 j,
                         tskip_u8 scanned)
{
    if (a.has_rules && scanned != TSKIP__SKIP) {
        tskip_i64 column = j * a.bk;
        tskip_u8 under_rules =
            tskip__tile_class(t.rules, column, tskip__min(column + a.bk, a.k_len));
        scanned = tskip__combine_classes(scanned, under_rules);
    }
    t.map[j] = scanned;
}

/* One strip of 32 vectors: whole tiles, 8 warps by rows. */
template <tskip_u32 DTYPE>
TSKIP__FN void scan_strip(const struct tskip__plane_args &a, const struct tile_row &t,
                          tskip_i64 strip)
{
    constexpr int CELLS = DTYPE == TSKIP__F32 ? 4 : DTYPE == TSKIP__BOOL ? 16 : 8;
    __shared__ tskip_u8 verdicts[WARPS][LANES];
    int warp = threadIdx.x / LANES, lane = threadIdx.x % LANES;
    tskip_i64 column = (strip * LANES + lane) * CELLS;
    int begin = t.rows * warp / WARPS, end = t.rows * (warp + 1) / WARPS;
    tskip_u32 verdict = ALL_MASKED | ALL_ZERO;
    if (column < a.k_len)
        verdict = scan_lane<DTYPE>(t.cells + begin * t.stride + column * element_size(DTYPE),
                                   t.stride, end - begin, tskip__min(CELLS, a.k_len - column));
    int lanes = a.bk / CELLS;
    for (int step = 1; step < lanes; step *= 2)
        verdict &= __shfl_xor_sync(0xFFFFFFFFu, verdict, step);
    verdicts[warp][lane] = (tskip_u8)verdict;
    __syncthreads();
    int tiles = LANES / lanes;
    tskip_i64 j = strip * tiles + threadIdx.x;
    if ((int)threadIdx.x < tiles && j < a.nk) {
        verdict = ALL_MASKED | ALL_ZERO;
        for (int w = 0; w < WARPS; w++)
            verdict &= verdicts[w][threadIdx.x * lanes];
        put_class(a, t, j, class_of(verdict));
    }
    __syncthreads();
}

template <tskip_u32 DTYPE>
TSKIP__FN void scan_wide(const struct tskip__plane_args &a, const struct tile_row &t)
{
    constexpr int CELLS = DTYPE == TSKIP__F32 ? 4 : DTYPE == TSKIP__BOOL ? 16 : 8;
    tskip_i64 strips = (a.k_len + LANES * CELLS - 1) / (LANES * CELLS);
    for (tskip_i64 strip = blockIdx.z; strip < strips; strip += gridDim.z)
        scan_strip<DTYPE>(a, t, strip);
}

/* ---- rows that are not aligned --------------------------------------------------------------- */

#define STEPS 8 /* of 32 columns: a strip */

template <tskip_u32 DTYPE>
TSKIP__FN void scan_loose_strip(const struct tskip__plane_args &a, const struct tile_row &t,
                                tskip_i64 strip)
{
    const struct cell_range cell = range_of(DTYPE);
    const tskip_u32 low = DTYPE == TSKIP__F32 ? cell.low : cell.low * 0x00010001u;
    __shared__ tskip_u8 verdicts[WARPS][STEPS];
    int warp = threadIdx.x / LANES, lane = threadIdx.x % LANES;
    int begin = t.rows * warp / WARPS, end = t.rows * (warp + 1) / WARPS;
    tskip_i64 first = strip * STEPS * LANES + lane;
    const char *row = t.cells + begin * t.stride + first * element_size(DTYPE);
    struct seen s[STEPS] = {};
#pragma unroll 2
    for (int r = begin; r < end; r++, row += t.stride)
#pragma unroll
        for (int i = 0; i < STEPS; i++)
            if (first + i * LANES < a.k_len)
                see_cell(s[i], row, DTYPE, i * LANES, low);
#pragma unroll
    for (int i = 0; i < STEPS; i++) {
        tskip_u32 verdict = ALL_MASKED | ALL_ZERO;
        if (begin < end && first + i * LANES < a.k_len)
            verdict = judge(s[i], DTYPE, cell);
        verdict = __reduce_and_sync(0xFFFFFFFFu, verdict);
        if (lane == 0)
            verdicts[warp][i] = (tskip_u8)verdict;
    }
    __syncthreads();
    int steps = a.bk / LANES, tiles = STEPS / steps;
    tskip_i64 j = strip * tiles + threadIdx.x;
    if ((int)threadIdx.x < tiles && j < a.nk) {
        tskip_u32 verdict = ALL_MASKED | ALL_ZERO;
        for (int i = 0; i < WARPS * steps; i++)
            verdict &= verdicts[i / steps][threadIdx.x * steps + i % steps];
        put_class(a, t, j, class_of(verdict));
    }
    __syncthreads();
}

template <tskip_u32 DTYPE>
TSKIP__FN void scan_loose(const struct tskip__plane_args &a, const struct tile_row &t)
{
    tskip_i64 strips = (a.k_len + STEPS * LANES - 1) / (STEPS * LANES);
    for (tskip_i64 strip = blockIdx.z; strip < strips; strip += gridDim.z)
        scan_loose_strip<DTYPE>(a, t, strip);
}

/* ---- the general path ------------------------------------------------------------------------ */

template <tskip_u32 DTYPE>
TSKIP__FN tskip_u32 scan_tile(const struct tskip__plane_args &a, const struct tile_row &t,
                              tskip_i64 j)
{
    const struct cell_range cell = range_of(DTYPE);
    const tskip_u32 low = DTYPE == TSKIP__F32 ? cell.low : cell.low * 0x00010001u;
    tskip_i64 begin = j * a.bk, end = tskip__min(begin + a.bk, a.k_len);
    struct seen s = {0, 0};
    bool bools_seen = false;
    for (int r = 0; r < t.rows; r++)
        for (tskip_i64 c = begin + threadIdx.x % LANES; c < end; c += LANES) {
            see_cell(s, t.cells + r * t.stride, DTYPE, c, low);
            bools_seen = true;
        }
    tskip_u32 verdict = bools_seen ? judge(s, DTYPE, cell) : ALL_MASKED | ALL_ZERO;
    for (int step = 1; step < LANES; step *= 2)
        verdict &= __shfl_xor_sync(0xFFFFFFFFu, verdict, step);
    return verdict;
}

template <tskip_u32 DTYPE>
TSKIP__FN void scan_narrow(const struct tskip__plane_args &a, const struct tile_row &t)
{
    tskip_i64 first = (tskip_i64)blockIdx.z * WARPS + threadIdx.x / LANES;
    for (tskip_i64 j = first; j < a.nk; j += (tskip_i64)gridDim.z * WARPS) {
        tskip_u32 verdict = scan_tile<DTYPE>(a, t, j);
        if (threadIdx.x % LANES == 0)
            put_class(a, t, j, class_of(verdict));
    }
}

/* ---- choosing -------------------------------------------------------------------------------- */

TSKIP__FN bool fits_wide(const struct tskip__plane_args &a, const struct tile_row &t)
{
    tskip_u32 vector = 16 / element_size(a.tensor.dtype), strip = LANES * vector;
    return ((tskip_u64)t.cells | (tskip_u64)t.stride) % 16 == 0 && a.bk % vector == 0 &&
           a.bk <= strip && strip % a.bk == 0;
}

TSKIP__FN bool fits_loose(const struct tskip__plane_args &a)
{
    return a.bk % LANES == 0 && STEPS * LANES % a.bk == 0;
}

template <tskip_u32 DTYPE>
TSKIP__FN void scan(const struct tskip__plane_args &a, const struct tile_row &t)
{
    if (fits_wide(a, t))
        scan_wide<DTYPE>(a, t);
    else if (fits_loose(a))
        scan_loose<DTYPE>(a, t);
    else
        scan_narrow<DTYPE>(a, t);
}

extern "C" __global__ void __launch_bounds__(WARPS *LANES)
    tile_map(const tskip_i64 *words, const void *tensor, tskip_u8 *map, struct tskip__plane_args a)
{
    tskip_u32 plane = blockIdx.y;
    tskip_i64 first = (tskip_i64)blockIdx.x * a.bq;
    struct tile_row t;
    t.cells = (const char *)cells_of(a, tensor, plane, first);
    t.stride = a.tensor.stride_row * element_size(a.tensor.dtype);
    t.rows = (int)tskip__min(a.bq, a.q_len - first);
    t.map = map + ((tskip_u64)plane * a.nq + blockIdx.x) * a.nk;
    if (a.has_rules)
        t.rules = tskip__tile_row(a.rules, entry_of(a.rules, words, plane / a.planes_head), words,
                                  a.q_len, a.k_len, first, a.bq);
    if (a.tensor.dtype == TSKIP__F32)
        scan<TSKIP__F32>(a, t);
    else if (a.tensor.dtype == TSKIP__F16)
        scan<TSKIP__F16>(a, t);
    else if (a.tensor.dtype == TSKIP__BF16)
        scan<TSKIP__BF16>(a, t);
    else if (a.tensor.dtype == TSKIP__BOOL)
        scan<TSKIP__BOOL>(a, t);
    else
        for (tskip_i64 j = (tskip_i64)blockIdx.z * blockDim.x + threadIdx.x; j < a.nk;
             j += (tskip_i64)gridDim.z * blockDim.x)
            put_class(a, t, j, TSKIP__FULL);
}
