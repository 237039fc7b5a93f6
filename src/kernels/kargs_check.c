/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "shared/kargs.h"

#include <stddef.h>
#include <tileskip/compute.h>

/* The argument structs travel as bytes between compilers: C on the host, CUDA C, Metal's. Each must
 * lay them out as written down here. */

#define OFFSET(type, member, bytes)                                                                \
    _Static_assert(offsetof(struct tskip__##type, member) == (bytes), #type "." #member)
#define SIZE(type, bytes)                                                                          \
    _Static_assert(sizeof(struct tskip__##type) == (bytes) && (bytes) % 8 == 0, #type)
#define ARGS(type) _Static_assert(sizeof(struct tskip__##type) <= TSKIP_MAX_ARGS_SIZE, #type)

OFFSET(rules, q_offset, 0);
OFFSET(rules, k_offset, 8);
OFFSET(rules, window, 16);
OFFSET(rules, spread, 24);
OFFSET(rules, chunk, 32);
OFFSET(rules, prefix, 40);
OFFSET(rules, sink, 48);
OFFSET(rules, flags, 56);
OFFSET(rules, n_entries, 60);
OFFSET(rules, n_slopes, 64);
OFFSET(rules, first_span, 68);
OFFSET(rules, first_segment, 72);
OFFSET(rules, first_slope, 76);
SIZE(rules, 80);

OFFSET(rules_entry, kstart, 0);
OFFSET(rules_entry, klen, 8);
OFFSET(rules_entry, images_begin, 16);
OFFSET(rules_entry, images_end, 20);
OFFSET(rules_entry, spans_begin, 24);
OFFSET(rules_entry, spans_end, 28);
OFFSET(rules_entry, segments_begin, 32);
OFFSET(rules_entry, segments_end, 36);
SIZE(rules_entry, 40);

OFFSET(mask_tensor, stride_batch, 0);
OFFSET(mask_tensor, stride_head, 8);
OFFSET(mask_tensor, stride_row, 16);
OFFSET(mask_tensor, dtype, 24);
OFFSET(mask_tensor, reserved, 28);
SIZE(mask_tensor, 32);

OFFSET(plane_args, q_len, 0);
OFFSET(plane_args, k_len, 8);
OFFSET(plane_args, rules, 16);
OFFSET(plane_args, tensor, 96);
OFFSET(plane_args, out_stride_batch, 128);
OFFSET(plane_args, out_stride_head, 136);
OFFSET(plane_args, out_stride_row, 144);
OFFSET(plane_args, out_dtype, 152);
OFFSET(plane_args, planes_batch, 156);
OFFSET(plane_args, planes_head, 160);
OFFSET(plane_args, bq, 164);
OFFSET(plane_args, bk, 168);
OFFSET(plane_args, nq, 172);
OFFSET(plane_args, nk, 176);
OFFSET(plane_args, has_rules, 180);
SIZE(plane_args, 184);

OFFSET(order_args, batch, 0);
OFFSET(order_args, n_heads, 4);
OFFSET(order_args, n_kv_heads, 8);
OFFSET(order_args, nq, 12);
OFFSET(order_args, nk, 16);
OFFSET(order_args, planes_batch, 20);
OFFSET(order_args, planes_head, 24);
OFFSET(order_args, panels, 28);
OFFSET(order_args, items_per_head, 32);
OFFSET(order_args, n_items, 36);
OFFSET(order_args, with_map, 40);
SIZE(order_args, 48);

OFFSET(attention_args, q_len, 0);
OFFSET(attention_args, k_len, 8);
OFFSET(attention_args, q_stride, 16);
OFFSET(attention_args, k_stride, 40);
OFFSET(attention_args, v_stride, 64);
OFFSET(attention_args, o_stride, 88);
OFFSET(attention_args, map_stride_batch, 112);
OFFSET(attention_args, map_stride_head, 120);
OFFSET(attention_args, rules, 128);
OFFSET(attention_args, tensor, 208);
OFFSET(attention_args, scale, 240);
OFFSET(attention_args, softcap, 244);
OFFSET(attention_args, batch, 248);
OFFSET(attention_args, n_heads, 252);
OFFSET(attention_args, n_kv_heads, 256);
OFFSET(attention_args, head_dim, 260);
OFFSET(attention_args, head_dim_v, 264);
OFFSET(attention_args, nq, 268);
OFFSET(attention_args, nk, 272);
OFFSET(attention_args, flags, 276);
OFFSET(attention_args, panels, 280);
OFFSET(attention_args, items_per_head, 284);
OFFSET(attention_args, n_items, 288);
OFFSET(attention_args, split, 292);
OFFSET(attention_args, n_splits, 296);
OFFSET(attention_args, l1_bytes, 300);
SIZE(attention_args, 304);

ARGS(plane_args);
ARGS(order_args);
ARGS(attention_args);

_Static_assert((int)TSKIP__F32 == TSKIP_F32 && (int)TSKIP__F16 == TSKIP_F16 &&
                   (int)TSKIP__BF16 == TSKIP_BF16 && (int)TSKIP__BOOL == TSKIP_BOOL,
               "element types");
