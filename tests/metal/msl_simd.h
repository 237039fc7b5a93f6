/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_METAL_MSL_SIMD_H
#define TESTS_METAL_MSL_SIMD_H

#include "msl_runtime.h"
#include "msl_types.h"

/* Where lanes meet: barriers, SIMD-group functions, atomics. Each takes its caller's line for the
 * report. */

#define MSL_LINE int line = __builtin_LINE()

namespace metal
{
enum class mem_flags : uint {
    mem_none = 0,
    mem_device = MSL_MEM_DEVICE,
    mem_threadgroup = MSL_MEM_THREADGROUP,
};
inline mem_flags operator|(mem_flags a, mem_flags b)
{
    return (mem_flags)((uint)a | (uint)b);
}
inline void threadgroup_barrier(mem_flags flags, MSL_LINE)
{
    msl_threadgroup_barrier((uint)flags, line);
}
inline void simdgroup_barrier(mem_flags flags, MSL_LINE)
{
    msl_simdgroup_barrier((uint)flags, line);
}

/* ---- moving values between lanes ------------------------------------------------------------- */

template <class T> T msl_move(T value, uint from, int line)
{
    if constexpr (msl_shape<T>::size > 1) {
        for (int i = 0; i < msl_shape<T>::size; i++)
            value[i] = msl_move((typename msl_shape<T>::element)value[i], from, line);
        return value;
    } else {
        static_assert(sizeof(T) <= 8, "a scalar");
        ulong word = 0;
        __builtin_memcpy(&word, &value, sizeof value);
        word = msl_shuffle(word, from, line);
        __builtin_memcpy(&value, &word, sizeof value);
        return value;
    }
}

template <class T> T simd_shuffle(T value, ushort lane, MSL_LINE)
{
    return msl_move(value, lane, line);
}
template <class T> T simd_shuffle_xor(T value, ushort mask, MSL_LINE)
{
    return msl_move(value, msl_own_lane() ^ mask, line);
}
/* Lanes without a source keep their own. */
template <class T> T simd_shuffle_up(T value, ushort delta, MSL_LINE)
{
    uint lane = msl_own_lane();
    return msl_move(value, lane >= delta ? lane - delta : lane, line);
}
template <class T> T simd_shuffle_down(T value, ushort delta, MSL_LINE)
{
    uint lane = msl_own_lane();
    return msl_move(value, lane + delta < 32 ? lane + delta : lane, line);
}
template <class T> T simd_shuffle_rotate_up(T value, ushort delta, MSL_LINE)
{
    return msl_move(value, (msl_own_lane() - delta) & 31, line);
}
template <class T> T simd_shuffle_rotate_down(T value, ushort delta, MSL_LINE)
{
    return msl_move(value, (msl_own_lane() + delta) & 31, line);
}
template <class T> T simd_broadcast(T value, ushort lane, MSL_LINE)
{
    return msl_move(value, lane, line);
}
template <class T> T simd_broadcast_first(T value, MSL_LINE)
{
    return msl_move(value, 0, line);
}
template <class T> T quad_shuffle_xor(T value, ushort mask, MSL_LINE)
{
    return msl_move(value, msl_own_lane() ^ (mask & 3), line);
}
template <class T> T quad_broadcast(T value, ushort lane, MSL_LINE)
{
    return msl_move(value, (msl_own_lane() & ~3u) | (lane & 3), line);
}

/* ---- reductions ------------------------------------------------------------------------------ */

inline float msl_reduce(float value, msl_reduction how, int line)
{
    return as_type<float>(msl_reduce_f32(as_type<uint>(value), how, line));
}
inline half msl_reduce(half value, msl_reduction how, int line)
{
    return (half)msl_reduce((float)value, how, line);
}
#define MSL_REDUCE(T, wide, suffix)                                                                \
    inline T msl_reduce(T value, msl_reduction how, int line)                                      \
    {                                                                                              \
        return (T)msl_reduce_##suffix((wide)value, how, line);                                     \
    }
MSL_REDUCE(int, long, i64)
MSL_REDUCE(short, long, i64)
MSL_REDUCE(char, long, i64)
MSL_REDUCE(long, long, i64)
MSL_REDUCE(uint, ulong, u64)
MSL_REDUCE(ushort, ulong, u64)
MSL_REDUCE(uchar, ulong, u64)
MSL_REDUCE(ulong, ulong, u64)
#undef MSL_REDUCE
template <class V, int N = msl_shape<V>::size, class = conditional_t<(N > 1), V, void>>
V msl_reduce(V value, msl_reduction how, int line)
{
    for (int i = 0; i < N; i++)
        value[i] = msl_reduce((typename msl_shape<V>::element)value[i], how, line);
    return value;
}
#define MSL_REDUCTION(name, how)                                                                   \
    template <class T> T name(T value, MSL_LINE)                                                   \
    {                                                                                              \
        return msl_reduce(value, how, line);                                                       \
    }
MSL_REDUCTION(simd_sum, MSL_SUM)
MSL_REDUCTION(simd_product, MSL_PRODUCT)
MSL_REDUCTION(simd_min, MSL_MIN)
MSL_REDUCTION(simd_max, MSL_MAX)
MSL_REDUCTION(simd_and, MSL_AND)
MSL_REDUCTION(simd_or, MSL_OR)
MSL_REDUCTION(simd_xor, MSL_XOR)
MSL_REDUCTION(simd_prefix_inclusive_sum, MSL_PREFIX_SUM)
#undef MSL_REDUCTION
template <class T> T simd_prefix_exclusive_sum(T value, MSL_LINE)
{
    T sum = simd_prefix_inclusive_sum(value, line);
    T before = msl_move(sum, msl_own_lane() ? msl_own_lane() - 1 : 0, line);
    return msl_own_lane() ? before : (T)0;
}

/* One bit a lane. */
struct simd_vote {
    typedef ulong vote_t;
    vote_t bits;
    explicit operator vote_t() const { return bits; }
    bool all() const { return bits == 0xFFFFFFFFul; }
    bool any() const { return bits != 0; }
};
inline simd_vote simd_ballot(bool value, MSL_LINE)
{
    return simd_vote{msl_reduce_u64(value, MSL_BALLOT, line)};
}
inline bool simd_all(bool value, MSL_LINE)
{
    return msl_reduce_u64(value, MSL_MIN, line);
}
inline bool simd_any(bool value, MSL_LINE)
{
    return msl_reduce_u64(value, MSL_MAX, line);
}
inline bool simd_is_first()
{
    return msl_own_lane() == 0;
}

/* ---- atomics --------------------------------------------------------------------------------- */

enum memory_order { memory_order_relaxed };
template <class T> struct atomic {
    T word;
};
typedef atomic<uint> atomic_uint;
typedef atomic<int> atomic_int;
template <class T>
constexpr msl_atomic_action msl_atomic_min =
    is_same_v<T, int> ? MSL_ATOMIC_MIN_I32 : MSL_ATOMIC_MIN_U32;
template <class T>
constexpr msl_atomic_action msl_atomic_max =
    is_same_v<T, int> ? MSL_ATOMIC_MAX_I32 : MSL_ATOMIC_MAX_U32;

#ifdef MSL_ADDRESS_SPACES
#define MSL_ATOMIC_WORD(object) (void *)((object) ? nullptr : nullptr)
#else
#define MSL_ATOMIC_WORD(object) (void *)(object)
#endif
#define MSL_ATOMIC_IN(space, T)                                                                    \
    inline T atomic_load_explicit(const volatile space atomic<T> *object, memory_order, MSL_LINE)  \
    {                                                                                              \
        return (T)msl_atomic(MSL_ATOMIC_WORD(object), MSL_ATOMIC_LOAD, 0, 0, line);                \
    }                                                                                              \
    inline void atomic_store_explicit(volatile space atomic<T> *object, T value, memory_order,     \
                                      MSL_LINE)                                                    \
    {                                                                                              \
        msl_atomic(MSL_ATOMIC_WORD(object), MSL_ATOMIC_STORE, (uint)value, 0, line);               \
    }                                                                                              \
    inline bool atomic_compare_exchange_weak_explicit(volatile space atomic<T> *object,            \
                                                      T *expected, T value, memory_order,          \
                                                      memory_order, MSL_LINE)                      \
    {                                                                                              \
        T wanted = *expected;                                                                      \
        *expected = (T)msl_atomic(MSL_ATOMIC_WORD(object), MSL_ATOMIC_COMPARE_EXCHANGE,            \
                                  (uint)value, (uint)wanted, line);                                \
        return *expected == wanted;                                                                \
    }                                                                                              \
    MSL_ATOMIC_CHANGE(space, T, exchange, MSL_ATOMIC_EXCHANGE)                                     \
    MSL_ATOMIC_CHANGE(space, T, fetch_add, MSL_ATOMIC_ADD)                                         \
    MSL_ATOMIC_CHANGE(space, T, fetch_sub, MSL_ATOMIC_SUB)                                         \
    MSL_ATOMIC_CHANGE(space, T, fetch_and, MSL_ATOMIC_AND)                                         \
    MSL_ATOMIC_CHANGE(space, T, fetch_or, MSL_ATOMIC_OR)                                           \
    MSL_ATOMIC_CHANGE(space, T, fetch_xor, MSL_ATOMIC_XOR)                                         \
    MSL_ATOMIC_CHANGE(space, T, fetch_min, msl_atomic_min<T>)                                      \
    MSL_ATOMIC_CHANGE(space, T, fetch_max, msl_atomic_max<T>)
#define MSL_ATOMIC_CHANGE(space, T, name, action)                                                  \
    inline T atomic_##name##_explicit(volatile space atomic<T> *object, T value, memory_order,     \
                                      MSL_LINE)                                                    \
    {                                                                                              \
        return (T)msl_atomic(MSL_ATOMIC_WORD(object), action, (uint)value, 0, line);               \
    }
MSL_ATOMIC_IN(device, uint)
MSL_ATOMIC_IN(device, int)
#ifdef MSL_ADDRESS_SPACES
MSL_ATOMIC_IN(threadgroup, uint)
MSL_ATOMIC_IN(threadgroup, int)
#endif
#undef MSL_ATOMIC_IN
#undef MSL_ATOMIC_CHANGE
#undef MSL_ATOMIC_WORD
} // namespace metal

#endif
