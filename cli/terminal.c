/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

terminal_size terminal_size_of(FILE *stream)
{
    struct winsize size = {0};
    if (!isatty(fileno(stream)))
        return (terminal_size){0};
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0)
        size = (struct winsize){0};
    return (terminal_size){size.ws_col > 0 ? size.ws_col : 80, size.ws_row > 0 ? size.ws_row : 24};
}
