/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "conformance.h"

static const conformance_exception exceptions[] = {
    {"buffer_is_aligned", CONFORMANCE_NEVER, "it maps a buffer; device memory is not the host's"},
    {"buffer_import_of_host_memory", CONFORMANCE_NEVER, "it imports device pointers only"},
    {0},
};

int main(void)
{
    const conformance_target target = {
        .name = "cuda", .device = {.name = "cuda:0"}, .exceptions = exceptions};
    return conformance_main(&target);
}
