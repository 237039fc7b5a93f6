/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <errno.h>
#include <png.h>
#include <string.h>
#include <unistd.h>

#include "canvas.h"

bool canvas_write_png(const io_canvas *canvas, const char *path, io_error *error)
{
    png_image image = {
        .version = PNG_IMAGE_VERSION,
        .width = canvas->width,
        .height = canvas->height,
        .format = PNG_FORMAT_RGB,
    };
    errno = 0;
    if (png_image_write_to_file(&image, path, 0, canvas->rgb, 0, NULL))
        return true;
    const int reason = errno;
    unlink(path);
    return io_fail(error, "%s: cannot write the picture: %s", path,
                   reason != 0 ? strerror(reason) : image.message);
}
