/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TILESKIP_COMPUTE_H
#define TILESKIP_COMPUTE_H

#include "base.h"

/* The compute layer: devices, buffers, kernels and encoders. It knows nothing of attention. One set
 * of calls drives every backend; a program names a device and never a backend again.
 *
 *     device ── buffer            bytes on the device
 *        ├───── kernel            a registered description + constants, compiled once and kept
 *        └───── encoder           dispatch … barrier … dispatch, submit, wait, elapsed
 *
 * What it does not do: schedule over several devices, manage memory pools, track hazards. Two
 * dispatches of one encoder may run at the same time unless a barrier stands between them. */

#ifdef __cplusplus
extern "C" {
#endif

/* A device, opened. Thread-safety: may be used by any number of threads at once. */
typedef struct tskip_device tskip_device;

/* A range of device memory. Thread-safety: may be shared; the caller orders accesses to its
 * contents. */
typedef struct tskip_buffer tskip_buffer;

/* A kernel, compiled for one device and one set of constants. Owned by the device's cache: never
 * destroyed by the caller. Thread-safety: read-only, may be shared. */
typedef struct tskip_kernel tskip_kernel;

/* A list of commands being written. Thread-safety: one thread at a time. */
typedef struct tskip_encoder tskip_encoder;

/* ---- devices ------------------------------------------------------------------------------- */

/* The forms in which a kernel's code can be given. A backend takes the one it knows. */
typedef enum tskip_code_format {
    TSKIP_CODE_C = 1,    /* a tskip_c_kernel_fn */
    TSKIP_CODE_CUDA = 2, /* CUDA C text for NVRTC */
    TSKIP_CODE_MSL = 3,  /* Metal shading language text */
    TSKIP_CODE_SPIRV = 4,
} tskip_code_format;

/* What a device is and what it can hold. Plain data, filled by the library. */
typedef struct tskip_device_info {
    char name[64];                 /* what tskip_device_open takes: "cpu", "cuda:0" */
    char description[128];         /* for people: "AMD EPYC, avx2, 2 threads" */
    char backend[16];              /* "cpu", "null", "cuda", "metal" */
    char isa[16];                  /* rung in use: "c", "avx2", "avx512", "sm_90a" */
    uint32_t capability;           /* that rung as the number that kernel bodies state */
    tskip_code_format code_format; /* the kernel bodies it takes */
    uint32_t threads;              /* CPU: threads that share a dispatch; 0: it is none */
    uint32_t compute_units;        /* what runs groups side by side: those threads, a GPU's
                                    * multiprocessors; 0 if unknown */
    bool shares_memory;            /* tskip_buffer_map works: device memory is host memory */
    bool computes;                 /* false: it only records, as "null" does; "auto" skips it */
    bool available;                /* false in a listing: `description` says in one line why not */
    uint64_t memory;               /* bytes in all, 0 if unknown */
    uint64_t max_buffer_size;
    uint64_t max_group_memory; /* bytes a group may ask for */
    uint32_t max_group_threads;
    uint64_t cache_sizes[3]; /* CPU: L1d, L2 a core and L3 in bytes; 0 if unknown */
} tskip_device_info;

/* One task of a parallel region. */
typedef void (*tskip_task_fn)(void *context, uint32_t task);

/* A caller's own thread pool, so that nothing oversubscribes inside an engine. Calls
 * task(context, 0) … task(context, n_tasks - 1), each exactly once, from any threads in any order
 * or at once, and returns when all have returned. n_tasks is at most `threads` of the descriptor
 * below. Results never depend on how the tasks were spread. */
typedef void (*tskip_parallel_for_fn)(void *user, uint32_t n_tasks, tskip_task_fn task,
                                      void *context);

typedef struct tskip_device_desc {
    /* "cpu", "cpu:avx2" (one rung of the ladder: c, avx2, avx512, avx512bf16, amx, neon, …),
     * "null", "cuda:0", "cuda:0:sm_80" (the kernels of that generation on a later GPU), "metal", …;
     * NULL or "auto": the first GPU that works, else the CPU. */
    const char *name;

    /* CPU: how many threads share a dispatch, the calling one included; 0: all that this process
     * may run on. With parallel_for: how many tasks it is handed. */
    uint32_t threads;

    /* CPU: the caller's pool; NULL: a small pool of the library's own, which sleeps when idle,
     * works in the child after a fork (made while no other thread was in a call of the library) and
     * runs serially when called from one of its own workers. */
    tskip_parallel_for_fn parallel_for;
    void *parallel_for_user;

    /* GPU: the caller's context (CUcontext, id<MTLDevice>); NULL: the device's own. Borrowed: must
     * outlive the device. Setting it on a device without such a thing is refused. */
    void *native_context;
} tskip_device_desc;

/* Opens a device. desc may be NULL ("auto").
 * On success *out is the caller's, to be destroyed. On failure *out is NULL.
 * Errors: DEVICE_NOT_FOUND (with the names that exist), UNSUPPORTED (a rung that this CPU lacks),
 * INVALID_ARGUMENT, OUT_OF_MEMORY.
 * Environment: TSKIP_CPU=<rung> caps the ladder of every CPU device opened afterwards. */
TSKIP_API tskip_status tskip_device_open(const tskip_device_desc *desc, tskip_device **out);

/* Gives the handle back. What was made on the device, kernels excepted, keeps it alive. */
TSKIP_API void tskip_device_destroy(tskip_device **device);

/* Counts one more owner and returns the same device; each owner destroys its own handle. */
TSKIP_API tskip_device *tskip_device_retain(tskip_device *device);

/* What the opened device is. Lifetime: the device's. */
TSKIP_API const tskip_device_info *tskip_device_get_info(const tskip_device *device);

/* Lists what could be opened, unavailable ones included (`available` false, `description` the
 * reason). Writes at most `capacity` entries and sets *count to how many there are.
 * infos may be NULL if capacity is 0. Errors: INVALID_ARGUMENT. */
TSKIP_API tskip_status tskip_device_list(tskip_device_info *infos, size_t capacity, size_t *count);

/* ---- buffers ------------------------------------------------------------------------------- */

/* Allocates `size` > 0 bytes of device memory, contents undefined, aligned to at least 64 bytes.
 * Errors: INVALID_ARGUMENT (size 0 or above the device's limit), OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_buffer_create(tskip_device *device, uint64_t size, tskip_buffer **out);

/* Makes a buffer of memory that the caller owns: a host pointer on the CPU, a device pointer on
 * CUDA, an id<MTLBuffer> on Metal (retained), of shared or of private storage. Nothing is copied;
 * the memory must outlive the buffer and is not freed. Nothing outside [pointer, pointer + size) is
 * ever touched. Any address will do here; those who read the buffer say what they need: an
 * element's size, say. A private MTLBuffer serves every command; read, write and map refuse it.
 * Errors: INVALID_ARGUMENT (NULL, size 0, a pointer of another device, an MTLBuffer of managed
 * storage), OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_buffer_import(tskip_device *device, void *pointer, uint64_t size,
                                           tskip_buffer **out);

/* The same of host memory, where the device shares memory with the host: of a mapped file, say. The
 * CPU takes any address, Metal those at the start of a page of 16 KiB; a last page is bound whole.
 * Errors: UNSUPPORTED where the device has memory of its own, INVALID_ARGUMENT (NULL, size 0, an
 * address that the device cannot take), OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_buffer_import_host(tskip_device *device, void *pointer, uint64_t size,
                                                tskip_buffer **out);

/* A window [offset, offset + size) onto `parent`, sharing its memory and keeping it alive. Offset 0
 * of the view is `offset` of the parent, in every call.
 * Errors: INVALID_ARGUMENT (out of range: both sizes are named), OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_buffer_view(tskip_buffer *parent, uint64_t offset, uint64_t size,
                                         tskip_buffer **out);

TSKIP_API void tskip_buffer_destroy(tskip_buffer **buffer);

/* Counts one more owner and returns the same buffer; each owner destroys its own handle. */
TSKIP_API tskip_buffer *tskip_buffer_retain(tskip_buffer *buffer);

TSKIP_API uint64_t tskip_buffer_size(const tskip_buffer *buffer);

/* How many bytes past a multiple of 64 the buffer begins in the device's memory: 0 … 63. What an
 * offset into it is aligned to depends on both. */
TSKIP_API uint32_t tskip_buffer_misalignment(const tskip_buffer *buffer);

/* The device that the buffer lies on; borrowed. */
TSKIP_API tskip_device *tskip_buffer_get_device(const tskip_buffer *buffer);

/* Copies between host memory and [offset, offset + size) of the buffer; returns when done. Commands
 * submitted before and not waited for are not ordered with it.
 * Errors: INVALID_ARGUMENT (out of range), UNSUPPORTED (an imported MTLBuffer of private storage),
 * DEVICE_LOST. */
TSKIP_API tskip_status tskip_buffer_write(tskip_buffer *buffer, uint64_t offset, const void *data,
                                          uint64_t size);
TSKIP_API tskip_status tskip_buffer_read(tskip_buffer *buffer, uint64_t offset, void *data,
                                         uint64_t size);

/* The buffer's bytes in host memory, valid while the buffer lives. Only where the device shares
 * memory with the host. Errors: UNSUPPORTED elsewhere (use read and write) and for an imported
 * MTLBuffer of private storage, INVALID_ARGUMENT. */
TSKIP_API tskip_status tskip_buffer_map(tskip_buffer *buffer, void **pointer);

/* ---- kernels ------------------------------------------------------------------------------- */

typedef enum tskip_constant_type {
    TSKIP_CONSTANT_U32 = 1,
    TSKIP_CONSTANT_I32 = 2,
    TSKIP_CONSTANT_F32 = 3,
    TSKIP_CONSTANT_BOOL = 4,
} tskip_constant_type;

typedef union tskip_constant_value {
    uint32_t u32;
    int32_t i32;
    float f32;
} tskip_constant_value; /* bool: u32 0 or 1 */

/* A specialisation constant as a kernel declares it. A *shape* sizes arrays, so it becomes text
 * before compiling; the others may become function constants where the backend has those. */
typedef struct tskip_constant_decl {
    const char *name; /* an identifier */
    uint32_t id;      /* unique within the kernel */
    tskip_constant_type type;
    bool is_shape;
    tskip_constant_value preset; /* used when the caller names no value */
} tskip_constant_decl;

/* A constant as the caller sets it; the type is the declaration's. */
typedef struct tskip_constant {
    const char *name;
    tskip_constant_value value;
} tskip_constant;

/* What one group of a dispatch is told. Values stay valid during the call only. */
typedef struct tskip_group {
    uint32_t index[3];                     /* which group this is */
    uint32_t grid[3];                      /* of how many */
    uint32_t thread;                       /* which memory slot: 0 … threads - 1 */
    const tskip_constant_value *constants; /* in the order of the declaration */
} tskip_group;

/* A kernel body on the CPU: computes one group. buffers[i] is binding i's first byte (NULL where
 * the binding is empty), args the by-value block (64-byte aligned), group_memory as many bytes as
 * the kernel's shape asks for, 64-byte aligned, contents undefined. May call the library: what it
 * submits runs on its own thread alone, before the submit returns. */
typedef void (*tskip_c_kernel_fn)(const tskip_group *group, void *const *buffers, const void *args,
                                  void *group_memory);

/* One body. Of those whose format the backend knows and whose capability the device has, the one
 * with the highest capability is taken (CPU: rung of the ladder; CUDA: compute capability × 100, so
 * 900 for sm_90). The CPU's rungs, each with all that those below it have:
 *
 *     x86-64  c 0, avx2 10 (AVX2, FMA, F16C), avx512 20 (F, BW, DQ, VL), avx512bf16 30
 *             (AVX512_BF16), amx 40 (AMX-TILE, AMX-BF16)
 *     Arm64   c 0, neon 10 (Advanced SIMD), neonbf16 20 (BFDOT, BFMMLA) */
typedef struct tskip_kernel_body {
    tskip_code_format format;
    uint32_t capability;
    tskip_c_kernel_fn function; /* CODE_C */
    const void *code;           /* the others: text, or words */
    size_t code_size;
    const char *entry; /* the function's name in `code` */
} tskip_kernel_body;

/* Fixed by the kernel, never by the dispatch. */
typedef struct tskip_kernel_shape {
    uint32_t group_size[3]; /* threads a group, 0 as 1; the CPU ignores it */
    uint64_t group_memory;  /* bytes a group */
    uint32_t cluster_size;  /* CUDA: groups a cluster; 0 or 1: none */
} tskip_kernel_shape;

#define TSKIP_MAX_ARGS_SIZE 1024
#define TSKIP_MAX_BINDINGS  16
#define TSKIP_MAX_CONSTANTS 32

typedef struct tskip_kernel_desc {
    const char *name;
    const tskip_kernel_body *bodies;
    size_t n_bodies;
    const tskip_constant_decl *constants;
    size_t n_constants;
    uint32_t n_bindings; /* at most TSKIP_MAX_BINDINGS */
    uint32_t args_size;  /* bytes of the by-value block, at most TSKIP_MAX_ARGS_SIZE */
    tskip_kernel_shape shape;
    /* Where group size or memory depends on constants: fills *shape, preset from the field above,
     * for the chosen body. A pure function. NULL: the field holds for all. */
    void (*specialise)(const tskip_constant_value *constants, const tskip_kernel_body *body,
                       tskip_kernel_shape *shape);
    /* For a kernel whose dispatch can take seconds: at most how many floating-point operations one
     * group does with this block of arguments. A pure function; NULL: few. Metal, whose command
     * buffers are ended by the system after some seconds, then works a large dispatch in parts, by
     * x. Its text takes, in the buffer after the block, `constant uint &first`: what to add to the
     * x of threadgroup_position_in_grid. The others do not ask. */
    uint64_t (*group_work)(const tskip_constant_value *constants, const void *args);
} tskip_kernel_desc;

/* Makes a kernel known to the device by its name. The description, its arrays, names and code must
 * outlive the device. Registering the same description again does nothing.
 * Errors: INVALID_ARGUMENT (another description of that name, malformed), OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_kernel_register(tskip_device *device, const tskip_kernel_desc *desc);

/* Finds or compiles the kernel for these constants (order does not matter; the same name twice or
 * an unknown one is refused; those not named take their preset). *out lives as long as the device.
 * Errors: KERNEL_NOT_FOUND (no such name, or no body for this device), COMPILATION_FAILED (with the
 * compiler's log), UNSUPPORTED (group size or memory beyond the device's), INVALID_ARGUMENT,
 * OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_kernel_get(tskip_device *device, const char *name,
                                        const tskip_constant *constants, size_t n_constants,
                                        const tskip_kernel **out);

/* The canonical name, e.g. "scale[dtype=3 width=64]": constants sorted by name. It is the cache's
 * key. Lifetime: the kernel's. */
TSKIP_API const char *tskip_kernel_name(const tskip_kernel *kernel);

/* The shape the kernel settled on: no size in it is 0. Lifetime: the kernel's. */
TSKIP_API const tskip_kernel_shape *tskip_kernel_get_shape(const tskip_kernel *kernel);

/* ---- encoders ------------------------------------------------------------------------------ */

typedef enum tskip_access { TSKIP_READ = 1, TSKIP_WRITE = 2, TSKIP_READ_WRITE = 3 } tskip_access;

typedef enum tskip_swizzle {
    TSKIP_SWIZZLE_NONE = 0,
    TSKIP_SWIZZLE_32 = 1,
    TSKIP_SWIZZLE_64 = 2,
    TSKIP_SWIZZLE_128 = 3,
} tskip_swizzle;

/* How a binding is seen as a tensor: innermost dimension first. CUDA makes a tensor map of it, the
 * others ignore it. */
typedef struct tskip_tensor_view {
    tskip_dtype dtype;
    uint32_t rank;       /* 1 … 5; 0: the binding has no view */
    uint64_t dims[5];    /* elements */
    uint64_t strides[5]; /* bytes; strides[0] is the element size */
    uint32_t box[5];     /* elements fetched at once */
    tskip_swizzle swizzle;
} tskip_tensor_view;

/* One argument of a dispatch: [offset, offset + size) of a buffer. buffer NULL: an empty binding.
 * size 0: to the buffer's end. */
typedef struct tskip_binding {
    tskip_buffer *buffer;
    uint64_t offset;
    uint64_t size;
    tskip_access access;
    const tskip_tensor_view *view; /* NULL: none */
} tskip_binding;

/* The caller's queue: commands are put there as they come and submit only ends the list. NULL: one
 * of the device's own. Borrowed.
 *
 * CUDA: a CUstream. Work is ordered with what the caller put there before and after.
 *
 * Metal, each of the MTLDevice that the device was opened on; objects of Metal 4 are refused:
 *
 *     id<MTLCommandQueue>           submit makes a command buffer there, or several where
 *                                   dispatches are long, and commits
 *     id<MTLCommandBuffer>          commands go into a compute encoder of the library's, which
 *                                   submit ends; until then the caller opens none there. The caller
 *                                   commits, after the submit and before a wait
 *     id<MTLComputeCommandEncoder>  commands go there, between two barriers of the library's, with
 *                                   pipeline, buffers and group memory left set; the caller ends it
 *                                   and waits for its command buffer: tskip_encoder_wait does not
 *
 * What orders them with the caller's own commands depends on the caller's buffers. Metal tracks the
 * hazards of plain buffers from one encoder to the next, never those of buffers that lie in a heap
 * or were made with MTLResourceHazardTrackingModeUntracked (all of MLX's are). Where they are not
 * tracked: hand over the encoder that the commands before and after go to, or order encoders with a
 * fence and the command buffers of two queues with an event. Buffers and device must outlive a
 * command buffer that was made without retained references. */
typedef struct tskip_encoder_desc {
    void *native_stream;
} tskip_encoder_desc;

/* Starts a list of commands. desc may be NULL. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY,
 * DEVICE_LOST. */
TSKIP_API tskip_status tskip_encoder_create(tskip_device *device, const tskip_encoder_desc *desc,
                                            tskip_encoder **out);

/* The device that the encoder writes commands for; borrowed. */
TSKIP_API tskip_device *tskip_encoder_get_device(const tskip_encoder *encoder);

/* Waits for what was submitted, then frees. Commands not submitted are dropped. */
TSKIP_API void tskip_encoder_destroy(tskip_encoder **encoder);

/* Adds: run `kernel` over grid[0] × grid[1] × grid[2] groups (a zero makes an empty dispatch).
 * Bindings in the kernel's order; args are copied. Buffers must stay alive until the encoder has
 * been waited for (the encoder does not count them). Allocates nothing unless the list is longer
 * than ever before. Errors: INVALID_ARGUMENT (used after submit, of another device, counts or sizes
 * that differ from the kernel's, ranges outside a buffer), UNSUPPORTED (a grid or a view that the
 * device cannot take), OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_encoder_dispatch(tskip_encoder *encoder, const tskip_kernel *kernel,
                                              const uint32_t grid[3], const tskip_binding *bindings,
                                              size_t n_bindings, const void *args,
                                              size_t args_size);

/* Adds: set [offset, offset + size) to repeated `value`. Errors: INVALID_ARGUMENT (size, or offset
 * counted from the start of the memory that a view lies in, no multiple of 4; out of range),
 * UNSUPPORTED (imported memory that begins at no multiple of 4, where the device minds),
 * OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_encoder_fill(tskip_encoder *encoder, tskip_buffer *buffer,
                                          uint64_t offset, uint64_t size, uint32_t value);

/* Adds: everything before is finished and visible before anything after starts. Errors:
 * INVALID_ARGUMENT (after submit), OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_encoder_barrier(tskip_encoder *encoder);

/* Where the list ends, and back to there: what was added since the mark is dropped, so that several
 * commands can be added all or none. What has already gone to a queue of the caller's stays there.
 * A mark holds until the reset. Errors: INVALID_ARGUMENT (after submit; a mark that the list does
 * not reach). 0 for NULL. */
TSKIP_API uint64_t tskip_encoder_mark(const tskip_encoder *encoder);
TSKIP_API tskip_status tskip_encoder_rewind(tskip_encoder *encoder, uint64_t mark);

/* Ends the list and starts it. From here on nothing can be added. Errors: INVALID_ARGUMENT (after
 * submit), OUT_OF_MEMORY (a kernel's scratch memory; the list is still open), DEVICE_LOST. */
TSKIP_API tskip_status tskip_encoder_submit(tskip_encoder *encoder);

/* Returns when the submitted commands are done. Errors: INVALID_ARGUMENT (not submitted),
 * DEVICE_LOST (a command failed: so says every wait until the reset). */
TSKIP_API tskip_status tskip_encoder_wait(tskip_encoder *encoder);

/* Waits if need be, then makes the list empty and writable again, keeping its memory; that a
 * command failed is forgotten. Errors: INVALID_ARGUMENT (NULL). */
TSKIP_API tskip_status tskip_encoder_reset(tskip_encoder *encoder);

/* Seconds that the device spent between the first and the last command. Only after wait.
 * Errors: INVALID_ARGUMENT, UNSUPPORTED. */
TSKIP_API tskip_status tskip_encoder_elapsed(tskip_encoder *encoder, double *seconds);

#ifdef __cplusplus
}
#endif

#endif
