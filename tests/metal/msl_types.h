/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_METAL_MSL_TYPES_H
#define TESTS_METAL_MSL_TYPES_H

/* Address spaces, scalars and vectors of MSL in C++17. With MSL_ADDRESS_SPACES the spaces are real:
 * such a text can be checked, not run. */

#ifdef MSL_ADDRESS_SPACES
#define device      __attribute__((address_space(1)))
#define constant    const __attribute__((address_space(2)))
#define threadgroup __attribute__((address_space(3)))
#else
#define device
#define constant
#define threadgroup
#endif
#define thread
#define kernel static

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef signed char int8_t;
typedef uchar uint8_t;
typedef short int16_t;
typedef ushort uint16_t;
typedef int int32_t;
typedef uint uint32_t;
typedef long int64_t;
typedef ulong uint64_t;
typedef ulong size_t;
typedef long ptrdiff_t;
/* For storage: arithmetic is float's. */
#ifdef __FLT16_MANT_DIG__
typedef _Float16 half;
#else
typedef __fp16 half;
#endif

#ifdef MSL_ADDRESS_SPACES
enum class bfloat : ushort {}; /* a class would not copy out of an address space */
#else
/* Two bytes; to nearest, ties to even, a NaN stays one. Converts only where the text says so. */
struct bfloat {
    ushort bits;
    bfloat() = default;
    explicit bfloat(float value)
    {
        uint word = __builtin_bit_cast(uint, value);
        bool is_nan = (word & 0x7FFFFFFFu) > 0x7F800000u;
        uint rounded = word + 0x7FFFu + (word >> 16 & 1);
        bits = (ushort)(is_nan ? word >> 16 | 0x40 : rounded >> 16);
    }
    explicit bfloat(int value) : bfloat((float)value) {}
    explicit bfloat(uint value) : bfloat((float)value) {}
    explicit bfloat(half value) : bfloat((float)value) {}
    explicit operator float() const { return __builtin_bit_cast(float, (uint)bits << 16); }
    explicit operator half() const { return (half)(float)*this; }
};
#endif

/* Swizzles, subscripts and arithmetic are clang's own. bool vectors hold 0 and -1, as comparisons
 * give them. */
#define MSL_VECTORS(T, name)                                                                       \
    typedef T name##2 __attribute__((ext_vector_type(2)));                                         \
    typedef T name##3 __attribute__((ext_vector_type(3)));                                         \
    typedef T name##4 __attribute__((ext_vector_type(4)));
MSL_VECTORS(float, float)
MSL_VECTORS(half, half)
MSL_VECTORS(signed char, char)
MSL_VECTORS(uchar, uchar)
MSL_VECTORS(short, short)
MSL_VECTORS(ushort, ushort)
MSL_VECTORS(int, int)
MSL_VECTORS(uint, uint)
MSL_VECTORS(long, long)
MSL_VECTORS(ulong, ulong)
#undef MSL_VECTORS
#define bool2 int2
#define bool3 int3
#define bool4 int4

struct alignas(4) bfloat2 {
    bfloat x, y;
    bfloat &operator[](int i) { return (&x)[i]; }
    const bfloat &operator[](int i) const { return (&x)[i]; }
};
struct alignas(8) bfloat4 {
    bfloat x, y, z, w;
    bfloat &operator[](int i) { return (&x)[i]; }
    const bfloat &operator[](int i) const { return (&x)[i]; }
};

/* What a vector is made of; for a scalar `size` is 1. */
template <class V> struct msl_shape {
    typedef V element;
    static constexpr int size = 1;
};
template <class T, int N> struct msl_vec;
#define MSL_SHAPE(T, vector, n)                                                                    \
    template <> struct msl_shape<vector> {                                                         \
        typedef T element;                                                                         \
        static constexpr int size = n;                                                             \
    };                                                                                             \
    template <> struct msl_vec<T, n> {                                                             \
        typedef vector type;                                                                       \
    };
#define MSL_SHAPES(T, name)                                                                        \
    MSL_SHAPE(T, name##2, 2) MSL_SHAPE(T, name##3, 3) MSL_SHAPE(T, name##4, 4)
MSL_SHAPES(float, float)
MSL_SHAPES(half, half)
MSL_SHAPES(signed char, char)
MSL_SHAPES(uchar, uchar)
MSL_SHAPES(short, short)
MSL_SHAPES(ushort, ushort)
MSL_SHAPES(int, int)
MSL_SHAPES(uint, uint)
MSL_SHAPES(long, long)
MSL_SHAPES(ulong, ulong)
MSL_SHAPE(bfloat, bfloat2, 2)
MSL_SHAPE(bfloat, bfloat4, 4)
#undef MSL_SHAPES
#undef MSL_SHAPE

/* V(a, b, …) of MSL: scalars and vectors in a row, converted; one scalar fills all. */
template <class V, class T> void msl_put(V &to, int &at, const T &value)
{
    typedef typename msl_shape<V>::element element;
    if constexpr (msl_shape<T>::size == 1)
        to[at++] = (element)value;
    else
        for (int i = 0; i < msl_shape<T>::size; i++)
            to[at++] = (element)value[i];
}

template <class V> V msl_make()
{
    return V{};
}

template <class V, class T> V msl_make(T value)
{
    V to;
    int at = 0;
    if constexpr (msl_shape<T>::size == 1)
        for (int i = 0; i < msl_shape<V>::size; i++)
            msl_put(to, at, value);
    else
        msl_put(to, at, value);
    return to;
}

template <class V, class T, class U, class... Rest> V msl_make(T first, U second, Rest... rest)
{
    static_assert(msl_shape<T>::size + msl_shape<U>::size + (0 + ... + msl_shape<Rest>::size) ==
                      msl_shape<V>::size,
                  "as many elements as the vector has");
    V to;
    int at = 0;
    msl_put(to, at, first);
    msl_put(to, at, second);
    (msl_put(to, at, rest), ...);
    return to;
}

/* A name followed by a parenthesis makes one; the name alone stays the type. */
#define float2(...)  (msl_make<float2>(__VA_ARGS__))
#define float3(...)  (msl_make<float3>(__VA_ARGS__))
#define float4(...)  (msl_make<float4>(__VA_ARGS__))
#define half2(...)   (msl_make<half2>(__VA_ARGS__))
#define half3(...)   (msl_make<half3>(__VA_ARGS__))
#define half4(...)   (msl_make<half4>(__VA_ARGS__))
#define uchar2(...)  (msl_make<uchar2>(__VA_ARGS__))
#define uchar4(...)  (msl_make<uchar4>(__VA_ARGS__))
#define short2(...)  (msl_make<short2>(__VA_ARGS__))
#define short4(...)  (msl_make<short4>(__VA_ARGS__))
#define ushort2(...) (msl_make<ushort2>(__VA_ARGS__))
#define ushort3(...) (msl_make<ushort3>(__VA_ARGS__))
#define ushort4(...) (msl_make<ushort4>(__VA_ARGS__))
#define int2(...)    (msl_make<int2>(__VA_ARGS__))
#define int3(...)    (msl_make<int3>(__VA_ARGS__))
#define int4(...)    (msl_make<int4>(__VA_ARGS__))
#define uint2(...)   (msl_make<uint2>(__VA_ARGS__))
#define uint3(...)   (msl_make<uint3>(__VA_ARGS__))
#define uint4(...)   (msl_make<uint4>(__VA_ARGS__))
#define long2(...)   (msl_make<long2>(__VA_ARGS__))
#define long4(...)   (msl_make<long4>(__VA_ARGS__))
#define ulong2(...)  (msl_make<ulong2>(__VA_ARGS__))
#define ulong4(...)  (msl_make<ulong4>(__VA_ARGS__))
#define bfloat2(...) (msl_make<bfloat2>(__VA_ARGS__))
#define bfloat4(...) (msl_make<bfloat4>(__VA_ARGS__))

namespace metal
{
template <class T, int N> using vec = typename msl_vec<T, N>::type;

template <class To, class From> To as_type(From value)
{
    static_assert(sizeof(To) == sizeof(From), "as_type keeps every bit");
    return __builtin_bit_cast(To, value);
}

template <class T> struct numeric_limits;
template <> struct numeric_limits<float> {
    static constexpr float max() { return 3.402823466e+38f; }
    static constexpr float lowest() { return -3.402823466e+38f; }
    static constexpr float min() { return 1.175494351e-38f; }
    static constexpr float infinity() { return __builtin_inff(); }
    static constexpr float quiet_NaN() { return __builtin_nanf(""); }
    static constexpr float epsilon() { return 1.192092896e-07f; }
};
template <> struct numeric_limits<half> {
    static constexpr float max() { return 65504.0f; }
    static constexpr float lowest() { return -65504.0f; }
    static constexpr float infinity() { return __builtin_inff(); }
};
template <> struct numeric_limits<int> {
    static constexpr int max() { return 0x7FFFFFFF; }
    static constexpr int lowest() { return -0x7FFFFFFF - 1; }
    static constexpr int min() { return -0x7FFFFFFF - 1; }
};
template <> struct numeric_limits<uint> {
    static constexpr uint max() { return 0xFFFFFFFFu; }
    static constexpr uint lowest() { return 0; }
    static constexpr uint min() { return 0; }
};

template <bool B, class T, class F> struct conditional {
    typedef T type;
};
template <class T, class F> struct conditional<false, T, F> {
    typedef F type;
};
template <bool B, class T, class F> using conditional_t = typename conditional<B, T, F>::type;
template <class A, class B> constexpr bool is_same_v = __is_same(A, B);
} // namespace metal

#define INFINITY    __builtin_inff()
#define NAN         __builtin_nanf("")
#define MAXFLOAT    3.402823466e+38f
#define FLT_MAX     3.402823466e+38f
#define FLT_MIN     1.175494351e-38f
#define FLT_EPSILON 1.192092896e-07f
#define HALF_MAX    65504.0f
#define INT_MAX     0x7FFFFFFF
#define UINT_MAX    0xFFFFFFFFu
#define M_LOG2E_F   1.44269504088896340736f
#define M_LN2_F     0.69314718055994530942f
#define M_PI_F      3.14159265358979323846f

#endif
