/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "plan.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/status.h"
#include "extent.h"
#include "kernels.h"
#include "mask.h"
#include "tile_map.h"
#include "variant.h"

static tskip_constant constant(const char *name, uint32_t value)
{
    return (tskip_constant){.name = name, .value.u32 = value};
}

/* What works the keys in parts takes all rows of a KV head at once. */
static tskip_status number_items(tskip_plan *plan, const tskip__variant *variant)
{
    const tskip_attention_desc *d = &plan->info.desc;
    uint64_t group = d->extent.n_heads / d->n_kv_heads;
    uint64_t panels = variant->panels;
    uint64_t per_head = variant->combine ? 1 : (plan->args.nq * group + panels - 1) / panels;
    uint64_t heads = (uint64_t)d->extent.batch * d->n_kv_heads;
    uint64_t items;
    if (!tskip__mul(heads, per_head, &items) || items > UINT32_MAX)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "batch %" PRIu32 " times n_kv_heads %" PRIu32 " times %" PRIu64
                           " work items a head: more than 2^32 - 1",
                           d->extent.batch, d->n_kv_heads, per_head);
    plan->args.panels = variant->panels;
    plan->args.items_per_head = (uint32_t)per_head;
    plan->args.n_items = (uint32_t)items;
    return TSKIP_OK;
}

static void set_stride(tskip_i64 out[3], const tskip_strides *strides)
{
    out[0] = strides->batch;
    out[1] = strides->head;
    out[2] = strides->row;
}

static tskip_status set_args(tskip_plan *plan)
{
    const tskip_attention_desc *d = &plan->info.desc;
    struct tskip__attention_args *a = &plan->args;
    const uint64_t l1 = tskip_device_get_info(plan->device)->cache_sizes[0];
    a->q_len = d->extent.q_len;
    a->k_len = d->extent.k_len;
    set_stride(a->q_stride, &d->q);
    set_stride(a->k_stride, &d->k);
    set_stride(a->v_stride, &d->v);
    set_stride(a->o_stride, &d->o);
    a->scale = d->scale;
    a->softcap = d->softcap;
    a->batch = d->extent.batch;
    a->n_heads = d->extent.n_heads;
    a->n_kv_heads = d->n_kv_heads;
    a->head_dim = d->head_dim;
    a->head_dim_v = d->head_dim_v;
    a->l1_bytes = l1 < UINT32_MAX ? (uint32_t)l1 : UINT32_MAX;
    a->flags = (d->sinks ? TSKIP__HAS_SINKS : 0) | (d->lse ? TSKIP__HAS_LSE : 0);
    return tskip__tile_grid(&d->extent, plan->info.tile, &a->nq, &a->nk);
}

/* The mask laid over this plane. */
static tskip_status set_mask(tskip_plan *plan)
{
    struct tskip__attention_args *a = &plan->args;
    struct tskip__plane_args *plane = &plan->plane;
    if (!plan->mask)
        return TSKIP_OK;
    TSKIP__TRY(tskip__mask_plane(plan->mask, &plan->info.desc.extent, plan->info.tile, plane));
    a->rules = plane->rules;
    a->tensor = plane->tensor;
    a->flags |=
        (plane->has_rules ? TSKIP__HAS_RULES : 0) | (plane->tensor.dtype ? TSKIP__HAS_TENSOR : 0);
    return TSKIP_OK;
}

/* Whether there is a map, and how far its planes lie apart. */
static void set_map(tskip_plan *plan)
{
    struct tskip__attention_args *a = &plan->args;
    const struct tskip__plane_args *plane = &plan->plane;
    plan->info.uses_map = plan->mask && !plan->info.desc.no_skip;
    if (!plan->info.uses_map)
        return;
    const uint64_t grid = (uint64_t)plane->nq * plane->nk;
    a->flags |= TSKIP__HAS_MAP;
    a->map_stride_head = plane->planes_head > 1 ? (tskip_i64)grid : 0;
    a->map_stride_batch = plane->planes_batch > 1 ? (tskip_i64)(grid * plane->planes_head) : 0;
}

/* Enough groups of work for any number of threads, and for what the parts leave behind a bound that
 * does not grow with the keys: a part leaves as much as O takes in f32. The machine has no say, so
 * that results do not depend on it. */
#define PARTS_GROUPS 64
#define PARTS_BYTES  ((uint64_t)2 << 20)

static tskip_status set_parts(tskip_plan *plan, const tskip__variant *variant)
{
    const tskip_attention_desc *d = &plan->info.desc;
    if (variant->split == 0)
        return TSKIP_OK;
    const uint64_t heads = (uint64_t)d->extent.batch * d->n_kv_heads;
    const uint64_t rows = (uint64_t)d->extent.batch * d->extent.n_heads;
    /* a row's maximum, sum and output */
    const uint64_t row_bytes = (d->head_dim_v + 2) * sizeof(float);
    uint64_t bytes;
    if (!tskip__mul(rows, (uint64_t)d->extent.q_len * row_bytes, &bytes) || bytes > INT64_MAX / 2)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "q_len is %" PRId64 " with %" PRIu64
                           " heads: the parts of the keys need more than 2^62 bytes",
                           d->extent.q_len, rows);
    uint64_t most =
        PARTS_GROUPS / heads < PARTS_BYTES / bytes ? PARTS_GROUPS / heads : PARTS_BYTES / bytes;
    most = most > 1 ? most : 1;
    const uint64_t units = ((uint64_t)d->extent.k_len + variant->split - 1) / variant->split;
    const uint64_t units_a_part = (units + most - 1) / most;
    if (units_a_part * variant->split > UINT32_MAX)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "k_len is %" PRId64 ": a part of the keys has more than 2^32 - 1",
                           d->extent.k_len);
    plan->args.split = (uint32_t)units_a_part * variant->split;
    plan->args.n_splits = (uint32_t)((units + units_a_part - 1) / units_a_part);
    plan->parts_bytes = bytes * plan->args.n_splits;
    return TSKIP_OK;
}

static tskip_status size_map(tskip_plan *plan)
{
    const struct tskip__plane_args *plane = &plan->plane;
    const struct tskip__attention_args *a = &plan->args;
    plan->order_args = (struct tskip__order_args){
        .batch = a->batch,
        .n_heads = a->n_heads,
        .n_kv_heads = a->n_kv_heads,
        .nq = a->nq,
        .nk = a->nk,
        .planes_batch = plane->planes_batch,
        .planes_head = plane->planes_head,
        .panels = a->panels,
        .items_per_head = a->items_per_head,
        .n_items = a->n_items,
    };
    uint64_t planes = (uint64_t)plane->planes_batch * plane->planes_head;
    TSKIP__TRY(tskip__tile_map_size(planes, a->nq, a->nk, &plan->map_bytes));
    if (a->flags & TSKIP__HAS_ORDER) {
        plan->counts_bytes = planes * a->nq * sizeof(tskip_u32);
        plan->order_bytes = (uint64_t)a->n_items * sizeof(tskip_u32);
        plan->order_args.with_map = plan->map_bytes <= TSKIP__MAP_FOR_ONE_GROUP;
    }
    return TSKIP_OK;
}

static tskip_status size_workspace(tskip_plan *plan)
{
    if (plan->info.uses_map)
        TSKIP__TRY(size_map(plan));
    plan->info.workspace_size =
        tskip__workspace_part(plan->map_bytes) + tskip__workspace_part(plan->counts_bytes) +
        tskip__workspace_part(plan->order_bytes) + tskip__workspace_part(plan->parts_bytes);
    return TSKIP_OK;
}

/* The tensor in boxes of 64 columns × rows, as rows of 128 bytes that are swizzled. A dimension of
 * one place has no stride that counts; the copy engine wants one all the same. */
static tskip_tensor_view view_of(const tskip_attention_desc *d, const tskip_strides *s,
                                 uint32_t head_dim, uint32_t heads, int64_t rows, uint32_t box_rows)
{
    const uint64_t element = tskip_dtype_size(d->dtype), any = (head_dim * element + 15) / 16 * 16;
    tskip_tensor_view view = {
        .dtype = d->dtype,
        .rank = 4,
        .dims = {head_dim, (uint64_t)rows, heads, d->extent.batch},
        .strides = {element, (uint64_t)s->row * element, (uint64_t)s->head * element,
                    (uint64_t)s->batch * element},
        .box = {64, box_rows, 1, 1},
        .swizzle = TSKIP_SWIZZLE_128,
    };
    for (int i = 1; i < 4; i++)
        if (view.dims[i] == 1)
            view.strides[i] = any;
    return view;
}

static tskip_status get_attention(tskip_plan *plan, const tskip__variant *variant)
{
    const tskip_attention_desc *d = &plan->info.desc;
    const tskip_constant constants[] = {
        constant("dtype", d->dtype),
        constant("out_dtype", d->out_dtype),
        constant("head_dim", d->head_dim),
        constant("head_dim_v", d->head_dim_v),
        constant("bq", plan->info.tile.bq),
        constant("bk", plan->info.tile.bk),
        constant("panels", plan->args.panels),
        constant("group", d->extent.n_heads / d->n_kv_heads),
        constant("mask", plan->args.tensor.dtype),
        constant("rules", (plan->args.flags & TSKIP__HAS_RULES) != 0),
        constant("map", plan->info.uses_map),
        constant("softcap", d->softcap != 0),
        constant("sinks", d->sinks),
        constant("lse", d->lse),
    };
    TSKIP__TRY(tskip__kernels_register(plan->device));
    const size_t n = sizeof constants / sizeof constants[0];
    TSKIP__TRY(tskip_kernel_get(plan->device, variant->kernel, constants, n, &plan->attention));
    if (variant->combine)
        TSKIP__TRY(tskip_kernel_get(plan->device, variant->combine, constants, n, &plan->combine));
    plan->info.group_memory = tskip_kernel_get_shape(plan->attention)->group_memory;
    return TSKIP_OK;
}

/* In which order items are dealt out. Parts of the keys are even enough for any. Groups that stay
 * count on heavy ones coming first; under causal, window, symmetric, sink and prefix a row block
 * sees no fewer tiles than the one before it, or few less at an end or in an image, which sorting
 * would not repay. */
static uint32_t dealing(const tskip_plan *plan, const tskip__variant *variant)
{
    const struct tskip__rules *rules = &plan->args.rules;
    const uint32_t uneven = TSKIP__RULE_SPANS | TSKIP__RULE_SEGMENT;
    if (variant->combine)
        return 0;
    if (variant->resident && plan->args.tensor.dtype == 0 && !(rules->flags & uneven) &&
        rules->chunk == 0 && rules->n_entries == 1)
        return TSKIP__LAST_FIRST;
    return TSKIP__HAS_ORDER;
}

/* How many groups run attention, whether the order in which they take their items matters, and what
 * they see of Q, K and V. */
static void set_launch(tskip_plan *plan, const tskip__variant *variant)
{
    const tskip_attention_desc *d = &plan->info.desc;
    const tskip_kernel_shape *shape = tskip_kernel_get_shape(plan->attention);
    uint32_t an_item = shape->cluster_size > 1 ? shape->cluster_size : 1;
    uint32_t at_once = tskip_device_get_info(plan->device)->compute_units / an_item;
    uint32_t workers = plan->args.n_items;
    bool all_at_once = workers <= at_once;
    if (variant->resident && at_once > 0 && !all_at_once)
        workers = at_once;
    plan->groups = workers * an_item;
    if (plan->info.uses_map && !all_at_once)
        plan->args.flags |= dealing(plan, variant);
    plan->has_views = variant->view_rows[0] > 0;
    if (!plan->has_views)
        return;
    plan->views[0] =
        view_of(d, &d->q, d->head_dim, d->extent.n_heads, d->extent.q_len, variant->view_rows[0]);
    plan->views[1] =
        view_of(d, &d->k, d->head_dim, d->n_kv_heads, d->extent.k_len, variant->view_rows[1]);
    plan->views[2] =
        view_of(d, &d->v, d->head_dim_v, d->n_kv_heads, d->extent.k_len, variant->view_rows[2]);
}

static tskip_status get_helpers(tskip_plan *plan)
{
    if (plan->info.uses_map)
        TSKIP__TRY(tskip_kernel_get(plan->device, "tile_map", NULL, 0, &plan->map));
    if (!(plan->args.flags & TSKIP__HAS_ORDER))
        return TSKIP_OK;
    TSKIP__TRY(tskip_kernel_get(plan->device, "tile_count", NULL, 0, &plan->count));
    return tskip_kernel_get(plan->device, "tile_order", NULL, 0, &plan->order);
}

static void write_text(tskip_plan *plan, const char *kernel)
{
    const tskip_attention_desc *d = &plan->info.desc;
    char head_dim[32];
    if (d->head_dim == d->head_dim_v)
        snprintf(head_dim, sizeof head_dim, "%" PRIu32, d->head_dim);
    else
        snprintf(head_dim, sizeof head_dim, "%" PRIu32 "/%" PRIu32, d->head_dim, d->head_dim_v);
    bool rules = plan->plane.has_rules, tensor = plan->plane.tensor.dtype != 0;
    snprintf(plan->text, sizeof plan->text,
             "%s[%s d%s bq%" PRIu32 " bk%" PRIu32 " mask=%s%s%s map=%d] on %s", kernel,
             tskip_dtype_name(d->dtype), head_dim, plan->info.tile.bq, plan->info.tile.bk,
             rules || tensor ? (rules ? "rules" : "") : "none", rules && tensor ? "+" : "",
             tensor ? tskip_dtype_name((tskip_dtype)plan->plane.tensor.dtype) : "",
             plan->info.uses_map, tskip_device_get_info(plan->device)->name);
}

static tskip_status fill_plan(tskip_plan *plan, const tskip_attention_desc *desc)
{
    TSKIP__TRY(tskip__problem_check(desc, &plan->problem));
    const tskip__variant *variant;
    TSKIP__TRY(tskip__variant_find(tskip_device_get_info(plan->device), &plan->problem, &variant));
    plan->problem.desc.tile = (tskip_tile){variant->bq, variant->bk};
    plan->info.desc = plan->problem.desc;
    plan->info.tile = plan->problem.desc.tile;
    if (desc->mask) {
        TSKIP__TRY(tskip__mask_check_device(desc->mask, plan->device));
        plan->mask = tskip__mask_retain(desc->mask);
    }
    TSKIP__TRY(set_args(plan));
    TSKIP__TRY(set_parts(plan, variant));
    TSKIP__TRY(set_mask(plan));
    set_map(plan);
    TSKIP__TRY(number_items(plan, variant));
    TSKIP__TRY(get_attention(plan, variant));
    set_launch(plan, variant);
    TSKIP__TRY(get_helpers(plan));
    TSKIP__TRY(size_workspace(plan));
    write_text(plan, variant->kernel);
    return TSKIP_OK;
}

tskip_status tskip_plan_create(tskip_device *device, const tskip_attention_desc *desc,
                               tskip_plan **out)
{
    TSKIP__TRY(tskip__require(out, "out", "where to store the plan"));
    *out = NULL;
    TSKIP__TRY(tskip__require(device, "device", "an open device"));
    TSKIP__TRY(tskip__require(desc, "desc", "a problem's description"));
    tskip_plan *plan = tskip__alloc_zero(sizeof *plan, "the plan");
    if (!plan)
        return TSKIP_OUT_OF_MEMORY;
    plan->device = tskip_device_retain(device);
    tskip_status status = fill_plan(plan, desc);
    if (status != TSKIP_OK)
        tskip_plan_destroy(&plan);
    *out = plan;
    return status;
}

void tskip_plan_destroy(tskip_plan **plan)
{
    if (!plan || !*plan)
        return;
    tskip_mask_destroy(&(*plan)->mask);
    tskip_device_destroy(&(*plan)->device);
    tskip__free(*plan, sizeof **plan);
    *plan = NULL;
}

const tskip_plan_info *tskip_plan_get_info(const tskip_plan *plan)
{
    return plan ? &plan->info : NULL;
}

const char *tskip_plan_describe(const tskip_plan *plan)
{
    return plan ? plan->text : "";
}
