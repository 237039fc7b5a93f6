/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BACKENDS_CUDA_API_H
#define TSKIP_BACKENDS_CUDA_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tileskip/base.h>

/* The few types of the CUDA driver and of NVRTC that are used here, declared anew so that no
 * toolkit is needed to build; their layouts and values are part of the driver's stable ABI. */

typedef int tskip__cu_device;
typedef uint64_t tskip__cu_address;
typedef struct tskip__cu_context *tskip__cu_context;
typedef struct tskip__cu_stream *tskip__cu_stream;
typedef struct tskip__cu_event *tskip__cu_event;
typedef struct tskip__cu_module *tskip__cu_module;
typedef struct tskip__cu_function *tskip__cu_function;
typedef struct tskip__nvrtc_program *tskip__nvrtc_program;

enum {
    TSKIP__CU_SUCCESS = 0,
    TSKIP__CU_INVALID_VALUE = 1,
    TSKIP__CU_OUT_OF_MEMORY = 2,

    TSKIP__CU_MAX_THREADS = 1, /* device attributes */
    TSKIP__CU_MULTIPROCESSORS = 16,
    TSKIP__CU_MAJOR = 75,
    TSKIP__CU_MINOR = 76,
    TSKIP__CU_SHARED_OPTIN = 97,

    TSKIP__CU_FUNCTION_DYNAMIC_SHARED = 8, /* function attribute */

    TSKIP__CU_POINTER_MEMORY_TYPE = 2, /* pointer attributes */
    TSKIP__CU_POINTER_DEVICE = 9,
    TSKIP__CU_MEMORY_DEVICE = 2,

    TSKIP__CU_STREAM_NON_BLOCKING = 1,
    TSKIP__CU_LAUNCH_CLUSTER = 4,
};

/* CUtensorMap: opaque, filled by the driver, passed to a kernel by value. */
typedef struct tskip__cu_tensor_map {
    _Alignas(64) uint64_t opaque[16];
} tskip__cu_tensor_map;

/* CUlaunchAttribute with the one value used here, and CUlaunchConfig. */
typedef struct tskip__cu_launch_attribute {
    uint32_t id, pad;
    uint32_t cluster[3];
    uint32_t rest[13];
} tskip__cu_launch_attribute;

typedef struct tskip__cu_launch {
    uint32_t grid[3], block[3], shared_bytes;
    tskip__cu_stream stream;
    tskip__cu_launch_attribute *attributes;
    uint32_t n_attributes;
} tskip__cu_launch;

/* Every function of cuda_symbols.def; optional ones may be NULL. */
typedef struct tskip__cuda_api {
#define DRIVER(member, symbol, required, result, arguments) result(*member) arguments;
#define NVRTC(member, symbol, required, result, arguments)  result(*member) arguments;
#include "cuda_symbols.def"
#undef DRIVER
#undef NVRTC
    int compiler_major, compiler_minor; /* of NVRTC */
} tskip__cuda_api;

/* Loads the driver, or NVRTC (tens of milliseconds), once for the process; later calls cost
 * nothing. Both give the same table, of which each fills its part.
 * Errors: DEVICE_NOT_FOUND, the text says in one line what is missing.
 * Environment, read at the first call: TSKIP_NVRTC, a path tried before the usual names.
 * Thread-safety: any. */
tskip_status tskip__cuda_load(const tskip__cuda_api **api);
tskip_status tskip__cuda_load_compiler(const tskip__cuda_api **api);

/* Turns a driver's result into a status; on failure the text is `what`, the error's name and its
 * meaning: "copy to the device: CUDA_ERROR_… (…)". */
tskip_status tskip__cuda_check(const tskip__cuda_api *api, int result, const char *what);

#endif
