/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "gate_case.h"

#include "harness/refused.h"

#include <io/element.h>

#define MAX_RUNGS 16

static struct {
    check_device rungs[MAX_RUNGS];
    size_t n;
} all;

void gate_open(void)
{
    tskip_device_info infos[32];
    size_t count;
    assert_done(tskip_device_list(infos, 32, &count));
    for (size_t i = 0; i < count && i < 32; i++) {
        io_error error;
        if (strncmp(infos[i].name, "cpu:", 4) != 0 || !infos[i].available)
            continue;
        assert_true(all.n < MAX_RUNGS);
        if (!check_device_open(infos[i].name, &all.rungs[all.n], &error))
            fail_msg("%s", error.text);
        all.n++;
    }
    assert_true(all.n > 0);
}

void gate_close(void)
{
    for (size_t i = 0; i < all.n; i++)
        check_device_close(&all.rungs[i]);
    all.n = 0;
}

void gate_set(const guarded *memory, tskip_dtype dtype, int64_t i, float value)
{
    io_store(memory->data, dtype, (size_t)i, value);
}

void gate_check(const char *text, gate_change change, int64_t which)
{
    io_error error;
    problem p;
    problem_data data;
    witness w = {0};
    check_result result;
    if (!problem_parse(text, &p, &error))
        fail_msg("%s", error.text);
    if (!problem_data_create(&p, &data, &error))
        fail_msg("%s: %s", text, error.text);
    if (change)
        change(&data, &p, which);
    if (!witness_create(&data, 1, &w, &error))
        fail_msg("%s: %s", text, error.text);
    for (size_t i = 0; i < all.n; i++)
        if (!check_run(&all.rungs[i], &data, &w, &result, &error))
            fail_msg("%s, variation %lld, on %s: %s", text, (long long)which, all.rungs[i].name,
                     error.text);
    witness_release(&w);
    problem_data_release(&data);
}
