/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_MASK_FILE_H
#define TSKIP_CLI_MASK_FILE_H

#include <tileskip/attention.h>

#include "io/npy.h"

/* A mask tensor read from "FILE.npy", "FILE.safetensors" or "FILE.safetensors:TENSOR" and put on a
 * device. Without a tensor's name, `mask` is taken, or the only tensor that the file has. */
typedef struct mask_file {
    st_file *safetensors;
    npy_file npy;
    io_tensor tensor;
    void *copy; /* of data that lay at an odd address */
    tskip_buffer *buffer;
} mask_file;

/* On failure there is nothing to close. */
bool mask_file_open(const char *name, mask_file *out, io_error *error);
void mask_file_close(mask_file *file);

/* A mask from a tensor of a file already open, whose memory outlives it. `label` is the file. */
bool mask_file_from_tensor(const char *label, const io_tensor *tensor, mask_file *out,
                           io_error *error);

/* Puts the cells on the device and describes them. */
bool mask_file_describe(mask_file *file, tskip_device *device, tskip_mask_tensor *out,
                        io_error *error);

#endif
