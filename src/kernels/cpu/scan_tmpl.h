/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The scan as a template: included once by each scan_<rung>.c, which is compiled for that rung and
 * defines TSKIP__SCAN_SET. The loops are plain; the compiler makes them vectors of the rung's
 * width. */

#include <stdint.h>

#include "scan.h"

#define FOLD_ROW(T, LO, v)                                                                         \
    {                                                                                              \
        T x_ = (v);                                                                                \
        T h_ = (T)(x_ - (T)(LO));                                                                  \
        h = h > h_ ? h : h_;                                                                       \
        a = (T)(a | x_);                                                                           \
    }

#define FOLD_BOOL_ROW(T, LO, v)                                                                    \
    {                                                                                              \
        T x_ = (v);                                                                                \
        T h_ = x_ == 0;                                                                            \
        h = h > h_ ? h : h_;                                                                       \
        a = (T)(a | x_);                                                                           \
    }

#define DEFINE_FOLD(name, T, LO, ROW)                                                              \
    static void name##_8(const T *restrict r, tskip_i64 stride, tskip_i64 columns,                 \
                         T *restrict high, T *restrict any)                                        \
    {                                                                                              \
        const T *restrict r1 = r + stride, *restrict r2 = r1 + stride, *restrict r3 = r2 + stride; \
        const T *restrict r4 = r3 + stride, *restrict r5 = r4 + stride;                            \
        const T *restrict r6 = r5 + stride, *restrict r7 = r6 + stride;                            \
        for (tskip_i64 c = 0; c < columns; c++) {                                                  \
            T h = high[c], a = any[c];                                                             \
            ROW(T, LO, r[c])                                                                       \
            ROW(T, LO, r1[c])                                                                      \
            ROW(T, LO, r2[c])                                                                      \
            ROW(T, LO, r3[c])                                                                      \
            ROW(T, LO, r4[c])                                                                      \
            ROW(T, LO, r5[c])                                                                      \
            ROW(T, LO, r6[c])                                                                      \
            ROW(T, LO, r7[c])                                                                      \
            high[c] = h;                                                                           \
            any[c] = a;                                                                            \
        }                                                                                          \
    }                                                                                              \
    static void name(const void *cells, tskip_i64 stride, tskip_i64 rows, tskip_i64 columns,       \
                     void *high_, void *any_)                                                      \
    {                                                                                              \
        const T *r = cells;                                                                        \
        T *restrict high = high_, *restrict any = any_;                                            \
        for (; rows >= 8; rows -= 8, r += 8 * stride)                                              \
            name##_8(r, stride, columns, high, any);                                               \
        for (; rows > 0; rows--, r += stride)                                                      \
            for (tskip_i64 c = 0; c < columns; c++) {                                              \
                T h = high[c], a = any[c];                                                         \
                ROW(T, LO, r[c])                                                                   \
                high[c] = h;                                                                       \
                any[c] = a;                                                                        \
            }                                                                                      \
    }

/* LO: -1e30 rounded towards zero or less, as bits: the first that is masked. */
DEFINE_FOLD(fold_f32, uint32_t, 0xF149F2CAu, FOLD_ROW)
DEFINE_FOLD(fold_f16, uint16_t, 0xFBFFu, FOLD_ROW)
DEFINE_FOLD(fold_bf16, uint16_t, 0xF14Au, FOLD_ROW)
DEFINE_FOLD(fold_bool, uint8_t, 0, FOLD_BOOL_ROW)

const tskip__scan_set TSKIP__SCAN_SET = {
    .fold = {[TSKIP__F32] = fold_f32,
             [TSKIP__F16] = fold_f16,
             [TSKIP__BF16] = fold_bf16,
             [TSKIP__BOOL] = fold_bool},
};
