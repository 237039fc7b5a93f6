/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_WITNESS_H
#define TSKIP_CLI_WITNESS_H

#include <oracle.h>
#include "problem_data.h"

/* What the double-precision reference says of a problem: made once, compared with any number of
 * devices. Where the problem's mask is a tensor made of the rules, the reference goes by the rules
 * themselves. */
typedef struct witness {
    struct oracle_rules rules;
    struct oracle_tensor cells;
    struct oracle_mask mask;
    bool has_mask;
    int64_t planes_batch, planes_head;
    struct oracle_problem problem;
    struct oracle_reference reference;
    struct oracle_tensor output; /* the shape of those to judge; data is the caller's to set */
} witness;

/* `data` must outlive the witness and stay where it is; so must the witness. row_step as in
 * oracle_problem: n > 1 looks at every n-th row only. */
bool witness_create(const problem_data *data, int64_t row_step, witness *out, io_error *error);
void witness_release(witness *w);

enum oracle_dtype witness_dtype(tskip_dtype dtype);

#endif
