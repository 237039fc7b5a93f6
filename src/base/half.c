/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "half.h"

void tskip__widen(tskip_dtype dtype, const void *from, float *to, size_t n)
{
    const char *bytes = from;
    for (size_t i = 0; i < n; i++) {
        float value;
        if (dtype == TSKIP_F32) {
            memcpy(&value, bytes + 4 * i, 4);
            value = tskip__f32_canonical(value);
        } else {
            uint16_t half;
            memcpy(&half, bytes + 2 * i, 2);
            value = dtype == TSKIP_F16 ? tskip__f16_to_f32(half) : tskip__bf16_to_f32(half);
        }
        memcpy(&to[i], &value, 4);
    }
}

void tskip__narrow(tskip_dtype dtype, const float *from, void *to, size_t n)
{
    char *bytes = to;
    for (size_t i = 0; i < n; i++) {
        if (dtype == TSKIP_F32) {
            float value = tskip__f32_canonical(from[i]);
            memcpy(bytes + 4 * i, &value, 4);
        } else {
            uint16_t half =
                dtype == TSKIP_F16 ? tskip__f32_to_f16(from[i]) : tskip__f32_to_bf16(from[i]);
            memcpy(bytes + 2 * i, &half, 2);
        }
    }
}
