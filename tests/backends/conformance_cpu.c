/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "conformance.h"

/* A caller's pool that spreads nothing and starts from the end. */
static void backwards(void *user, uint32_t n_tasks, tskip_task_fn task, void *context)
{
    (void)user;
    for (uint32_t i = n_tasks; i > 0; i--)
        task(context, i - 1);
}

int main(void)
{
    const conformance_target targets[] = {
        {.name = "cpu, 1 thread", .device = {.name = "cpu", .threads = 1}},
        {.name = "cpu, 5 threads", .device = {.name = "cpu", .threads = 5}},
        {.name = "cpu, the caller's pool",
         .device = {.name = "cpu", .threads = 3, .parallel_for = backwards}},
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        failed += conformance_main(&targets[i]);
    return failed;
}
