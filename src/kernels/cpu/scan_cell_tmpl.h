/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The scan of one cell type in plain loops: part of scan_tmpl.h, which defines
 *
 *   CELL           the unsigned integer of a cell
 *   NAME(x)        x made unique to the type
 *   UNMASKED(bits) is the cell not masked?
 *   NONZERO(bits)  is it not zero? */

static void NAME(judge_row)(const char *restrict cells, tskip_i64 columns,
                            tskip_u8 *restrict verdicts)
{
    for (tskip_i64 c = 0; c < columns; c++) {
        CELL bits;
        memcpy(&bits, cells + (size_t)c * sizeof bits, sizeof bits);
        const CELL unmasked = UNMASKED(bits) ? TSKIP__SCAN_UNMASKED : 0;
        const CELL nonzero = NONZERO(bits) ? TSKIP__SCAN_NONZERO : 0;
        verdicts[c] |= (tskip_u8)(unmasked | nonzero);
    }
}

static void NAME(judge)(const void *cells, tskip_i64 stride, tskip_i64 rows, tskip_i64 columns,
                        struct tskip__scan_room *room)
{
    const char *row = cells;
    memset(room->verdicts, 0, (size_t)columns);
    for (tskip_i64 r = 0; r < rows; r++, row += (size_t)stride * sizeof(CELL))
        NAME(judge_row)(row, columns, room->verdicts);
}
