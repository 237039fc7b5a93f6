/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "cell.h"
#include "kernels/shared/row_limits.h"
#include "tile_map_cpu.h"

/* A plane's row with all that decides its cells. */
struct plane_row {
    const struct tskip__plane_args *args;
    const tskip_i64 *words;
    const char *cells; /* NULL: no tensor */
    struct tskip__row_limits limits;
    float slope; /* 0: no alibi */
    tskip_i64 row;
};

static struct plane_row find_row(const struct tskip__plane_args *a, void *const *buffers,
                                 tskip_u32 plane, tskip_i64 row)
{
    tskip_u32 batch = plane / a->planes_head, head = plane % a->planes_head;
    struct plane_row r = {.args = a, .words = buffers[0], .row = row};
    r.limits = (struct tskip__row_limits){0, a->k_len, 0, 0};
    if (a->tensor.dtype) {
        tskip_i64 cell = batch * a->tensor.stride_batch + head * a->tensor.stride_head +
                         row * a->tensor.stride_row;
        r.cells = (const char *)buffers[1] + (size_t)cell * tskip__cell_size(a->tensor.dtype);
    }
    if (a->has_rules) {
        struct tskip__rules_entry entry;
        memcpy(&entry, buffers[0], sizeof entry);
        if (a->rules.n_entries > 1)
            memcpy(&entry, (const char *)buffers[0] + batch * sizeof entry, sizeof entry);
        r.limits = tskip__row_limits(a->rules, entry, r.words, a->k_len, row);
        if (a->rules.flags & TSKIP__RULE_ALIBI)
            memcpy(&r.slope, (const char *)buffers[0] + 4 * (size_t)(a->rules.first_slope + head),
                   sizeof r.slope);
    }
    return r;
}

static float cell_of(const struct plane_row *r, tskip_i64 column)
{
    const struct tskip__plane_args *a = r->args;
    if (!tskip__row_sees(r->limits, column))
        return -INFINITY;
    float bias = r->cells ? tskip__cell(r->cells, a->tensor.dtype, column) : 0.0f;
    if (a->has_rules && a->rules.flags & TSKIP__RULE_ALIBI) {
        tskip_i64 distance = r->row + a->rules.q_offset - column - a->rules.k_offset;
        bias += -r->slope * (float)(distance < 0 ? -distance : distance);
    }
    return bias;
}

static void store(void *out, tskip_u32 dtype, tskip_i64 i, float value)
{
    uint16_t half;
    switch (dtype) {
    case TSKIP__F32:
        value = tskip__f32_canonical(value);
        memcpy((char *)out + 4 * i, &value, sizeof value);
        break;
    case TSKIP__BOOL:
        ((tskip_u8 *)out)[i] = !(value <= TSKIP__MASKED_F32);
        break;
    default:
        half = dtype == TSKIP__F16 ? tskip__f32_to_f16(value) : tskip__f32_to_bf16(value);
        memcpy((char *)out + 2 * i, &half, sizeof half);
    }
}

/* Cells [begin, end): all masked, or all attended without a bias. */
static void fill_run(void *out, tskip_u32 dtype, tskip_i64 begin, tskip_i64 end, bool masked)
{
    if (end <= begin)
        return;
    const size_t n = (size_t)(end - begin);
    if (dtype == TSKIP__BOOL) {
        memset((tskip_u8 *)out + begin, !masked, n);
    } else if (dtype == TSKIP__F32) {
        const uint32_t bits = masked ? 0xFF800000u : 0;
        char *cells = (char *)out + (size_t)begin * sizeof bits;
        for (size_t i = 0; i < n; i++)
            memcpy(cells + i * sizeof bits, &bits, sizeof bits);
    } else {
        const uint16_t bits = !masked ? 0 : dtype == TSKIP__F16 ? 0xFC00 : 0xFF80;
        char *cells = (char *)out + (size_t)begin * sizeof bits;
        for (size_t i = 0; i < n; i++)
            memcpy(cells + i * sizeof bits, &bits, sizeof bits);
    }
}

/* Cells [begin, end), all of which the rules let through. */
static void fill_visible(const struct plane_row *r, void *out, tskip_i64 begin, tskip_i64 end)
{
    const tskip_u32 dtype = r->args->out_dtype;
    if (!r->cells && !(r->args->has_rules && r->args->rules.flags & TSKIP__RULE_ALIBI)) {
        fill_run(out, dtype, begin, end, false);
        return;
    }
    for (tskip_i64 c = begin; c < end; c++)
        store(out, dtype, c, cell_of(r, c));
}

/* The two intervals that a row sees, in order and apart. */
static void fill_row(const struct plane_row *r, void *out)
{
    const struct tskip__plane_args *a = r->args;
    const struct tskip__row_limits *l = &r->limits;
    const bool sink_first = l->sink_lo < l->lo;
    const tskip_i64 begin[2] = {sink_first ? l->sink_lo : l->lo, sink_first ? l->lo : l->sink_lo};
    const tskip_i64 end[2] = {sink_first ? l->sink_hi : l->hi, sink_first ? l->hi : l->sink_hi};
    tskip_i64 done = 0;
    for (int i = 0; i < 2; i++) {
        const tskip_i64 from = tskip__max(begin[i], done), to = tskip__min(end[i], a->k_len);
        if (to <= from)
            continue;
        fill_run(out, a->out_dtype, done, from, true);
        fill_visible(r, out, from, to);
        done = to;
    }
    fill_run(out, a->out_dtype, done, a->k_len, true);
}

void tskip__mask_fill_c(const tskip_group *group, void *const *buffers, const void *args,
                        void *memory)
{
    (void)memory;
    const struct tskip__plane_args *a = args;
    tskip_u32 plane = group->index[1], batch = plane / a->planes_head,
              head = plane % a->planes_head;
    tskip_i64 begin = (tskip_i64)group->index[0] * TSKIP__ROWS_A_GROUP;
    tskip_i64 end = tskip__min(begin + TSKIP__ROWS_A_GROUP, a->q_len);
    for (tskip_i64 row = begin; row < end; row++) {
        struct plane_row r = find_row(a, buffers, plane, row);
        tskip_i64 cell =
            batch * a->out_stride_batch + head * a->out_stride_head + row * a->out_stride_row;
        fill_row(&r, (char *)buffers[2] + (size_t)cell * tskip__cell_size(a->out_dtype));
    }
}

void tskip__mask_count_c(const tskip_group *group, void *const *buffers, const void *args,
                         void *memory)
{
    (void)memory;
    const struct tskip__plane_args *a = args;
    tskip_u32 plane = group->index[1];
    tskip_i64 begin = (tskip_i64)group->index[0] * TSKIP__ROWS_A_GROUP;
    tskip_i64 end = tskip__min(begin + TSKIP__ROWS_A_GROUP, a->q_len);
    uint64_t visible = 0;
    for (tskip_i64 row = begin; row < end; row++) {
        struct plane_row r = find_row(a, buffers, plane, row);
        for (tskip_i64 c = 0; c < a->k_len; c++)
            visible +=
                tskip__row_sees(r.limits, c) &&
                (!r.cells || !(tskip__cell(r.cells, a->tensor.dtype, c) <= TSKIP__MASKED_F32));
    }
    ((uint64_t *)buffers[2])[(uint64_t)plane * group->grid[0] + group->index[0]] = visible;
}
