/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "standin.h"

#include <stdlib.h>
#include <string.h>

/* MTLCompileOptions. The stand-in computes as safe mathematics does, whatever is set; but what a
 * host forgets to set on a GPU is reported. */

enum { LANGUAGE = 3 << 16 | 1 }; /* the first with bfloat */

typedef struct options {
    standin_object object;
    uint64_t language;
    bool is_safe, has_precise_functions; /* as setMathMode: and its like have it */
    bool is_not_fast;                    /* as setFastMathEnabled: has it */
} options;

/* TSKIP_METAL_MACOS=14: the runtime of a macOS that knows fast mathematics and no mode. */
static bool is_macos_14(void)
{
    const char *version = getenv("TSKIP_METAL_MACOS");
    return version && strcmp(version, "14") == 0;
}

static bool is_lacking(const char *selector)
{
    return is_macos_14() && strncmp(selector, "setMath", 7) == 0;
}

static void set_mode(options *self, standin_sel selector, int64_t mode)
{
    (void)selector;
    self->is_safe = mode == 0;
}

static void set_functions(options *self, standin_sel selector, int64_t functions)
{
    (void)selector;
    self->has_precise_functions = functions == 1;
}

static void set_fast(options *self, standin_sel selector, signed char fast)
{
    if (!is_macos_14())
        standin_report("%s: this runtime has setMathMode:", selector->name);
    self->is_not_fast = !fast;
}

static void set_language(options *self, standin_sel selector, uint64_t version)
{
    (void)selector;
    self->language = version;
}

void standin_check_options(standin_id object)
{
    const options *o = (const options *)object;
    if (!o || (is_macos_14() ? !o->is_not_fast : !o->is_safe || !o->has_precise_functions))
        standin_report("a library with relaxed mathematics: NaN and infinities are assumed away");
    if (!o || o->language < LANGUAGE)
        standin_report("a library whose language version is the system's: bfloat may lack");
}

standin_class standin_options_class = {
    .name = "MTLCompileOptions",
    .size = sizeof(options),
    .can_new = true,
    .is_lacking = is_lacking,
    .messages =
        (const standin_message[]){
            {"setFastMathEnabled:", STANDIN_METHOD(set_fast)},
            {"setMathMode:", STANDIN_METHOD(set_mode)},
            {"setMathFloatingPointFunctions:", STANDIN_METHOD(set_functions)},
            {"setLanguageVersion:", STANDIN_METHOD(set_language)},
            {NULL, NULL},
        },
};
