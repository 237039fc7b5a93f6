/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "metal_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/dynlib.h"
#include "base/status.h"
#include "base/thread.h"

static tskip__metal_api api;
static tskip__once once = TSKIP__ONCE_INIT;
static tskip_status outcome;
static char outcome_text[256];

typedef struct symbol {
    const char *name;
    void *function; /* address of the pointer to fill */
} symbol;

/* `usual` where no library stands in for it. */
static tskip_status open_library(const char *usual, tskip__dynlib **out)
{
    const char *stand_in = getenv("TSKIP_METAL_LIBRARY");
    const char *const names[] = {stand_in ? stand_in : usual, NULL};
    *out = tskip__dynlib_open(names);
    if (*out)
        return TSKIP_OK;
    return tskip__fail(TSKIP_DEVICE_NOT_FOUND, "no Metal here (%.160s)", names[0]);
}

static tskip_status load_symbols(const char *usual, const symbol *symbols, size_t n)
{
    tskip__dynlib *library;
    TSKIP__TRY(open_library(usual, &library));
    for (size_t i = 0; i < n; i++)
        if (!tskip__dynlib_symbol(library, symbols[i].name, symbols[i].function))
            return tskip__fail(TSKIP_DEVICE_NOT_FOUND, "Metal is too old: it lacks %s",
                               symbols[i].name);
    return TSKIP_OK;
}

static tskip_status load_functions(void)
{
    void (*send)(void);
    const symbol runtime[] = {
#define OBJC(member, symbol, result, arguments) {symbol, &api.member},
#define METAL(member, symbol, result, arguments)
#include "metal_symbols.def"
#undef OBJC
#undef METAL
        {"objc_msgSend", &send},
    };
    const symbol metal[] = {
#define OBJC(member, symbol, result, arguments)
#define METAL(member, symbol, result, arguments) {symbol, &api.member},
#include "metal_symbols.def"
#undef OBJC
#undef METAL
    };
    TSKIP__TRY(load_symbols("/System/Library/Frameworks/Metal.framework/Metal", metal,
                            sizeof metal / sizeof metal[0]));
    TSKIP__TRY(
        load_symbols("/usr/lib/libobjc.A.dylib", runtime, sizeof runtime / sizeof runtime[0]));
#define MESSAGE(member, selector, result, arguments)                                               \
    api.messages.member.name = api.get_selector(selector);                                         \
    api.messages.member.send = (result(*) arguments)send;
#include "metal_messages.def"
#undef MESSAGE
    return TSKIP_OK;
}

static tskip_status find_class(const char *name, tskip__id *out)
{
    *out = api.get_class(name);
    return *out ? TSKIP_OK
                : tskip__fail(TSKIP_DEVICE_NOT_FOUND, "Metal is too old: no class %s", name);
}

static tskip_status load(void)
{
    tskip__dynlib *needed;
    TSKIP__TRY(load_functions());
    TSKIP__TRY(open_library("/System/Library/Frameworks/Foundation.framework/Foundation", &needed));
    /* without it a program that has no window gets no default device */
    TSKIP__TRY(
        open_library("/System/Library/Frameworks/CoreGraphics.framework/CoreGraphics", &needed));
    TSKIP__TRY(find_class("NSString", &api.string));
    TSKIP__TRY(find_class("MTLCompileOptions", &api.compile_options));
    return find_class("MTLFunctionConstantValues", &api.constant_values);
}

static void load_once(void)
{
    outcome = load();
    if (outcome != TSKIP_OK)
        (void)snprintf(outcome_text, sizeof outcome_text, "%.255s", tskip_last_error());
}

tskip_status tskip__metal_load(const tskip__metal_api **out)
{
    *out = &api;
    tskip__once_run(&once, load_once);
    return outcome == TSKIP_OK ? TSKIP_OK : tskip__fail(outcome, "%s", outcome_text);
}

tskip_status tskip__metal_fail(const tskip__metal_api *metal, tskip_status status, const char *what,
                               tskip__id error)
{
    tskip__id text = TSKIP__ASK(metal, error_text, error);
    const char *utf8 = TSKIP__ASK(metal, utf8, text);
    return tskip__fail(status, "%s: %s", what, utf8 ? utf8 : "Metal gives no reason");
}
