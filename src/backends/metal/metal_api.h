/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BACKENDS_METAL_API_H
#define TSKIP_BACKENDS_METAL_API_H

#include <stdint.h>

#include <tileskip/base.h>

/* Metal through the C interface of the Objective-C runtime, loaded at run time: no framework, no
 * Objective-C compiler and no Apple header is needed to build. The numbers below are part of
 * Metal's stable interface.
 *
 * Ownership: what `new…` and default_device return is ours to release. All else is autoreleased or
 * its owner's: it is retained to be kept, and its text copied, before the pool ends. Every entry of
 * the backend that sends messages works between pool_push and pool_pop on one thread. */

typedef struct tskip__objc_object *tskip__id; /* an object or a class */
typedef struct tskip__objc_selector *tskip__sel;

/* MTLSize */
typedef struct tskip__mtl_size {
    uint64_t width, height, depth;
} tskip__mtl_size;

enum {
    TSKIP__MTL_APPLE7 = 1007, /* MTLGPUFamily: M1; M2 is the next, M3 and M4 the one after */
    TSKIP__MTL_NEWEST = 1031,

    TSKIP__MTL_STORAGE_SHARED = 0, /* MTLStorageMode; the same as MTLResourceOptions */
    TSKIP__MTL_STORAGE_PRIVATE = 2,

    TSKIP__MTL_DISPATCH_CONCURRENT = 1, /* MTLDispatchType */
    TSKIP__MTL_SCOPE_BUFFERS = 1,       /* MTLBarrierScope */
    TSKIP__MTL_MATH_SAFE = 0,           /* MTLMathMode */
    TSKIP__MTL_FUNCTIONS_PRECISE = 1,   /* MTLMathFloatingPointFunctions */
    TSKIP__MTL_LANGUAGE = 3 << 16 | 1,  /* MTLLanguageVersion 3.1: bfloat */

    TSKIP__MTL_FLOAT = 3, /* MTLDataType */
    TSKIP__MTL_INT = 29,
    TSKIP__MTL_UINT = 33,
    TSKIP__MTL_BOOL = 53, /* one byte */

    TSKIP__MTL_COMMITTED = 2, /* MTLCommandBufferStatus: from here on nothing can be added */
    TSKIP__MTL_COMPLETED = 4,
    TSKIP__MTL_FAILED = 5,
};

/* Functions of metal_symbols.def, and for each message of metal_messages.def its selector with
 * objc_msgSend cast to the message's exact type: passing arguments as variable ones is wrong on
 * arm64. */
typedef struct tskip__metal_api {
#define OBJC(member, symbol, result, arguments)  result(*member) arguments;
#define METAL(member, symbol, result, arguments) result(*member) arguments;
#include "metal_symbols.def"
#undef OBJC
#undef METAL
    struct {
#define MESSAGE(member, selector, result, arguments)                                               \
    struct {                                                                                       \
        tskip__sel name;                                                                           \
        result(*send) arguments;                                                                   \
    } member;
#include "metal_messages.def"
#undef MESSAGE
    } messages;
    tskip__id string, compile_options, constant_values; /* classes */
} tskip__metal_api;

/* A message without arguments, and one with. A NULL receiver answers 0. */
#define TSKIP__ASK(api, message, receiver)                                                         \
    (api)->messages.message.send((receiver), (api)->messages.message.name)
#define TSKIP__SEND(api, message, receiver, ...)                                                   \
    (api)->messages.message.send((receiver), (api)->messages.message.name, __VA_ARGS__)

/* Whether the object answers to a message of metal_messages.def. */
#define TSKIP__ANSWERS(api, message, receiver)                                                     \
    (TSKIP__SEND(api, responds_to, receiver, (api)->messages.message.name) != 0)

/* Loads the runtime, Metal and what that needs, once for the process; later calls cost nothing.
 * Errors: DEVICE_NOT_FOUND, the text says in one line what is missing.
 * Environment, read at the first call: TSKIP_METAL_LIBRARY, one library that is taken for all of
 * them.
 * Thread-safety: any. */
tskip_status tskip__metal_load(const tskip__metal_api **api);

/* Fails with "WHAT: the text of `error`"; `error` may be NULL. */
tskip_status tskip__metal_fail(const tskip__metal_api *api, tskip_status status, const char *what,
                               tskip__id error);

#endif
