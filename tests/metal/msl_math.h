/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_METAL_MSL_MATH_H
#define TESTS_METAL_MSL_MATH_H

#include "msl_types.h"

/* The functions of MSL's headers that kernels use. Unqualified, precise:: and fast:: ones give the
 * same bits here; those of a GPU differ in the last. */

namespace metal
{
#define MSL_EACH_ARITHMETIC(DO)                                                                    \
    DO(float) DO(half) DO(int) DO(uint) DO(short) DO(ushort) DO(char) DO(uchar) DO(long) DO(ulong)
/* MSL: if one is NaN, the other. */
#define MSL_MIN_MAX(T)                                                                             \
    inline T min(T a, T b)                                                                         \
    {                                                                                              \
        return b < a || a != a ? b : a;                                                            \
    }                                                                                              \
    inline T max(T a, T b)                                                                         \
    {                                                                                              \
        return a < b || a != a ? b : a;                                                            \
    }                                                                                              \
    inline T clamp(T x, T low, T high)                                                             \
    {                                                                                              \
        return min(max(x, low), high);                                                             \
    }
MSL_EACH_ARITHMETIC(MSL_MIN_MAX)
#undef MSL_MIN_MAX

inline int abs(int x)
{
    return x < 0 ? -x : x;
}
inline long abs(long x)
{
    return x < 0 ? -x : x;
}
inline float abs(float x)
{
    return __builtin_fabsf(x);
}

/* f(float) and its element-wise twin of a vector, in all three namespaces. */
#define MSL_UNARY(name, expression)                                                                \
    inline float name(float x)                                                                     \
    {                                                                                              \
        return expression;                                                                         \
    }                                                                                              \
    template <class V, int N = msl_shape<V>::size, class = conditional_t<(N > 1), V, void>>        \
    inline V name##_each(V v)                                                                      \
    {                                                                                              \
        for (int i = 0; i < N; i++)                                                                \
            v[i] = name((float)v[i]);                                                              \
        return v;                                                                                  \
    }                                                                                              \
    inline float2 name(float2 v)                                                                   \
    {                                                                                              \
        return name##_each(v);                                                                     \
    }                                                                                              \
    inline float3 name(float3 v)                                                                   \
    {                                                                                              \
        return name##_each(v);                                                                     \
    }                                                                                              \
    inline float4 name(float4 v)                                                                   \
    {                                                                                              \
        return name##_each(v);                                                                     \
    }
#define MSL_UNARIES                                                                                \
    MSL_UNARY(exp, __builtin_expf(x))                                                              \
    MSL_UNARY(exp2, __builtin_exp2f(x))                                                            \
    MSL_UNARY(log, __builtin_logf(x))                                                              \
    MSL_UNARY(log2, __builtin_log2f(x))                                                            \
    MSL_UNARY(sqrt, __builtin_sqrtf(x))                                                            \
    MSL_UNARY(rsqrt, 1.0f / __builtin_sqrtf(x))                                                    \
    MSL_UNARY(tanh, __builtin_tanhf(x))                                                            \
    MSL_UNARY(sin, __builtin_sinf(x))                                                              \
    MSL_UNARY(cos, __builtin_cosf(x))                                                              \
    MSL_UNARY(floor, __builtin_floorf(x))                                                          \
    MSL_UNARY(ceil, __builtin_ceilf(x))                                                            \
    MSL_UNARY(trunc, __builtin_truncf(x))                                                          \
    MSL_UNARY(round, __builtin_roundf(x))                                                          \
    MSL_UNARY(rint, __builtin_rintf(x))                                                            \
    MSL_UNARY(fabs, __builtin_fabsf(x))                                                            \
    inline float pow(float x, float y)                                                             \
    {                                                                                              \
        return __builtin_powf(x, y);                                                               \
    }                                                                                              \
    inline float powr(float x, float y)                                                            \
    {                                                                                              \
        return __builtin_powf(x, y);                                                               \
    }                                                                                              \
    inline float fmod(float x, float y)                                                            \
    {                                                                                              \
        return __builtin_fmodf(x, y);                                                              \
    }                                                                                              \
    inline float fmin(float x, float y)                                                            \
    {                                                                                              \
        return __builtin_fminf(x, y);                                                              \
    }                                                                                              \
    inline float fmax(float x, float y)                                                            \
    {                                                                                              \
        return __builtin_fmaxf(x, y);                                                              \
    }                                                                                              \
    inline float divide(float x, float y)                                                          \
    {                                                                                              \
        return x / y;                                                                              \
    }
MSL_UNARIES
namespace precise
{
MSL_UNARIES
}
namespace fast
{
MSL_UNARIES
}
#undef MSL_UNARIES
#undef MSL_UNARY

inline float fma(float a, float b, float c)
{
    return __builtin_fmaf(a, b, c);
}
template <class V, class = conditional_t<(msl_shape<V>::size > 1), V, void>> V fma(V a, V b, V c)
{
    for (int i = 0; i < msl_shape<V>::size; i++)
        a[i] = fma((float)a[i], (float)b[i], (float)c[i]);
    return a;
}
inline float ldexp(float x, int k)
{
    return __builtin_ldexpf(x, k);
}
inline float copysign(float x, float y)
{
    return __builtin_copysignf(x, y);
}
inline float saturate(float x)
{
    return clamp(x, 0.0f, 1.0f);
}
inline float mix(float x, float y, float a)
{
    return x + (y - x) * a;
}
inline float sign(float x)
{
    return x > 0 ? 1.0f : x < 0 ? -1.0f : x == 0 ? x : 0.0f;
}

/* Of the bits: no option of the compiler may decide that there is no NaN. */
inline bool isnan(float x)
{
    return (as_type<uint>(x) & 0x7FFFFFFFu) > 0x7F800000u;
}
inline bool isinf(float x)
{
    return (as_type<uint>(x) & 0x7FFFFFFFu) == 0x7F800000u;
}
inline bool isfinite(float x)
{
    return (as_type<uint>(x) & 0x7FFFFFFFu) < 0x7F800000u;
}
inline bool signbit(float x)
{
    return as_type<uint>(x) >> 31;
}

template <class T> T select(T if_false, T if_true, bool condition)
{
    return condition ? if_true : if_false;
}
template <class T, class C, int N = msl_shape<C>::size, class = conditional_t<(N > 1), T, void>>
T select(T if_false, T if_true, C condition)
{
    for (int i = 0; i < N; i++)
        if_false[i] = condition[i] ? if_true[i] : if_false[i];
    return if_false;
}
template <class V> bool all(V v)
{
    if constexpr (msl_shape<V>::size == 1)
        return v;
    else
        for (int i = 0; i < msl_shape<V>::size; i++)
            if (!v[i])
                return false;
    return true;
}
template <class V> bool any(V v)
{
    if constexpr (msl_shape<V>::size == 1)
        return v;
    else
        for (int i = 0; i < msl_shape<V>::size; i++)
            if (v[i])
                return true;
    return false;
}
template <class V> float dot(V a, V b)
{
    float sum = 0;
    for (int i = 0; i < msl_shape<V>::size; i++)
        sum += (float)a[i] * (float)b[i];
    return sum;
}
#define MSL_MIN_MAX_VECTORS(V)                                                                     \
    inline V min(V a, V b)                                                                         \
    {                                                                                              \
        for (int i = 0; i < msl_shape<V>::size; i++)                                               \
            a[i] = min(a[i], b[i]);                                                                \
        return a;                                                                                  \
    }                                                                                              \
    inline V max(V a, V b)                                                                         \
    {                                                                                              \
        for (int i = 0; i < msl_shape<V>::size; i++)                                               \
            a[i] = max(a[i], b[i]);                                                                \
        return a;                                                                                  \
    }
MSL_MIN_MAX_VECTORS(float2)
MSL_MIN_MAX_VECTORS(float3)
MSL_MIN_MAX_VECTORS(float4)
MSL_MIN_MAX_VECTORS(int2)
MSL_MIN_MAX_VECTORS(int4)
MSL_MIN_MAX_VECTORS(uint2)
MSL_MIN_MAX_VECTORS(uint4)
#undef MSL_MIN_MAX_VECTORS

inline uint popcount(uint x)
{
    return (uint)__builtin_popcount(x);
}
inline ulong popcount(ulong x)
{
    return (ulong)__builtin_popcountl(x);
}
inline uint clz(uint x)
{
    return x ? (uint)__builtin_clz(x) : 32;
}
inline uint ctz(uint x)
{
    return x ? (uint)__builtin_ctz(x) : 32;
}
inline ulong clz(ulong x)
{
    return x ? (ulong)__builtin_clzl(x) : 64;
}
inline ulong ctz(ulong x)
{
    return x ? (ulong)__builtin_ctzl(x) : 64;
}
inline uint reverse_bits(uint x)
{
    return __builtin_bitreverse32(x);
}
inline uint mulhi(uint x, uint y)
{
    return (uint)((ulong)x * y >> 32);
}
inline uint extract_bits(uint x, uint offset, uint bits)
{
    return bits >= 32 ? x >> offset : x >> offset & ((1u << bits) - 1);
}
#undef MSL_EACH_ARITHMETIC
} // namespace metal

#endif
