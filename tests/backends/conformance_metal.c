/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "conformance.h"

static const conformance_exception exceptions[] = {
    {"buffer_import_of_host_memory", CONFORMANCE_NEVER,
     "it imports id<MTLBuffer>; host memory has a call of its own"},
    {0},
};

int main(void)
{
    const conformance_target target = {
        .name = "metal", .device = {.name = "metal:0"}, .exceptions = exceptions};
    return conformance_main(&target);
}
