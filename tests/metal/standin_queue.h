/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TESTS_METAL_STANDIN_QUEUE_H
#define TESTS_METAL_STANDIN_QUEUE_H

#include "standin_run.h"

/* Command buffers, as their encoders see them. */

typedef enum standin_dispatch_type { STANDIN_SERIAL, STANDIN_CONCURRENT } standin_dispatch_type;

typedef struct standin_queue standin_queue;

typedef struct standin_command_buffer {
    standin_object object;
    standin_queue *queue; /* retained */
    struct standin_command_buffer *next;
    standin_command *commands;
    size_t n, capacity;
    standin_id *kept; /* retained until it is gone */
    size_t n_kept, kept_capacity;
    bool has_open_encoder;
    uint64_t status;
    standin_id error;
    double start, end;
} standin_command_buffer;

/* Borrowed. */
standin_device *standin_device_of(const standin_command_buffer *buffer);

/* Retains `object` until the command buffer is gone. */
void standin_keep(standin_command_buffer *buffer, standin_id object);

/* The command's bytes are the command buffer's from here on. */
void standin_add(standin_command_buffer *buffer, const standin_command *command);

/* None if nothing came since the last. */
void standin_add_barrier(standin_command_buffer *buffer);

/* Autoreleased. */
standin_id standin_encoder_new(standin_command_buffer *buffer, uint64_t dispatch_type);

#endif
