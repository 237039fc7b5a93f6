/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "trial.h"

#include "clock.h"

static bool failed(io_error *error, const char *what)
{
    return io_fail(error, "%s: %s", what, tskip_last_error());
}

bool trial_in_place(tskip_device *device)
{
    const tskip_device_info *info = tskip_device_get_info(device);
    return info->shares_memory && info->code_format == TSKIP_CODE_C;
}

tskip_buffer *trial_upload(tskip_device *device, void *memory, size_t size)
{
    tskip_buffer *buffer = NULL;
    if (trial_in_place(device)) {
        if (tskip_buffer_import(device, memory, size, &buffer) != TSKIP_OK)
            return NULL;
    } else if (tskip_buffer_create(device, size, &buffer) != TSKIP_OK) {
        return NULL;
    } else if (tskip_buffer_write(buffer, 0, memory, size) != TSKIP_OK) {
        tskip_buffer_destroy(&buffer);
    }
    return buffer;
}

/* Buffers that may be absent: size 0 gives none. */
static bool upload(tskip_device *device, const guarded *memory, tskip_buffer **out)
{
    if (memory->size == 0)
        return true;
    *out = trial_upload(device, memory->data, memory->size);
    return *out != NULL;
}

static bool make_output(tskip_device *device, size_t size, guarded *memory, tskip_buffer **out)
{
    if (size == 0)
        return true;
    if (!trial_in_place(device))
        return tskip_buffer_create(device, size, out) == TSKIP_OK;
    if (!guarded_create(memory, size))
        return false;
    return tskip_buffer_import(device, memory->data, size, out) == TSKIP_OK;
}

static bool make_buffers(trial *t, io_error *error)
{
    const problem_data *data = t->data;
    tskip_device *device = t->device;
    if (!upload(device, &data->q, &t->q) || !upload(device, &data->k, &t->k) ||
        !upload(device, &data->v, &t->v) || !upload(device, &data->mask, &t->cells) ||
        !upload(device, &data->sinks, &t->sinks) ||
        !make_output(device, data->o_size, &t->o_memory, &t->o) ||
        !make_output(device, data->problem->lse ? data->lse_size : 0, &t->lse_memory, &t->lse))
        return failed(error, "buffers");
    return true;
}

static bool finish(tskip_encoder *encoder)
{
    return tskip_encoder_submit(encoder) == TSKIP_OK && tskip_encoder_wait(encoder) == TSKIP_OK &&
           tskip_encoder_reset(encoder) == TSKIP_OK;
}

/* Writes the rules into the mask tensor. */
static bool fill_cells(trial *t, const tskip_mask_tensor *cells, io_error *error)
{
    tskip_mask *rules = NULL;
    const tskip_mask_desc desc = {.rules = t->data->problem->rules,
                                  .n_heads = t->data->extent.n_heads};
    const bool ok =
        tskip_mask_create(t->device, &desc, &rules) == TSKIP_OK &&
        tskip_mask_fill_encode(rules, &t->data->extent, cells, t->encoder) == TSKIP_OK &&
        finish(t->encoder);
    tskip_mask_destroy(&rules);
    return ok || failed(error, "mask fill");
}

static bool make_mask(trial *t, io_error *error)
{
    const problem *p = t->data->problem;
    tskip_mask_desc desc = {.n_heads = t->data->extent.n_heads};
    if (p->mask == PROBLEM_MASK_NONE && p->rules[0] == 0)
        return true;
    if (p->rules[0] != 0 && p->mask != PROBLEM_MASK_RULES)
        desc.rules = p->rules;
    if (p->mask != PROBLEM_MASK_NONE) {
        desc.tensor = t->data->tensor;
        desc.tensor.buffer = t->cells;
    }
    if (p->mask == PROBLEM_MASK_RULES && !fill_cells(t, &desc.tensor, error))
        return false;
    return tskip_mask_create(t->device, &desc, &t->mask) == TSKIP_OK || failed(error, "mask");
}

static bool make_plans(trial *t, io_error *error)
{
    const problem_data *data = t->data;
    const problem *p = data->problem;
    tskip_attention_desc desc = {
        .extent = p->extent,
        .n_kv_heads = p->n_kv_heads,
        .head_dim = p->head_dim,
        .head_dim_v = p->head_dim_v,
        .dtype = p->dtype,
        .out_dtype = data->out_dtype,
        .scale = p->scale,
        .softcap = p->softcap,
        .sinks = p->sinks,
        .lse = p->lse,
        .mask = t->mask,
        .tile = p->tile,
        .q = data->q_strides,
        .k = data->k_strides,
        .v = data->v_strides,
        .o = data->o_strides,
    };
    if (tskip_plan_create(t->device, &desc, &t->plan) != TSKIP_OK)
        return failed(error, "plan");
    desc.no_skip = true;
    if (tskip_plan_create(t->device, &desc, &t->plan_no_skip) != TSKIP_OK)
        return failed(error, "plan");
    t->workspace_size = tskip_plan_get_info(t->plan)->workspace_size;
    const uint64_t other = tskip_plan_get_info(t->plan_no_skip)->workspace_size;
    if (other > t->workspace_size)
        t->workspace_size = other;
    if (t->workspace_size > 0 &&
        tskip_buffer_create(t->device, t->workspace_size, &t->workspace) != TSKIP_OK)
        return failed(error, "workspace");
    return true;
}

static bool make_map(trial *t, io_error *error)
{
    if (t->mask == NULL)
        return true;
    const tskip_tile_map_desc desc = {t->mask, t->data->problem->extent,
                                      tskip_plan_get_info(t->plan)->tile};
    return tskip_tile_map_build(&desc, &t->map) == TSKIP_OK || failed(error, "tile map");
}

bool trial_create(tskip_device *device, const problem_data *data, trial *out, io_error *error)
{
    *out = (trial){.data = data, .device = device, .repeats = 1};
    if (tskip_encoder_create(device, NULL, &out->encoder) != TSKIP_OK)
        failed(error, "encoder");
    else if (make_buffers(out, error) && make_mask(out, error) && make_plans(out, error) &&
             make_map(out, error))
        return true;
    trial_destroy(out);
    return false;
}

void trial_destroy(trial *t)
{
    tskip_encoder_destroy(&t->encoder);
    tskip_tile_map_destroy(&t->map);
    tskip_plan_destroy(&t->plan);
    tskip_plan_destroy(&t->plan_no_skip);
    tskip_mask_destroy(&t->mask);
    tskip_buffer **buffers[] = {&t->q,   &t->k,     &t->v,     &t->o,
                                &t->lse, &t->sinks, &t->cells, &t->workspace};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        tskip_buffer_destroy(buffers[i]);
    guarded_release(&t->o_memory);
    guarded_release(&t->lse_memory);
}

double trial_seconds(tskip_encoder *encoder, double start)
{
    const tskip_device_info *info = tskip_device_get_info(tskip_encoder_get_device(encoder));
    double seconds;
    if (info->code_format != TSKIP_CODE_C && tskip_encoder_elapsed(encoder, &seconds) == TSKIP_OK)
        return seconds;
    return clock_seconds() - start;
}

bool trial_run(trial *t, bool skip, const tskip_tile_map *map, double *seconds, io_error *error)
{
    const tskip_attention_tensors tensors = {
        .q = {t->q, 0},
        .k = {t->k, 0},
        .v = {t->v, 0},
        .o = {t->o, 0},
        .lse = {t->lse, 0},
        .sinks = {t->sinks, 0},
        .workspace = {t->workspace, 0},
        .map = skip ? map : NULL,
    };
    const tskip_plan *plan = skip ? t->plan : t->plan_no_skip;
    const double start = clock_seconds();
    bool ok = true;
    for (uint32_t i = 0; i < t->repeats && ok; i++)
        ok = tskip_attention_encode(plan, t->encoder, &tensors) == TSKIP_OK;
    ok = ok && tskip_encoder_submit(t->encoder) == TSKIP_OK &&
         tskip_encoder_wait(t->encoder) == TSKIP_OK;
    if (seconds != NULL)
        *seconds = ok ? trial_seconds(t->encoder, start) / t->repeats : 0;
    if (!ok)
        failed(error, "attention");
    const bool reset = tskip_encoder_reset(t->encoder) == TSKIP_OK;
    return ok && (reset || failed(error, "encoder"));
}

bool trial_read(trial *t, void *o, void *lse, io_error *error)
{
    if (tskip_buffer_read(t->o, 0, o, t->data->o_size) != TSKIP_OK)
        return failed(error, "output");
    if (lse != NULL && t->lse != NULL &&
        tskip_buffer_read(t->lse, 0, lse, t->data->lse_size) != TSKIP_OK)
        return failed(error, "log-sum-exp");
    return true;
}

bool trial_flop(const trial *t, double *flop, uint64_t *visible, uint32_t *planes, io_error *error)
{
    const problem *p = t->data->problem;
    *visible = (uint64_t)p->extent.q_len * (uint64_t)p->extent.k_len;
    *planes = 1;
    if (t->mask != NULL && tskip_mask_count_pairs(t->mask, &p->extent, visible, planes) != TSKIP_OK)
        return failed(error, "visible pairs");
    const double heads = (double)p->extent.batch * p->extent.n_heads / *planes;
    *flop = 2.0 * ((double)p->head_dim + p->head_dim_v) * (double)*visible * heads;
    return true;
}
