/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <tileskip/base.h>

size_t tskip_dtype_size(tskip_dtype dtype)
{
    switch (dtype) {
    case TSKIP_F32:
        return 4;
    case TSKIP_F16:
    case TSKIP_BF16:
        return 2;
    case TSKIP_BOOL:
        return 1;
    case TSKIP_DTYPE_NONE:
        break;
    }
    return 0;
}

const char *tskip_dtype_name(tskip_dtype dtype)
{
    switch (dtype) {
    case TSKIP_F32:
        return "f32";
    case TSKIP_F16:
        return "f16";
    case TSKIP_BF16:
        return "bf16";
    case TSKIP_BOOL:
        return "bool";
    case TSKIP_DTYPE_NONE:
        break;
    }
    return "none";
}
