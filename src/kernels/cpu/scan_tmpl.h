/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The scan as a template: included once by each scan_<rung>.c, which is compiled for that rung and
 * defines TSKIP__SCAN_SET. The loops are plain; the compiler makes them vectors of the rung's
 * width. */

#include <stdint.h>
#include <string.h>

#include "scan.h"

#define CELL           uint32_t
#define NAME(x)        x##_f32
#define UNMASKED(bits) ((bits)-TSKIP__SCAN_LOW_F32 > TSKIP__SCAN_SPAN_F32)
#define NONZERO(bits)  (((bits)&0x7FFFFFFFu) != 0)
#include "scan_cell_tmpl.h"
#undef CELL
#undef NAME
#undef UNMASKED
#undef NONZERO

#define CELL           uint16_t
#define NAME(x)        x##_f16
#define UNMASKED(bits) ((uint16_t)((bits)-TSKIP__SCAN_LOW_F16) > TSKIP__SCAN_SPAN_F16)
#define NONZERO(bits)  ((uint16_t)((bits)&0x7FFFu) != 0)
#include "scan_cell_tmpl.h"
#undef NAME
#undef UNMASKED

#define NAME(x)        x##_bf16
#define UNMASKED(bits) ((uint16_t)((bits)-TSKIP__SCAN_LOW_BF16) > TSKIP__SCAN_SPAN_BF16)
#include "scan_cell_tmpl.h"
#undef CELL
#undef NAME
#undef UNMASKED
#undef NONZERO

#define CELL           uint8_t
#define NAME(x)        x##_bool
#define UNMASKED(bits) ((bits) != 0)
#define NONZERO(bits)  ((bits) == 0)
#include "scan_cell_tmpl.h"

static void join(const struct tskip__scan_room *room, tskip_i64 columns, tskip_i64 width,
                 tskip_u8 *out)
{
    const tskip_u8 *verdicts = room->verdicts;
    for (tskip_i64 begin = 0; begin < columns; begin += width) {
        const tskip_i64 n = width < columns - begin ? width : columns - begin;
        tskip_u8 all = 0;
        for (tskip_i64 i = 0; i < n; i++)
            all |= verdicts[begin + i];
        *out++ = all;
    }
}

const tskip__scan_set TSKIP__SCAN_SET = {
    .judge = {[TSKIP__F32] = judge_f32,
              [TSKIP__F16] = judge_f16,
              [TSKIP__BF16] = judge_bf16,
              [TSKIP__BOOL] = judge_bool},
    .join = join,
};
