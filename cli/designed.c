/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "designed.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "io/element.h"

static const uint32_t HEAD_DIMS[] = {64, 80, 96, 128, 192, 256, 512, 1, 7, 40, 100, 320};
static const tskip_dtype DTYPES[] = {TSKIP_F32, TSKIP_F16, TSKIP_BF16};

/* The mask as rules, and as a tensor made of them; few query rows against keys so long that a
 * device may take them in parts. */
enum { KIND_RULES, KIND_TENSOR, KIND_FEW_ROWS, N_KINDS };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

size_t designed_count(void)
{
    return COUNT(HEAD_DIMS) * COUNT(DTYPES) * N_KINDS;
}

uint32_t designed_head_dim(size_t index)
{
    return HEAD_DIMS[index % COUNT(HEAD_DIMS)];
}

/* Rows for which a device takes its usual kernel, not the one for few rows. */
enum { MANY = 1024 };

bool designed_problem(tskip_device *device, size_t index, problem *out, io_error *error)
{
    *out = (problem){.extent = {.batch = 1, .n_heads = 4}, .n_kv_heads = 2, .seed = index + 1};
    out->head_dim = out->head_dim_v = designed_head_dim(index);
    out->dtype = DTYPES[index / COUNT(HEAD_DIMS) % COUNT(DTYPES)];
    out->data = PROBLEM_DATA_PEAKED;
    out->lse = true;
    const tskip_attention_desc desc = {
        .extent = {.q_len = MANY, .k_len = MANY}, .head_dim = out->head_dim, .dtype = out->dtype};
    tskip_plan *plan = NULL;
    if (tskip_plan_create(device, &desc, &plan) != TSKIP_OK)
        return io_fail(error, "plan: %s", tskip_last_error());
    const tskip_tile tile = tskip_plan_get_info(plan)->tile;
    tskip_plan_destroy(&plan);
    const int64_t wide = tile.bq > tile.bk ? tile.bq : tile.bk;
    out->extent.q_len = out->extent.k_len = 2 * wide + 5;
    snprintf(out->rules, sizeof(out->rules), "causal");
    const size_t kind = index / COUNT(HEAD_DIMS) / COUNT(DTYPES);
    if (kind == KIND_TENSOR) {
        out->mask = PROBLEM_MASK_RULES;
        out->mask_dtype = out->dtype;
    } else if (kind == KIND_FEW_ROWS) {
        out->seed += 1000; /* drawn so that rows peak */
        out->extent.q_len = 4;
        out->extent.k_len = 2125;
        out->extent.q_offset = TSKIP_OFFSET_END;
        out->scale = 2 / sqrtf((float)out->head_dim); /* or so few rows might all be flat */
        snprintf(out->rules, sizeof(out->rules), "causal,window=1300");
    }
    return true;
}

static bool has_both_signs(const char *name, const guarded *memory, tskip_dtype dtype,
                           io_error *error)
{
    bool positive = false, negative = false;
    const size_t n = memory->size / tskip_dtype_size(dtype);
    for (size_t i = 0; i < n && !(positive && negative); i++) {
        const float x = io_load(memory->data, dtype, i);
        positive = positive || x > 0;
        negative = negative || x < 0;
    }
    return (positive && negative) || io_fail(error, "%s is all of one sign", name);
}

/* The largest probability of a row of entry 0, from the reference's log-sum-exp. */
static double row_peak(const witness *w, int64_t head, int64_t row)
{
    const struct oracle_tensor *q = &w->problem.q, *k = &w->problem.k;
    const int64_t q_first = head * q->strides[1] + row * q->strides[2];
    const int64_t k_first = head / (q->dims[1] / k->dims[1]) * k->strides[1];
    double top = -INFINITY;
    for (int64_t j = 0; j < w->mask.k_len; j++) {
        const struct oracle_cell cell = oracle_mask_cell(&w->mask, 0, head, row, j);
        double dot = 0;
        for (int64_t d = 0; d < q->dims[3]; d++)
            dot += (double)oracle_load(q->dtype, q->data, q_first + d) *
                   (double)oracle_load(k->dtype, k->data, k_first + j * k->strides[2] + d);
        if (!cell.masked)
            top = fmax(top, dot * (double)w->problem.scale + cell.bias);
    }
    return exp(top - w->reference.lse[head * w->mask.q_len + row]);
}

static bool has_peaks(const witness *w, io_error *error)
{
    double peak = 0;
    for (int64_t row = w->mask.q_len - 1; row > 0 && peak < 0.9; row--)
        for (int64_t head = 0; head < w->problem.q.dims[1] && peak < 0.9; head++)
            peak = fmax(peak, row_peak(w, head, row));
    return peak >= 0.9 ||
           io_fail(error, "no row peaks: the largest probability is %g, expected over 0.9", peak);
}

bool designed_inputs_can_fail(const problem_data *data, const witness *w, io_error *error)
{
    const problem *p = data->problem;
    if (p->extent.n_heads < 2)
        return io_fail(error, "one head only, expected several");
    return has_both_signs("q", &data->q, p->dtype, error) &&
           has_both_signs("k", &data->k, p->dtype, error) &&
           has_both_signs("v", &data->v, p->dtype, error) && has_peaks(w, error);
}

bool designed_tiles_can_fail(const problem *p, const check_result *result, io_error *error)
{
    const uint64_t *classes = result->classes;
    const tskip_tile tile = result->tile;
    if (p->extent.q_len % tile.bq == 0 || p->extent.k_len % tile.bk == 0)
        return io_fail(error, "tiles of %" PRIu32 "x%" PRIu32 " fit, expected cut ones", tile.bq,
                       tile.bk);
    if (classes[0] > 0 && classes[1] > 0 && classes[2] > 0)
        return true;
    return io_fail(error,
                   "the map has %" PRIu64 " skip, %" PRIu64 " mixed and %" PRIu64
                   " full tiles, expected some of each",
                   classes[0], classes[1], classes[2]);
}
