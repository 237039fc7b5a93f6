/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Masked attention for one rung: included by attention_<rung>.c after its simd header. Query rows
 * lie in the vector lanes; keys and values are broadcast from tiles packed once for all the panels
 * of an item. So nothing is summed across lanes, and what a row gives depends on no other row.
 *
 *   for each tile of keys that some panel visits:
 *       pack K and V (absent keys as zeros)
 *       for each panel that visits it:
 *           S = Q K'  |  mask, softmax: P and the rescale r  |  O = O r + P V
 *
 * All tile classes share every formula; FULL differs from MIXED only in leaving out work that would
 * add 0.0. Row state starts at -FLT_MAX, so no -inf is ever subtracted from -inf. */

#include <float.h>
#include <stddef.h>

#include "base/half.h"
#include "cell.h"
#include "decode_cpu.h"
#include "math_tmpl.h"
#include "rows_tmpl.h"

#define ROWS TSKIP__PANEL_ROWS

#include "attention_pack_tmpl.h"

/* Online-softmax state of a panel's rows. */
struct row_state {
    float maximum[ROWS], sum[ROWS], rescale[ROWS];
};

/* How K and V are packed and multiplied; the instructions decide. */
#ifndef PRODUCTS_TMPL
#define PRODUCTS_TMPL "attention_products_tmpl.h"
#endif
#include PRODUCTS_TMPL

#include "attention_softmax_tmpl.h"

#include "attention_item_tmpl.h"

#include "attention_store_tmpl.h"
