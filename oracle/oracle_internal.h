/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef ORACLE_INTERNAL_H
#define ORACLE_INTERNAL_H

#include "oracle.h"

/* Writes the message, if there is room, and returns false, so that a check can end in one line. */
bool oracle__fail(char *err, size_t cap, const char *format, ...);

/* The rules as one query position sees them: what depends on p alone, looked up once. A NULL span
 * means that p lies in none. */
struct oracle__row_rules {
    const struct oracle_rules *rules;
    int64_t p;
    const struct oracle_span *image;
    const struct oracle_span *span;
    const struct oracle_span *segment;
    int64_t klen;
    int64_t kstart;
};

void oracle__row_rules_begin(const struct oracle_rules *rules, int64_t entry, int64_t p,
                             struct oracle__row_rules *row);
bool oracle__row_rules_visible(const struct oracle__row_rules *row, int64_t x, int64_t column);

/* One row of a mask, and a visible cell of it: the two addends of the score, each exactly f32. */
struct oracle__row {
    const struct oracle_mask *mask;
    struct oracle__row_rules rules;
    int64_t tensor_start;
    int64_t tensor_step;
    float slope;
};

struct oracle__addends {
    float alibi;
    float value;
};

void oracle__row_begin(const struct oracle_mask *mask, int64_t batch, int64_t head, int64_t row,
                       struct oracle__row *out);

/* False: masked. */
bool oracle__row_cell(const struct oracle__row *row, int64_t column,
                      struct oracle__addends *addends);

/* The visible keys of a row, ascending. `poisoned`: a visible cell is NaN or +inf. */
struct oracle__keys {
    int64_t *columns;
    struct oracle__addends *addends;
    int64_t count;
    bool poisoned;
};

/* One row of one call, as both algorithms see it. q, k and v are packed f32 (exact for every input
 * type). sink is -inf where there is none. `scores` has room for k_len doubles or floats, `sums`
 * for Dv. */
struct oracle__row_job {
    int64_t index; /* (b * Hq + h) * q_len + row */
    const float *q;
    const float *k;
    const float *v;
    int64_t head_dim;
    int64_t v_dim;
    const struct oracle__keys *keys;
    float scale;
    float softcap;
    float sink;
    double *scores;
    double *sums;
};

typedef void oracle__row_fn(const struct oracle__row_job *job, void *context);

/* Calls `visit` for each row that row_step selects. */
bool oracle__each_row(const struct oracle_problem *problem, oracle__row_fn *visit, void *context,
                      char *err, size_t cap);

#endif
