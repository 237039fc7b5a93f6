/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_METAL_MSL_RUNTIME_H
#define TESTS_METAL_MSL_RUNTIME_H

#ifndef __cplusplus
#include <stdbool.h>
#endif

/* What compiled MSL and the executor (standin_execute.c) know of each other; read as C and as C++.
 * A library of MSL exports msl_kernels and msl_constants; the executor exports the functions. */

/* Where a lane stands. Three words each: x, y, z. */
typedef struct msl_place {
    unsigned thread_position_in_grid[3];
    unsigned thread_position_in_threadgroup[3];
    unsigned threadgroup_position_in_grid[3];
    unsigned threads_per_threadgroup[3];
    unsigned dispatch_threads_per_threadgroup[3];
    unsigned threadgroups_per_grid[3];
    unsigned threads_per_grid[3];
    unsigned thread_index_in_threadgroup[3];
    unsigned thread_index_in_simdgroup[3];
    unsigned simdgroup_index_in_threadgroup[3];
    unsigned simdgroups_per_threadgroup[3];
    unsigned threads_per_simdgroup[3];
} msl_place;

enum { MSL_MAX_BUFFERS = 31, MSL_MAX_GROUP_BLOCKS = 31 };

typedef struct msl_arguments {
    void *buffers[MSL_MAX_BUFFERS];
    void *group_blocks[MSL_MAX_GROUP_BLOCKS];
} msl_arguments;

typedef enum msl_parameter_kind {
    MSL_BUFFER_WRITABLE = 1,
    MSL_BUFFER_READ_ONLY, /* const device, or constant */
    MSL_GROUP_BLOCK,
} msl_parameter_kind;

typedef struct msl_parameter {
    msl_parameter_kind kind;
    unsigned index;
    unsigned long size; /* of one element: what a binding must hold at the very least */
    const char *name;
} msl_parameter;

typedef struct msl_kernel {
    const char *name; /* NULL ends the list */
    void (*enter)(const msl_arguments *arguments, const msl_place *place);
    unsigned max_threads; /* of max_total_threads_per_threadgroup; 0: as many as the device has */
    const msl_parameter *parameters;
    unsigned n_parameters;
} msl_kernel;

typedef struct msl_function_constant {
    const char *name; /* NULL ends the list */
    unsigned index;
    unsigned type; /* an MTLDataType */
    unsigned size;
    void *value;
    bool *defined;
    bool optional; /* is_function_constant_defined asks for it */
} msl_function_constant;

#ifdef __cplusplus
extern "C" {
#endif

/* Everything below meets the lanes of a SIMD group or of a threadgroup; `line` is the caller's. */

enum { MSL_MEM_DEVICE = 1, MSL_MEM_THREADGROUP = 2 };
void msl_threadgroup_barrier(unsigned flags, int line);
void msl_simdgroup_barrier(unsigned flags, int line);

/* Which lane of its SIMD group calls; meets nobody. */
unsigned msl_own_lane(void);

/* The value of lane `from`; of one that does not exist: the own. */
unsigned long msl_shuffle(unsigned long value, unsigned from, int line);

typedef enum msl_reduction {
    MSL_SUM = 1,
    MSL_PRODUCT,
    MSL_MIN,
    MSL_MAX,
    MSL_AND,
    MSL_OR,
    MSL_XOR,
    MSL_PREFIX_SUM, /* up to and with the own lane */
    MSL_BALLOT,     /* bit l: whether lane l's value is not zero */
} msl_reduction;
unsigned msl_reduce_f32(unsigned bits, msl_reduction how, int line);
unsigned long msl_reduce_u64(unsigned long value, msl_reduction how, int line);
long msl_reduce_i64(long value, msl_reduction how, int line);

/* Elements of an 8x8 matrix that one lane holds. */
typedef float msl_pair __attribute__((vector_size(8)));
void msl_use_unset_matrix(int line); /* one that holds nothing yet: a violation */
msl_pair msl_multiply_accumulate(msl_pair a, msl_pair b, msl_pair c, int line);

typedef enum msl_element { MSL_F32 = 1, MSL_F16, MSL_BF16 } msl_element;

/* One 8x8 block at `origin` of rows `stride` elements apart. 16-bit elements travel as float, which
 * loses nothing. */
msl_pair msl_matrix_load(const void *from, msl_element type, unsigned long stride, bool transpose,
                         int line);
void msl_matrix_store(msl_pair value, void *to, msl_element type, unsigned long stride,
                      bool transpose, int line);

typedef enum msl_atomic_action {
    MSL_ATOMIC_LOAD = 1,
    MSL_ATOMIC_STORE,
    MSL_ATOMIC_EXCHANGE,
    MSL_ATOMIC_ADD,
    MSL_ATOMIC_SUB,
    MSL_ATOMIC_MIN_I32,
    MSL_ATOMIC_MAX_I32,
    MSL_ATOMIC_MIN_U32,
    MSL_ATOMIC_MAX_U32,
    MSL_ATOMIC_AND,
    MSL_ATOMIC_OR,
    MSL_ATOMIC_XOR,
    MSL_ATOMIC_COMPARE_EXCHANGE, /* stores `value` where there was `expected` */
} msl_atomic_action;
/* Returns what was there. */
unsigned msl_atomic(void *word, msl_atomic_action action, unsigned value, unsigned expected,
                    int line);

#ifdef __cplusplus
}
#endif

#endif
