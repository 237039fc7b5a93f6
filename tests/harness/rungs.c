/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "rungs.h"

#include <string.h>

#include "refused.h"

void rungs_open(rungs *out, uint32_t threads)
{
    tskip_device_info infos[32];
    size_t count;
    *out = (rungs){0};
    assert_done(tskip_device_list(infos, 32, &count));
    for (size_t i = 0; i < count && i < 32; i++) {
        const tskip_device_desc desc = {.name = infos[i].name, .threads = threads};
        if (strncmp(infos[i].name, "cpu:", 4) != 0 || !infos[i].available)
            continue;
        assert_true(out->n < RUNGS_MAX);
        assert_done(tskip_device_open(&desc, &out->devices[out->n]));
        out->n++;
    }
    assert_true(out->n > 0);
}

void rungs_close(rungs *all)
{
    for (size_t i = 0; i < all->n; i++)
        tskip_device_destroy(&all->devices[i]);
    all->n = 0;
}
