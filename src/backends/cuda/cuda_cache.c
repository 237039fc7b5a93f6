/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "cuda_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

enum { PATH_SIZE = 1024, LARGEST = 64 << 20 };

typedef struct header {
    char magic[8];
    uint64_t key_size, code_size, hash;
} header;

static const char MAGIC[8] = {'t', 's', 'k', 'i', 'p', 'c', 'u', '1'};

uint64_t tskip__hash(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
    return hash;
}

static bool find_folder(char *path, size_t capacity)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = -1;
    if (xdg && *xdg == '/')
        n = snprintf(path, capacity, "%s/tileskip/cuda", xdg);
    else if (home && *home == '/')
        n = snprintf(path, capacity, "%s/.cache/tileskip/cuda", home);
    return n > 0 && (size_t)n < capacity;
}

bool tskip__cuda_cache_path(const char *key, char *path, size_t capacity)
{
    if (!find_folder(path, capacity))
        return false;
    size_t used = strlen(path), rest = capacity - used, length = strlen(key);
    uint64_t first = tskip__hash(TSKIP__HASH_BEGIN, key, length);
    int n = snprintf(path + used, rest, "/%016" PRIx64 "%016" PRIx64, first,
                     tskip__hash(first ^ length, key, length));
    return n > 0 && (size_t)n < rest;
}

static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
}

static bool read_all(int file, void *to, size_t size)
{
    for (char *at = to; size > 0;) {
        ssize_t n = read(file, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static bool write_all(int file, const void *from, size_t size)
{
    for (const char *at = from; size > 0;) {
        ssize_t n = write(file, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static header head_of(const char *key, const char *code, size_t size)
{
    header h = {.key_size = strlen(key), .code_size = size};
    memcpy(h.magic, MAGIC, sizeof MAGIC);
    h.hash = tskip__hash(tskip__hash(TSKIP__HASH_BEGIN, key, h.key_size), code, size);
    return h;
}

/* Reads what follows the header and keeps it if all of it is as the header and the key say. */
static bool read_entry(int file, const char *key, char **code, size_t *size)
{
    struct stat stat;
    header found;
    size_t key_size = strlen(key);
    if (fstat(file, &stat) != 0 || !read_all(file, &found, sizeof found) ||
        memcmp(found.magic, MAGIC, sizeof MAGIC) != 0 || found.key_size != key_size ||
        found.code_size == 0 || found.code_size > LARGEST ||
        (uint64_t)stat.st_size != sizeof found + found.key_size + found.code_size)
        return false;
    size_t bytes = key_size + (size_t)found.code_size;
    char *all = tskip__alloc(bytes, "an entry of the cache");
    char *out = all ? tskip__alloc((size_t)found.code_size, "a kernel's code") : NULL;
    bool good = out && read_all(file, all, bytes) && memcmp(all, key, key_size) == 0;
    if (good) {
        header wanted = head_of(key, all + key_size, (size_t)found.code_size);
        good = wanted.hash == found.hash;
    }
    if (good) {
        memcpy(out, all + key_size, (size_t)found.code_size);
        *code = out;
        *size = (size_t)found.code_size;
    } else {
        tskip__free(out, (size_t)found.code_size);
    }
    tskip__free(all, bytes);
    return good;
}

bool tskip__cuda_cache_load(const char *key, char **code, size_t *size)
{
    char path[PATH_SIZE];
    if (!tskip__cuda_cache_path(key, path, sizeof path))
        return false;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool good = read_entry(file, key, code, size);
    (void)close(file);
    return good;
}

bool tskip__cuda_cache_store(const char *key, const char *code, size_t size)
{
    static _Atomic unsigned counter;
    char path[PATH_SIZE], temporary[PATH_SIZE + 48];
    if (size == 0 || size > LARGEST || !tskip__cuda_cache_path(key, path, sizeof path))
        return false;
    make_folders(path);
    (void)snprintf(temporary, sizeof temporary, "%s.%ld.%u", path, (long)getpid(),
                   atomic_fetch_add(&counter, 1));
    int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return false;
    header h = head_of(key, code, size);
    bool good = write_all(file, &h, sizeof h) && write_all(file, key, strlen(key)) &&
                write_all(file, code, size);
    good = close(file) == 0 && good;
    good = good && rename(temporary, path) == 0;
    if (!good)
        (void)unlink(temporary);
    return good;
}
