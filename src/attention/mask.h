/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_ATTENTION_MASK_H
#define TSKIP_ATTENTION_MASK_H

#include <stdatomic.h>

#include <tileskip/attention.h>

#include "kernels/shared/kargs.h"

/* A mask as its owners share it. `words` is the host's copy of the rules buffer: the layout of
 * kargs.h, which `rules` (offsets zero) describes. */
struct tskip_mask {
    atomic_uint references;
    tskip_device *device; /* counted */
    bool has_rules, has_klen;
    uint32_t n_heads; /* that alibi's slopes are for; 0: any */
    struct tskip__rules rules;
    tskip_i64 *words;
    size_t words_size;          /* bytes */
    tskip_buffer *rules_buffer; /* counted; NULL without rules */
    tskip_mask_tensor tensor;   /* strides filled in, rank 4; buffer counted; rank 0: none */
};

/* Counts one more owner. */
tskip_mask *tskip__mask_retain(const tskip_mask *mask);

/* Refuses a mask of another device than `device`. */
tskip_status tskip__mask_check_device(const tskip_mask *mask, const tskip_device *device);

/* Everything that kernels need to know of the mask laid over a resolved extent in tiles of `tile`:
 * all checks that depend on lengths are made here. out_* are left zero. */
tskip_status tskip__mask_plane(const tskip_mask *mask, const tskip_extent *extent, tskip_tile tile,
                               struct tskip__plane_args *plane);

/* The same for kernels that take rows: nq of the plane is their number of groups. `task` is what
 * has a limit then: "filling a mask". */
tskip_status tskip__mask_rows(const tskip_mask *mask, const tskip_extent *extent, const char *task,
                              struct tskip__plane_args *plane);

/* Refuses more planes than a grid of groups can count. */
tskip_status tskip__check_planes(uint32_t batch, uint32_t head);

/* The same rules by value and the same tensor by buffer, offset, strides and dtype? If not, *what
 * names the difference. */
bool tskip__mask_same(const tskip_mask *a, const tskip_mask *b, const char **what);

/* What a kernel is given: empty where the mask has no such part. */
tskip_binding tskip__mask_rules_binding(const tskip_mask *mask);
tskip_binding tskip__mask_tensor_binding(const tskip_mask *mask);

/* The entry of the host's copy that serves batch entry b. */
struct tskip__rules_entry tskip__mask_entry(const tskip_mask *mask, uint32_t b);

/* Fills in the strides of a tensor, checks its shape and that its buffer holds it, and writes it as
 * rank 4 to *out. `name` begins the messages. */
tskip_status tskip__mask_tensor_check(const char *name, const tskip_mask_tensor *tensor,
                                      tskip_mask_tensor *out);

#endif
