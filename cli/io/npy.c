/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "npy.h"

#include <inttypes.h>
#include <string.h>

/* Reads the header's dictionary: a strict subset of Python's literals. */
typedef struct scanner {
    const char *label;
    const char *at, *end;
    const char *start;
    io_error *error;
} scanner;

typedef struct header {
    char descr[16];
    bool has_descr, has_order, has_shape, fortran;
    uint32_t rank;
    int64_t shape[IO_MAX_RANK];
} header;

static bool expected(const scanner *in, const char *what)
{
    const int column = (int)(in->at - in->start) + 1;
    if (in->at == in->end)
        return io_fail(in->error, "%s: header ends at column %d, expected %s", in->label, column,
                       what);
    return io_fail(in->error, "%s: header has '%c' at column %d, expected %s", in->label, *in->at,
                   column, what);
}

static void skip_blanks(scanner *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t'))
        in->at++;
}

static bool take(scanner *in, char c)
{
    skip_blanks(in);
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

static bool take_word(scanner *in, const char *word)
{
    skip_blanks(in);
    const size_t length = strlen(word);
    if ((size_t)(in->end - in->at) < length || memcmp(in->at, word, length) != 0)
        return false;
    in->at += length;
    return true;
}

static bool read_string(scanner *in, char *text, size_t capacity, const char *what)
{
    skip_blanks(in);
    if (in->at == in->end || (*in->at != '\'' && *in->at != '"'))
        return expected(in, what);
    const char quote = *in->at++;
    size_t length = 0;
    while (in->at < in->end && *in->at != quote) {
        if (length + 1 == capacity)
            return io_fail(in->error,
                           "%s: header: the string at column %d is too long, expected %s",
                           in->label, (int)(in->at - in->start) + 1, what);
        text[length++] = *in->at++;
    }
    text[length] = 0;
    if (in->at == in->end)
        return expected(in, "a closing quote");
    in->at++;
    return true;
}

static bool read_length(scanner *in, int64_t *value)
{
    skip_blanks(in);
    if (in->at == in->end || *in->at < '0' || *in->at > '9')
        return expected(in, "a length in 'shape'");
    int64_t sum = 0;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9') {
        const int digit = *in->at - '0';
        if (sum > (INT64_MAX - digit) / 10)
            return io_fail(in->error, "%s: header: a length in 'shape' exceeds 2^63", in->label);
        sum = sum * 10 + digit;
        in->at++;
    }
    *value = sum;
    return true;
}

static bool read_shape(scanner *in, header *out)
{
    if (!take(in, '('))
        return expected(in, "'(' before the lengths of 'shape'");
    while (!take(in, ')')) {
        if (out->rank == IO_MAX_RANK)
            return io_fail(in->error, "%s: header: 'shape' has more than %d dimensions", in->label,
                           IO_MAX_RANK);
        if (!read_length(in, &out->shape[out->rank]))
            return false;
        out->rank++;
        if (!take(in, ',')) {
            if (out->rank == 1 || !take(in, ')'))
                return expected(in, "',' or ')' after a length of 'shape'");
            break;
        }
    }
    return true;
}

static bool read_order(scanner *in, header *out)
{
    out->fortran = take_word(in, "True");
    return out->fortran || take_word(in, "False") || expected(in, "True or False");
}

static bool read_entry(scanner *in, header *out)
{
    char key[24];
    if (!read_string(in, key, sizeof(key), "'descr', 'fortran_order' or 'shape'"))
        return false;
    if (!take(in, ':'))
        return expected(in, "':' after a key");
    bool *seen = strcmp(key, "descr") == 0           ? &out->has_descr
                 : strcmp(key, "fortran_order") == 0 ? &out->has_order
                 : strcmp(key, "shape") == 0         ? &out->has_shape
                                                     : NULL;
    if (seen == NULL)
        return io_fail(in->error,
                       "%s: header has an unknown key '%s', expected 'descr', 'fortran_order' and "
                       "'shape'",
                       in->label, key);
    if (*seen)
        return io_fail(in->error, "%s: header has the key '%s' twice", in->label, key);
    *seen = true;
    if (seen == &out->has_descr)
        return read_string(in, out->descr, sizeof(out->descr), "a type such as '<f4'");
    return seen == &out->has_order ? read_order(in, out) : read_shape(in, out);
}

static bool read_dictionary(scanner *in, header *out)
{
    if (!take(in, '{'))
        return expected(in, "'{'");
    while (!take(in, '}')) {
        if (!read_entry(in, out))
            return false;
        if (!take(in, ',')) {
            if (!take(in, '}'))
                return expected(in, "',' or '}'");
            break;
        }
    }
    skip_blanks(in);
    if (in->at == in->end || *in->at != '\n' || in->at + 1 != in->end)
        return expected(in, "a newline that ends the header");
    const char *missing = !out->has_descr   ? "descr"
                          : !out->has_order ? "fortran_order"
                          : !out->has_shape ? "shape"
                                            : NULL;
    if (missing != NULL)
        return io_fail(in->error, "%s: header has no '%s'", in->label, missing);
    return true;
}

static bool find_element(const char *label, const char *descr, const io_element **out,
                         io_error *error)
{
    static const struct {
        const char *descr;
        tskip_dtype dtype;
    } KNOWN[] = {
        {"<f4", TSKIP_F32},  {"<f2", TSKIP_F16},  {"|b1", TSKIP_BOOL},
        {"|u1", TSKIP_BOOL}, {"|V2", TSKIP_BF16}, {"<V2", TSKIP_BF16},
    };
    for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++) {
        if (strcmp(descr, KNOWN[i].descr) == 0) {
            *out = io_element_by_dtype(KNOWN[i].dtype);
            return true;
        }
    }
    return io_fail(error,
                   "%s: 'descr' is '%s', expected '<f4' (float32), '<f2' (float16), '|b1' (bool), "
                   "'|u1' (uint8) or '|V2' (bfloat16); convert with numpy's astype",
                   label, descr);
}

static bool make_tensor(const char *label, const header *head, const uint8_t *data, size_t size,
                        io_tensor *tensor, io_error *error)
{
    if (head->fortran)
        return io_fail(error,
                       "%s: 'fortran_order' is True, expected False (save "
                       "numpy.ascontiguousarray(x))",
                       label);
    if (!find_element(label, head->descr, &tensor->element, error))
        return false;
    uint64_t bytes = tensor->element->size;
    for (uint32_t i = 0; i < head->rank; i++) {
        const uint64_t length = (uint64_t)head->shape[i];
        if (length != 0 && bytes > UINT64_MAX / 2 / length)
            return io_fail(error, "%s: the lengths of 'shape' multiply to more than 2^63 bytes",
                           label);
        bytes *= length;
        tensor->shape[i] = head->shape[i];
    }
    if (bytes != size)
        return io_fail(error, "%s: 'shape' needs %" PRIu64 " bytes of data, but the file has %zu",
                       label, bytes, size);
    tensor->name = label;
    tensor->rank = head->rank;
    tensor->data = data;
    tensor->size = size;
    return true;
}

bool npy_open_memory(const char *label, const void *data, size_t size, npy_file *out,
                     io_error *error)
{
    *out = (npy_file){0};
    const uint8_t *bytes = data;
    if (size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return io_fail(error, "%s: does not begin with numpy's magic '\\x93NUMPY'", label);
    if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
        return io_fail(error, "%s: format version is %d.%d, expected 1.0, 2.0 or 3.0", label,
                       bytes[6], bytes[7]);
    const size_t prefix = bytes[6] == 1 ? 10 : 12;
    if (size < prefix)
        return io_fail(error, "%s: ends inside its header length, at byte %zu", label, size);
    const size_t length = bytes[6] == 1 ? (size_t)bytes[8] | (size_t)bytes[9] << 8
                                        : (size_t)bytes[8] | (size_t)bytes[9] << 8 |
                                              (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (length > size - prefix)
        return io_fail(error, "%s: header length is %zu, but only %zu bytes follow it", label,
                       length, size - prefix);
    const char *text = (const char *)bytes + prefix;
    scanner in = {label, text, text + length, text, error};
    header head = {0};
    return read_dictionary(&in, &head) && make_tensor(label, &head, bytes + prefix + length,
                                                      size - prefix - length, &out->tensor, error);
}

bool npy_open(const char *path, npy_file *out, io_error *error)
{
    *out = (npy_file){0};
    io_bytes bytes;
    if (!io_bytes_open(path, &bytes, error))
        return false;
    if (!npy_open_memory(path, bytes.data, bytes.size, out, error)) {
        io_bytes_release(&bytes);
        return false;
    }
    out->bytes = bytes;
    return true;
}

void npy_close(npy_file *file)
{
    io_bytes_release(&file->bytes);
    *file = (npy_file){0};
}
