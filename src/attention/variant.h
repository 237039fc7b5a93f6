/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_ATTENTION_VARIANT_H
#define TSKIP_ATTENTION_VARIANT_H

#include "kernels/kernel_table.h"
#include "problem_check.h"

/* The first row of the table of variants that fits the device and the problem. A tile that the
 * problem asks for must be a row's. Errors: UNSUPPORTED, listing the tiles that exist. */
tskip_status tskip__variant_find(const tskip_device_info *device, const tskip__problem *problem,
                                 const tskip__variant **out);

#endif
