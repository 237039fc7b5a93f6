/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Attention of one rung beside the portable one: the same problem through the library on two
 * devices. Values are within [-2, 2] and scores within a few units, so that a wrong key, row or
 * mask shows far above the bound. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tileskip/tileskip.h>

#include "base/cpu.h"
#include "base/half.h"
#include "kernel_check.h"

struct inputs {
    tskip_attention_desc desc;
    char rules[96];
    guarded q, k, v, sinks;
};

struct outputs {
    guarded o, lse;
};

static guarded random_values(random_state *rng, tskip_dtype dtype, size_t n)
{
    const size_t size = tskip_dtype_size(dtype);
    guarded memory = kernel_memory(n * size);
    for (size_t i = 0; i < n; i++) {
        const float value = fmaxf(-2, fminf(2, random_normal(rng)));
        tskip__narrow(dtype, &value, (char *)memory.data + i * size, 1);
    }
    return memory;
}

static void choose(struct inputs *in, random_state *rng, char *parameters)
{
    static const tskip_dtype dtypes[] = {TSKIP_F32, TSKIP_F16, TSKIP_BF16};
    tskip_attention_desc *d = &in->desc;
    *in = (struct inputs){0};
    d->dtype = dtypes[random_between(rng, 0, 2)];
    d->n_kv_heads = (uint32_t)random_between(rng, 1, 2);
    const uint32_t group = (uint32_t)random_between(rng, 1, 3);
    d->extent = (tskip_extent){.batch = 1,
                               .n_heads = d->n_kv_heads * group,
                               .q_len = random_between(rng, 1, 80),
                               .k_len = random_between(rng, 1, 200)};
    d->head_dim = (uint32_t)random_between(rng, 1, 140);
    d->head_dim_v = (uint32_t)random_between(rng, 1, 140);
    d->scale = 0.5f / sqrtf((float)d->head_dim);
    d->softcap = random_chance(rng, 30) ? 3.0f : 0;
    d->sinks = random_chance(rng, 30);
    d->lse = true;
    const char *const rules[] = {"", "causal", "causal,window=40", "window=30,sink=4",
                                 "symmetric=50"};
    strcpy(in->rules, rules[random_between(rng, 0, 4)]);
    const tskip_extent *e = &d->extent;
    const uint32_t heads = e->n_heads, kv = d->n_kv_heads;
    in->q = random_values(rng, d->dtype, (size_t)(heads * e->q_len) * d->head_dim);
    in->k = random_values(rng, d->dtype, (size_t)(kv * e->k_len) * d->head_dim);
    in->v = random_values(rng, d->dtype, (size_t)(kv * e->k_len) * d->head_dim_v);
    in->sinks = random_values(rng, TSKIP_F32, heads);
    snprintf(parameters, PARAMETERS_MAX,
             "%s heads %u/%u q_len %d k_len %d head_dim %u/%u softcap %g sinks %d rules \"%s\"",
             tskip_dtype_name(d->dtype), heads, kv, (int)e->q_len, (int)e->k_len, d->head_dim,
             d->head_dim_v, (double)d->softcap, d->sinks, in->rules);
}

static tskip_buffer *import(tskip_device *device, const guarded *memory)
{
    tskip_buffer *buffer = NULL;
    if (tskip_buffer_import(device, memory->data, memory->size, &buffer) != TSKIP_OK)
        fprintf(stderr, "%s\n", tskip_last_error());
    return buffer;
}

static bool run(const char *rung, const struct inputs *in, const struct outputs *out)
{
    char name[32];
    snprintf(name, sizeof name, "cpu:%s", rung);
    tskip_device *device = NULL;
    tskip_mask *mask = NULL;
    if (tskip_device_open(&(tskip_device_desc){.name = name, .threads = 1}, &device) != TSKIP_OK)
        return false;
    tskip_attention_desc desc = in->desc;
    tskip_status status = TSKIP_OK;
    if (*in->rules)
        status = tskip_mask_create(device, &(tskip_mask_desc){.rules = in->rules}, &mask);
    desc.mask = mask;
    tskip_attention_tensors t = {
        .q = {.buffer = import(device, &in->q)},
        .k = {.buffer = import(device, &in->k)},
        .v = {.buffer = import(device, &in->v)},
        .sinks = {.buffer = in->desc.sinks ? import(device, &in->sinks) : NULL},
        .o = {.buffer = import(device, &out->o)},
        .lse = {.buffer = import(device, &out->lse)},
    };
    if (status == TSKIP_OK)
        status = tskip_attention_run(device, &desc, &t);
    if (status != TSKIP_OK)
        fprintf(stderr, "%s\n", tskip_last_error());
    tskip_buffer_destroy(&t.q.buffer);
    tskip_buffer_destroy(&t.k.buffer);
    tskip_buffer_destroy(&t.v.buffer);
    tskip_buffer_destroy(&t.sinks.buffer);
    tskip_buffer_destroy(&t.o.buffer);
    tskip_buffer_destroy(&t.lse.buffer);
    tskip_mask_destroy(&mask);
    tskip_device_destroy(&device);
    return status == TSKIP_OK;
}

static float element(const guarded *memory, tskip_dtype dtype, size_t i)
{
    float value;
    tskip__widen(dtype, (const char *)memory->data + i * tskip_dtype_size(dtype), &value, 1);
    return value;
}

/* No element differs by more than `bound`; equal where one is infinite. */
static bool close(const guarded *a, const guarded *b, tskip_dtype dtype, float bound)
{
    for (size_t i = 0; i < a->size / tskip_dtype_size(dtype); i++) {
        const float x = element(a, dtype, i), y = element(b, dtype, i);
        if (!(x == y || fabsf(x - y) <= bound))
            return false;
    }
    return true;
}

bool check_attention(uint32_t capability, random_state *rng, char *parameters)
{
    struct inputs in;
    choose(&in, rng, parameters);
    const tskip_attention_desc *d = &in.desc;
    const size_t rows = d->extent.n_heads * (size_t)d->extent.q_len;
    const size_t size = rows * d->head_dim_v * tskip_dtype_size(d->dtype);
    struct outputs got = {kernel_memory(size), kernel_memory(rows * sizeof(float))};
    struct outputs want = {kernel_memory(size), kernel_memory(rows * sizeof(float))};
    /* a few ulp of an output of 2; bf16 units round P too */
    const float bound = d->dtype == TSKIP_F32 ? 5e-6f : d->dtype == TSKIP_F16 ? 3e-3f : 3e-2f;
    const bool same = run(tskip__cpu_rung_name(TSKIP__CPU_C), &in, &want) &&
                      run(tskip__cpu_rung_name((tskip__rung)capability), &in, &got) &&
                      close(&got.o, &want.o, d->dtype, bound) &&
                      close(&got.lse, &want.lse, TSKIP_F32, 2e-5f);
    guarded *all[] = {&in.q, &in.k, &in.v, &in.sinks, &got.o, &got.lse, &want.o, &want.lse};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        guarded_release(all[i]);
    return same;
}
