/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_CASES = 128 };

static const conformance_target *target;

bool conformance_failed(conformance *c, const char *file, int line, const char *what)
{
    const char *name = strrchr(file, '/');
    (void)snprintf(c->failure, sizeof c->failure, "%s:%d: %s (last error: %.512s)",
                   name ? name + 1 : file, line, what, tskip_last_error());
    return false;
}

bool conformance_buffer(conformance *c, uint64_t size, tskip_buffer **out)
{
    CHECK(c->n_buffers < CONFORMANCE_MAX_OBJECTS);
    CHECK_STATUS(OK, tskip_buffer_create(c->device, size, &c->buffers[c->n_buffers]));
    *out = c->buffers[c->n_buffers++];
    return true;
}

bool conformance_view(conformance *c, tskip_buffer *parent, uint64_t offset, uint64_t size,
                      tskip_buffer **out)
{
    CHECK(c->n_buffers < CONFORMANCE_MAX_OBJECTS);
    CHECK_STATUS(OK, tskip_buffer_view(parent, offset, size, &c->buffers[c->n_buffers]));
    *out = c->buffers[c->n_buffers++];
    return true;
}

bool conformance_encoder(conformance *c, tskip_encoder **out)
{
    CHECK(c->n_encoders < CONFORMANCE_MAX_OBJECTS);
    CHECK_STATUS(OK, tskip_encoder_create(c->device, NULL, &c->encoders[c->n_encoders]));
    *out = c->encoders[c->n_encoders++];
    return true;
}

bool conformance_device(conformance *c, const tskip_device_desc *desc, tskip_device **out)
{
    CHECK(c->n_devices < CONFORMANCE_MAX_OBJECTS);
    CHECK_STATUS(OK, tskip_device_open(desc, &c->devices[c->n_devices]));
    *out = c->devices[c->n_devices++];
    return true;
}

bool conformance_kernel(conformance *c, const tskip_kernel_desc *desc,
                        const tskip_constant *constants, size_t n_constants,
                        const tskip_kernel **out)
{
    CHECK_STATUS(OK, tskip_kernel_register(c->device, desc));
    CHECK_STATUS(OK, tskip_kernel_get(c->device, desc->name, constants, n_constants, out));
    return true;
}

bool conformance_finish(conformance *c, tskip_encoder *encoder)
{
    CHECK_STATUS(OK, tskip_encoder_submit(encoder));
    CHECK_STATUS(OK, tskip_encoder_wait(encoder));
    return true;
}

static bool run(const conformance_case *it, conformance *c)
{
    bool passed = conformance_device(c, &target->device, &c->device);
    if (passed) {
        c->info = tskip_device_get_info(c->device);
        passed = it->run(c);
    }
    for (size_t i = 0; i < c->n_encoders; i++)
        tskip_encoder_destroy(&c->encoders[i]);
    for (size_t i = 0; i < c->n_buffers; i++)
        tskip_buffer_destroy(&c->buffers[i]);
    for (size_t i = 0; i < c->n_devices; i++)
        tskip_device_destroy(&c->devices[i]);
    return passed;
}

static const conformance_exception *exception_for(const char *name)
{
    for (const conformance_exception *e = target->exceptions; e && e->name; e++)
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}

static void run_case(void **state)
{
    const conformance_case *it = *state;
    const conformance_exception *exception = exception_for(it->name);
    if (exception && exception->claim == CONFORMANCE_NEVER) {
        print_message("never: %s\n", exception->why);
        skip();
    }
    conformance c = {0};
    bool passed = run(it, &c);
    if (!exception && !passed)
        fail_msg("%s", c.failure);
    if (exception && passed)
        fail_msg("listed as not yet (%s) and passes: take it off the list", exception->why);
    if (exception)
        print_message("not yet: %s\n", exception->why);
}

/* A name that is no case's would hide nothing and say nothing. */
static void run_names(void **state)
{
    const struct CMUnitTest *cases = *state;
    for (const conformance_exception *e = target->exceptions; e && e->name; e++) {
        const struct CMUnitTest *it = cases;
        while (it->name && strcmp(it->name, e->name) != 0)
            it++;
        if (!it->name)
            fail_msg("exception \"%s\" is no case's name", e->name);
    }
}

int conformance_main(const conformance_target *of)
{
    static const conformance_case *const lists[] = {
        conformance_device_cases,  conformance_buffer_cases, conformance_kernel_cases,
        conformance_encoder_cases, conformance_order_cases,
    };
    static struct CMUnitTest tests[MAX_CASES];
    target = of;
    size_t n = 0;
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++)
        for (const conformance_case *it = lists[l]; it->name && n < MAX_CASES - 2; it++)
            tests[n++] = (struct CMUnitTest){
                .name = it->name, .test_func = run_case, .initial_state = (void *)(uintptr_t)it};
    tests[n + 1] = (struct CMUnitTest){
        .name = "exceptions_name_cases", .test_func = run_names, .initial_state = tests};

    tskip_device *device;
    tskip_status status = tskip_device_open(&of->device, &device);
    if (status == TSKIP_DEVICE_NOT_FOUND) {
        print_message("%s\n", tskip_last_error());
        return CONFORMANCE_NO_DEVICE;
    }
    tskip_device_destroy(&device);
    int failed = _cmocka_run_group_tests(of->name, tests, n, NULL, NULL);
    return failed + _cmocka_run_group_tests("exceptions", &tests[n + 1], 1, NULL, NULL);
}
