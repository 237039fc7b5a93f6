/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "cuda_target.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "cuda_cache.h"

enum { MAX_ARCHITECTURES = 64, KEY_SIZE = 96 };

static tskip_status check(const tskip__cuda_api *api, int result, const char *what)
{
    if (result == 0)
        return TSKIP_OK;
    return tskip__fail(TSKIP_COMPILATION_FAILED, "NVRTC, %s: %s", what,
                       api->compiler_error(result));
}

tskip_status tskip__cuda_target_ask(uint32_t capability, tskip__cuda_target *target)
{
    const tskip__cuda_api *api;
    int known[MAX_ARCHITECTURES], n = 0, wanted = (int)(capability / 10), best = 0;
    TSKIP__TRY(tskip__cuda_load_compiler(&api));
    TSKIP__TRY(check(api, api->n_architectures(&n), "number of architectures"));
    if (n > MAX_ARCHITECTURES)
        return tskip__fail(TSKIP_COMPILATION_FAILED,
                           "NVRTC knows %d architectures, expected at most %d", n,
                           MAX_ARCHITECTURES);
    TSKIP__TRY(check(api, api->architectures(known), "architectures"));
    for (int i = 0; i < n; i++)
        if (known[i] <= wanted && known[i] > best)
            best = known[i];
    if (best == 0)
        return tskip__fail(TSKIP_COMPILATION_FAILED,
                           "NVRTC %d.%d knows no architecture at or below sm_%d",
                           api->compiler_major, api->compiler_minor, wanted);
    *target = (tskip__cuda_target){.major = api->compiler_major, .minor = api->compiler_minor};
    (void)snprintf(target->architecture, sizeof target->architecture, "%s_%d%s",
                   best == wanted ? "sm" : "compute", best,
                   best == wanted && best == 90 ? "a" : "");
    return TSKIP_OK;
}

static void write_key(uint32_t capability, char key[KEY_SIZE])
{
    (void)snprintf(key, KEY_SIZE, "target of %" PRIu32 " tileskip=%s", capability, tskip_version());
}

static bool recall(uint32_t capability, tskip__cuda_target *target)
{
    char key[KEY_SIZE], *text;
    size_t size;
    write_key(capability, key);
    if (!tskip__cuda_cache_load(key, &text, &size))
        return false;
    bool good = size == sizeof *target && text[size - 1] == '\0';
    if (good)
        memcpy(target, text, sizeof *target);
    tskip__free(text, size);
    return good;
}

tskip_status tskip__cuda_target_find(uint32_t capability, tskip__cuda_target *target)
{
    return recall(capability, target) ? TSKIP_OK : tskip__cuda_target_ask(capability, target);
}

void tskip__cuda_target_keep(uint32_t capability, const tskip__cuda_target *target)
{
    char key[KEY_SIZE];
    write_key(capability, key);
    (void)tskip__cuda_cache_store(key, (const char *)target, sizeof *target);
}

bool tskip__cuda_target_equal(const tskip__cuda_target *a, const tskip__cuda_target *b)
{
    return a->major == b->major && a->minor == b->minor &&
           strcmp(a->architecture, b->architecture) == 0;
}
