/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_KERNELS_SHARED_KARGS_H
#define TSKIP_KERNELS_SHARED_KARGS_H

#include "types.h"

/* The by-value argument blocks of every kernel and the layout of the buffers that travel beside
 * them. One definition for the host and for every device; kargs_check.c asserts each offset, so all
 * members are 4 or 8 bytes wide and 8-byte members come first.
 *
 * All strides are in elements of the tensor they belong to. All positions and lengths are in
 * tokens. "Column" is an index into K (0 … k_len - 1), "position" is column + k_offset or row +
 * q_offset. */

/* A limit that is never reached, small enough that sums of three stay inside 64 bits. */
#define TSKIP__FAR ((tskip_i64)1 << 60)

/* Rows of a plane that a group of "mask_fill" or "mask_count" takes, and rows of tiles that one of
 * "tile_count" does. */
#define TSKIP__ROWS_A_GROUP 64

/* Element types as the kernels number them; equal to enum tskip_dtype (asserted). */
#define TSKIP__F32  1u
#define TSKIP__F16  2u
#define TSKIP__BF16 3u
#define TSKIP__BOOL 4u

/* The class of a tile; equal to enum tskip_tile_class. */
#define TSKIP__SKIP  0u
#define TSKIP__MIXED 1u
#define TSKIP__FULL  2u

/* A cell at or below this is masked (in f32). f16 masks: -65504 and -inf. */
#define TSKIP__MASKED_F32 (-1e30f)

/* tskip__rules.flags */
#define TSKIP__RULE_CAUSAL  1u
#define TSKIP__RULE_IMAGES  2u
#define TSKIP__RULE_SPANS   4u
#define TSKIP__RULE_SEGMENT 8u
#define TSKIP__RULE_ALIBI   16u

/* Mask rules with their scalars. Absent limits hold the value that makes them vanish:
 * window, spread = TSKIP__FAR; chunk, prefix, sink = 0. */
struct tskip__rules {
    tskip_i64 q_offset;
    tskip_i64 k_offset;
    tskip_i64 window; /* p - x < window */
    tskip_i64 spread; /* |p - x| <= spread = floor(symmetric / 2) */
    tskip_i64 chunk;  /* x >= floor(p / chunk) * chunk */
    tskip_i64 prefix; /* x < prefix is visible to all */
    tskip_i64 sink;   /* x < sink escapes window, symmetric and chunk */
    tskip_u32 flags;
    tskip_u32 n_entries;     /* 1, or the batch size: entry e of the rules buffer serves batch e */
    tskip_u32 n_slopes;      /* ALiBi slopes in the rules buffer: 0 or n_heads */
    tskip_u32 first_span;    /* 8-byte words from the start of the rules buffer */
    tskip_u32 first_segment; /* likewise */
    tskip_u32 first_slope;   /* 4-byte words from the start of the rules buffer */
};

/* The rules buffer: n_entries of these, then spans {start, end}, then segment ends (ascending
 * sums), then slopes (f32). Indices count spans, or segments, from first_span and first_segment. */
struct tskip__rules_entry {
    tskip_i64 kstart; /* columns below are absent */
    tskip_i64 klen;   /* columns from here on are absent; TSKIP__FAR: the tensor's k_len decides */
    tskip_u32 images_begin, images_end; /* sorted by start, disjoint */
    tskip_u32 spans_begin, spans_end;   /* sorted by start, disjoint */
    tskip_u32 segments_begin, segments_end;
};

/* A mask tensor. A broadcast dimension has stride 0. dtype 0: there is none. */
struct tskip__mask_tensor {
    tskip_i64 stride_batch, stride_head, stride_row;
    tskip_u32 dtype;
    tskip_u32 reserved;
};

/* What both map producers, the fill and the counts know. Planes are batch-major. */
struct tskip__plane_args {
    tskip_i64 q_len, k_len;
    struct tskip__rules rules;
    struct tskip__mask_tensor tensor;
    tskip_i64 out_stride_batch, out_stride_head, out_stride_row; /* mask_fill only */
    tskip_u32 out_dtype;                                         /* mask_fill only */
    tskip_u32 planes_batch, planes_head; /* 1 where the mask does not depend on it */
    tskip_u32 bq, bk;                    /* tile */
    tskip_u32 nq, nk;                    /* grid of tiles */
    tskip_u32 has_rules;
};

/* The largest map, in bytes, whose rows "tile_order" counts: a larger one is worth a dispatch of
 * many groups. */
#define TSKIP__MAP_FOR_ONE_GROUP 65536

/* Work is dealt out in items. A panel is one row block (BQ rows) of one query head; the panels of a
 * KV head are numbered row block first: panel = row_block * group + head within the group, group =
 * n_heads / n_kv_heads. Item i of batch b and KV head g takes `panels` consecutive panels from
 * panels * i on; item number = (b * n_kv_heads + g) * items_per_head + i. "tile_order" lists the
 * item numbers by descending count of tiles that are not SKIP; equal counts keep their order. */
struct tskip__order_args {
    tskip_u32 batch, n_heads, n_kv_heads;
    tskip_u32 nq, nk;
    tskip_u32 planes_batch, planes_head;
    tskip_u32 panels;
    tskip_u32 items_per_head; /* ceil(nq * group / panels); 1 where keys are worked in parts */
    tskip_u32 n_items;        /* batch * n_kv_heads * items_per_head */
    tskip_u32 with_map;       /* "tile_order" is handed the map and counts its rows first */
    tskip_u32 pad;
};

/* tskip__attention_args.flags */
#define TSKIP__HAS_MAP    1u /* without: every tile is MIXED if there is any mask, else FULL */
#define TSKIP__HAS_RULES  2u
#define TSKIP__HAS_TENSOR 4u
#define TSKIP__HAS_SINKS  8u
#define TSKIP__HAS_LSE    16u
#define TSKIP__HAS_ORDER  32u
#define TSKIP__LAST_FIRST 64u /* no order: the last items of every head come first */

/* Bindings of "attention", in order: q k v o lse sinks mask rules map order. Absent ones are
 * null. */
struct tskip__attention_args {
    tskip_i64 q_len, k_len;
    tskip_i64 q_stride[3], k_stride[3], v_stride[3], o_stride[3]; /* batch, head, row */
    tskip_i64 map_stride_batch, map_stride_head; /* bytes; 0 where planes are shared */
    struct tskip__rules rules;
    struct tskip__mask_tensor tensor;
    float scale;   /* multiplies Q·K; natural units */
    float softcap; /* 0: none */
    tskip_u32 batch, n_heads, n_kv_heads;
    tskip_u32 head_dim, head_dim_v;
    tskip_u32 nq, nk; /* grid of the map, in tiles of the kernel's BQ x BK */
    tskip_u32 flags;
    tskip_u32 panels, items_per_head, n_items; /* as in tskip__order_args */
    tskip_u32 split, n_splits; /* keys are worked in n_splits parts of so many; 0, 0: in one go */
    tskip_u32
        l1_bytes; /* of a CPU's L1 data cache, for what results do not depend on; 0: unknown */
};

#endif
