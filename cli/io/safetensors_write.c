/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *describe(const io_tensor *tensor, size_t begin)
{
    json_t *shape = json_array();
    for (uint32_t i = 0; i < tensor->rank; i++)
        json_array_append_new(shape, json_integer(tensor->shape[i]));
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", tensor->element->name, "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)(begin + tensor->size));
}

/* The header padded with spaces so that the data begins at a multiple of 64. */
static char *make_header(const io_tensor *tensors, size_t n_tensors, size_t *length)
{
    json_t *root = json_object();
    size_t offset = 0;
    for (size_t i = 0; i < n_tensors; i++) {
        json_object_set_new(root, tensors[i].name, describe(&tensors[i], offset));
        offset += tensors[i].size;
    }
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (text == NULL)
        return NULL;
    const size_t used = strlen(text);
    *length = (8 + used + 63) / 64 * 64 - 8;
    char *header = malloc(8 + *length);
    if (header != NULL) {
        for (int i = 0; i < 8; i++)
            header[i] = (char)(uint8_t)(((uint64_t)*length >> (8 * i)) & 0xff);
        memcpy(header + 8, text, used);
        memset(header + 8 + used, ' ', *length - used);
    }
    free(text);
    return header;
}

bool st_write(const char *path, const io_tensor *tensors, size_t n_tensors, io_error *error)
{
    size_t length = 0;
    char *header = make_header(tensors, n_tensors, &length);
    io_piece *pieces = calloc(n_tensors + 1, sizeof(*pieces));
    bool ok = false;
    if (header == NULL || pieces == NULL) {
        io_fail(error, "%s: out of memory for the header", path);
    } else {
        pieces[0] = (io_piece){header, 8 + length};
        for (size_t i = 0; i < n_tensors; i++)
            pieces[i + 1] = (io_piece){tensors[i].data, tensors[i].size};
        ok = io_bytes_write(path, pieces, n_tensors + 1, error);
    }
    free(pieces);
    free(header);
    return ok;
}
