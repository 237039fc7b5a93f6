/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backends/cuda/cuda_cache.h"
#include "base/alloc.h"

/* The cache of compiled kernels on disk, in a folder of its own. */

static const char KEY[] = "scale[width=64] sm_90a text=0123 nvrtc=13.0";
static const char CODE[] = "\177ELF not really, but long enough to be damaged in the middle";
static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tileskip-cache-XXXXXX");
    return mkdtemp(folder) == NULL || setenv("XDG_CACHE_HOME", folder, 1) != 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static bool holds(const char *key, const char *code, size_t size)
{
    char *found;
    size_t n;
    if (!tskip__cuda_cache_load(key, &found, &n))
        return false;
    bool same = n == size && memcmp(found, code, size) == 0;
    tskip__free(found, n);
    return same;
}

/* The entry's bytes; the caller's to free. */
static char *read_entry(size_t *size)
{
    char path[1024], *bytes = malloc(4096);
    assert_non_null(bytes);
    assert_true(tskip__cuda_cache_path(KEY, path, sizeof path));
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    *size = fread(bytes, 1, 4096, file);
    fclose(file);
    return bytes;
}

static void write_entry(const char *key, const char *bytes, size_t size)
{
    char path[1024];
    assert_true(tskip__cuda_cache_path(key, path, sizeof path));
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void test_round_trip(void **state)
{
    (void)state;
    assert_false(holds(KEY, CODE, sizeof CODE));
    assert_true(tskip__cuda_cache_store(KEY, CODE, sizeof CODE));
    assert_true(holds(KEY, CODE, sizeof CODE));
    assert_true(tskip__cuda_cache_store(KEY, "newer", 5));
    assert_true(holds(KEY, "newer", 5));
    assert_false(holds("scale[width=64] sm_80", CODE, sizeof CODE));
}

/* Every byte of an entry in turn: none may be handed out damaged. */
static void test_damaged_bytes(void **state)
{
    (void)state;
    size_t size;
    assert_true(tskip__cuda_cache_store(KEY, CODE, sizeof CODE));
    char *bytes = read_entry(&size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x10;
        write_entry(KEY, bytes, size);
        assert_false(holds(KEY, CODE, sizeof CODE));
        bytes[i] ^= 0x10;
    }
    write_entry(KEY, bytes, size);
    assert_true(holds(KEY, CODE, sizeof CODE));
    free(bytes);
}

static void test_cut_and_longer(void **state)
{
    (void)state;
    size_t size;
    assert_true(tskip__cuda_cache_store(KEY, CODE, sizeof CODE));
    char *bytes = read_entry(&size);
    for (size_t i = 0; i < size; i++) {
        write_entry(KEY, bytes, i);
        assert_false(holds(KEY, CODE, sizeof CODE));
    }
    write_entry(KEY, bytes, size + 1);
    assert_false(holds(KEY, CODE, sizeof CODE));
    assert_true(tskip__cuda_cache_store(KEY, CODE, sizeof CODE)); /* is replaced */
    assert_true(holds(KEY, CODE, sizeof CODE));
    free(bytes);
}

/* A whole entry of another key under this one's name, as after a collision or a copied folder. */
static void test_foreign(void **state)
{
    (void)state;
    size_t size;
    static const char OTHER[] = "scale[width=64] sm_90a text=9999 nvrtc=13.0";
    assert_true(tskip__cuda_cache_store(KEY, CODE, sizeof CODE));
    char *bytes = read_entry(&size);
    write_entry(OTHER, bytes, size);
    assert_false(holds(OTHER, CODE, sizeof CODE));
    free(bytes);
}

static void test_no_folder(void **state)
{
    (void)state;
    char path[1024];
    setenv("XDG_CACHE_HOME", "/proc/none", 1);
    assert_false(tskip__cuda_cache_store(KEY, CODE, sizeof CODE));
    assert_false(holds(KEY, CODE, sizeof CODE));
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", "", 1);
    assert_false(tskip__cuda_cache_path(KEY, path, sizeof path));
    assert_false(tskip__cuda_cache_store(KEY, CODE, sizeof CODE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_damaged_bytes),
        cmocka_unit_test(test_cut_and_longer), cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_no_folder),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
