/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_COMPUTE_BACKEND_H
#define TSKIP_COMPUTE_BACKEND_H

#include <tileskip/compute.h>

#include "base/block.h"

/* The seam between the compute layer and a backend: one const struct of functions, listed in
 * backends.c. The front end (device.c, buffer.c, kernel.c, encoder.c) has checked every argument,
 * keeps the counts of references and the kernel cache, and owns all names; a backend trusts what it
 * is handed and knows only its own objects, which it returns as opaque pointers.
 *
 * Thread-safety: every function may be called from any thread. Calls on one encoder never overlap,
 * nor do those of kernel_create on one device; all others may.
 *
 * Which driver call of CUDA, Vulkan and Metal implements which entry: docs/backends.md. */

/* A binding, resolved: `buffer` is the backend's own pointer (views are already folded into the
 * offset), NULL where the binding is empty. */
typedef struct tskip__bound {
    void *buffer;
    uint64_t offset, size;
    tskip_access access;
    const tskip_tensor_view *view;
} tskip__bound;

/* What to build a kernel from. All pointers but `values` and `name` live as long as the device. */
typedef struct tskip__kernel_spec {
    const tskip_kernel_desc *desc;
    const tskip_kernel_body *body;      /* the one chosen for this device */
    const tskip_constant_value *values; /* as many as desc->n_constants; copied if kept */
    tskip_kernel_shape shape;           /* no size in it is 0 */
    const char *name;                   /* canonical; copied if kept */
} tskip__kernel_spec;

typedef struct tskip__dispatch {
    void *kernel;
    uint32_t grid[3]; /* none is zero */
    const tskip__bound *bindings;
    uint32_t n_bindings;
    const void *args; /* copied at encode */
    uint32_t args_size;
} tskip__dispatch;

typedef struct tskip__backend {
    const char *name;

    /* Its devices only record: "auto" passes them over, and the front end says so in
     * info.computes. */
    bool computes_nothing;

    /* What a caller imports is the address of memory; false: an object that has memory, which then
     * begins at a multiple of 64. */
    bool imports_addresses;

    /* Required. Appends what this backend can open, at most `capacity` entries, and sets *count. A
     * backend that cannot work here lists one entry with `available` false and the reason. */
    tskip_status (*list)(tskip_device_info *infos, size_t capacity, size_t *count);

    /* Required. `desc->name` is the part after "name" or "name:", "" if none. Fills *info. A name
     * that is none of its own is DEVICE_NOT_FOUND; the front end adds the names that exist. What
     * the descriptor asks for and the device lacks (native_context) is refused here. */
    tskip_status (*open)(const tskip_device_desc *desc, tskip_device_info *info, void **device);
    void (*close)(void *device); /* required; everything made on it is gone by then */

    /* Required. `import` NULL: allocate `size` bytes, aligned to at least 64; else the caller's
     * memory, not owned. */
    tskip_status (*buffer_create)(void *device, uint64_t size, void *import, void **buffer);
    void (*buffer_destroy)(void *device, void *buffer); /* required */

    /* Optional: where info.shares_memory. A buffer of the caller's host memory, not owned. */
    tskip_status (*buffer_import_host)(void *device, uint64_t size, void *pointer, void **buffer);

    /* Required. Between host memory and the buffer; returns when done. */
    tskip_status (*buffer_write)(void *device, void *buffer, uint64_t offset, const void *data,
                                 uint64_t size);
    tskip_status (*buffer_read)(void *device, void *buffer, uint64_t offset, void *data,
                                uint64_t size);

    /* Optional: where info.shares_memory. The first byte in host memory. */
    tskip_status (*buffer_map)(void *device, void *buffer, void **pointer);

    /* Required. Compiles, or finds in a cache of its own on disk. Called once a canonical name. */
    tskip_status (*kernel_create)(void *device, const tskip__kernel_spec *spec, void **kernel);
    void (*kernel_destroy)(void *device, void *kernel); /* required */

    /* Required. `native_stream` as in tskip_encoder_desc; refused where there is no such thing. */
    tskip_status (*encoder_create)(void *device, void *native_stream, void **encoder);
    void (*encoder_destroy)(void *device, void *encoder); /* required; not in flight */

    /* Required. */
    tskip_status (*dispatch)(void *device, void *encoder, const tskip__dispatch *dispatch);
    tskip_status (*fill)(void *device, void *encoder, const tskip__bound *range, uint32_t value);

    /* Required. The block that the list lies in until submit; the front end cuts it to take back
     * what was added last. Empty where commands go out at once, to a native stream. */
    tskip__block *(*commands)(void *encoder);

    /* Required. Where a backend orders commands anyway this does nothing. */
    tskip_status (*barrier)(void *device, void *encoder);

    /* Required. Nothing runs before it, except on a native stream. On failure nothing is in flight
     * and the list is as it was. */
    tskip_status (*submit)(void *device, void *encoder);
    tskip_status (*wait)(void *device, void *encoder);  /* required; after submit, once */
    tskip_status (*reset)(void *device, void *encoder); /* required; not in flight */

    /* Optional: NULL makes tskip_encoder_elapsed UNSUPPORTED. After wait. */
    tskip_status (*elapsed)(void *device, void *encoder, double *seconds);
} tskip__backend;

/* Every backend of this build, in the order in which "auto" tries them; NULL-ended. */
extern const tskip__backend *const tskip__backends[];

#endif
