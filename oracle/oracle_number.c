/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "oracle_internal.h"

bool oracle__fail(char *err, size_t cap, const char *format, ...)
{
    if (cap > 0) {
        va_list args;
        va_start(args, format);
        vsnprintf(err, cap, format, args);
        va_end(args);
    }
    return false;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float canonical_nan(void)
{
    return float_of(0x7FC00000u);
}

/* The magnitude is counted in units of the subnormal step 2^-24, or of the binade's step above it;
 * rint rounds ties to even in the default mode, and a carry moves into the exponent by itself. */
uint16_t oracle_f16_from_f32(float value)
{
    if (isnan(value))
        return 0x7E00;
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    double magnitude = fabs((double)value);
    if (magnitude >= 65520.0)
        return sign | 0x7C00;
    if (magnitude < 0x1p-14)
        return (uint16_t)(sign | (uint16_t)rint(ldexp(magnitude, 24)));
    int exponent;
    frexp(magnitude, &exponent);
    uint16_t mantissa = (uint16_t)rint(ldexp(magnitude, 11 - exponent));
    return (uint16_t)(sign | (((exponent + 13) << 10) + mantissa));
}

uint16_t oracle_bf16_from_f32(float value)
{
    if (isnan(value))
        return 0x7FC0;
    uint32_t bits = bits_of(value);
    uint32_t kept = bits >> 16;
    uint32_t dropped = bits & 0xFFFF;
    if (dropped > 0x8000 || (dropped == 0x8000 && (kept & 1)))
        kept += 1;
    return (uint16_t)kept;
}

float oracle_f32_from_f16(uint16_t bits)
{
    int exponent = (bits >> 10) & 31;
    int mantissa = bits & 1023;
    double magnitude;
    if (exponent == 31 && mantissa != 0)
        return canonical_nan();
    if (exponent == 31)
        magnitude = INFINITY;
    else if (exponent == 0)
        magnitude = ldexp(mantissa, -24);
    else
        magnitude = ldexp(1024 + mantissa, exponent - 25);
    return (float)((bits & 0x8000) ? -magnitude : magnitude);
}

float oracle_f32_from_bf16(uint16_t bits)
{
    float value = float_of((uint32_t)bits << 16);
    return isnan(value) ? canonical_nan() : value;
}

float oracle_load(enum oracle_dtype dtype, const void *data, int64_t index)
{
    switch (dtype) {
    case ORACLE_F16:
        return oracle_f32_from_f16(((const uint16_t *)data)[index]);
    case ORACLE_BF16:
        return oracle_f32_from_bf16(((const uint16_t *)data)[index]);
    case ORACLE_BOOL:
        return ((const uint8_t *)data)[index] ? 0.0f : -INFINITY;
    case ORACLE_F32:
        break;
    }
    return ((const float *)data)[index];
}

void oracle_store(enum oracle_dtype dtype, void *data, int64_t index, float value)
{
    if (dtype == ORACLE_F16)
        ((uint16_t *)data)[index] = oracle_f16_from_f32(value);
    else if (dtype == ORACLE_BF16)
        ((uint16_t *)data)[index] = oracle_bf16_from_f32(value);
    else
        ((float *)data)[index] = isnan(value) ? canonical_nan() : value;
}

double oracle_ulp(enum oracle_dtype dtype, double value)
{
    int mantissa_bits = dtype == ORACLE_F16 ? 10 : dtype == ORACLE_BF16 ? 7 : FLT_MANT_DIG - 1;
    int least = dtype == ORACLE_F16 ? -14 : FLT_MIN_EXP - 1;
    int exponent;
    frexp(value, &exponent);
    exponent -= 1;
    if (value == 0 || exponent < least)
        exponent = least;
    return ldexp(1.0, exponent - mantissa_bits);
}

struct oracle_tensor oracle_tensor_packed(const void *data, enum oracle_dtype dtype, int64_t batch,
                                          int64_t heads, int64_t rows, int64_t columns)
{
    return (struct oracle_tensor){.data = data,
                                  .dtype = dtype,
                                  .rank = 4,
                                  .dims = {batch, heads, rows, columns},
                                  .strides = {heads * rows * columns, rows * columns, columns, 1}};
}
