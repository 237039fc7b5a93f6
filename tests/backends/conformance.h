/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_BACKENDS_CONFORMANCE_H
#define TESTS_BACKENDS_CONFORMANCE_H

#include <tileskip/compute.h>

/* What every backend must do, said once and run against each: a list of cases that use
 * tileskip/compute.h and kernels of their own, one small program a backend that names its device
 * and what it cannot do. To add a backend: a conformance_X.c with a target, a line in
 * CMakeLists.txt and a body in its code format for every kernel of conformance_kernels.c. */

/* ---- what a backend claims ----------------------------------------------------------------- */

typedef enum conformance_claim {
    CONFORMANCE_NOT_YET = 1, /* fails today; one that passes is taken off the list */
    CONFORMANCE_NEVER,       /* outside what the device is; not run */
} conformance_claim;

typedef struct conformance_exception {
    const char *name; /* of a case */
    conformance_claim claim;
    const char *why;
} conformance_exception;

typedef struct conformance_target {
    const char *name; /* for the report */
    tskip_device_desc device;
    const conformance_exception *exceptions; /* ended by a NULL name; NULL: none */
} conformance_target;

/* Where the machine lacks the device, the program ends with this: CTest counts it as skipped. */
enum { CONFORMANCE_NO_DEVICE = 77 };

/* Runs every case on a device opened for it. Returns what main returns: 0, the number of failures,
 * or CONFORMANCE_NO_DEVICE. */
int conformance_main(const conformance_target *target);

/* ---- what a case sees ---------------------------------------------------------------------- */

enum { CONFORMANCE_MAX_OBJECTS = 32 };

typedef struct conformance {
    tskip_device *device;
    const tskip_device_info *info;
    /* Destroyed after the case, whatever became of it. */
    tskip_buffer *buffers[CONFORMANCE_MAX_OBJECTS];
    tskip_encoder *encoders[CONFORMANCE_MAX_OBJECTS];
    tskip_device *devices[CONFORMANCE_MAX_OBJECTS];
    size_t n_buffers, n_encoders, n_devices;
    char failure[1024];
} conformance;

/* Returns true if the device does it; false with `failure` set. */
typedef struct conformance_case {
    const char *name;
    bool (*run)(conformance *c);
} conformance_case;

/* Each ended by a NULL name. */
extern const conformance_case conformance_device_cases[];
extern const conformance_case conformance_buffer_cases[];
extern const conformance_case conformance_kernel_cases[];
extern const conformance_case conformance_encoder_cases[];
extern const conformance_case conformance_order_cases[];

bool conformance_failed(conformance *c, const char *file, int line, const char *what);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return conformance_failed(c, __FILE__, __LINE__, #condition);                          \
    } while (0)

#define CHECK_STATUS(expected, call) CHECK((call) == TSKIP_##expected)

/* Objects that the case need not destroy. */
bool conformance_buffer(conformance *c, uint64_t size, tskip_buffer **out);
bool conformance_view(conformance *c, tskip_buffer *parent, uint64_t offset, uint64_t size,
                      tskip_buffer **out);
bool conformance_encoder(conformance *c, tskip_encoder **out);
bool conformance_device(conformance *c, const tskip_device_desc *desc, tskip_device **out);

/* Registers `desc` and gets its kernel. */
bool conformance_kernel(conformance *c, const tskip_kernel_desc *desc,
                        const tskip_constant *constants, size_t n_constants,
                        const tskip_kernel **out);

/* Submits and waits. */
bool conformance_finish(conformance *c, tskip_encoder *encoder);

/* ---- the kernels --------------------------------------------------------------------------- */

/* How many elements a group of iota, increment and reverse treats; their group has as many
 * threads. */
enum { CONFORMANCE_WIDTH = 64 };

/* out[i] = first + step * i for i < n. Constants: first (u32, preset 0), step (u32, preset 1).
 * Bindings: out. */
extern const tskip_kernel_desc conformance_iota;

/* out[i] = in[i] + 1 for i < n. Bindings: in, out (which may be the same). */
extern const tskip_kernel_desc conformance_increment;

struct conformance_length {
    uint32_t n;
};

/* Within each WIDTH words: out = in backwards, through group memory. Bindings: in, out. */
extern const tskip_kernel_desc conformance_reverse;

/* out = {u, i, f, b} as four words. Constants: b (bool), f (f32), i (i32), u (u32, a shape), with
 * presets 1, 0.5, -3 and 7. Bindings: out. */
extern const tskip_kernel_desc conformance_constants;

/* Each binding that is not empty: its first word = its number + 1. Bindings: the most there can be;
 * group size 1. */
extern const tskip_kernel_desc conformance_bindings;

/* out = the argument block, the largest there can be. Bindings: out; group size 1. */
extern const tskip_kernel_desc conformance_arguments;

/* out = {a * b + c, d - e * f, fma(g, h, i)} of in = {a, … i}, f32: no product is used twice.
 * Bindings: in, out; group size 1. */
extern const tskip_kernel_desc conformance_products;

/* out[x + X * (y + Y * z)] = x + 1000 * y + 1000000 * z for group (x, y, z) of a grid (X, Y, Z).
 * Bindings: out; group size 1. */
extern const tskip_kernel_desc conformance_grid;

#endif
