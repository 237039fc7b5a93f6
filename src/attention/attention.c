/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>

#include "base/status.h"
#include "mask.h"
#include "plan.h"
#include "slice_check.h"
#include "tile_map.h"

/* The parts of one attention's workspace. */
struct workspace {
    tskip_slice map, counts, order, parts;
};

static tskip_status check_slice(const tskip_plan *plan, const char *name, const tskip_slice *slice,
                                uint64_t bytes, uint64_t alignment)
{
    if (!slice->buffer)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "%s.buffer is NULL, expected a buffer of at least %" PRIu64 " bytes",
                           name, bytes);
    if (tskip_buffer_get_device(slice->buffer) != plan->device)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "%s.buffer lies on device %s, the plan is for device %s opened apart",
                           name,
                           tskip_device_get_info(tskip_buffer_get_device(slice->buffer))->name,
                           tskip_device_get_info(plan->device)->name);
    return tskip__slice_check(name, *slice, bytes, alignment);
}

/* What the plan does not compute with must not be there: it was forgotten in one of the two. */
static tskip_status check_absent(const char *name, const tskip_slice *slice)
{
    if (!slice->buffer)
        return TSKIP_OK;
    return tskip__fail(TSKIP_INVALID_ARGUMENT,
                       "%s.buffer is given, expected NULL: the plan was made without %s", name,
                       name);
}

static tskip_status check_tensors(const tskip_plan *plan, const tskip_attention_tensors *t)
{
    const tskip__problem *p = &plan->problem;
    uint64_t element = tskip_dtype_size(p->desc.dtype);
    uint64_t inputs = plan->has_views ? TSKIP__VIEW_ALIGNMENT : element;
    TSKIP__TRY(check_slice(plan, "q", &t->q, p->q_bytes, inputs));
    TSKIP__TRY(check_slice(plan, "k", &t->k, p->k_bytes, inputs));
    TSKIP__TRY(check_slice(plan, "v", &t->v, p->v_bytes, inputs));
    TSKIP__TRY(check_slice(plan, "o", &t->o, p->o_bytes, tskip_dtype_size(p->desc.out_dtype)));
    TSKIP__TRY(p->desc.lse ? check_slice(plan, "lse", &t->lse, p->lse_bytes, sizeof(float))
                           : check_absent("lse", &t->lse));
    TSKIP__TRY(p->desc.sinks ? check_slice(plan, "sinks", &t->sinks, p->sinks_bytes, sizeof(float))
                             : check_absent("sinks", &t->sinks));
    if (plan->info.workspace_size > 0)
        TSKIP__TRY(check_slice(plan, "workspace", &t->workspace, plan->info.workspace_size, 64));
    if (t->map && !plan->mask)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "map is given, expected NULL: the plan's every "
                                                   "key is visible");
    if (t->map)
        return tskip__tile_map_check(t->map, plan->mask, &p->desc.extent, &plan->plane);
    return TSKIP_OK;
}

static struct workspace divide_workspace(const tskip_plan *plan, const tskip_slice *whole)
{
    struct workspace w;
    w.map = *whole;
    w.counts = w.map;
    w.counts.offset += tskip__workspace_part(plan->map_bytes);
    w.order = w.counts;
    w.order.offset += tskip__workspace_part(plan->counts_bytes);
    w.parts = w.order;
    w.parts.offset += tskip__workspace_part(plan->order_bytes);
    return w;
}

static tskip_binding bind(tskip_slice slice, uint64_t size, tskip_access access)
{
    return (tskip_binding){
        .buffer = slice.buffer, .offset = slice.offset, .size = size, .access = access};
}

static tskip_status encode_count(const tskip_plan *plan, tskip_encoder *encoder,
                                 const struct workspace *w)
{
    const struct tskip__order_args *args = &plan->order_args;
    const uint64_t rows = plan->counts_bytes / sizeof(tskip_u32);
    const uint32_t groups[3] = {(uint32_t)((rows + TSKIP__ROWS_A_GROUP - 1) / TSKIP__ROWS_A_GROUP),
                                1, 1};
    const tskip_binding count[] = {bind(w->map, plan->map_bytes, TSKIP_READ),
                                   bind(w->counts, plan->counts_bytes, TSKIP_WRITE)};
    TSKIP__TRY(tskip_encoder_dispatch(encoder, plan->count, groups, count, 2, args, sizeof *args));
    return tskip_encoder_barrier(encoder);
}

static tskip_status encode_order(const tskip_plan *plan, tskip_encoder *encoder,
                                 const struct workspace *w)
{
    const struct tskip__order_args *args = &plan->order_args;
    const uint32_t one[3] = {1, 1, 1};
    const tskip_binding none = {0},
                        order[] = {
                            args->with_map ? bind(w->map, plan->map_bytes, TSKIP_READ) : none,
                            bind(w->counts, plan->counts_bytes,
                                 args->with_map ? TSKIP_READ_WRITE : TSKIP_READ),
                            bind(w->order, plan->order_bytes, TSKIP_WRITE),
                        };
    if (!args->with_map)
        TSKIP__TRY(encode_count(plan, encoder, w));
    TSKIP__TRY(tskip_encoder_dispatch(encoder, plan->order, one, order, 3, args, sizeof *args));
    return tskip_encoder_barrier(encoder);
}

static tskip_status encode_kernel(const tskip_plan *plan, tskip_encoder *encoder,
                                  const tskip_attention_tensors *t, const struct workspace *w)
{
    const tskip__problem *p = &plan->problem;
    const tskip_binding none = {0};
    bool map = plan->info.uses_map;
    tskip_binding bindings[] = {
        bind(t->q, p->q_bytes, TSKIP_READ),
        bind(t->k, p->k_bytes, TSKIP_READ),
        bind(t->v, p->v_bytes, TSKIP_READ),
        bind(t->o, p->o_bytes, TSKIP_WRITE),
        p->desc.lse ? bind(t->lse, p->lse_bytes, TSKIP_WRITE) : none,
        p->desc.sinks ? bind(t->sinks, p->sinks_bytes, TSKIP_READ) : none,
        plan->mask ? tskip__mask_tensor_binding(plan->mask) : none,
        plan->mask ? tskip__mask_rules_binding(plan->mask) : none,
        map ? bind(w->map, plan->map_bytes, TSKIP_READ) : none,
        plan->order ? bind(w->order, plan->order_bytes, TSKIP_READ) : none,
        plan->combine ? bind(w->parts, plan->parts_bytes, TSKIP_READ_WRITE) : none,
    };
    for (int i = 0; i < 3 && plan->has_views; i++) /* Q, K and V */
        bindings[i].view = &plan->views[i];
    const uint32_t n = sizeof bindings / sizeof bindings[0], items = plan->args.n_items;
    const uint32_t groups[3] = {plan->groups, 1, 1};
    const uint32_t one_each[3] = {items, 1, 1}, parts[3] = {items, plan->args.n_splits, 1};
    if (!plan->combine)
        return tskip_encoder_dispatch(encoder, plan->attention, groups, bindings, n - 1,
                                      &plan->args, sizeof plan->args);
    TSKIP__TRY(tskip_encoder_dispatch(encoder, plan->attention, parts, bindings, n, &plan->args,
                                      sizeof plan->args));
    TSKIP__TRY(tskip_encoder_barrier(encoder));
    return tskip_encoder_dispatch(encoder, plan->combine, one_each, bindings, n, &plan->args,
                                  sizeof plan->args);
}

static tskip_status encode_all(const tskip_plan *plan, tskip_encoder *encoder,
                               const tskip_attention_tensors *tensors)
{
    struct workspace w = {0};
    if (plan->info.workspace_size > 0) {
        w = divide_workspace(plan, &tensors->workspace);
        TSKIP__TRY(tskip_encoder_barrier(encoder)); /* the attention before may still read it */
    }
    if (plan->info.uses_map) {
        if (tensors->map) {
            w.map = tskip__tile_map_slice(tensors->map);
        } else {
            TSKIP__TRY(tskip__tile_map_dispatch(plan->map, plan->mask, &plan->plane, &w.map,
                                                plan->map_bytes, encoder));
            TSKIP__TRY(tskip_encoder_barrier(encoder));
        }
        if (plan->order)
            TSKIP__TRY(encode_order(plan, encoder, &w));
    }
    return encode_kernel(plan, encoder, tensors, &w);
}

tskip_status tskip_attention_encode(const tskip_plan *plan, tskip_encoder *encoder,
                                    const tskip_attention_tensors *tensors)
{
    TSKIP__TRY(tskip__require(plan, "plan", "a plan"));
    TSKIP__TRY(tskip__require(encoder, "encoder", "an encoder of its device"));
    TSKIP__TRY(tskip__require(tensors, "tensors", "where the tensors lie"));
    TSKIP__TRY(check_tensors(plan, tensors));
    if (tskip_encoder_get_device(encoder) != plan->device)
        return tskip__fail(TSKIP_INVALID_ARGUMENT, "encoder is of another device than the plan, %s",
                           tskip_device_get_info(plan->device)->name);
    const uint64_t before = tskip_encoder_mark(encoder);
    tskip_status status = encode_all(plan, encoder, tensors);
    if (status != TSKIP_OK)
        (void)tskip_encoder_rewind(encoder, before);
    return status;
}

static tskip_status run_plan(tskip_device *device, const tskip_plan *plan,
                             tskip_attention_tensors *tensors, tskip_encoder **encoder)
{
    tensors->workspace = (tskip_slice){0};
    if (plan->info.workspace_size > 0)
        TSKIP__TRY(
            tskip_buffer_create(device, plan->info.workspace_size, &tensors->workspace.buffer));
    TSKIP__TRY(tskip_encoder_create(device, NULL, encoder));
    TSKIP__TRY(tskip_attention_encode(plan, *encoder, tensors));
    TSKIP__TRY(tskip_encoder_submit(*encoder));
    return tskip_encoder_wait(*encoder);
}

tskip_status tskip_attention_run(tskip_device *device, const tskip_attention_desc *desc,
                                 const tskip_attention_tensors *tensors)
{
    TSKIP__TRY(tskip__require(tensors, "tensors", "where the tensors lie"));
    tskip_plan *plan;
    TSKIP__TRY(tskip_plan_create(device, desc, &plan));
    tskip_attention_tensors t = *tensors;
    tskip_encoder *encoder = NULL;
    tskip_status status = run_plan(device, plan, &t, &encoder);
    tskip_encoder_destroy(&encoder);
    tskip_buffer_destroy(&t.workspace.buffer);
    tskip_plan_destroy(&plan);
    return status;
}
