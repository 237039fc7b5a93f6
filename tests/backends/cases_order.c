/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "conformance.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

/* What comes before what: barriers, submits, waits, resets, and several encoders at once. */

enum { WIDTH = CONFORMANCE_WIDTH, N = 1000 };

typedef struct chain {
    const tskip_kernel *increment;
    tskip_buffer *buffer;
    tskip_encoder *encoder;
} chain;

static bool chain_begin(conformance *c, chain *it)
{
    return conformance_kernel(c, &conformance_increment, NULL, 0, &it->increment) &&
           conformance_buffer(c, N * 4, &it->buffer) && conformance_encoder(c, &it->encoder);
}

/* Adds: set all to `start`, then `steps` times add one, each after a barrier. */
static tskip_status chain_encode(const chain *it, uint32_t start, int steps)
{
    const uint32_t grid[3] = {(N + WIDTH - 1) / WIDTH, 1, 1};
    const struct conformance_length args = {N};
    const tskip_binding bindings[] = {{.buffer = it->buffer, .access = TSKIP_READ},
                                      {.buffer = it->buffer, .access = TSKIP_WRITE}};
    tskip_status status = tskip_encoder_fill(it->encoder, it->buffer, 0, N * 4, start);
    for (int i = 0; i < steps && status == TSKIP_OK; i++) {
        status = tskip_encoder_barrier(it->encoder);
        if (status == TSKIP_OK)
            status = tskip_encoder_dispatch(it->encoder, it->increment, grid, bindings, 2, &args,
                                            sizeof args);
    }
    return status;
}

static bool chain_holds(conformance *c, const chain *it, uint32_t value)
{
    uint32_t words[N];
    CHECK_STATUS(OK, tskip_buffer_read(it->buffer, 0, words, sizeof words));
    for (int i = 0; i < N; i++)
        CHECK(words[i] == value);
    return true;
}

static bool barriers_order_a_long_chain(conformance *c)
{
    chain it;
    if (!chain_begin(c, &it))
        return false;
    CHECK_STATUS(OK, chain_encode(&it, 7, 1500));
    return conformance_finish(c, it.encoder) && chain_holds(c, &it, 1507);
}

static bool nothing_runs_before_submit(conformance *c)
{
    chain it, dropped;
    if (!chain_begin(c, &it) || !chain_begin(c, &dropped))
        return false;
    CHECK_STATUS(OK, chain_encode(&it, 1, 0));
    if (!conformance_finish(c, it.encoder))
        return false;
    dropped.buffer = it.buffer;
    CHECK_STATUS(OK, chain_encode(&dropped, 100, 3));
    tskip_encoder_destroy(&c->encoders[1]);
    return chain_holds(c, &it, 1);
}

static bool reset_makes_it_writable(conformance *c)
{
    chain it;
    if (!chain_begin(c, &it))
        return false;
    for (uint32_t round = 0; round < 5; round++) {
        CHECK_STATUS(OK, chain_encode(&it, round, 4));
        CHECK_STATUS(OK, tskip_encoder_submit(it.encoder));
        CHECK_STATUS(INVALID_ARGUMENT, tskip_encoder_barrier(it.encoder));
        CHECK_STATUS(OK, tskip_encoder_reset(it.encoder)); /* waits */
        if (!chain_holds(c, &it, round + 4))
            return false;
    }
    return true;
}

/* What was submitted before, and what was written and not submitted, does not run again. */
static bool reset_empties_the_list(conformance *c)
{
    chain it, other;
    if (!chain_begin(c, &it) || !chain_begin(c, &other))
        return false;
    CHECK_STATUS(OK, chain_encode(&it, 1, 1));
    if (!conformance_finish(c, it.encoder))
        return false;
    CHECK_STATUS(OK, tskip_encoder_reset(it.encoder));
    CHECK_STATUS(OK, chain_encode(&it, 500, 1));
    CHECK_STATUS(OK, tskip_encoder_reset(it.encoder));
    CHECK_STATUS(OK, tskip_encoder_fill(it.encoder, other.buffer, 0, N * 4, 77));
    const uint32_t zero[N] = {0};
    CHECK_STATUS(OK, tskip_buffer_write(it.buffer, 0, zero, sizeof zero));
    return conformance_finish(c, it.encoder) && chain_holds(c, &it, 0) &&
           chain_holds(c, &other, 77);
}

static bool empty_list(conformance *c)
{
    tskip_encoder *encoder;
    if (!conformance_encoder(c, &encoder))
        return false;
    CHECK_STATUS(INVALID_ARGUMENT, tskip_encoder_wait(encoder));
    if (!conformance_finish(c, encoder))
        return false;
    CHECK_STATUS(OK, tskip_encoder_wait(encoder));
    CHECK_STATUS(INVALID_ARGUMENT, tskip_encoder_submit(encoder));
    return true;
}

static bool several_in_flight(conformance *c)
{
    enum { MANY = 6 };
    chain them[MANY];
    for (uint32_t i = 0; i < MANY; i++) {
        if (!chain_begin(c, &them[i]))
            return false;
        CHECK_STATUS(OK, chain_encode(&them[i], 1000 * i, 20));
    }
    for (int i = 0; i < MANY; i++)
        CHECK_STATUS(OK, tskip_encoder_submit(them[i].encoder));
    for (int i = MANY - 1; i >= 0; i--)
        CHECK_STATUS(OK, tskip_encoder_wait(them[i].encoder));
    for (uint32_t i = 0; i < MANY; i++)
        if (!chain_holds(c, &them[i], 1000 * i + 20))
            return false;
    return true;
}

/* Destroying waits: what was submitted is done, not cut short. */
static bool destroy_waits(conformance *c)
{
    chain it;
    if (!chain_begin(c, &it))
        return false;
    CHECK_STATUS(OK, chain_encode(&it, 3, 200));
    CHECK_STATUS(OK, tskip_encoder_submit(it.encoder));
    tskip_encoder_destroy(&c->encoders[0]);
    return chain_holds(c, &it, 203);
}

static bool elapsed_after_wait(conformance *c)
{
    chain it;
    double seconds = -1;
    if (!chain_begin(c, &it))
        return false;
    CHECK_STATUS(OK, chain_encode(&it, 0, 50));
    CHECK_STATUS(INVALID_ARGUMENT, tskip_encoder_elapsed(it.encoder, &seconds));
    CHECK_STATUS(OK, tskip_encoder_submit(it.encoder));
    CHECK_STATUS(INVALID_ARGUMENT, tskip_encoder_elapsed(it.encoder, &seconds));
    CHECK_STATUS(OK, tskip_encoder_wait(it.encoder));
    tskip_status status = tskip_encoder_elapsed(it.encoder, &seconds);
    if (status == TSKIP_UNSUPPORTED)
        return true;
    CHECK(status == TSKIP_OK);
    CHECK(isfinite(seconds) && seconds > 0 && seconds < 60);
    return true;
}

typedef struct submitter {
    pthread_t thread;
    chain it;
    tskip_device *device;
    tskip_status status;
} submitter;

static void *submit_often(void *context)
{
    submitter *self = context;
    for (uint32_t round = 0; round < 50 && self->status == TSKIP_OK; round++) {
        const tskip_kernel *same = NULL;
        self->status = tskip_kernel_get(self->device, "increment", NULL, 0, &same);
        if (self->status == TSKIP_OK && same != self->it.increment)
            self->status = TSKIP_KERNEL_NOT_FOUND;
        if (self->status == TSKIP_OK)
            self->status = chain_encode(&self->it, round, 10);
        if (self->status == TSKIP_OK)
            self->status = tskip_encoder_submit(self->it.encoder);
        if (self->status == TSKIP_OK)
            self->status = tskip_encoder_reset(self->it.encoder);
    }
    return NULL;
}

static bool threads_share_a_device(conformance *c)
{
    enum { MANY = 4 };
    submitter them[MANY] = {{0}};
    for (int i = 0; i < MANY; i++) {
        them[i].device = c->device;
        if (!chain_begin(c, &them[i].it))
            return false;
    }
    int started = 0;
    while (started < MANY &&
           pthread_create(&them[started].thread, NULL, submit_often, &them[started]) == 0)
        started++;
    for (int i = 0; i < started; i++)
        pthread_join(them[i].thread, NULL);
    CHECK(started == MANY);
    for (int i = 0; i < MANY; i++) {
        CHECK_STATUS(OK, them[i].status);
        if (!chain_holds(c, &them[i].it, 49 + 10))
            return false;
    }
    return true;
}

const conformance_case conformance_order_cases[] = {
    {"order_barriers_order_a_long_chain", barriers_order_a_long_chain},
    {"order_nothing_runs_before_submit", nothing_runs_before_submit},
    {"order_reset_makes_it_writable", reset_makes_it_writable},
    {"order_reset_empties_the_list", reset_empties_the_list},
    {"order_empty_list", empty_list},
    {"order_several_in_flight", several_in_flight},
    {"order_destroy_waits", destroy_waits},
    {"order_elapsed_after_wait", elapsed_after_wait},
    {"order_threads_share_a_device", threads_share_a_device},
    {NULL, NULL},
};
