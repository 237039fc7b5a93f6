/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "file_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool io_bytes_open(const char *path, io_bytes *out, io_error *error)
{
    *out = (io_bytes){0};
    const int file = open(path, O_RDONLY | O_CLOEXEC);
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

bool io_bytes_write(const char *path, const io_piece *pieces, size_t n_pieces, io_error *error)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return io_fail(error, "%s: cannot write: %s", path, strerror(errno));
    bool ok = true;
    int reason = 0;
    for (size_t i = 0; i < n_pieces && ok; i++) {
        ok = fwrite(pieces[i].data, 1, pieces[i].size, file) == pieces[i].size;
        reason = errno;
    }
    if (fclose(file) != 0 && ok) {
        ok = false;
        reason = errno;
    }
    if (ok)
        return true;
    unlink(path);
    return io_fail(error, "%s: cannot write: %s", path, strerror(reason));
}
