/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <math.h>

#include "oracle_internal.h"

struct outputs {
    float *out;
    float *lse;
    enum oracle_dtype dtype;
};

/* Four keys side by side; each key's own sum runs in order, which is what defines the result. */
static void dot_products(const struct oracle__row_job *job, float *scores)
{
    int64_t n = job->keys->count;
    for (int64_t j = 0; j < n; j += 4) {
        const float *k[4];
        float sum[4] = {0, 0, 0, 0};
        for (int64_t t = 0; t < 4; ++t)
            k[t] = job->k + job->keys->columns[j + t < n ? j + t : n - 1] * job->head_dim;
        for (int64_t d = 0; d < job->head_dim; ++d) {
            float q = job->q[d];
            sum[0] += q * k[0][d];
            sum[1] += q * k[1][d];
            sum[2] += q * k[2][d];
            sum[3] += q * k[3][d];
        }
        for (int64_t t = 0; t < 4 && j + t < n; ++t)
            scores[j + t] = sum[t];
    }
}

static bool logits(const struct oracle__row_job *job, float *scores, float *largest,
                   bool *contributes)
{
    *largest = job->sink;
    *contributes = false;
    for (int64_t j = 0; j < job->keys->count; ++j) {
        const struct oracle__addends *addends = &job->keys->addends[j];
        float y = job->scale * scores[j];
        if (job->softcap != 0)
            y = job->softcap * tanhf(y / job->softcap);
        y += addends->alibi;
        y += addends->value;
        if (isnan(y) || y == INFINITY)
            return false;
        if (y != -INFINITY)
            *contributes = true;
        if (y > *largest)
            *largest = y;
        scores[j] = y;
    }
    return true;
}

static void fill(float *out, int64_t n, float value)
{
    for (int64_t d = 0; d < n; ++d)
        out[d] = value;
}

static float softmax(const struct oracle__row_job *job, float *scores, float largest)
{
    float total = 0;
    for (int64_t j = 0; j < job->keys->count; ++j) {
        scores[j] = expf(scores[j] - largest);
        total += scores[j];
    }
    total += expf(job->sink - largest);
    for (int64_t j = 0; j < job->keys->count; ++j)
        scores[j] /= total;
    return total;
}

static float attend_row(const struct oracle__row_job *job, float *out)
{
    float *scores = (float *)(void *)job->scores;
    float largest;
    bool contributes;
    bool poisoned = job->keys->poisoned || isnan(job->sink) || job->sink == INFINITY;
    if (!poisoned)
        dot_products(job, scores);
    if (poisoned || !logits(job, scores, &largest, &contributes)) {
        fill(out, job->v_dim, NAN);
        return NAN;
    }
    fill(out, job->v_dim, 0.0f);
    if (!contributes)
        return job->sink;
    float total = softmax(job, scores, largest);
    for (int64_t j = 0; j < job->keys->count; ++j) {
        const float *v = job->v + job->keys->columns[j] * job->v_dim;
        for (int64_t d = 0; d < job->v_dim; ++d)
            out[d] += scores[j] * v[d];
    }
    return largest + logf(total);
}

static void visit(const struct oracle__row_job *job, void *context)
{
    const struct outputs *outputs = context;
    float *out = outputs->out + job->index * job->v_dim;
    float lse = attend_row(job, out);
    if (outputs->lse != NULL)
        outputs->lse[job->index] = lse;
    for (int64_t d = 0; d < job->v_dim; ++d) {
        float stored[1];
        oracle_store(outputs->dtype, stored, 0, out[d]);
        out[d] = oracle_load(outputs->dtype, stored, 0);
    }
}

bool oracle_textbook(const struct oracle_problem *problem, float *out, float *lse, char *err,
                     size_t cap)
{
    struct outputs outputs = {out, lse, problem->out_dtype};
    return oracle__each_row(problem, visit, &outputs, err, cap);
}
