/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "file_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool io_bytes_open(const char *path, io_bytes *out, io_error *error)
{
    *out = (io_bytes){0};
    const int file =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is refused, not waited for */
    if (file < 0)
        return io_fail(error, "%s: cannot open: %s", path, strerror(errno));
    bool ok = false;
    struct stat info;
    if (fstat(file, &info) != 0) {
        io_fail(error, "%s: cannot look at: %s", path, strerror(errno));
    } else if (!S_ISREG(info.st_mode)) {
        io_fail(error, "%s: is not a regular file", path);
    } else if (info.st_size == 0) {
        ok = true;
    } else if ((uintmax_t)info.st_size > SIZE_MAX) {
        io_fail(error, "%s: is too large for this machine", path);
    } else {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (data == MAP_FAILED) {
            io_fail(error, "%s: cannot map: %s", path, strerror(errno));
        } else {
            *out = (io_bytes){data, (size_t)info.st_size};
            ok = true;
        }
    }
    close(file);
    return ok;
}

void io_bytes_release(io_bytes *bytes)
{
    if (bytes->data != NULL)
        munmap((void *)(uintptr_t)bytes->data, bytes->size);
    *bytes = (io_bytes){0};
}

static bool write_pieces(int file, const io_piece *pieces, size_t n_pieces)
{
    for (size_t i = 0; i < n_pieces; i++) {
        const uint8_t *data = pieces[i].data;
        for (size_t done = 0; done < pieces[i].size;) {
            const ssize_t n = write(file, data + done, pieces[i].size - done);
            if (n < 0 && errno != EINTR)
                return false;
            done += n > 0 ? (size_t)n : 0;
        }
    }
    return true;
}

/* Opens, writes and closes; errno says why it failed. */
static bool write_file(const char *path, int flags, const io_piece *pieces, size_t n_pieces)
{
    const int file = open(path, O_WRONLY | O_CLOEXEC | flags, 0666);
    if (file < 0)
        return false;
    const bool written = write_pieces(file, pieces, n_pieces);
    const int reason = errno;
    if (close(file) != 0 && written)
        return false;
    errno = reason;
    return written;
}

/* Beside `path` first, so that what was there stays until all is written. */
static bool replace_file(const char *path, const io_piece *pieces, size_t n_pieces)
{
    const size_t capacity = strlen(path) + 32;
    char *draft = malloc(capacity);
    if (draft == NULL)
        return false;
    snprintf(draft, capacity, "%s.%ld.part", path, (long)getpid());
    const bool ok =
        write_file(draft, O_CREAT | O_TRUNC, pieces, n_pieces) && rename(draft, path) == 0;
    if (!ok) {
        const int reason = errno;
        unlink(draft);
        errno = reason;
    }
    free(draft);
    return ok;
}

bool io_bytes_write(const char *path, const io_piece *pieces, size_t n_pieces, io_error *error)
{
    struct stat info;
    char *target = realpath(path, NULL); /* a link keeps pointing where it did */
    const char *name = target != NULL ? target : path;
    const bool is_device = stat(name, &info) == 0 && !S_ISREG(info.st_mode);
    const bool ok =
        is_device ? write_file(name, 0, pieces, n_pieces) : replace_file(name, pieces, n_pieces);
    if (!ok)
        io_fail(error, "%s: cannot write: %s", path, strerror(errno));
    free(target);
    return ok;
}
