/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <math.h>

#include "oracle_internal.h"

/* A tensor of rank 2 seen as rank 4. */
static struct oracle_tensor widened(const struct oracle_tensor *tensor)
{
    struct oracle_tensor wide = *tensor;
    if (tensor->rank == 2) {
        wide.rank = 4;
        for (int i = 0; i < 2; ++i) {
            wide.dims[i] = 1;
            wide.strides[i] = 0;
            wide.dims[2 + i] = tensor->dims[i];
            wide.strides[2 + i] = tensor->strides[i];
        }
    }
    return wide;
}

static bool masked_value(enum oracle_dtype dtype, float value)
{
    return value <= (dtype == ORACLE_F16 ? -65504.0f : -1e30f);
}

struct oracle_cell oracle_cell_from_value(enum oracle_dtype dtype, const void *data, int64_t index)
{
    float value = oracle_load(dtype, data, index);
    bool masked = masked_value(dtype, value);
    return (struct oracle_cell){masked, masked ? 0.0 : (double)value};
}

int64_t oracle_q_offset_end(int64_t q_len, int64_t k_len, int64_t k_offset)
{
    return k_offset + k_len - q_len;
}

static bool check_sizes(const struct oracle_mask *mask, char *err, size_t cap)
{
    if (mask->n_batch < 1 || mask->n_heads < 1 || mask->q_len < 1 || mask->k_len < 1)
        return oracle__fail(err, cap, "a length or count is below 1");
    if (mask->q_offset < 0 || mask->k_offset < 0)
        return oracle__fail(err, cap, "an offset is negative");
    if (mask->q_offset > INT64_MAX - mask->q_len || mask->k_offset > INT64_MAX - mask->k_len)
        return oracle__fail(err, cap, "positions overflow");
    return true;
}

static bool check_columns(const struct oracle_mask *mask, char *err, size_t cap)
{
    const struct oracle_rules *rules = mask->rules;
    for (int64_t i = 0; i < mask->n_batch; ++i) {
        int64_t klen = mask->k_len;
        int64_t kstart = 0;
        if (rules->n_klen > 0)
            klen = rules->klen[rules->n_klen == 1 ? 0 : i];
        if (rules->n_kstart > 0)
            kstart = rules->kstart[rules->n_kstart == 1 ? 0 : i];
        if (klen < 1 || klen > mask->k_len)
            return oracle__fail(err, cap, "klen=%lld is not within 1 and %lld", (long long)klen,
                                (long long)mask->k_len);
        if (kstart < 0 || kstart >= klen)
            return oracle__fail(err, cap, "kstart=%lld is not below %lld", (long long)kstart,
                                (long long)klen);
    }
    return true;
}

static bool check_rules(const struct oracle_mask *mask, char *err, size_t cap)
{
    const struct oracle_rules *rules = mask->rules;
    const size_t counts[] = {rules->n_images, rules->n_spans, rules->n_segments, rules->n_klen,
                             rules->n_kstart};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; ++i)
        if (counts[i] > 1 && (uint64_t)counts[i] != (uint64_t)mask->n_batch)
            return oracle__fail(err, cap, "a rule has values for %zu batch entries of %lld",
                                counts[i], (long long)mask->n_batch);
    for (size_t i = 0; i < rules->n_segments; ++i) {
        const struct oracle_span_list *list = &rules->segments[i];
        if (list->items[list->count - 1].end != mask->k_offset + mask->k_len)
            return oracle__fail(err, cap, "segments add up to %lld, not to %lld",
                                (long long)list->items[list->count - 1].end,
                                (long long)(mask->k_offset + mask->k_len));
    }
    if (rules->slopes != NULL && (uint64_t)rules->n_slopes != (uint64_t)mask->n_heads)
        return oracle__fail(err, cap, "alibi has %zu slopes for %lld heads", rules->n_slopes,
                            (long long)mask->n_heads);
    return check_columns(mask, err, cap);
}

static bool check_tensor(const struct oracle_mask *mask, char *err, size_t cap)
{
    const int64_t want[] = {mask->n_batch, mask->n_heads, mask->q_len, mask->k_len};
    if (mask->tensor->data == NULL)
        return oracle__fail(err, cap, "the mask tensor has no data");
    if (mask->tensor->rank != 2 && mask->tensor->rank != 4)
        return oracle__fail(err, cap, "mask rank %d: 2 or 4 expected", mask->tensor->rank);
    struct oracle_tensor wide = widened(mask->tensor);
    for (int i = 0; i < 4; ++i) {
        if (wide.dims[i] != want[i] && (i == 3 || wide.dims[i] != 1))
            return oracle__fail(err, cap, "mask dimension %d is %lld, not %lld", i,
                                (long long)wide.dims[i], (long long)want[i]);
        if (wide.strides[i] < 0)
            return oracle__fail(err, cap, "mask stride %d is negative", i);
    }
    if (wide.strides[3] != 1 && mask->k_len != 1)
        return oracle__fail(err, cap, "the mask's innermost stride is %lld, not 1",
                            (long long)wide.strides[3]);
    return true;
}

bool oracle_mask_check(const struct oracle_mask *mask, char *err, size_t cap)
{
    return check_sizes(mask, err, cap) && (mask->rules == NULL || check_rules(mask, err, cap)) &&
           (mask->tensor == NULL || check_tensor(mask, err, cap));
}

static int64_t offset_along(const struct oracle_tensor *tensor, int dim, int64_t index)
{
    return tensor->dims[dim] == 1 ? 0 : index * tensor->strides[dim];
}

void oracle__row_begin(const struct oracle_mask *mask, int64_t batch, int64_t head, int64_t row,
                       struct oracle__row *out)
{
    *out = (struct oracle__row){.mask = mask};
    if (mask->rules != NULL) {
        oracle__row_rules_begin(mask->rules, batch, row + mask->q_offset, &out->rules);
        if (mask->rules->alibi)
            out->slope = oracle_alibi_slope(mask->rules, head, mask->n_heads);
    }
    if (mask->tensor != NULL) {
        struct oracle_tensor wide = widened(mask->tensor);
        out->tensor_start = offset_along(&wide, 0, batch) + offset_along(&wide, 1, head) +
                            offset_along(&wide, 2, row);
        out->tensor_step = wide.dims[3] == 1 ? 0 : wide.strides[3];
    }
}

bool oracle__row_cell(const struct oracle__row *row, int64_t column,
                      struct oracle__addends *addends)
{
    const struct oracle_mask *mask = row->mask;
    *addends = (struct oracle__addends){0.0f, 0.0f};
    if (mask->rules != NULL) {
        int64_t x = column + mask->k_offset;
        int64_t p = row->rules.p;
        if (!oracle__row_rules_visible(&row->rules, x, column))
            return false;
        if (mask->rules->alibi)
            addends->alibi = -row->slope * (float)(p > x ? p - x : x - p);
    }
    if (mask->tensor != NULL) {
        float value = oracle_load(mask->tensor->dtype, mask->tensor->data,
                                  row->tensor_start + column * row->tensor_step);
        if (masked_value(mask->tensor->dtype, value))
            return false;
        addends->value = value;
    }
    return true;
}

struct oracle_cell oracle_mask_cell(const struct oracle_mask *mask, int64_t batch, int64_t head,
                                    int64_t row, int64_t column)
{
    struct oracle__row view;
    struct oracle__addends addends;
    oracle__row_begin(mask, batch, head, row, &view);
    if (!oracle__row_cell(&view, column, &addends))
        return (struct oracle_cell){true, 0.0};
    return (struct oracle_cell){false, (double)addends.alibi + (double)addends.value};
}

static bool varies(const struct oracle_tensor *tensor, int dim)
{
    return tensor->dims[dim] > 1 && tensor->strides[dim] != 0;
}

void oracle_mask_planes(const struct oracle_mask *mask, int64_t *batch_planes, int64_t *head_planes)
{
    bool by_batch = false;
    bool by_head = false;
    if (mask->rules != NULL) {
        const struct oracle_rules *rules = mask->rules;
        by_batch = rules->n_images > 1 || rules->n_spans > 1 || rules->n_segments > 1 ||
                   rules->n_klen > 1 || rules->n_kstart > 1;
    }
    if (mask->tensor != NULL) {
        struct oracle_tensor wide = widened(mask->tensor);
        by_batch = by_batch || varies(&wide, 0);
        by_head = varies(&wide, 1);
    }
    *batch_planes = by_batch ? mask->n_batch : 1;
    *head_planes = by_head ? mask->n_heads : 1;
}
