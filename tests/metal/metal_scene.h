/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_METAL_METAL_SCENE_H
#define TESTS_METAL_METAL_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tileskip/compute.h>

#include "backends/metal/metal_api.h"

/* For tests of the Metal backend's host code against whatever Metal there is, Apple's or the
 * stand-in: a caller that has a device of its own, and kernels. */

#define OK(call) assert_int_equal(call, TSKIP_OK)
#define INVALID(call, text)                                                                        \
    do {                                                                                           \
        assert_int_equal(call, TSKIP_INVALID_ARGUMENT);                                            \
        assert_non_null(strstr(tskip_last_error(), text));                                         \
    } while (0)

enum { N = 1000, THREADS = 64 };

extern const tskip__metal_api *metal;

/* Of the stand-in; NULL: a real Metal. */
extern size_t (*take_reports)(char *text, size_t size);
extern size_t (*count_commits)(void);
extern tskip__id (*other_device)(void);

/* x[i] += step for i < n, the block; y[i] = x[i] likewise. Constants: step (u32, preset 1). */
extern const tskip_kernel_desc metal_add, metal_copy;

typedef struct scene {
    tskip__id native; /* the caller's MTLDevice */
    tskip_device *device;
    tskip_buffer *buffer;
    tskip_encoder *encoder;
    const tskip_kernel *kernel;
} scene;

void set_up(scene *s);
void tear_down(scene *s);
void start_encoder(scene *s, void *native_stream);

/* Fills all N words with `start` and adds one to each. */
tskip_status encode(const scene *s, uint32_t start);

void check_words(const scene *s, uint32_t value);

/* Before and after all tests: loads Metal, and an autorelease pool. False, and told on stderr,
 * where there is none: the program ends with NO_DEVICE. */
enum { NO_DEVICE = 77 };
bool metal_begin(void);
void metal_end(void);

#endif
