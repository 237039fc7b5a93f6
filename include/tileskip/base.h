/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TILESKIP_BASE_H
#define TILESKIP_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* tileskip: what every other header stands on: version, status codes, the last error's text,
 * element types, and the two process-wide hooks (log and allocator).
 *
 * Said once, true of every call in the library:
 *  - Nothing aborts, exits or prints. A call that can fail returns a tskip_status.
 *  - A call that fails changes nothing that the caller can see, unless its description says so:
 *    `*out` is set to NULL, nothing is queued, nothing leaks. tskip_last_error() then names the
 *    argument, its value and what was expected.
 *  - Descriptor structs and the arrays they point to need live only until the call returns.
 *  - In a descriptor, zero (false, NULL) means "the usual": `= {0}` is a valid start.
 *  - A destroy function takes the address of the handle, sets it to NULL and accepts NULL.
 *    Objects are counted: one that others still use lives on until the last of them is destroyed,
 *    so the order of destruction does not matter. Commands are no owners: what an encoder's list
 *    reads or writes must live until the encoder has been waited for.
 *  - A question put to NULL is answered with NULL, 0 or "".
 *  - Lengths are in tokens, strides in elements, offsets and sizes in bytes, times in seconds. */

#if defined(_WIN32)
#define TSKIP_API
#elif defined(__GNUC__)
#define TSKIP_API __attribute__((visibility("default")))
#else
#define TSKIP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* One line a change of the interface, newest last; the number is TSKIP_API_VERSION.
 *  1  first version */
#define TSKIP_API_VERSION 1

#define TSKIP_VERSION_MAJOR 0
#define TSKIP_VERSION_MINOR 1
#define TSKIP_VERSION_PATCH 0

/* "0.1.0", static. Compare with the macros to detect a header and a library that differ. */
TSKIP_API const char *tskip_version(void);

/* Every status: name, value, text. The enum, tskip_status_name and tskip_status_text come from this
 * list; values are stable. */
#define TSKIP_STATUS_LIST(X)                                                                       \
    X(OK, 0, "success")                                                                            \
    X(INVALID_ARGUMENT, 1, "invalid argument")                                                     \
    X(UNSUPPORTED, 2, "not supported")                                                             \
    X(OUT_OF_MEMORY, 3, "out of memory")                                                           \
    X(DEVICE_NOT_FOUND, 4, "device not found")                                                     \
    X(DEVICE_LOST, 5, "device lost or command failed")                                             \
    X(KERNEL_NOT_FOUND, 6, "kernel not found")                                                     \
    X(COMPILATION_FAILED, 7, "kernel compilation failed")

typedef enum tskip_status {
#define TSKIP__ENUM(name, value, text) TSKIP_##name = value,
    TSKIP_STATUS_LIST(TSKIP__ENUM)
#undef TSKIP__ENUM
} tskip_status;

/* "TSKIP_OK", … and "success", …; static. An unknown value gives "TSKIP_UNKNOWN" and "unknown
 * status". */
TSKIP_API const char *tskip_status_name(tskip_status status);
TSKIP_API const char *tskip_status_text(tskip_status status);

/* The text of the last call that failed on this thread, one sentence or, for a compiler, its log.
 * Never NULL; "" before the first failure; a call that succeeds leaves it as it was.
 * Lifetime: until the next failing call on the same thread; do not free.
 * Thread-safety: each thread has its own text. */
TSKIP_API const char *tskip_last_error(void);

/* Element types. Queries, keys, values and outputs: F32, F16, BF16. Mask tensors also BOOL (one
 * byte, non-zero = attend). Values are shared with the kernels and stable. */
typedef enum tskip_dtype {
    TSKIP_DTYPE_NONE = 0,
    TSKIP_F32 = 1,
    TSKIP_F16 = 2,
    TSKIP_BF16 = 3,
    TSKIP_BOOL = 4,
} tskip_dtype;

/* Bytes an element: 4, 2, 2, 1; 0 for anything else. */
TSKIP_API size_t tskip_dtype_size(tskip_dtype dtype);

/* "f32", "f16", "bf16", "bool"; "none" for anything else. Static. */
TSKIP_API const char *tskip_dtype_name(tskip_dtype dtype);

typedef enum tskip_log_level {
    TSKIP_LOG_WARNING = 1,
    TSKIP_LOG_INFO = 2,
    TSKIP_LOG_DEBUG = 3,
} tskip_log_level;

/* Receives one line without a newline: which kernel a device chose, why a cache entry was ignored.
 * Called on whatever thread has something to say; must not call back into the library. */
typedef void (*tskip_log_fn)(void *user, tskip_log_level level, const char *message);

/* Sends messages up to `level` to `log`; NULL (the default) silences them.
 * Thread-safety: may be called at any time; a message in flight may still go to the old
 * function. */
TSKIP_API void tskip_set_log(tskip_log_fn log, void *user, tskip_log_level level);

/* Where host memory comes from. `allocate` returns `size` bytes (never 0) aligned to `alignment` (a
 * power of two, at most 4096) or NULL; `release` gets what allocate returned and the same size. */
typedef struct tskip_allocator {
    void *(*allocate)(void *user, size_t size, size_t alignment);
    void (*release)(void *user, void *memory, size_t size);
    void *user;
} tskip_allocator;

/* Replaces the allocator of host memory for the whole process; NULL restores the C library's.
 * Thread-safety: call it while no object of the library is alive. */
TSKIP_API void tskip_set_allocator(const tskip_allocator *allocator);

#ifdef __cplusplus
}
#endif

#endif
