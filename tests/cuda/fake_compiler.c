/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "fake_cuda.h"

#include <stddef.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT fake_cuda fake_compiler_state;

static fake_cuda *const f = &fake_compiler_state;
static char thing;
static const char CODE[] = "machine code", LOG[] = "line 1: not a kernel";

#define CALL(name, ...)                                                                            \
    EXPORT int name(__VA_ARGS__);                                                                  \
    EXPORT int name(__VA_ARGS__)

EXPORT const char *nvrtcGetErrorString(int error);
EXPORT const char *nvrtcGetErrorString(int error)
{
    return error ? "NVRTC_ERROR_COMPILATION" : "NVRTC_SUCCESS";
}

CALL(nvrtcVersion, int *major, int *minor)
{
    *major = 13;
    *minor = 0;
    return 0;
}

CALL(nvrtcGetNumSupportedArchs, int *n)
{
    f->n_asked++;
    *n = 2;
    return 0;
}

CALL(nvrtcGetSupportedArchs, int *list)
{
    list[0] = 80;
    list[1] = f->newest ? f->newest : 90;
    return 0;
}

CALL(nvrtcCreateProgram, void **program, const char *text, const char *name, int n,
     const char *const *headers, const char *const *names)
{
    *program = &thing;
    return !text || !name || n != 0 || headers || names;
}

CALL(nvrtcDestroyProgram, void **program)
{
    *program = NULL;
    return 0;
}

CALL(nvrtcCompileProgram, void *program, int n, const char *const *options)
{
    f->n_compiles++;
    for (int i = 0; i < n; i++)
        if (strlen(options[i]) < 3)
            return 5;
    strncpy(f->architecture, n > 0 ? options[0] : "", sizeof f->architecture - 1);
    return program == NULL ? 5 : f->compile_result;
}

CALL(nvrtcGetProgramLogSize, void *program, size_t *size)
{
    *size = sizeof LOG;
    return program == NULL;
}

CALL(nvrtcGetProgramLog, void *program, char *log)
{
    memcpy(log, LOG, sizeof LOG);
    return program == NULL;
}

CALL(nvrtcGetCUBINSize, void *program, size_t *size)
{
    *size = sizeof CODE;
    return program == NULL;
}

CALL(nvrtcGetCUBIN, void *program, char *code)
{
    memcpy(code, CODE, sizeof CODE);
    return program == NULL;
}

CALL(nvrtcGetPTXSize, void *program, size_t *size)
{
    return nvrtcGetCUBINSize(program, size);
}

CALL(nvrtcGetPTX, void *program, char *code)
{
    return nvrtcGetCUBIN(program, code);
}
