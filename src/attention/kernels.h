/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_ATTENTION_KERNELS_H
#define TSKIP_ATTENTION_KERNELS_H

#include "kernels/kernel_table.h"

/* Makes every kernel of the table known to the device; cheap when it is already. */
tskip_status tskip__kernels_register(tskip_device *device);

/* Registers, and gets a kernel that takes no constants. */
tskip_status tskip__kernel_get(tskip_device *device, const char *name, const tskip_kernel **out);

/* Runs what `encode` adds to an encoder of its own; returns when done. */
tskip_status tskip__run_now(tskip_device *device,
                            tskip_status (*encode)(void *context, tskip_encoder *encoder),
                            void *context);

#endif
