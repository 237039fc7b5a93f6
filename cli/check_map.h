/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_CHECK_MAP_H
#define TSKIP_CLI_CHECK_MAP_H

#include "trial.h"
#include "witness.h"

/* Compares the trial's map, tile by tile, and its visible pairs with the reference; adds up the
 * tiles of each class. */
bool check_map(const trial *t, const witness *w, uint64_t classes[3], io_error *error);

/* Where the mask tensor was made of the rules: compares every cell with them. */
bool check_cells(trial *t, const witness *w, io_error *error);

#endif
