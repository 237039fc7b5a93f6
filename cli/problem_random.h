/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_PROBLEM_RANDOM_H
#define TSKIP_CLI_PROBLEM_RANDOM_H

#include "problem.h"
#include "random.h"

/* A valid problem small enough for the reference, decided by `seed` alone: every rule, dtype, mask
 * kind, layout and kind of data turns up, lengths lie below, at and above multiples of the usual
 * tiles. */
void problem_random(uint64_t seed, problem *out);

/* Writes random rules that fit p's extent to p->rules; "" now and then. */
void problem_random_rules(random_state *rng, problem *p);

#endif
