/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_PROBLEM_H
#define TSKIP_CLI_PROBLEM_H

#include <tileskip/attention.h>

#include "io/io_error.h"

/* An attention problem as a line of text, e.g.
 *
 *     b1 h16/8 q8192 k8192 d256 bf16 rules=causal,window=1024
 *
 * It says everything that decides the result, the inputs' values too (data=, seed=), so that a case
 * that failed can be pasted and run again. docs/problems.md describes each word. */

#define PROBLEM_MAX_RULES 1024
#define PROBLEM_MAX_TEXT  1536

/* Where the mask tensor's cells come from. */
typedef enum problem_mask_source {
    PROBLEM_MASK_NONE,  /* no tensor: the rules, or nothing */
    PROBLEM_MASK_RULES, /* the rules are written into a tensor, and attention sees only that */
    PROBLEM_MASK_RANDOM /* random cells in blocks of every class; combined with the rules, if any */
} problem_mask_source;

/* What the inputs look like. All have both signs. */
typedef enum problem_data_kind {
    PROBLEM_DATA_NORMAL,  /* standard normal */
    PROBLEM_DATA_PEAKED,  /* rows whose largest probability is near 1 */
    PROBLEM_DATA_TINY,    /* subnormals and zeros of both signs among the values */
    PROBLEM_DATA_SPECIAL, /* NaN and infinities in Q and in a random mask, -0.0 everywhere */
    PROBLEM_DATA_KINDS
} problem_data_kind;

/* Plain data; a zero means what a zero means in tskip_attention_desc. */
typedef struct problem {
    tskip_extent extent; /* batch and n_heads set; q_offset may be TSKIP_OFFSET_END */
    uint32_t n_kv_heads, head_dim, head_dim_v;
    tskip_dtype dtype, out_dtype;
    char rules[PROBLEM_MAX_RULES]; /* "": none */
    problem_mask_source mask;
    tskip_dtype mask_dtype;
    bool mask_per_batch, mask_per_head; /* rank 4 with these dimensions; neither: rank 2 */
    float scale, softcap;
    bool sinks, lse, blhd;
    tskip_tile tile;
    problem_data_kind data;
    uint64_t seed;
} problem;

/* Reads the text. `error` names the word, its value and what was expected. */
bool problem_parse(const char *text, problem *out, io_error *error);

/* Writes the canonical text, words left out where they say the usual; what problem_parse makes of
 * it is equal to *p. */
void problem_format(const problem *p, char text[PROBLEM_MAX_TEXT]);

/* "normal", … */
const char *problem_data_name(problem_data_kind kind);

#endif
