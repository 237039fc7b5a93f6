/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_COMPUTE_KERNEL_CACHE_H
#define TSKIP_COMPUTE_KERNEL_CACHE_H

#include <tileskip/compute.h>

#include "base/thread.h"

/* A device's kernels: the descriptions registered by name, and what was compiled of them. One
 * constant set has one entry, whatever the order in which a caller names the constants: values are
 * brought into the order of the declaration, those not named take their preset.
 * Thread-safety: a lock; it is held while a kernel compiles, so no kernel is compiled twice. */

typedef struct tskip__registration {
    struct tskip__registration *next;
    const tskip_kernel_desc *desc;
} tskip__registration;

typedef struct tskip__kernel_cache {
    tskip__mutex lock;
    tskip__registration *registrations;
    tskip_kernel *kernels;
} tskip__kernel_cache;

void tskip__kernel_cache_init(tskip__kernel_cache *cache);

/* Destroys every kernel; the device still works. */
void tskip__kernel_cache_clear(tskip_device *device);

/* As tskip_kernel_register and tskip_kernel_get, with arguments checked for NULL. */
tskip_status tskip__kernel_cache_register(tskip_device *device, const tskip_kernel_desc *desc);
tskip_status tskip__kernel_cache_get(tskip_device *device, const char *name,
                                     const tskip_constant *constants, size_t n_constants,
                                     const tskip_kernel **out);

/* Fails unless `desc` is well-formed; the text names the member. */
tskip_status tskip__kernel_desc_check(const tskip_kernel_desc *desc);

/* Writes the canonical name, "scale[dtype=3 width=64]": the constants sorted by name. Like snprintf
 * returns the length it has, whatever `size` is. */
size_t tskip__kernel_canonical_name(const tskip_kernel_desc *desc,
                                    const tskip_constant_value *values, char *text, size_t size);

#endif
