/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "null_backend.h"

tskip_status tskip__null_kernel_create(void *device, const tskip__kernel_spec *spec, void **kernel)
{
    (void)device;
    size_t name_size = strlen(spec->name) + 1;
    tskip__null_kernel *out = tskip__alloc(sizeof *out + name_size, "a kernel");
    if (!out)
        return TSKIP_OUT_OF_MEMORY;
    out->name_size = name_size;
    memcpy(out->name, spec->name, name_size);
    tskip__log(TSKIP_LOG_DEBUG, "null: kernel %s", out->name);
    *kernel = out;
    return TSKIP_OK;
}

void tskip__null_kernel_destroy(void *device, void *kernel)
{
    (void)device;
    tskip__null_kernel *old = kernel;
    tskip__free(old, sizeof *old + old->name_size);
}
