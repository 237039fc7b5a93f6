/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "conformance.h"

int main(void)
{
    const conformance_target target = {.name = "cuda", .device = {.name = "cuda:0"}};
    return conformance_main(&target);
}
