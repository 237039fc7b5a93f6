/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <math.h>
#include <string.h>

#include "oracle_internal.h"

struct outputs {
    double *out;
    double *lse;
    uint8_t *kinds;
};

/* Four keys at a time: a sum a key, so that one does not wait for another. */
static void dot_products(const struct oracle__row_job *job)
{
    int64_t n = job->keys->count;
    for (int64_t j = 0; j < n; j += 4) {
        const float *k[4];
        double sum[4] = {0, 0, 0, 0};
        for (int64_t t = 0; t < 4; ++t)
            k[t] = job->k + job->keys->columns[j + t < n ? j + t : n - 1] * job->head_dim;
        for (int64_t d = 0; d < job->head_dim; ++d) {
            double q = job->q[d];
            sum[0] += q * (double)k[0][d];
            sum[1] += q * (double)k[1][d];
            sum[2] += q * (double)k[2][d];
            sum[3] += q * (double)k[3][d];
        }
        for (int64_t t = 0; t < 4 && j + t < n; ++t)
            job->scores[j + t] = sum[t];
    }
}

/* Turns dot products into logits. False: one is NaN or +inf. `largest` includes the sink. */
static bool logits(const struct oracle__row_job *job, double *largest, bool *contributes)
{
    double scale = job->scale;
    double softcap = job->softcap;
    *largest = job->sink;
    *contributes = false;
    for (int64_t j = 0; j < job->keys->count; ++j) {
        const struct oracle__addends *addends = &job->keys->addends[j];
        double y = scale * job->scores[j];
        if (softcap != 0)
            y = softcap * tanh(y / softcap);
        y += (double)addends->alibi + (double)addends->value;
        if (isnan(y) || y == INFINITY)
            return false;
        if (y != -INFINITY)
            *contributes = true;
        if (y > *largest)
            *largest = y;
        job->scores[j] = y;
    }
    return true;
}

static double weighted_sum(const struct oracle__row_job *job, double largest)
{
    double total = exp((double)job->sink - largest);
    memset(job->sums, 0, (size_t)job->v_dim * sizeof *job->sums);
    for (int64_t j = 0; j < job->keys->count; ++j) {
        if (job->scores[j] == -INFINITY)
            continue;
        double weight = exp(job->scores[j] - largest);
        const float *v = job->v + job->keys->columns[j] * job->v_dim;
        total += weight;
        for (int64_t d = 0; d < job->v_dim; ++d)
            job->sums[d] += weight * (double)v[d];
    }
    return total;
}

static void fill(double *out, int64_t n, double value)
{
    for (int64_t d = 0; d < n; ++d)
        out[d] = value;
}

static enum oracle_row attend_row(const struct oracle__row_job *job, double *out, double *lse)
{
    double largest;
    bool contributes;
    bool poisoned = job->keys->poisoned || isnan(job->sink) || job->sink == INFINITY;
    if (!poisoned)
        dot_products(job);
    if (poisoned || !logits(job, &largest, &contributes)) {
        fill(out, job->v_dim, NAN);
        *lse = NAN;
        return ORACLE_ROW_NAN;
    }
    if (!contributes) {
        fill(out, job->v_dim, 0.0);
        *lse = job->sink;
        return ORACLE_ROW_EMPTY;
    }
    double total = weighted_sum(job, largest);
    for (int64_t d = 0; d < job->v_dim; ++d)
        out[d] = job->sums[d] / total + 0.0; /* + 0.0 turns -0.0 into +0.0 */
    *lse = largest + log(total);
    return ORACLE_ROW_NORMAL;
}

static void visit(const struct oracle__row_job *job, void *context)
{
    const struct outputs *outputs = context;
    double lse;
    enum oracle_row kind = attend_row(job, outputs->out + job->index * job->v_dim, &lse);
    if (outputs->lse != NULL)
        outputs->lse[job->index] = lse;
    if (outputs->kinds != NULL)
        outputs->kinds[job->index] = (uint8_t)kind;
}

bool oracle_attention(const struct oracle_problem *problem, double *out, double *lse,
                      uint8_t *kinds, char *err, size_t cap)
{
    struct outputs outputs = {out, lse, kinds};
    if (!oracle_problem_check(problem, err, cap))
        return false;
    if (kinds != NULL) {
        const int64_t *q = problem->q.dims;
        memset(kinds, ORACLE_ROW_UNVISITED, (size_t)(q[0] * q[1] * q[2]));
    }
    return oracle__each_row(problem, visit, &outputs, err, cap);
}
