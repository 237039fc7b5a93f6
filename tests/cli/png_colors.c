/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* png_colors FILE RRGGBB…: prints the picture's width and height, then how many pixels have each
 * colour. */

#include <png.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (argc < 2 || !png_image_begin_read_from_file(&image, argv[1])) {
        fprintf(stderr, "png_colors: %s\n", argc < 2 ? "no file" : image.message);
        return 1;
    }
    image.format = PNG_FORMAT_RGB;
    unsigned char *rgb = malloc(PNG_IMAGE_SIZE(image));
    if (rgb == NULL || !png_image_finish_read(&image, NULL, rgb, 0, NULL)) {
        fprintf(stderr, "png_colors: %s\n", image.message);
        return 1;
    }
    const size_t n = (size_t)image.width * image.height;
    printf("%u %u", image.width, image.height);
    for (int i = 2; i < argc; i++) {
        const unsigned long color = strtoul(argv[i], NULL, 16);
        size_t count = 0;
        for (size_t p = 0; p < n; p++) {
            const unsigned char *c = &rgb[3 * p];
            count += ((unsigned long)c[0] << 16 | (unsigned long)c[1] << 8 | c[2]) == color;
        }
        printf(" %zu", count);
    }
    putchar('\n');
    free(rgb);
    return 0;
}
