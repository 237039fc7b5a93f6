/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <math.h>
#include <stdlib.h>

#include "oracle_internal.h"

float oracle_default_scale(int64_t head_dim)
{
    return (float)(1.0 / sqrt((double)head_dim));
}

static bool check_input(const struct oracle_tensor *tensor, const char *name, char *err, size_t cap)
{
    if (tensor->data == NULL)
        return oracle__fail(err, cap, "%s has no data", name);
    if (tensor->rank != 4)
        return oracle__fail(err, cap, "%s has rank %d, not 4", name, tensor->rank);
    if (tensor->dtype == ORACLE_BOOL)
        return oracle__fail(err, cap, "%s is bool", name);
    for (int i = 0; i < 4; ++i)
        if (tensor->dims[i] < 1)
            return oracle__fail(err, cap, "%s has a dimension of %lld", name,
                                (long long)tensor->dims[i]);
    if (tensor->strides[3] != 1 && tensor->dims[3] != 1)
        return oracle__fail(err, cap, "%s has an innermost stride of %lld, not 1", name,
                            (long long)tensor->strides[3]);
    return true;
}

static struct oracle_mask mask_of(const struct oracle_problem *problem)
{
    if (problem->mask != NULL)
        return *problem->mask;
    return (struct oracle_mask){.n_batch = problem->q.dims[0],
                                .n_heads = problem->q.dims[1],
                                .q_len = problem->q.dims[2],
                                .k_len = problem->k.dims[2]};
}

bool oracle_problem_check(const struct oracle_problem *problem, char *err, size_t cap)
{
    const int64_t *q = problem->q.dims;
    const int64_t *k = problem->k.dims;
    const int64_t *v = problem->v.dims;
    if (!check_input(&problem->q, "q", err, cap) || !check_input(&problem->k, "k", err, cap) ||
        !check_input(&problem->v, "v", err, cap))
        return false;
    if (k[0] != q[0] || v[0] != q[0])
        return oracle__fail(err, cap, "q, k and v differ in batch size");
    if (k[1] != v[1] || k[2] != v[2])
        return oracle__fail(err, cap, "k and v differ in heads or length");
    if (k[3] != q[3])
        return oracle__fail(err, cap, "q and k differ in head size");
    if (q[1] % k[1] != 0)
        return oracle__fail(err, cap, "%lld query heads are no multiple of %lld", (long long)q[1],
                            (long long)k[1]);
    if (!isfinite(problem->softcap) || problem->softcap < 0)
        return oracle__fail(err, cap, "softcap %g: finite and at least 0 expected",
                            (double)problem->softcap);
    if (problem->out_dtype == ORACLE_BOOL)
        return oracle__fail(err, cap, "the output cannot be bool");
    struct oracle_mask mask = mask_of(problem);
    if (mask.n_batch != q[0] || mask.n_heads != q[1] || mask.q_len != q[2] || mask.k_len != k[2])
        return oracle__fail(err, cap, "the mask's sizes are not those of q and k");
    return oracle_mask_check(&mask, err, cap);
}

static void pack(const struct oracle_tensor *tensor, int64_t batch, int64_t head, int64_t first,
                 int64_t rows, float *out)
{
    int64_t width = tensor->dims[3];
    for (int64_t i = 0; i < rows; ++i) {
        int64_t start = batch * tensor->strides[0] + head * tensor->strides[1] +
                        (first + i) * tensor->strides[2];
        for (int64_t d = 0; d < width; ++d)
            out[i * width + d] = oracle_load(tensor->dtype, tensor->data, start + d);
    }
}

static void collect(const struct oracle_mask *mask, int64_t batch, int64_t head, int64_t row,
                    struct oracle__keys *keys)
{
    struct oracle__row view;
    oracle__row_begin(mask, batch, head, row, &view);
    keys->count = 0;
    keys->poisoned = false;
    for (int64_t column = 0; column < mask->k_len; ++column) {
        struct oracle__addends *addends = &keys->addends[keys->count];
        if (!oracle__row_cell(&view, column, addends))
            continue;
        keys->poisoned = keys->poisoned || isnan(addends->value) || addends->value == INFINITY;
        keys->columns[keys->count++] = column;
    }
}

struct scratch {
    float *q, *k, *v;
    double *scores, *sums;
    struct oracle__keys keys;
};

static void scratch_free(struct scratch *s)
{
    free(s->q);
    free(s->k);
    free(s->v);
    free(s->scores);
    free(s->sums);
    free(s->keys.columns);
    free(s->keys.addends);
}

/* Two dimensions at once, so that the product is checked by calloc. */
static bool scratch_make(const struct oracle_problem *problem, struct scratch *s)
{
    size_t k_len = (size_t)problem->k.dims[2];
    size_t dim = (size_t)problem->q.dims[3];
    size_t v_dim = (size_t)problem->v.dims[3];
    *s = (struct scratch){0};
    s->q = calloc(dim, sizeof *s->q);
    s->k = calloc(k_len, dim * sizeof *s->k);
    s->v = calloc(k_len, v_dim * sizeof *s->v);
    s->scores = calloc(k_len, sizeof *s->scores);
    s->sums = calloc(v_dim, sizeof *s->sums);
    s->keys.columns = calloc(k_len, sizeof *s->keys.columns);
    s->keys.addends = calloc(k_len, sizeof *s->keys.addends);
    return s->q && s->k && s->v && s->scores && s->sums && s->keys.columns && s->keys.addends;
}

static void head_rows(const struct oracle_problem *problem, struct scratch *s, int64_t batch,
                      int64_t head, oracle__row_fn *visit, void *context)
{
    struct oracle_mask mask = mask_of(problem);
    int64_t step = problem->row_step > 1 ? problem->row_step : 1;
    struct oracle__row_job job = {.q = s->q,
                                  .k = s->k,
                                  .v = s->v,
                                  .head_dim = problem->q.dims[3],
                                  .v_dim = problem->v.dims[3],
                                  .keys = &s->keys,
                                  .scale = problem->scale,
                                  .softcap = problem->softcap,
                                  .sink = problem->sinks ? problem->sinks[head] : -INFINITY,
                                  .scores = s->scores,
                                  .sums = s->sums};
    for (int64_t row = 0; row < mask.q_len; ++row) {
        if (row % step != 0 && row != mask.q_len - 1)
            continue;
        pack(&problem->q, batch, head, row, 1, s->q);
        collect(&mask, batch, head, row, &s->keys);
        job.index = (batch * mask.n_heads + head) * mask.q_len + row;
        visit(&job, context);
    }
}

bool oracle__each_row(const struct oracle_problem *problem, oracle__row_fn *visit, void *context,
                      char *err, size_t cap)
{
    if (!oracle_problem_check(problem, err, cap))
        return false;
    struct scratch s;
    bool good = scratch_make(problem, &s);
    int64_t group = problem->q.dims[1] / problem->k.dims[1];
    for (int64_t batch = 0; good && batch < problem->q.dims[0]; ++batch) {
        for (int64_t g = 0; g < problem->k.dims[1]; ++g) {
            pack(&problem->k, batch, g, 0, problem->k.dims[2], s.k);
            pack(&problem->v, batch, g, 0, problem->v.dims[2], s.v);
            for (int64_t head = g * group; head < (g + 1) * group; ++head)
                head_rows(problem, &s, batch, head, visit, context);
        }
    }
    scratch_free(&s);
    return good || oracle__fail(err, cap, "out of memory");
}
