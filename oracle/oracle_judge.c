/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle_internal.h"

bool oracle_reference_create(const struct oracle_problem *problem,
                             struct oracle_reference *reference, char *err, size_t cap)
{
    *reference = (struct oracle_reference){0};
    if (!oracle_problem_check(problem, err, cap))
        return false;
    struct oracle_reference made = {.n_batch = problem->q.dims[0],
                                    .n_heads = problem->q.dims[1],
                                    .q_len = problem->q.dims[2],
                                    .v_dim = problem->v.dims[3],
                                    .out_dtype = problem->out_dtype};
    size_t rows = (size_t)(made.n_batch * made.n_heads * made.q_len);
    size_t width = (size_t)made.v_dim;
    made.out = calloc(rows, width * sizeof *made.out);
    made.lse = calloc(rows, sizeof *made.lse);
    made.kinds = calloc(rows, sizeof *made.kinds);
    made.textbook = calloc(rows, width * sizeof *made.textbook);
    made.textbook_lse = calloc(rows, sizeof *made.textbook_lse);
    bool good = made.out && made.lse && made.kinds && made.textbook && made.textbook_lse;
    if (!good)
        oracle__fail(err, cap, "out of memory");
    good = good && oracle_attention(problem, made.out, made.lse, made.kinds, err, cap) &&
           oracle_textbook(problem, made.textbook, made.textbook_lse, err, cap);
    if (good)
        *reference = made;
    else
        oracle_reference_free(&made);
    return good;
}

void oracle_reference_free(struct oracle_reference *reference)
{
    if (reference == NULL)
        return;
    free(reference->out);
    free(reference->lse);
    free(reference->kinds);
    free(reference->textbook);
    free(reference->textbook_lse);
    *reference = (struct oracle_reference){0};
}

const char *oracle_fault_name(enum oracle_fault fault)
{
    static const char *const names[] = {
        "none",     "nan mismatch",        "nan not canonical",       "empty row not zero",
        "infinite", "textbook not finite", "shape or dtype mismatch",
    };
    return names[fault];
}

struct sample {
    int64_t b, h, i, d;
    double got, want, textbook;
    bool canonical; /* the bits, if got is NaN */
};

static void place(struct oracle_report *report, const struct sample *s)
{
    report->b = s->b;
    report->h = s->h;
    report->i = s->i;
    report->d = s->d;
    report->got = s->got;
    report->want = s->want;
    report->textbook = s->textbook;
}

static void blame(struct oracle_report *report, enum oracle_fault fault, const struct sample *s)
{
    if (report->fault != ORACLE_FAULT_NONE)
        return;
    report->fault = fault;
    place(report, s);
}

static void measure(struct oracle_report *report, const struct sample *s)
{
    double error = fabs(s->got - s->want);
    if (error > report->left) {
        report->left = error;
        if (report->fault == ORACLE_FAULT_NONE)
            place(report, s);
    }
    report->textbook_error = fmax(report->textbook_error, fabs(s->textbook - s->want));
    report->largest = fmax(report->largest, fabs(s->want));
}

static void compare(struct oracle_report *report, const struct sample *s)
{
    if (isnan(s->got) != isnan(s->want))
        blame(report, ORACLE_FAULT_NAN, s);
    else if (isnan(s->got) && !s->canonical)
        blame(report, ORACLE_FAULT_NAN_BITS, s);
    else if (isinf(s->got) || isinf(s->want)) {
        if (s->got != s->want)
            blame(report, ORACLE_FAULT_INFINITE, s);
    } else if (!isnan(s->got) && !isfinite(s->textbook))
        blame(report, ORACLE_FAULT_TEXTBOOK, s);
    else if (!isnan(s->got))
        measure(report, s);
}

/* `least`: what the ulp is taken at where no value is larger. */
static void judged(struct oracle_report *report, enum oracle_dtype dtype, double least)
{
    report->left = fmax(report->left, 0);
    report->ulp = oracle_ulp(dtype, fmax(report->largest, least));
    report->right = 2 * report->textbook_error + (dtype == ORACLE_F32 ? 8 : 1) * report->ulp;
    report->ratio =
        report->fault == ORACLE_FAULT_NONE ? report->left / report->right : (double)INFINITY;
}

static void count_row(struct oracle_report *report, enum oracle_row kind)
{
    report->rows += 1;
    report->nan_rows += kind == ORACLE_ROW_NAN;
    report->empty_rows += kind == ORACLE_ROW_EMPTY;
}

static bool canonical(enum oracle_dtype dtype, const void *data, int64_t index)
{
    if (dtype == ORACLE_F32) {
        uint32_t bits;
        memcpy(&bits, (const float *)data + index, sizeof bits);
        return bits == 0x7FC00000u;
    }
    return ((const uint16_t *)data)[index] == (dtype == ORACLE_F16 ? 0x7E00 : 0x7FC0);
}

static void judge_row(const struct oracle_reference *reference, const struct oracle_tensor *output,
                      int64_t b, int64_t h, int64_t i, struct oracle_report *report)
{
    int64_t row = (b * reference->n_heads + h) * reference->q_len + i;
    int64_t start = b * output->strides[0] + h * output->strides[1] + i * output->strides[2];
    enum oracle_row kind = reference->kinds[row];
    if (kind == ORACLE_ROW_UNVISITED)
        return;
    count_row(report, kind);
    for (int64_t d = 0; d < reference->v_dim; ++d) {
        struct sample s = {b, h, i, d, 0, 0, 0, true};
        s.got = oracle_load(output->dtype, output->data, start + d);
        s.want = reference->out[row * reference->v_dim + d];
        s.textbook = reference->textbook[row * reference->v_dim + d];
        s.canonical = !isnan(s.got) || canonical(output->dtype, output->data, start + d);
        if (kind == ORACLE_ROW_EMPTY && !isnan(s.got) && (s.got != 0 || signbit(s.got)))
            blame(report, ORACLE_FAULT_EMPTY, &s);
        compare(report, &s);
    }
}

struct oracle_report oracle_judge(const struct oracle_reference *reference,
                                  const struct oracle_tensor *output)
{
    struct oracle_report report = {.left = -1}; /* so that an error of 0 has a place too */
    const int64_t *dims = output->dims;
    if (output->dtype != reference->out_dtype || output->rank != 4 ||
        dims[0] != reference->n_batch || dims[1] != reference->n_heads ||
        dims[2] != reference->q_len || dims[3] != reference->v_dim) {
        report.left = 0;
        report.fault = ORACLE_FAULT_MISMATCH;
        report.ratio = INFINITY;
        return report;
    }
    for (int64_t b = 0; b < reference->n_batch; ++b)
        for (int64_t h = 0; h < reference->n_heads; ++h)
            for (int64_t i = 0; i < reference->q_len; ++i)
                judge_row(reference, output, b, h, i, &report);
    judged(&report, reference->out_dtype, 0);
    return report;
}

static void judge_empty_lse(struct oracle_report *report, const struct sample *s)
{
    double slack = isfinite(s->want) ? oracle_ulp(ORACLE_F32, s->want) : 0;
    bool close = s->got == s->want || fabs(s->got - s->want) <= slack;
    if (isnan(s->got))
        blame(report, ORACLE_FAULT_NAN, s);
    else if (!close)
        blame(report, ORACLE_FAULT_EMPTY, s);
}

struct oracle_report oracle_judge_lse(const struct oracle_reference *reference, const float *lse)
{
    struct oracle_report report = {.left = -1}; /* so that an error of 0 has a place too */
    int64_t rows = reference->n_batch * reference->n_heads * reference->q_len;
    for (int64_t row = 0; row < rows; ++row) {
        int64_t plane = row / reference->q_len;
        enum oracle_row kind = reference->kinds[row];
        struct sample s = {.b = plane / reference->n_heads,
                           .h = plane % reference->n_heads,
                           .i = row % reference->q_len,
                           .got = lse[row],
                           .want = reference->lse[row],
                           .textbook = reference->textbook_lse[row]};
        s.canonical = !isnan(s.got) || canonical(ORACLE_F32, lse, row);
        if (kind == ORACLE_ROW_UNVISITED)
            continue;
        count_row(&report, kind);
        if (kind == ORACLE_ROW_EMPTY)
            judge_empty_lse(&report, &s);
        else
            compare(&report, &s);
    }
    judged(&report, ORACLE_F32, 1);
    return report;
}

void oracle_report_text(const struct oracle_report *report, char *text, size_t cap)
{
    bool fault = report->fault != ORACLE_FAULT_NONE;
    snprintf(text, cap,
             "%s%sratio %.4g (left %.4g, right %.4g) at [b%lld h%lld i%lld d%lld]: "
             "got %.9g, want %.9g, textbook %.9g",
             fault ? oracle_fault_name(report->fault) : "", fault ? ": " : "", report->ratio,
             report->left, report->right, (long long)report->b, (long long)report->h,
             (long long)report->i, (long long)report->d, report->got, report->want,
             report->textbook);
}
