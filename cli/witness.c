/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "witness.h"

#include <string.h>

enum oracle_dtype witness_dtype(tskip_dtype dtype)
{
    switch (dtype) {
    case TSKIP_F16:
        return ORACLE_F16;
    case TSKIP_BF16:
        return ORACLE_BF16;
    case TSKIP_BOOL:
        return ORACLE_BOOL;
    default:
        return ORACLE_F32;
    }
}

static struct oracle_tensor view(const void *data, tskip_dtype dtype, int64_t batch, int64_t heads,
                                 int64_t rows, int64_t columns, const tskip_strides *strides)
{
    return (struct oracle_tensor){
        .data = data,
        .dtype = witness_dtype(dtype),
        .rank = 4,
        .dims = {batch, heads, rows, columns},
        .strides = {strides->batch, strides->head, strides->row, 1},
    };
}

/* Packed, unless the tensor has strides of its own. */
static struct oracle_tensor view_cells(const problem_data *data)
{
    const tskip_mask_tensor *t = &data->tensor;
    struct oracle_tensor cells = {
        .data = (const uint8_t *)data->mask.data + t->offset,
        .dtype = witness_dtype(t->dtype),
        .rank = (int)t->rank,
    };
    const bool packed = t->strides[t->rank - 1] == 0;
    int64_t stride = 1;
    for (int i = cells.rank - 1; i >= 0; i--) {
        cells.dims[i] = t->shape[i];
        cells.strides[i] = packed ? stride : t->strides[i];
        stride *= cells.dims[i];
    }
    return cells;
}

static bool make_mask(const problem_data *data, witness *w, io_error *error)
{
    const problem *p = data->problem;
    char why[256];
    if (!oracle_rules_parse(p->rules, &w->rules, why, sizeof(why)))
        return io_fail(error, "reference: rules: %s", why);
    w->mask = (struct oracle_mask){
        .n_batch = p->extent.batch,
        .n_heads = p->extent.n_heads,
        .q_len = p->extent.q_len,
        .k_len = p->extent.k_len,
        .q_offset = data->extent.q_offset,
        .k_offset = p->extent.k_offset,
    };
    if (p->rules[0] != 0)
        w->mask.rules = &w->rules;
    if (p->mask == PROBLEM_MASK_RANDOM) {
        w->cells = view_cells(data);
        w->mask.tensor = &w->cells;
    }
    w->has_mask = w->mask.rules != NULL || w->mask.tensor != NULL;
    if (!oracle_mask_check(&w->mask, why, sizeof(why)))
        return io_fail(error, "reference: mask: %s", why);
    oracle_mask_planes(&w->mask, &w->planes_batch, &w->planes_head);
    return true;
}

bool witness_create(const problem_data *data, int64_t row_step, witness *out, io_error *error)
{
    const problem *p = data->problem;
    const int64_t batch = p->extent.batch, hq = p->extent.n_heads, hk = p->n_kv_heads;
    memset(out, 0, sizeof(*out));
    if (!make_mask(data, out, error)) {
        witness_release(out);
        return false;
    }
    out->problem = (struct oracle_problem){
        .q =
            view(data->q.data, p->dtype, batch, hq, p->extent.q_len, p->head_dim, &data->q_strides),
        .k =
            view(data->k.data, p->dtype, batch, hk, p->extent.k_len, p->head_dim, &data->k_strides),
        .v = view(data->v.data, p->dtype, batch, hk, p->extent.k_len, p->head_dim_v,
                  &data->v_strides),
        .mask = out->has_mask ? &out->mask : NULL,
        .sinks = data->sinks.data,
        .scale = data->scale,
        .softcap = p->softcap,
        .out_dtype = witness_dtype(data->out_dtype),
        .row_step = row_step,
    };
    out->output =
        view(NULL, data->out_dtype, batch, hq, p->extent.q_len, p->head_dim_v, &data->o_strides);
    char why[256];
    if (oracle_reference_create(&out->problem, &out->reference, why, sizeof(why)))
        return true;
    witness_release(out);
    return io_fail(error, "reference: %s", why);
}

void witness_release(witness *w)
{
    oracle_reference_free(&w->reference);
    oracle_rules_free(&w->rules);
}
