/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "element.h"

#include <string.h>

static const io_element ELEMENTS[] = {
    {"BOOL", 1, TSKIP_BOOL},
    {"U8", 1, TSKIP_BOOL},
    {"I8", 1, TSKIP_DTYPE_NONE},
    {"F8_E5M2", 1, TSKIP_DTYPE_NONE},
    {"F8_E4M3", 1, TSKIP_DTYPE_NONE},
    {"F8_E8M0", 1, TSKIP_DTYPE_NONE},
    {"I16", 2, TSKIP_DTYPE_NONE},
    {"U16", 2, TSKIP_DTYPE_NONE},
    {"F16", 2, TSKIP_F16},
    {"BF16", 2, TSKIP_BF16},
    {"I32", 4, TSKIP_DTYPE_NONE},
    {"U32", 4, TSKIP_DTYPE_NONE},
    {"F32", 4, TSKIP_F32},
    {"F64", 8, TSKIP_DTYPE_NONE},
    {"I64", 8, TSKIP_DTYPE_NONE},
    {"U64", 8, TSKIP_DTYPE_NONE},
};
#define N_ELEMENTS (sizeof(ELEMENTS) / sizeof(ELEMENTS[0]))

const io_element *io_element_by_name(const char *name, size_t length)
{
    for (size_t i = 0; i < N_ELEMENTS; i++) {
        if (strlen(ELEMENTS[i].name) == length && memcmp(ELEMENTS[i].name, name, length) == 0)
            return &ELEMENTS[i];
    }
    return NULL;
}

const io_element *io_element_by_dtype(tskip_dtype dtype)
{
    for (size_t i = 0; i < N_ELEMENTS; i++) {
        if (dtype != TSKIP_DTYPE_NONE && ELEMENTS[i].dtype == dtype)
            return &ELEMENTS[i];
    }
    return NULL;
}

const char *io_element_names(void)
{
    return "BOOL, U8, I8, F8_E5M2, F8_E4M3, F8_E8M0, I16, U16, F16, BF16, I32, U32, F32, F64, "
           "I64 or U64";
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static float of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* Round to nearest even. NaN keeps its sign and what it can of its bits, so that inputs hold other
 * NaNs than the canonical one. */
static uint16_t bf16_from_f32(float value)
{
    const uint32_t bits = bits_of(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)((bits >> 16) | 0x40u);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

static float f32_from_bf16(uint16_t bits)
{
    return of_bits((uint32_t)bits << 16);
}

static uint16_t f16_from_f32(float value)
{
    const uint32_t bits = bits_of(value);
    const uint16_t sign = (uint16_t)((bits >> 16) & 0x8000u);
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u);
    if (magnitude >= 0x477ff000u) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7c00u);
    if (magnitude < 0x33000001u) /* 2^-25 and below round to zero */
        return sign;
    const int exponent = (int)(magnitude >> 23) - 127;
    const uint32_t mantissa = (magnitude & 0x7fffffu) | 0x800000u;
    const int shift = exponent >= -14 ? 13 : -1 - exponent;
    const uint32_t kept = mantissa >> shift;
    const uint32_t rest = mantissa & ((1u << shift) - 1u);
    const uint32_t half = 1u << (shift - 1);
    const uint32_t rounded = kept + (rest > half || (rest == half && (kept & 1u)));
    const uint32_t bias = exponent >= -14 ? (uint32_t)(exponent + 14) << 10 : 0;
    return (uint16_t)(sign | (bias + rounded));
}

static float f32_from_f16(uint16_t bits)
{
    const uint32_t sign = (uint32_t)(bits & 0x8000u) << 16;
    const uint32_t exponent = (bits >> 10) & 0x1fu;
    const uint32_t mantissa = bits & 0x3ffu;
    if (exponent == 0x1f)
        return of_bits(sign | 0x7f800000u | (mantissa << 13));
    if (exponent != 0)
        return of_bits(sign | ((exponent + 112) << 23) | (mantissa << 13));
    const float magnitude = (float)mantissa * 0x1p-24f;
    return sign ? -magnitude : magnitude;
}

float io_load(const void *data, tskip_dtype dtype, size_t index)
{
    uint32_t word;
    uint16_t half;
    switch (dtype) {
    case TSKIP_F32:
        memcpy(&word, (const uint8_t *)data + index * sizeof(word), sizeof(word));
        return of_bits(word);
    case TSKIP_F16:
        memcpy(&half, (const uint8_t *)data + index * sizeof(half), sizeof(half));
        return f32_from_f16(half);
    case TSKIP_BF16:
        memcpy(&half, (const uint8_t *)data + index * sizeof(half), sizeof(half));
        return f32_from_bf16(half);
    case TSKIP_BOOL:
        return ((const uint8_t *)data)[index] != 0 ? 1.0f : 0.0f;
    default:
        return 0.0f;
    }
}

void io_store(void *data, tskip_dtype dtype, size_t index, float value)
{
    switch (dtype) {
    case TSKIP_F32:
        ((float *)data)[index] = value;
        break;
    case TSKIP_F16:
        ((uint16_t *)data)[index] = f16_from_f32(value);
        break;
    case TSKIP_BF16:
        ((uint16_t *)data)[index] = bf16_from_f32(value);
        break;
    case TSKIP_BOOL:
        ((uint8_t *)data)[index] = value != 0.0f;
        break;
    default:
        break;
    }
}
