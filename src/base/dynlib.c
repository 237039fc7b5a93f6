/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "dynlib.h"

#include <dlfcn.h>
#include <string.h>

#include "status.h"

tskip__dynlib *tskip__dynlib_open(const char *const *names)
{
    for (const char *const *name = names; *name; name++) {
        void *handle = dlopen(*name, RTLD_NOW | RTLD_LOCAL);
        if (handle)
            return handle;
        if (name == names) {
            const char *why = dlerror();
            tskip__fail(TSKIP_DEVICE_NOT_FOUND, "%s does not load: %s", *name, why ? why : "?");
        }
    }
    return NULL;
}

bool tskip__dynlib_symbol(tskip__dynlib *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol); /* ISO C has no cast from object to function */
    return symbol != NULL;
}
