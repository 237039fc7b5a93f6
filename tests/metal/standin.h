/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_METAL_STANDIN_H
#define TESTS_METAL_STANDIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the files of the stand-in for Metal share: objects and classes, reports, and nothing of the
 * execution (standin_run.h). For GNU C on Linux. */

#define STANDIN_EXPORT __attribute__((visibility("default")))

/* ---- what a test may ask --------------------------------------------------------------------- */

/* Breaches so far: of memory, order, ownership or use. At the process's end a count above zero, or
 * an object that is still owned, makes its exit status STANDIN_EXIT. */
enum { STANDIN_EXIT = 86 };
STANDIN_EXPORT size_t metal_standin_breaches(void);

/* Copies the reports, one a line, and forgets them. Returns how many there were. */
STANDIN_EXPORT size_t metal_standin_take(char *text, size_t size);

/* How many objects are owned, and with `report` says which. */
STANDIN_EXPORT size_t metal_standin_live(bool report);

/* How many command buffers were committed. */
STANDIN_EXPORT size_t metal_standin_commits(void);

/* Another GPU's MTLDevice, which the system's list leaves out. Owned by the caller. */
STANDIN_EXPORT struct standin_object *metal_standin_other_device(void);

/* Set: nothing runs a second time, in reverse. Bounds and races are judged all the same. */
#define STANDIN_FAST_ENV "TSKIP_METAL_FAST"

/* ---- reports --------------------------------------------------------------------------------- */

/* Counts a breach, keeps its text and prints it. Thread-safety: any. */
void standin_report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- objects --------------------------------------------------------------------------------- */

typedef struct standin_object *standin_id;
typedef const struct standin_selector {
    const char *name;
} * standin_sel;
typedef void (*standin_method)(void);

typedef struct standin_message {
    const char *selector;
    standin_method method;
} standin_message;

/* A class is an object too: of the class `standin_meta`. */
typedef struct standin_class {
    struct standin_class *isa;
    uint64_t magic;
    const char *name;
    size_t size; /* of an instance */
    bool can_new;
    bool (*is_lacking)(const char *selector); /* NULL: nothing; else what this runtime lacks */
    void (*destroy)(standin_id object);       /* NULL: nothing to let go */
    const standin_message *messages;          /* ended by a NULL selector */
    const standin_message *class_messages;
} standin_class;

/* Every object begins with this. */
typedef struct standin_object {
    standin_class *isa;
    uint64_t magic;
    _Atomic long count;
    struct standin_object *previous, *next; /* of those that are alive */
} standin_object;

#define STANDIN_CLASS_MAGIC 0x5353414C43736E69u
#define STANDIN_LIVE_MAGIC  0x4556494C736E6973u
#define STANDIN_DEAD_MAGIC  0x44414544736E6973u

/* All zero, owned once. Memory of dead objects is kept, so that a late message is noticed. */
void *standin_new(standin_class *of);
STANDIN_EXPORT standin_id objc_retain(standin_id object);
STANDIN_EXPORT void objc_release(standin_id object);
standin_id standin_autorelease(standin_id object);

/* Whether `object` can take a message; reports what is wrong if not. */
bool standin_is_alive(standin_id object, const char *message);

standin_sel standin_selector(const char *name);
bool standin_responds(standin_id object, standin_sel selector);

/* NULL-ended. */
extern standin_class *const standin_classes[];

#define STANDIN_METHOD(function) ((standin_method)(function))

/* ---- Foundation ------------------------------------------------------------------------------ */

typedef struct standin_string {
    standin_object object;
    char *bytes;
    size_t length;
} standin_string;

typedef struct standin_error {
    standin_object object;
    standin_string *text;
    long code;
} standin_error;

standin_string *standin_string_new(const char *bytes, size_t length);

/* Sets *error, where there is one, to an autoreleased NSError. */
void standin_set_error(standin_id *error, long code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

extern standin_class standin_string_class, standin_error_class, standin_array_class,
    standin_pool_class;

/* An autoreleased NSArray that retains `objects`. */
void *objc_autoreleasePoolPush(void);
void objc_autoreleasePoolPop(void *pool);

standin_id standin_array_of(standin_id const *objects, size_t n);

/* ---- Metal ----------------------------------------------------------------------------------- */

enum {
    STANDIN_MAX_BYTES = 4096, /* setBytes: must be shorter */
    STANDIN_MAX_GROUP_MEMORY = 32768,
    STANDIN_MAX_GROUP_THREADS = 1024,
    STANDIN_PAGE = 16384,
    STANDIN_PRIVATE = 2, /* MTLStorageMode */
};
#define STANDIN_MAX_BUFFER ((uint64_t)8 << 30)

struct msl_kernel;
struct msl_function_constant;

typedef struct standin_device {
    standin_object object;
    uint64_t registry; /* its number in the system */
} standin_device;

typedef struct standin_buffer {
    standin_object object;
    standin_device *device; /* retained */
    unsigned char *bytes;
    uint64_t length, storage;
    bool is_borrowed;    /* made around the caller's memory */
    void *shadow;        /* standin_check.c's */
    uint64_t written_in; /* the last interval in which a kernel could write it */
} standin_buffer;

typedef struct standin_library {
    standin_object object;
    standin_device *device; /* retained */
    void *handle;
    char *source_path; /* the text, for reports */
    char *object_path;
    const struct msl_kernel *kernels;
    const struct msl_function_constant *constants;
    uintptr_t begin, end; /* where it lies */
} standin_library;

enum { STANDIN_MAX_CONSTANTS = 64 };
typedef struct standin_value {
    bool is_set;
    unsigned type; /* MTLDataType */
    unsigned char bytes[16];
} standin_value;

typedef struct standin_function {
    standin_object object;
    standin_library *library; /* retained */
    const struct msl_kernel *kernel;
    standin_value values[STANDIN_MAX_CONSTANTS];
} standin_function;

typedef struct standin_pipeline {
    standin_object object;
    standin_function *function; /* retained */
} standin_pipeline;

extern standin_class standin_device_class, standin_options_class, standin_buffer_class,
    standin_library_class, standin_values_class, standin_function_class, standin_pipeline_class,
    standin_queue_class, standin_command_buffer_class, standin_encoder_class, standin_queue4_class,
    standin_fence_class, standin_command_buffer4_class, standin_allocator4_class,
    standin_encoder4_class;

standin_device *standin_the_device(void);
standin_id standin_library_new(standin_device *device, const standin_string *source,
                               standin_id *error);

/* Reports what compiling without these options, or with what they say, would do on a GPU. */
void standin_check_options(standin_id options);

/* The device's messages that make buffers. */
standin_id standin_new_buffer(standin_device *self, standin_sel selector, uint64_t length,
                              uint64_t options);
standin_id standin_new_buffer_with(standin_device *self, standin_sel selector, const void *bytes,
                                   uint64_t length, uint64_t options);
standin_id standin_new_buffer_around(standin_device *self, standin_sel selector, void *bytes,
                                     uint64_t length, uint64_t options, void *deallocator);

/* Fresh memory far from any other, filled with garbage; NULL if there is none. */
void *standin_memory_new(uint64_t length);
void standin_memory_free(void *bytes, uint64_t length);

#endif
