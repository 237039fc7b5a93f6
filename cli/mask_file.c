/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "mask_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trial.h"

static bool ends_with(const char *text, size_t length, const char *end)
{
    const size_t n = strlen(end);
    return length >= n && memcmp(text + length - n, end, n) == 0;
}

bool mask_file_from_tensor(const char *label, const io_tensor *tensor, mask_file *out,
                           io_error *error)
{
    out->tensor = *tensor;
    if (tensor->element->dtype == TSKIP_DTYPE_NONE)
        return io_fail(error, "%s: mask '%s': dtype is %s, expected F32, F16, BF16, BOOL or U8",
                       label, tensor->name, tensor->element->name);
    if (tensor->rank != 2 && tensor->rank != 4)
        return io_fail(error,
                       "%s: mask '%s': has %" PRIu32
                       " dimensions, expected [q, k] or [batch, heads, q, k]",
                       label, tensor->name, tensor->rank);
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] == 0)
            return io_fail(error, "%s: mask '%s': shape[%" PRIu32 "] is 0, expected at least 1",
                           label, tensor->name, i);
    }
    if ((uintptr_t)tensor->data % tensor->element->size == 0)
        return true;
    out->copy = malloc(tensor->size);
    if (out->copy == NULL)
        return io_fail(error, "%s: mask '%s': not enough memory for %zu bytes", label, tensor->name,
                       tensor->size);
    memcpy(out->copy, tensor->data, tensor->size);
    out->tensor.data = out->copy;
    return true;
}

static bool open_safetensors(const char *path, const char *name, mask_file *out, io_error *error)
{
    if (!st_open(path, &out->safetensors, error))
        return false;
    const io_tensor *tensor;
    if (name == NULL && st_find(out->safetensors, "mask") == NULL &&
        st_count(out->safetensors) == 1)
        tensor = st_tensor(out->safetensors, 0);
    else
        tensor = st_require(out->safetensors, path, name != NULL ? name : "mask", error);
    return tensor != NULL && mask_file_from_tensor(path, tensor, out, error);
}

bool mask_file_open(const char *name, mask_file *out, io_error *error)
{
    *out = (mask_file){0};
    const size_t length = strlen(name);
    const char *colon = strrchr(name, ':');
    bool ok;
    if (ends_with(name, length, ".npy")) {
        ok = npy_open(name, &out->npy, error) &&
             mask_file_from_tensor(name, &out->npy.tensor, out, error);
    } else if (colon == NULL || access(name, F_OK) == 0) {
        ok = open_safetensors(name, NULL, out, error);
    } else {
        char path[4096];
        const size_t path_length = (size_t)(colon - name);
        if (path_length >= sizeof(path))
            return io_fail(error, "mask: the file's name is too long");
        memcpy(path, name, path_length);
        path[path_length] = 0;
        ok = ends_with(path, path_length, ".npy")
                 ? io_fail(error,
                           "%s: an .npy file has one tensor without a name, but '%s' is "
                           "asked for",
                           path, colon + 1)
                 : open_safetensors(path, colon + 1, out, error);
    }
    if (!ok)
        mask_file_close(out);
    return ok;
}

void mask_file_close(mask_file *file)
{
    tskip_buffer_destroy(&file->buffer);
    st_close(file->safetensors);
    npy_close(&file->npy);
    free(file->copy);
    *file = (mask_file){0};
}

bool mask_file_describe(mask_file *file, tskip_device *device, tskip_mask_tensor *out,
                        io_error *error)
{
    file->buffer = trial_upload(device, (void *)(uintptr_t)file->tensor.data, file->tensor.size);
    if (file->buffer == NULL)
        return io_fail(error, "mask: %s", tskip_last_error());
    *out = (tskip_mask_tensor){
        .buffer = file->buffer, .dtype = file->tensor.element->dtype, .rank = file->tensor.rank};
    memcpy(out->shape, file->tensor.shape, sizeof(out->shape));
    return true;
}
