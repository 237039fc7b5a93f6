/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <png.h>
#include <stdlib.h>

#include "canvas.h"
#include "file_bytes.h"

bool canvas_write_png(const io_canvas *canvas, const char *path, io_error *error)
{
    png_image image = {
        .version = PNG_IMAGE_VERSION,
        .width = canvas->width,
        .height = canvas->height,
        .format = PNG_FORMAT_RGB,
    };
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    void *bytes = malloc(size);
    bool ok = bytes != NULL;
    if (!ok)
        io_fail(error, "%s: out of memory for the picture", path);
    else if (!png_image_write_to_memory(&image, bytes, &size, 0, canvas->rgb, 0, NULL))
        ok = io_fail(error, "%s: cannot make the picture: %s", path, image.message);
    else
        ok = io_bytes_write(path, &(io_piece){bytes, size}, 1, error);
    free(bytes);
    return ok;
}
