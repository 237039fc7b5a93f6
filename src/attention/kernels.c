/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "kernels.h"

#include "base/status.h"

tskip_status tskip__kernels_register(tskip_device *device)
{
    for (const tskip_kernel_desc *const *desc = tskip__kernel_table; *desc; desc++)
        TSKIP__TRY(tskip_kernel_register(device, *desc));
    return TSKIP_OK;
}

tskip_status tskip__kernel_get(tskip_device *device, const char *name, const tskip_kernel **out)
{
    TSKIP__TRY(tskip__kernels_register(device));
    return tskip_kernel_get(device, name, NULL, 0, out);
}

tskip_status tskip__run_now(tskip_device *device,
                            tskip_status (*encode)(void *context, tskip_encoder *encoder),
                            void *context)
{
    tskip_encoder *encoder;
    TSKIP__TRY(tskip_encoder_create(device, NULL, &encoder));
    tskip_status status = encode(context, encoder);
    if (status == TSKIP_OK)
        status = tskip_encoder_submit(encoder);
    if (status == TSKIP_OK)
        status = tskip_encoder_wait(encoder);
    tskip_encoder_destroy(&encoder);
    return status;
}
