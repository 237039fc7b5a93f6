/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_METAL_MSL_MATRIX_H
#define TESTS_METAL_MSL_MATRIX_H

#include "msl_simd.h"

/* simdgroup_matrix: 8 x 8 elements over 32 lanes, two a lane. Which two, only thread_elements()
 * shows: those of Apple's GPUs as MLX relies on them. Products accumulate in f32. */

namespace metal
{
template <class T> struct msl_matrix_traits;
template <> struct msl_matrix_traits<float> {
    static constexpr msl_element element = MSL_F32;
};
template <> struct msl_matrix_traits<half> {
    static constexpr msl_element element = MSL_F16;
};
template <> struct msl_matrix_traits<bfloat> {
    static constexpr msl_element element = MSL_BF16;
};

#ifdef MSL_ADDRESS_SPACES
#define MSL_ANY_SPACE(pointer) (const void *)((pointer) ? nullptr : nullptr)
#else
#define MSL_ANY_SPACE(pointer) (pointer)
#endif

template <class T, int Columns = 8, int Rows = 8> struct simdgroup_matrix {
    static_assert(Columns == 8 && Rows == 8, "8 x 8 is all there is");
    vec<T, 2> elements;
    bool is_set = false; /* what was never loaded, filled or written may not be used */

    simdgroup_matrix() {}
    /* The diagonal, as MSL has it; make_filled_simdgroup_matrix fills. */
    explicit simdgroup_matrix(T diagonal)
    {
        uint lane = msl_own_lane();
        uint row = lane / 16 * 4 + lane / 2 % 4, column = lane / 8 % 2 * 4 + lane % 2 * 2;
        elements[0] = row == column ? diagonal : (T)0.0f;
        elements[1] = row == column + 1 ? diagonal : (T)0.0f;
        is_set = true;
    }
    vec<T, 2> &thread_elements()
    {
        is_set = true;
        return elements;
    }
    const vec<T, 2> &thread_elements() const { return elements; }

    msl_pair msl_get(int line) const
    {
        if (!is_set)
            msl_use_unset_matrix(line);
        msl_pair pair = {(float)elements[0], (float)elements[1]};
        return pair;
    }
    void msl_set(msl_pair pair)
    {
        elements[0] = (T)(float)pair[0];
        elements[1] = (T)(float)pair[1];
        is_set = true;
    }
};
typedef simdgroup_matrix<float, 8, 8> simdgroup_float8x8;
typedef simdgroup_matrix<half, 8, 8> simdgroup_half8x8;
typedef simdgroup_matrix<bfloat, 8, 8> simdgroup_bfloat8x8;

template <class T, int Columns, int Rows, class U>
simdgroup_matrix<T, Columns, Rows> make_filled_simdgroup_matrix(U value)
{
    simdgroup_matrix<T, Columns, Rows> m;
    m.elements[0] = m.elements[1] = (T)value;
    m.is_set = true;
    return m;
}

#define MSL_MATRIX_IN(space)                                                                       \
    template <class T, class E>                                                                    \
    void simdgroup_load(simdgroup_matrix<T, 8, 8> &to, const space E *from, ulong stride = 8,      \
                        ulong2 origin = 0, bool transpose = false, MSL_LINE)                       \
    {                                                                                              \
        static_assert(is_same_v<T, E>, "the matrix has the type of the memory");                   \
        to.msl_set(msl_matrix_load(MSL_ANY_SPACE(from + origin.y * stride + origin.x),             \
                                   msl_matrix_traits<T>::element, stride, transpose, line));       \
    }                                                                                              \
    template <class T, class E>                                                                    \
    void simdgroup_store(const simdgroup_matrix<T, 8, 8> &value, space E *to, ulong stride = 8,    \
                         ulong2 origin = 0, bool transpose = false, MSL_LINE)                      \
    {                                                                                              \
        static_assert(is_same_v<T, E>, "the matrix has the type of the memory");                   \
        msl_matrix_store(value.msl_get(line),                                                      \
                         (void *)MSL_ANY_SPACE(to + origin.y * stride + origin.x),                 \
                         msl_matrix_traits<T>::element, stride, transpose, line);                  \
    }
MSL_MATRIX_IN(device)
#ifdef MSL_ADDRESS_SPACES
MSL_MATRIX_IN(threadgroup)
#endif
#undef MSL_MATRIX_IN
#undef MSL_ANY_SPACE

template <class D, class A, class B, class C>
void simdgroup_multiply_accumulate(simdgroup_matrix<D, 8, 8> &d, const simdgroup_matrix<A, 8, 8> &a,
                                   const simdgroup_matrix<B, 8, 8> &b,
                                   const simdgroup_matrix<C, 8, 8> &c, MSL_LINE)
{
    d.msl_set(msl_multiply_accumulate(a.msl_get(line), b.msl_get(line), c.msl_get(line), line));
}
template <class D, class A, class B>
void simdgroup_multiply(simdgroup_matrix<D, 8, 8> &d, const simdgroup_matrix<A, 8, 8> &a,
                        const simdgroup_matrix<B, 8, 8> &b, MSL_LINE)
{
    msl_pair zero = {0, 0};
    d.msl_set(msl_multiply_accumulate(a.msl_get(line), b.msl_get(line), zero, line));
}
} // namespace metal

#endif
