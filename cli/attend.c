/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "attend.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "blame.h"
#include "clock.h"
#include "io/map_picture.h"
#include "mask_file.h"

/* Everything between the file and the result. */
typedef struct job {
    const attend_options *o;
    tskip_device *device;
    st_file *file;
    tskip_attention_desc desc;
    mask_file mask_file;
    tskip_mask *mask;
    tskip_tile_map *map;
    tskip_plan *plan;
    tskip_plan *plan_of_part; /* of one of n_parts, where the work is done in such */
    uint32_t n_parts;
    tskip_encoder *encoder;
    tskip_buffer *q, *k, *v, *o_buffer, *lse, *sinks, *workspace;
    int64_t o_shape[4];
    size_t o_size, lse_size;
} job;

static bool failed(io_error *error, const char *what)
{
    return io_fail(error, "%s: %s", blame(what), tskip_last_error());
}

/* A tensor's sizes as [batch, heads, tokens, head_dim], whatever its layout. */
static void read_shape(const job *j, const io_tensor *t, int64_t shape[4])
{
    const bool blhd = j->o->blhd;
    shape[0] = t->shape[0];
    shape[1] = t->shape[blhd ? 2 : 1];
    shape[2] = t->shape[blhd ? 1 : 2];
    shape[3] = t->shape[3];
}

static tskip_strides strides_of(const job *j, const int64_t shape[4])
{
    const int64_t plane = shape[2] * shape[3];
    if (j->o->blhd)
        return (tskip_strides){shape[1] * plane, shape[3], shape[1] * shape[3]};
    return (tskip_strides){shape[1] * plane, plane, shape[3]};
}

static bool load(job *j, const char *name, tskip_buffer **buffer, tskip_strides *strides,
                 int64_t shape[4], io_error *error)
{
    const io_tensor *t = st_require(j->file, j->o->input, name, error);
    if (t == NULL)
        return false;
    if (t->rank != 4)
        return io_fail(error, "%s: tensor '%s' has rank %" PRIu32 ", expected 4", j->o->input, name,
                       t->rank);
    if (t->element->dtype == TSKIP_DTYPE_NONE || t->element->dtype == TSKIP_BOOL)
        return io_fail(error, "%s: tensor '%s' is %s, expected F32, F16 or BF16", j->o->input, name,
                       t->element->name);
    if (j->desc.dtype != TSKIP_DTYPE_NONE && t->element->dtype != j->desc.dtype)
        return io_fail(error, "%s: tensor '%s' is %s, expected the type of the others, %s",
                       j->o->input, name, t->element->name, tskip_dtype_name(j->desc.dtype));
    j->desc.dtype = t->element->dtype;
    read_shape(j, t, shape);
    for (int i = 0; i < 4; i++) {
        static const char *const axes[] = {"batch", "heads", "tokens", "head size"};
        static const int64_t most[] = {UINT32_MAX, UINT32_MAX, INT64_C(1) << 40, 65536};
        if (shape[i] < 1 || shape[i] > most[i])
            return io_fail(
                error, "%s: tensor '%s' has a dimension %s of %" PRId64 ", expected 1 to %" PRId64,
                j->o->input, name, axes[i], shape[i], most[i]);
    }
    *strides = strides_of(j, shape);
    if (tskip_buffer_create(j->device, t->size, buffer) != TSKIP_OK ||
        tskip_buffer_write(*buffer, 0, t->data, t->size) != TSKIP_OK)
        return failed(error, name);
    return true;
}

static bool same(const job *j, const char *what, int64_t found, int64_t expected, io_error *error)
{
    if (found == expected)
        return true;
    return io_fail(error, "%s: %s is %" PRId64 ", expected %" PRId64, j->o->input, what, found,
                   expected);
}

static bool load_inputs(job *j, io_error *error)
{
    int64_t q[4], k[4], v[4];
    tskip_attention_desc *d = &j->desc;
    if (!load(j, j->o->q, &j->q, &d->q, q, error) || !load(j, j->o->k, &j->k, &d->k, k, error) ||
        !load(j, j->o->v, &j->v, &d->v, v, error))
        return false;
    if (!same(j, "the batch of k", k[0], q[0], error) ||
        !same(j, "the batch of v", v[0], q[0], error) ||
        !same(j, "the heads of v", v[1], k[1], error) ||
        !same(j, "the tokens of v", v[2], k[2], error) ||
        !same(j, "the head size of k", k[3], q[3], error))
        return false;
    d->extent =
        (tskip_extent){(uint32_t)q[0], (uint32_t)q[1], q[2], k[2], j->o->q_offset, j->o->k_offset};
    d->n_kv_heads = (uint32_t)k[1];
    d->head_dim = (uint32_t)q[3];
    d->head_dim_v = (uint32_t)v[3];
    const int64_t o[4] = {q[0], q[1], q[2], v[3]};
    d->o = strides_of(j, o);
    for (int i = 0; i < 4; i++)
        j->o_shape[i] = o[i];
    return true;
}

static bool load_sinks(job *j, io_error *error)
{
    const io_tensor *t = st_find(j->file, "sinks");
    if (t == NULL)
        return true;
    const size_t heads = j->desc.extent.n_heads;
    if (t->rank != 1 || t->shape[0] != (int64_t)heads || t->element->dtype == TSKIP_DTYPE_NONE)
        return io_fail(error,
                       "%s: tensor 'sinks' is %s of %" PRId64 " in rank %" PRIu32
                       ", expected numbers [%zu], one a query head",
                       j->o->input, t->element->name, t->rank > 0 ? t->shape[0] : 1, t->rank,
                       heads);
    float *sinks = malloc(heads * sizeof *sinks);
    if (sinks == NULL)
        return io_fail(error, "not enough memory for the sinks");
    for (size_t h = 0; h < heads; h++)
        sinks[h] = io_load(t->data, t->element->dtype, h);
    const bool ok = tskip_buffer_create(j->device, heads * sizeof *sinks, &j->sinks) == TSKIP_OK &&
                    tskip_buffer_write(j->sinks, 0, sinks, heads * sizeof *sinks) == TSKIP_OK;
    free(sinks);
    j->desc.sinks = true;
    return ok || failed(error, "sinks");
}

static bool load_mask(job *j, io_error *error)
{
    const io_tensor *tensor = st_find(j->file, "mask");
    tskip_mask_desc desc = {.rules = j->o->rules, .n_heads = j->desc.extent.n_heads};
    if (j->o->mask != NULL) {
        if (!mask_file_open(j->o->mask, &j->mask_file, error))
            return false;
    } else if (tensor != NULL) {
        if (!mask_file_from_tensor(j->o->input, tensor, &j->mask_file, error))
            return false;
    } else if (j->o->rules == NULL) {
        return true;
    }
    if ((j->o->mask != NULL || tensor != NULL) &&
        !mask_file_describe(&j->mask_file, j->device, &desc.tensor, error))
        return false;
    if (tskip_mask_create(j->device, &desc, &j->mask) != TSKIP_OK)
        return failed(error, "mask");
    j->desc.mask = j->mask;
    return true;
}

static bool make_plan(job *j, io_error *error)
{
    tskip_attention_desc *d = &j->desc;
    d->scale = j->o->scale;
    d->softcap = j->o->softcap;
    d->tile = j->o->tile;
    d->lse = j->o->lse;
    d->no_skip = j->o->no_skip;
    d->out_dtype = j->o->out_dtype;
    if (tskip_plan_create(j->device, d, &j->plan) != TSKIP_OK)
        return failed(error, "plan");
    const tskip_plan_info *info = tskip_plan_get_info(j->plan);
    const uint64_t rows = (uint64_t)(j->o_shape[0] * j->o_shape[1] * j->o_shape[2]);
    j->o_size = (size_t)rows * (size_t)j->o_shape[3] * tskip_dtype_size(info->desc.out_dtype);
    j->lse_size = j->o->lse ? (size_t)rows * sizeof(float) : 0;
    if (tskip_buffer_create(j->device, j->o_size, &j->o_buffer) != TSKIP_OK ||
        (j->lse_size > 0 && tskip_buffer_create(j->device, j->lse_size, &j->lse) != TSKIP_OK) ||
        (info->workspace_size > 0 &&
         tskip_buffer_create(j->device, info->workspace_size, &j->workspace) != TSKIP_OK))
        return failed(error, "buffers");
    if (j->mask == NULL)
        return j->o->png == NULL ||
               io_fail(error, "--map-png needs a mask: there is no map without one");
    const tskip_tile_map_desc map = {j->mask, d->extent, info->tile};
    return tskip_tile_map_build(&map, &j->map) == TSKIP_OK || failed(error, "tile map");
}

/* Long work on a CPU is done a batch entry and KV head a time, so that there is progress to show:
 * where one plane of the mask serves them all, they share plan and map. */
#define LONG_FLOP 2e11
#define MANY_ROWS 1024 /* fewer are worked in parts, which depend on how many heads there are */

static void cut_at_heads(job *j)
{
    const tskip_attention_desc *d = &tskip_plan_get_info(j->plan)->desc;
    const tskip_tile_map_info *map = tskip_tile_map_get_info(j->map);
    const uint32_t n = d->extent.batch * d->n_kv_heads;
    const double flop = 2.0 * ((double)d->head_dim + d->head_dim_v) * d->extent.n_heads *
                        d->extent.batch * (double)d->extent.q_len * (double)d->extent.k_len;
    tskip_attention_desc one = j->desc;
    one.extent.batch = 1;
    one.extent.n_heads /= d->n_kv_heads;
    one.n_kv_heads = 1;
    const bool one_plane = map == NULL || (map->planes_batch == 1 && map->planes_head == 1);
    const bool on_cpu = tskip_device_get_info(j->device)->threads > 0;
    if (!on_cpu || !one_plane || n < 2 || flop < LONG_FLOP || d->extent.q_len < MANY_ROWS ||
        tskip_plan_create(j->device, &one, &j->plan_of_part) != TSKIP_OK)
        return;
    const tskip_plan_info *part = tskip_plan_get_info(j->plan_of_part);
    if (part->workspace_size <= tskip_plan_get_info(j->plan)->workspace_size)
        j->n_parts = n;
}

static tskip_slice at(tskip_buffer *buffer, int64_t elements, tskip_dtype dtype)
{
    return (tskip_slice){buffer, (uint64_t)elements * tskip_dtype_size(dtype)};
}

static tskip_attention_tensors tensors_of_part(const job *j, uint32_t part)
{
    const tskip_attention_desc *d = &tskip_plan_get_info(j->plan)->desc;
    const int64_t b = part / d->n_kv_heads, g = part % d->n_kv_heads;
    const int64_t h = g * (d->extent.n_heads / d->n_kv_heads);
    tskip_attention_tensors t = {
        .q = at(j->q, b * d->q.batch + h * d->q.head, d->dtype),
        .k = at(j->k, b * d->k.batch + g * d->k.head, d->dtype),
        .v = at(j->v, b * d->v.batch + g * d->v.head, d->dtype),
        .o = at(j->o_buffer, b * d->o.batch + h * d->o.head, d->out_dtype),
        .workspace = {j->workspace, 0},
        .map = part > 0 ? j->map : NULL,
    };
    if (j->lse != NULL)
        t.lse = at(j->lse, (b * d->extent.n_heads + h) * d->extent.q_len, TSKIP_F32);
    if (j->sinks != NULL)
        t.sinks = at(j->sinks, h, TSKIP_F32);
    return t;
}

/* The map is built here, by the first part, as it is in a program that has no use for it but
 * attention. */
static bool run(job *j, progress *bar, double *seconds, io_error *error)
{
    const tskip_plan *plan = j->n_parts > 1 ? j->plan_of_part : j->plan;
    if (tskip_encoder_create(j->device, NULL, &j->encoder) != TSKIP_OK)
        return failed(error, "encoder");
    if (j->n_parts > 1)
        progress_expect(bar, j->n_parts);
    const double start = clock_seconds();
    bool ok = true;
    for (uint32_t part = 0; ok && part < j->n_parts; part++) {
        const tskip_attention_tensors tensors = tensors_of_part(j, part);
        ok = tskip_encoder_reset(j->encoder) == TSKIP_OK &&
             tskip_attention_encode(plan, j->encoder, &tensors) == TSKIP_OK &&
             tskip_encoder_submit(j->encoder) == TSKIP_OK &&
             tskip_encoder_wait(j->encoder) == TSKIP_OK;
        progress_set(bar, part + 1);
    }
    *seconds = clock_seconds() - start;
    return ok || failed(error, "attention");
}

/* The classes of a map that no mask needs: every tile is FULL. */
static void count_all(const job *j, attend_result *r)
{
    const tskip_tile tile = tskip_plan_get_info(j->plan)->tile;
    const tskip_extent *e = &j->desc.extent;
    const uint64_t nq = ((uint64_t)e->q_len + tile.bq - 1) / tile.bq;
    const uint64_t nk = ((uint64_t)e->k_len + tile.bk - 1) / tile.bk;
    r->counts = (tskip_tile_counts){.full = nq * nk};
    r->visible = (uint64_t)e->q_len * (uint64_t)e->k_len;
}

static bool describe(const job *j, attend_result *r, io_error *error)
{
    uint32_t planes = 1;
    snprintf(r->device, sizeof(r->device), "%s", tskip_device_get_info(j->device)->name);
    snprintf(r->plan, sizeof(r->plan), "%s", tskip_plan_describe(j->plan));
    count_all(j, r);
    if (j->map != NULL &&
        (tskip_tile_map_count(j->map, &r->counts) != TSKIP_OK ||
         tskip_mask_count_pairs(j->mask, &j->desc.extent, &r->visible, &planes) != TSKIP_OK))
        return failed(error, "map");
    const double heads = (double)j->desc.extent.batch * j->desc.extent.n_heads / planes;
    const double flop =
        2.0 * ((double)j->desc.head_dim + j->desc.head_dim_v) * (double)r->visible * heads;
    r->gflops = flop / r->seconds * 1e-9;
    return true;
}

/* The output lies in the input's layout; lse is [batch, heads, tokens]. */
static bool write_out(const job *j, io_error *error)
{
    void *o = malloc(j->o_size), *lse = malloc(j->lse_size + 1);
    const int64_t *s = j->o_shape;
    const bool blhd = j->o->blhd;
    io_tensor tensors[2] = {
        {.name = "o",
         .element = io_element_by_dtype(tskip_plan_get_info(j->plan)->desc.out_dtype),
         .rank = 4,
         .shape = {s[0], s[blhd ? 2 : 1], s[blhd ? 1 : 2], s[3]},
         .data = o,
         .size = j->o_size},
        {.name = "lse",
         .element = io_element_by_dtype(TSKIP_F32),
         .rank = 3,
         .shape = {s[0], s[1], s[2]},
         .data = lse,
         .size = j->lse_size},
    };
    bool ok = o != NULL && lse != NULL;
    if (!ok)
        io_fail(error, "not enough memory for the output");
    if (ok && (tskip_buffer_read(j->o_buffer, 0, o, j->o_size) != TSKIP_OK ||
               (j->lse_size > 0 && tskip_buffer_read(j->lse, 0, lse, j->lse_size) != TSKIP_OK)))
        ok = failed(error, "output");
    ok = ok && st_write(j->o->out, tensors, j->lse_size > 0 ? 2 : 1, error);
    free(o);
    free(lse);
    return ok;
}

static bool do_job(job *j, progress *bar, attend_result *result, io_error *error)
{
    if (!st_open(j->o->input, &j->file, error) || !load_inputs(j, error) || !load_sinks(j, error) ||
        !load_mask(j, error) || !make_plan(j, error))
        return false;
    cut_at_heads(j);
    if (!run(j, bar, &result->seconds, error) || !describe(j, result, error))
        return false;
    if (j->o->out != NULL && !write_out(j, error))
        return false;
    return j->o->png == NULL ||
           map_picture_write(j->map, 0, j->o->rules != NULL ? j->o->rules : "mask tensor",
                             j->o->png, error);
}

bool attend_file(const attend_options *o, tskip_device *device, progress *bar,
                 attend_result *result, io_error *error)
{
    job j = {.o = o, .device = device, .n_parts = 1};
    *result = (attend_result){0};
    const bool ok = do_job(&j, bar, result, error);
    tskip_encoder_destroy(&j.encoder);
    tskip_tile_map_destroy(&j.map);
    tskip_plan_destroy(&j.plan);
    tskip_plan_destroy(&j.plan_of_part);
    tskip_mask_destroy(&j.mask);
    tskip_buffer **buffers[] = {&j.q, &j.k, &j.v, &j.o_buffer, &j.lse, &j.sinks, &j.workspace};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        tskip_buffer_destroy(buffers[i]);
    mask_file_close(&j.mask_file);
    st_close(j.file);
    return ok;
}
