/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <immintrin.h>
#include <stddef.h>

#include "scan.h"

/* Comparisons leave a bit a cell, so 64 columns of verdicts are two words that stay in the L1
 * cache however long the row is. */

#define INLINE static inline __attribute__((always_inline))

struct verdict64 {
    uint64_t unmasked, nonzero;
};

/* The 16 cells of 4 bytes at p, or those that `some` names. */
INLINE struct verdict64 judge_16(const void *p, __mmask16 some)
{
    const __m512i x = _mm512_maskz_loadu_epi32(some, p);
    const __m512i key = _mm512_sub_epi32(x, _mm512_set1_epi32((int)TSKIP__SCAN_LOW_F32));
    const __m512i span = _mm512_set1_epi32((int)TSKIP__SCAN_SPAN_F32);
    return (struct verdict64){
        _mm512_mask_cmpgt_epu32_mask(some, key, span),
        _mm512_test_epi32_mask(x, _mm512_set1_epi32(0x7FFFFFFF)),
    };
}

INLINE struct verdict64 judge_32(const void *p, __mmask32 some, uint32_t low, uint32_t span)
{
    const __m512i x = _mm512_maskz_loadu_epi16(some, p);
    const __m512i key = _mm512_sub_epi16(x, _mm512_set1_epi16((short)low));
    return (struct verdict64){
        _mm512_mask_cmpgt_epu16_mask(some, key, _mm512_set1_epi16((short)span)),
        _mm512_test_epi16_mask(x, _mm512_set1_epi16(0x7FFF)),
    };
}

/* Cells p[0 … n) of 64, n >= 64 for all. dtype is a constant at every call. */
INLINE struct verdict64 judge_64(const char *p, tskip_i64 n, const tskip_u32 dtype)
{
    const uint64_t some = n >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1;
    struct verdict64 all = {0, 0};
    if (dtype == TSKIP__BOOL) {
        const __m512i x = _mm512_maskz_loadu_epi8(some, p);
        all.unmasked = _mm512_test_epi8_mask(x, x);
        all.nonzero = ~all.unmasked & some;
        return all;
    }
    const int step = dtype == TSKIP__F32 ? 16 : 32, size = 64 / step;
    for (int i = 0; i < 64; i += step) {
        const uint32_t here = (uint32_t)(some >> i);
        const char *cells = p + (size_t)i * (size_t)size;
        const struct verdict64 v =
            dtype == TSKIP__F32 ? judge_16(cells, (__mmask16)here)
            : dtype == TSKIP__F16
                ? judge_32(cells, here, TSKIP__SCAN_LOW_F16, TSKIP__SCAN_SPAN_F16)
                : judge_32(cells, here, TSKIP__SCAN_LOW_BF16, TSKIP__SCAN_SPAN_BF16);
        all.unmasked |= v.unmasked << i;
        all.nonzero |= v.nonzero << i;
    }
    return all;
}

INLINE void judge(const char *cells, tskip_i64 stride, tskip_i64 rows, tskip_i64 columns,
                  struct tskip__scan_room *room, const tskip_u32 dtype)
{
    const size_t size = dtype == TSKIP__F32 ? 4 : dtype == TSKIP__BOOL ? 1 : 2;
    const tskip_i64 whole = columns / 64, words = (columns + 63) / 64;
    for (tskip_i64 w = 0; w < words; w++)
        room->bits.unmasked[w] = room->bits.nonzero[w] = 0;
    for (tskip_i64 r = 0; r < rows; r++, cells += (size_t)stride * size) {
        for (tskip_i64 w = 0; w < whole; w++) {
            const struct verdict64 v = judge_64(cells + (size_t)w * 64 * size, 64, dtype);
            room->bits.unmasked[w] |= v.unmasked;
            room->bits.nonzero[w] |= v.nonzero;
        }
        if (whole < words) {
            const struct verdict64 v =
                judge_64(cells + (size_t)whole * 64 * size, columns % 64, dtype);
            room->bits.unmasked[whole] |= v.unmasked;
            room->bits.nonzero[whole] |= v.nonzero;
        }
    }
}

static void judge_f32(const void *cells, tskip_i64 stride, tskip_i64 rows, tskip_i64 columns,
                      struct tskip__scan_room *room)
{
    judge(cells, stride, rows, columns, room, TSKIP__F32);
}

static void judge_f16(const void *cells, tskip_i64 stride, tskip_i64 rows, tskip_i64 columns,
                      struct tskip__scan_room *room)
{
    judge(cells, stride, rows, columns, room, TSKIP__F16);
}

static void judge_bf16(const void *cells, tskip_i64 stride, tskip_i64 rows, tskip_i64 columns,
                       struct tskip__scan_room *room)
{
    judge(cells, stride, rows, columns, room, TSKIP__BF16);
}

static void judge_bool(const void *cells, tskip_i64 stride, tskip_i64 rows, tskip_i64 columns,
                       struct tskip__scan_room *room)
{
    judge(cells, stride, rows, columns, room, TSKIP__BOOL);
}

/* Is a bit of [begin, end) set? Not empty. */
INLINE int any_bit(const uint64_t *bits, tskip_i64 begin, tskip_i64 end)
{
    const tskip_i64 first = begin / 64, last = (end - 1) / 64;
    const uint64_t from = ~(uint64_t)0 << begin % 64, to = ~(uint64_t)0 >> (63 - (end - 1) % 64);
    if (first == last)
        return (bits[first] & from & to) != 0;
    uint64_t found = (bits[first] & from) | (bits[last] & to);
    for (tskip_i64 w = first + 1; w < last; w++)
        found |= bits[w];
    return found != 0;
}

INLINE tskip_u8 verdict(int unmasked, int nonzero)
{
    return (tskip_u8)((unmasked ? TSKIP__SCAN_UNMASKED : 0) | (nonzero ? TSKIP__SCAN_NONZERO : 0));
}

/* Several tiles a word. */
static void join_narrow(const struct tskip__scan_room *room, tskip_i64 tiles, int width,
                        tskip_u8 *out)
{
    const uint64_t tile = ((uint64_t)1 << width) - 1;
    for (tskip_i64 w = 0; tiles > 0; w++) {
        uint64_t unmasked = room->bits.unmasked[w], nonzero = room->bits.nonzero[w];
        for (int i = 0; i < 64 && tiles > 0; i += width, tiles--) {
            *out++ = verdict((unmasked & tile) != 0, (nonzero & tile) != 0);
            unmasked >>= width;
            nonzero >>= width;
        }
    }
}

static void join(const struct tskip__scan_room *room, tskip_i64 columns, tskip_i64 width,
                 tskip_u8 *out)
{
    if (width < 64 && 64 % width == 0) {
        join_narrow(room, (columns + width - 1) / width, (int)width, out);
        return;
    }
    for (tskip_i64 begin = 0; begin < columns; begin += width) {
        const tskip_i64 end = width < columns - begin ? begin + width : columns;
        *out++ = verdict(any_bit(room->bits.unmasked, begin, end),
                         any_bit(room->bits.nonzero, begin, end));
    }
}

const tskip__scan_set tskip__scan_avx512 = {
    .judge = {[TSKIP__F32] = judge_f32,
              [TSKIP__F16] = judge_f16,
              [TSKIP__BF16] = judge_bf16,
              [TSKIP__BOOL] = judge_bool},
    .join = join,
};
