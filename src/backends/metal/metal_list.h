/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BACKENDS_METAL_LIST_H
#define TSKIP_BACKENDS_METAL_LIST_H

#include "base/block.h"
#include "metal_backend.h"

/* An encoder's commands and where they go. On a queue they are kept, and submit puts them into
 * command buffers; into a command buffer or a compute encoder of the caller's each goes at once,
 * and what is in flight is then the caller's to know. Dispatches run concurrently: only barriers
 * order them. */

typedef enum tskip__metal_target {
    TSKIP__METAL_QUEUE,
    TSKIP__METAL_COMMAND_BUFFER,
    TSKIP__METAL_ENCODER,
} tskip__metal_target;

typedef struct tskip__metal_place {
    tskip__id buffer; /* the list does not own it */
    uint64_t offset;
} tskip__metal_place;

/* Lies in the block on a 64-byte boundary: command | places | arguments. */
typedef struct tskip__metal_command {
    const tskip__metal_kernel *kernel; /* NULL: a barrier */
    uint32_t grid[3];
    uint32_t first_group; /* of a dispatch in parts, by x */
    bool is_part;         /* of several: its command buffer ends behind it */
    uint32_t n_bindings, args_size;
    uint32_t args, bytes; /* offsets from here, and to the next command */
} tskip__metal_command;

typedef struct tskip__metal_list {
    tskip__metal_target target;
    tskip__id queue;      /* retained; of TSKIP__METAL_QUEUE */
    tskip__id buffer;     /* retained: the caller's command buffer */
    tskip__id encoder;    /* retained: the compute encoder that is open, or the caller's */
    tskip__id fence;      /* owned, made by the first dispatch in parts: orders command buffers */
    tskip__block buffers; /* ids, retained: the command buffers that submit committed */
    tskip__block commands;
    bool begun; /* something of this list went out */
} tskip__metal_list;

/* Room for a command; it counts once `commands.used` is moved past it. NULL if memory is out. */
tskip__metal_command *tskip__metal_reserve(tskip__metal_list *list, uint32_t n_bindings,
                                           uint32_t args_size);

static inline tskip__metal_place *tskip__metal_places(tskip__metal_command *command)
{
    return (tskip__metal_place *)(void *)(command + 1);
}

/* The messages of one command. */
void tskip__metal_put(const tskip__metal_api *api, tskip__id encoder,
                      tskip__metal_command *command);

/* A concurrent compute encoder of the command buffer; the list's from here on. */
tskip_status tskip__metal_open(const tskip__metal_api *api, tskip__metal_list *list,
                               tskip__id buffer);

/* Ends the open encoder unless it is the caller's: one that is not ended may not be released. */
void tskip__metal_end(const tskip__metal_api *api, tskip__metal_list *list);

/* Lets go of the command buffers that were committed. */
void tskip__metal_forget(const tskip__metal_api *api, tskip__metal_list *list);

#endif
