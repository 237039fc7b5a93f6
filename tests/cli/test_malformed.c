/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Every reader refuses every malformed input of the lists with a message that names the file, the
 * field and the value. Inputs lie in memory of exactly their size, so that a sanitizer sees a read
 * beyond it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/npy.h"
#include "io/safetensors.h"
#include "malformed.h"
#include "problem.h"

enum { DATA_SIZE = 64 };

static void check_message(const malformed *m, const char *label, const char *message)
{
    if (strstr(message, label) == NULL)
        fail_msg("\"%s\": the message lacks \"%s\": %s", m->text, label, message);
    for (int i = 0; i < 2; i++) {
        const char *what = m->says[i];
        assert_non_null(what);
        if (what != NULL && strstr(message, what) == NULL)
            fail_msg("\"%s\": the message lacks \"%s\": %s", m->text, what, message);
    }
}

/* A copy in memory of its own. */
static uint8_t *copy_of(const void *bytes, size_t size)
{
    uint8_t *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    return copy;
}

static void rules_are_refused(void **state)
{
    (void)state;
    for (const malformed *m = MALFORMED_RULES; m->text != NULL; m++) {
        char *text = (char *)copy_of(m->text, strlen(m->text) + 1);
        tskip_rules *rules = NULL;
        const tskip_status status = tskip_rules_parse(text, &rules);
        if (status == TSKIP_OK)
            fail_msg("\"%s\" was taken for rules", m->text);
        assert_int_equal(status, TSKIP_INVALID_ARGUMENT);
        assert_null(rules);
        check_message(m, "", tskip_last_error());
        free(text);
    }
}

static void problems_are_refused(void **state)
{
    (void)state;
    for (const malformed *m = MALFORMED_PROBLEMS; m->text != NULL; m++) {
        char *text = (char *)copy_of(m->text, strlen(m->text) + 1);
        problem p;
        io_error error;
        if (problem_parse(text, &p, &error))
            fail_msg("\"%s\" was taken for a problem", m->text);
        check_message(m, "", error.text);
        free(text);
    }
}

static bool read_safetensors(const void *bytes, size_t size, io_error *error)
{
    st_file *file = NULL;
    uint8_t *copy = copy_of(bytes, size);
    const bool ok = st_open_memory("in.safetensors", copy, size, &file, error);
    st_close(file);
    free(copy);
    return ok;
}

static bool read_npy(const void *bytes, size_t size, io_error *error)
{
    npy_file file;
    uint8_t *copy = copy_of(bytes, size);
    const bool ok = npy_open_memory("in.npy", copy, size, &file, error);
    if (ok)
        npy_close(&file);
    free(copy);
    return ok;
}

/* The reader's prefix, the header, 64 zeros. */
static size_t make_file(uint8_t *to, const void *prefix, size_t prefix_size, const char *header)
{
    const size_t length = strlen(header);
    memcpy(to, prefix, prefix_size);
    memcpy(to + prefix_size, header, length);
    memset(to + prefix_size + length, 0, DATA_SIZE);
    return prefix_size + length + DATA_SIZE;
}

static size_t make_safetensors(uint8_t *to, const char *header)
{
    const uint8_t prefix[8] = {(uint8_t)(strlen(header) & 0xff), (uint8_t)(strlen(header) >> 8)};
    return make_file(to, prefix, sizeof(prefix), header);
}

static size_t make_npy(uint8_t *to, const char *header)
{
    uint8_t prefix[10] = "\x93NUMPY\x01";
    prefix[8] = (uint8_t)(strlen(header) & 0xff);
    prefix[9] = (uint8_t)(strlen(header) >> 8);
    return make_file(to, prefix, sizeof(prefix), header);
}

static void safetensors_headers_are_refused(void **state)
{
    (void)state;
    for (const malformed *m = MALFORMED_SAFETENSORS; m->text != NULL; m++) {
        uint8_t bytes[1024];
        io_error error;
        if (read_safetensors(bytes, make_safetensors(bytes, m->text), &error))
            fail_msg("%s was taken for a header", m->text);
        check_message(m, "in.safetensors", error.text);
    }
}

static void npy_headers_are_refused(void **state)
{
    (void)state;
    for (const malformed *m = MALFORMED_NPY; m->text != NULL; m++) {
        uint8_t bytes[1024];
        io_error error;
        if (read_npy(bytes, make_npy(bytes, m->text), &error))
            fail_msg("%s was taken for a header", m->text);
        check_message(m, "in.npy", error.text);
    }
}

static const char GOOD_ST[] = "{\"q\":{\"dtype\":\"F32\",\"shape\":[16],\"data_offsets\":[0,64]}}";
static const char GOOD_NPY[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 4), }\n";

/* A good file cut off anywhere is refused, and so is one with its lengths changed. */
static void cut_files_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[1024];
    io_error error;
    size_t size = make_safetensors(bytes, GOOD_ST);
    assert_true(read_safetensors(bytes, size, &error));
    for (size_t n = 0; n < size; n++)
        assert_false(read_safetensors(bytes, n, &error));
    for (int i = 0; i < 8; i++) {
        bytes[i] ^= 0x80;
        assert_false(read_safetensors(bytes, size, &error));
        assert_non_null(strstr(error.text, "header"));
        bytes[i] ^= 0x80;
    }
    size = make_npy(bytes, GOOD_NPY);
    assert_true(read_npy(bytes, size, &error));
    for (size_t n = 0; n < size; n++)
        assert_false(read_npy(bytes, n, &error));
    for (int i = 0; i < 10; i++) {
        bytes[i] ^= 0x80;
        assert_false(read_npy(bytes, size, &error));
        bytes[i] ^= 0x80;
    }
}

static size_t count(const malformed *list)
{
    size_t n = 0;
    while (list[n].text != NULL)
        n++;
    return n;
}

static void there_are_many(void **state)
{
    (void)state;
    assert_true(count(MALFORMED_RULES) >= 60);
    assert_true(count(MALFORMED_PROBLEMS) >= 50);
    assert_true(count(MALFORMED_SAFETENSORS) >= 50);
    assert_true(count(MALFORMED_NPY) >= 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_refused),
        cmocka_unit_test(problems_are_refused),
        cmocka_unit_test(safetensors_headers_are_refused),
        cmocka_unit_test(npy_headers_are_refused),
        cmocka_unit_test(cut_files_are_refused),
        cmocka_unit_test(there_are_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
