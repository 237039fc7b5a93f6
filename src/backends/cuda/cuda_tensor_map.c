/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "cuda_backend.h"

#include <inttypes.h>

#include "base/status.h"

/* The driver's numbers. */
enum { TYPE_U8 = 0, TYPE_F16 = 6, TYPE_F32 = 7, TYPE_BF16 = 9, PROMOTE_128 = 2 };

static int element_type(tskip_dtype dtype)
{
    return dtype == TSKIP_F32    ? TYPE_F32
           : dtype == TSKIP_F16  ? TYPE_F16
           : dtype == TSKIP_BF16 ? TYPE_BF16
                                 : TYPE_U8;
}

static tskip_status check_alignment(tskip__cu_address address, const tskip_tensor_view *view)
{
    if (address % 16 != 0)
        return tskip__fail(
            TSKIP_UNSUPPORTED,
            "a tensor view begins at %#" PRIx64 "; the copy engine takes multiples of 16", address);
    for (uint32_t d = 1; d < view->rank; d++)
        if (view->strides[d] % 16 != 0 || view->strides[d] >> 40 != 0)
            return tskip__fail(TSKIP_UNSUPPORTED,
                               "a tensor view has stride %" PRIu64 " in dimension %" PRIu32
                               "; the copy engine takes multiples of 16 below 2^40",
                               view->strides[d], d);
    for (uint32_t d = 0; d < view->rank; d++)
        if (view->dims[d] >> 32 != 0 || view->box[d] > 256)
            return tskip__fail(TSKIP_UNSUPPORTED,
                               "a tensor view has size %" PRIu64 " and box %" PRIu32
                               " in dimension %" PRIu32
                               "; the copy engine takes sizes below 2^32 and boxes up to 256",
                               view->dims[d], view->box[d], d);
    return TSKIP_OK;
}

tskip_status tskip__cuda_tensor_map(const tskip__cuda_api *api, tskip__cu_address address,
                                    const tskip_tensor_view *view, tskip__cu_tensor_map *map)
{
    static const uint32_t one[5] = {1, 1, 1, 1, 1};
    if (!api->encode_tensor_map)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "the NVIDIA driver is too old for tensor views: it lacks "
                           "cuTensorMapEncodeTiled");
    TSKIP__TRY(check_alignment(address, view));
    int result = api->encode_tensor_map(map, element_type(view->dtype), view->rank,
                                        (void *)(uintptr_t)address, view->dims, view->strides + 1,
                                        view->box, one, 0, (int)view->swizzle, PROMOTE_128, 0);
    return tskip__cuda_check(api, result, "encoding a tensor view");
}
