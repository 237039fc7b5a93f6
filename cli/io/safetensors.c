/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "safetensors.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER_SIZE 100000000u /* the format's own limit */

struct st_file {
    io_bytes bytes; /* mapped by st_open; empty if the caller keeps the memory */
    json_t *header; /* owns the names */
    io_tensor *tensors;
    size_t n_tensors;
};

typedef struct reading {
    const char *label;
    const uint8_t *data; /* the bytes that offsets refer to */
    size_t size;
    io_error *error;
} reading;

static bool read_shape(const reading *in, json_t *shape, io_tensor *tensor)
{
    if (!json_is_array(shape))
        return io_fail(in->error, "%s: tensor '%s': 'shape' must be an array of integers",
                       in->label, tensor->name);
    if (json_array_size(shape) > IO_MAX_RANK)
        return io_fail(in->error,
                       "%s: tensor '%s': 'shape' has %zu dimensions, expected at most %d",
                       in->label, tensor->name, json_array_size(shape), IO_MAX_RANK);
    tensor->rank = (uint32_t)json_array_size(shape);
    uint64_t size = tensor->element->size;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        const json_t *item = json_array_get(shape, i);
        if (!json_is_integer(item) || json_integer_value(item) < 0)
            return io_fail(in->error, "%s: tensor '%s': shape[%" PRIu32 "] must be an integer >= 0",
                           in->label, tensor->name, i);
        const uint64_t length = (uint64_t)json_integer_value(item);
        tensor->shape[i] = (int64_t)length;
        if (length != 0 && size > UINT64_MAX / 2 / length)
            return io_fail(in->error,
                           "%s: tensor '%s': the sizes of 'shape' multiply to more than 2^63 bytes",
                           in->label, tensor->name);
        size *= length;
    }
    if (size > SIZE_MAX)
        return io_fail(in->error, "%s: tensor '%s': is too large for this machine", in->label,
                       tensor->name);
    tensor->size = (size_t)size;
    return true;
}

static bool read_offsets(const reading *in, json_t *offsets, io_tensor *tensor)
{
    const json_t *first = json_array_get(offsets, 0);
    const json_t *last = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last) ||
        json_integer_value(first) < 0 || json_integer_value(last) < 0)
        return io_fail(in->error,
                       "%s: tensor '%s': 'data_offsets' must be two integers [begin, end] >= 0",
                       in->label, tensor->name);
    const uint64_t begin = (uint64_t)json_integer_value(first);
    const uint64_t end = (uint64_t)json_integer_value(last);
    if (begin > end)
        return io_fail(in->error,
                       "%s: tensor '%s': 'data_offsets' begin at %" PRIu64
                       ", after their end at %" PRIu64,
                       in->label, tensor->name, begin, end);
    if (end > in->size)
        return io_fail(in->error,
                       "%s: tensor '%s': 'data_offsets' end at byte %" PRIu64
                       ", but the file has %zu bytes of data",
                       in->label, tensor->name, end, in->size);
    if (end - begin != tensor->size)
        return io_fail(in->error,
                       "%s: tensor '%s': 'data_offsets' span %" PRIu64
                       " bytes, but its dtype and shape need %zu",
                       in->label, tensor->name, end - begin, tensor->size);
    tensor->data = in->data + begin;
    return true;
}

static bool read_tensor(const reading *in, const char *name, json_t *entry, io_tensor *tensor)
{
    tensor->name = name;
    if (!json_is_object(entry))
        return io_fail(in->error,
                       "%s: tensor '%s': must be an object with 'dtype', 'shape' and "
                       "'data_offsets'",
                       in->label, name);
    const char *key;
    json_t *value;
    json_object_foreach(entry, key, value)
    {
        if (strcmp(key, "dtype") != 0 && strcmp(key, "shape") != 0 &&
            strcmp(key, "data_offsets") != 0)
            return io_fail(in->error,
                           "%s: tensor '%s': unknown field '%s', expected 'dtype', 'shape' and "
                           "'data_offsets'",
                           in->label, name, key);
    }
    json_t *dtype = json_object_get(entry, "dtype");
    if (!json_is_string(dtype))
        return io_fail(in->error, "%s: tensor '%s': 'dtype' must be a string", in->label, name);
    tensor->element = io_element_by_name(json_string_value(dtype), json_string_length(dtype));
    if (tensor->element == NULL)
        return io_fail(in->error, "%s: tensor '%s': dtype '%s' is unknown, expected %s", in->label,
                       name, json_string_value(dtype), io_element_names());
    return read_shape(in, json_object_get(entry, "shape"), tensor) &&
           read_offsets(in, json_object_get(entry, "data_offsets"), tensor);
}

static bool check_metadata(const reading *in, json_t *metadata)
{
    if (!json_is_object(metadata))
        return io_fail(in->error, "%s: '__metadata__' must be an object of strings", in->label);
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return io_fail(in->error, "%s: '__metadata__': the value of '%s' must be a string",
                           in->label, key);
    }
    return true;
}

static int by_position(const void *a, const void *b)
{
    const io_tensor *x = a, *y = b;
    if (x->data != y->data)
        return (const uint8_t *)x->data < (const uint8_t *)y->data ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

/* The tensors must follow one another from the first byte of the data to the last. */
static bool check_cover(const reading *in, io_tensor *tensors, size_t n_tensors)
{
    if (n_tensors > 0)
        qsort(tensors, n_tensors, sizeof(*tensors), by_position);
    size_t covered = 0;
    for (size_t i = 0; i < n_tensors; i++) {
        const size_t begin = (size_t)((const uint8_t *)tensors[i].data - in->data);
        if (begin < covered)
            return io_fail(in->error,
                           "%s: tensors '%s' and '%s' overlap: the second begins at byte %zu, the "
                           "first ends at %zu",
                           in->label, tensors[i - 1].name, tensors[i].name, begin, covered);
        if (begin > covered)
            return io_fail(in->error,
                           "%s: tensor '%s': begins at byte %zu, leaving a gap after byte %zu",
                           in->label, tensors[i].name, begin, covered);
        covered = begin + tensors[i].size;
    }
    if (covered != in->size)
        return io_fail(in->error,
                       "%s: the tensors end at byte %zu of the data, but the file has %zu bytes of "
                       "it",
                       in->label, covered, in->size);
    return true;
}

static bool read_tensors(const reading *in, st_file *file)
{
    const size_t n_entries = json_object_size(file->header);
    file->tensors = calloc(n_entries + 1, sizeof(*file->tensors));
    if (file->tensors == NULL)
        return io_fail(in->error, "%s: out of memory for %zu tensors", in->label, n_entries);
    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) {
            if (!check_metadata(in, entry))
                return false;
        } else if (!read_tensor(in, name, entry, &file->tensors[file->n_tensors])) {
            return false;
        } else {
            file->n_tensors++;
        }
    }
    return check_cover(in, file->tensors, file->n_tensors);
}

/* Finds the header's text; *in then covers the data behind it. */
static bool read_header(reading *in, const void *data, size_t size, st_file *file)
{
    const uint8_t *bytes = data;
    if (size < 8)
        return io_fail(in->error,
                       "%s: has %zu bytes, but a safetensors file begins with an 8-byte header "
                       "length",
                       in->label, size);
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--)
        length = length << 8 | bytes[i];
    if (length > MAX_HEADER_SIZE)
        return io_fail(in->error,
                       "%s: header length is %" PRIu64 ", expected at most %u (is this a "
                       "safetensors file?)",
                       in->label, length, MAX_HEADER_SIZE);
    if (length > size - 8)
        return io_fail(in->error, "%s: header length is %" PRIu64 ", but only %zu bytes follow it",
                       in->label, length, size - 8);
    const char *text = (const char *)bytes + 8;
    if (length == 0 || text[0] != '{')
        return io_fail(in->error, "%s: header must begin with '{'", in->label);
    json_error_t why;
    file->header = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &why);
    if (file->header == NULL)
        return io_fail(in->error, "%s: header is not valid JSON: %s (byte %d)", in->label, why.text,
                       why.position);
    in->data = bytes + 8 + length;
    in->size = size - 8 - (size_t)length;
    return true;
}

static bool open_bytes(const char *label, io_bytes owned, const void *data, size_t size,
                       st_file **out, io_error *error)
{
    *out = NULL;
    reading in = {.label = label, .error = error};
    st_file *file = calloc(1, sizeof(*file));
    if (file == NULL) {
        io_bytes_release(&owned);
        return io_fail(error, "%s: out of memory", label);
    }
    file->bytes = owned;
    if (!read_header(&in, data, size, file) || !read_tensors(&in, file)) {
        st_close(file);
        return false;
    }
    *out = file;
    return true;
}

bool st_open(const char *path, st_file **out, io_error *error)
{
    *out = NULL;
    io_bytes bytes;
    if (!io_bytes_open(path, &bytes, error))
        return false;
    return open_bytes(path, bytes, bytes.data, bytes.size, out, error);
}

bool st_open_memory(const char *label, const void *data, size_t size, st_file **out,
                    io_error *error)
{
    return open_bytes(label, (io_bytes){0}, data, size, out, error);
}

void st_close(st_file *file)
{
    if (file == NULL)
        return;
    json_decref(file->header);
    free(file->tensors);
    io_bytes_release(&file->bytes);
    free(file);
}

size_t st_count(const st_file *file)
{
    return file->n_tensors;
}

const io_tensor *st_tensor(const st_file *file, size_t index)
{
    return &file->tensors[index];
}

const io_tensor *st_find(const st_file *file, const char *name)
{
    for (size_t i = 0; i < file->n_tensors; i++) {
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    }
    return NULL;
}

const io_tensor *st_require(const st_file *file, const char *path, const char *name,
                            io_error *error)
{
    const io_tensor *tensor = st_find(file, name);
    if (tensor != NULL)
        return tensor;
    char names[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < file->n_tensors && used < sizeof(names); i++)
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i > 0 ? ", " : "",
                                 file->tensors[i].name);
    io_fail(error, "%s: has no tensor '%s'; it has: %s%s", path, name, names[0] ? names : "none",
            used >= sizeof(names) ? "…" : "");
    return NULL;
}
