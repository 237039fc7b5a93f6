/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_TESTS_FAKE_CUDA_H
#define TSKIP_TESTS_FAKE_CUDA_H

#include <stdint.h>

/* A driver and a compiler that compute nothing: device memory is host memory, a launch is noted.
 * They are built as libcuda.so.1 and libnvrtc.so.13 and found through the library path, so that the
 * backend's own loading is under test too. `fake_cuda_state` and `fake_compiler_state` are theirs.
 */

enum { FAKE_MAX_LAUNCHES = 16, FAKE_MAX_POINTERS = 4 };

typedef struct fake_launch {
    const void *function;
    void *stream;
    unsigned grid[3], block[3], shared, cluster;
    uint64_t pointers[FAKE_MAX_POINTERS]; /* the first parameters, as 64-bit words */
} fake_launch;

typedef struct fake_cuda {
    /* what has happened */
    fake_launch launches[FAKE_MAX_LAUNCHES];
    int n_launches, n_fills, n_loads, n_compiles, n_asked, n_buffers, n_streams, n_events, depth;
    char entry[32];        /* of the last function */
    char architecture[64]; /* option of the last compilation */
    /* what the test wants: results of calls to come, 0 for success */
    int launch_result, wait_result, alloc_result, capturing;
    int refuse_loads; /* how many modules to refuse */
    int compile_result;
    int newest; /* architecture that the compiler knows; 0: 90 */
} fake_cuda;

#endif
