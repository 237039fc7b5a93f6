/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* demo FILE FOLDER: real Q, K and V through three masks. For each: what the map leaves out, what
 * that saves, that not a byte changes, how far from a double-precision reference the output is, and
 * the map as a picture. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <oracle.h>
#include <tileskip/tileskip.h>

#include "clock.h"
#include "io/digits.h"
#include "io/map_picture.h"
#include "io/safetensors.h"
#include "table.h"

#define ROUNDS 5

static const struct {
    const char *rules, *picture;
} MASKS[] = {
    {"causal", "causal.png"},
    {"causal,window=512", "window.png"},
    {"causal,window=512,images=300:580+1200:1480", "images.png"},
};

enum { N_MASKS = sizeof(MASKS) / sizeof(MASKS[0]) };

typedef struct inputs {
    const io_tensor *q, *k, *v;
    tskip_buffer *buffers[3];
    tskip_attention_desc desc;
} inputs;

typedef struct outcome {
    tskip_tile_counts counts;
    double with_map, without;
    bool same;
    double ratio; /* of the accuracy bound */
} outcome;

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "demo: %s: %s\n", what, why);
    return 1;
}

static bool load(tskip_device *device, const st_file *file, inputs *in)
{
    in->q = st_find(file, "q");
    in->k = st_find(file, "k");
    in->v = st_find(file, "v");
    if (!in->q || !in->k || !in->v || in->q->rank != 4)
        return false;
    const io_tensor *tensors[3] = {in->q, in->k, in->v};
    for (int i = 0; i < 3; i++)
        if (tskip_buffer_create(device, tensors[i]->size, &in->buffers[i]) != TSKIP_OK ||
            tskip_buffer_write(in->buffers[i], 0, tensors[i]->data, tensors[i]->size) != TSKIP_OK)
            return false;
    in->desc = (tskip_attention_desc){
        .extent = {.batch = (uint32_t)in->q->shape[0],
                   .n_heads = (uint32_t)in->q->shape[1],
                   .q_len = in->q->shape[2],
                   .k_len = in->k->shape[2]},
        .n_kv_heads = (uint32_t)in->k->shape[1],
        .head_dim = (uint32_t)in->q->shape[3],
        .dtype = in->q->element->dtype,
    };
    return true;
}

/* A plan with what it needs to run. */
typedef struct runner {
    const tskip_plan *plan;
    tskip_encoder *encoder;
    tskip_attention_tensors tensors;
    double times[ROUNDS];
} runner;

static bool prepare(tskip_device *device, const inputs *in, const tskip_plan *plan,
                    tskip_buffer *output, runner *r)
{
    *r = (runner){.plan = plan,
                  .tensors = {.q = {in->buffers[0], 0},
                              .k = {in->buffers[1], 0},
                              .v = {in->buffers[2], 0},
                              .o = {output, 0}}};
    const uint64_t size = tskip_plan_get_info(plan)->workspace_size;
    return tskip_encoder_create(device, NULL, &r->encoder) == TSKIP_OK &&
           (size == 0 ||
            tskip_buffer_create(device, size, &r->tensors.workspace.buffer) == TSKIP_OK);
}

static bool run(runner *r, double *seconds)
{
    const double start = clock_seconds();
    const bool ok = tskip_attention_encode(r->plan, r->encoder, &r->tensors) == TSKIP_OK &&
                    tskip_encoder_submit(r->encoder) == TSKIP_OK &&
                    tskip_encoder_wait(r->encoder) == TSKIP_OK;
    *seconds = clock_seconds() - start;
    return ok && tskip_encoder_reset(r->encoder) == TSKIP_OK;
}

/* Both in turns, so that a machine that slows down does so for both; the map is built in each
 * run. */
static bool race(tskip_device *device, const inputs *in, const tskip_plan *const plans[2],
                 tskip_buffer *const outputs[2], double medians[2])
{
    runner runners[2] = {{0}, {0}};
    bool ok = true;
    for (int i = 0; i < 2 && ok; i++) {
        double warm;
        ok = prepare(device, in, plans[i], outputs[i], &runners[i]) && run(&runners[i], &warm);
    }
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 2 && ok; i++)
            ok = run(&runners[i], &runners[i].times[round]);
    for (int i = 0; i < 2; i++) {
        medians[i] = ok ? clock_median(runners[i].times, ROUNDS) : 0;
        tskip_encoder_destroy(&runners[i].encoder);
        tskip_buffer_destroy(&runners[i].tensors.workspace.buffer);
    }
    return ok;
}

static struct oracle_tensor view(const io_tensor *t, const void *data)
{
    return oracle_tensor_packed(data, ORACLE_BF16, t->shape[0], t->shape[1], t->shape[2],
                                t->shape[3]);
}

static bool judge(const inputs *in, const char *rules_text, const void *output, double *ratio)
{
    char error[256];
    struct oracle_rules rules;
    struct oracle_reference reference;
    if (!oracle_rules_parse(rules_text, &rules, error, sizeof(error)))
        return false;
    const tskip_extent *e = &in->desc.extent;
    const struct oracle_mask mask = {.rules = &rules,
                                     .n_batch = e->batch,
                                     .n_heads = e->n_heads,
                                     .q_len = e->q_len,
                                     .k_len = e->k_len};
    const struct oracle_problem problem = {
        .q = view(in->q, in->q->data),
        .k = view(in->k, in->k->data),
        .v = view(in->v, in->v->data),
        .mask = &mask,
        .out_dtype = ORACLE_BF16,
        .scale = oracle_default_scale(in->desc.head_dim),
    };
    const bool ok = oracle_reference_create(&problem, &reference, error, sizeof(error));
    if (ok) {
        const struct oracle_tensor o = view(in->q, output);
        const struct oracle_report report = oracle_judge(&reference, &o);
        *ratio = report.ratio;
        oracle_reference_free(&reference);
    }
    oracle_rules_free(&rules);
    return ok;
}

static bool compare(tskip_device *device, const inputs *in, const char *rules, const char *picture,
                    outcome *out)
{
    inputs masked = *in;
    tskip_mask *mask = NULL;
    tskip_plan *plan = NULL, *plain = NULL;
    tskip_tile_map *map = NULL;
    tskip_buffer *outputs[2] = {NULL, NULL};
    char *host[2] = {malloc(in->q->size), malloc(in->q->size)};
    io_error error;
    bool ok = host[0] && host[1] &&
              tskip_mask_create(device, &(tskip_mask_desc){.rules = rules}, &mask) == TSKIP_OK;
    masked.desc.mask = mask;
    ok = ok && tskip_plan_create(device, &masked.desc, &plan) == TSKIP_OK;
    masked.desc.no_skip = true;
    ok = ok && tskip_plan_create(device, &masked.desc, &plain) == TSKIP_OK;
    const tskip_tile_map_desc desc = {mask, in->desc.extent,
                                      ok ? tskip_plan_get_info(plan)->tile : (tskip_tile){1, 1}};
    ok = ok && tskip_tile_map_build(&desc, &map) == TSKIP_OK &&
         tskip_tile_map_count(map, &out->counts) == TSKIP_OK &&
         map_picture_write(map, 0, rules, picture, &error);
    for (int i = 0; i < 2; i++)
        ok = ok && tskip_buffer_create(device, in->q->size, &outputs[i]) == TSKIP_OK;
    double medians[2] = {0, 0};
    ok = ok && race(device, in, (const tskip_plan *const[2]){plan, plain}, outputs, medians);
    out->with_map = medians[0];
    out->without = medians[1];
    for (int i = 0; i < 2; i++)
        ok = ok && tskip_buffer_read(outputs[i], 0, host[i], in->q->size) == TSKIP_OK;
    out->same = ok && memcmp(host[0], host[1], in->q->size) == 0;
    ok = ok && judge(in, rules, host[0], &out->ratio);
    for (int i = 0; i < 2; i++) {
        tskip_buffer_destroy(&outputs[i]);
        free(host[i]);
    }
    tskip_tile_map_destroy(&map);
    tskip_plan_destroy(&plan);
    tskip_plan_destroy(&plain);
    tskip_mask_destroy(&mask);
    return ok;
}

static void add_row(table *t, const char *rules, const outcome *o)
{
    char text[32];
    const uint64_t tiles = o->counts.skip + o->counts.mixed + o->counts.full;
    table_cell(t, "%s", rules);
    table_cell(t, "%s", io_digits(text, o->counts.skip));
    table_cell(t, "%s", io_digits(text, o->counts.mixed));
    table_cell(t, "%s", io_digits(text, o->counts.full));
    table_cell(t, "%.1f ms", o->without * 1e3);
    table_cell(t, "%.1f ms", o->with_map * 1e3);
    table_cell(t, "%.1f %%", 100.0 * (double)o->counts.skip / (double)tiles);
    table_cell(t, "%.2f ×", o->without / o->with_map);
    table_cell(t, "%s", o->same ? "byte-identical" : "DIFFERENT");
    table_cell(t, "%.3f", o->ratio);
}

/* One line that is overwritten, on a terminal only. */
static void say(const char *what)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s", what);
}

static int show(tskip_device *device, const inputs *in, const char *folder)
{
    table t;
    int status = 0;
    char pictures[N_MASKS][512];
    table_begin(&t, "lrrrrrrrlr", "mask|skip|mixed|full|no map|map|skipped|speed-up|outputs|error");
    for (int i = 0; i < N_MASKS; i++) {
        outcome o = {.ratio = 0};
        snprintf(pictures[i], sizeof(pictures[i]), "%s/%s", folder, MASKS[i].picture);
        say(MASKS[i].rules);
        if (!compare(device, in, MASKS[i].rules, pictures[i], &o))
            return complain(MASKS[i].rules, tskip_last_error());
        add_row(&t, MASKS[i].rules, &o);
        status |= !o.same || !(o.ratio <= 1);
    }
    say("");
    table_print(&t, stdout);
    printf("\nskip, mixed, full: tiles of the mask that are not computed, computed with the mask\n"
           "  applied, computed without mask work.\n"
           "no map, map: median of %d runs in turns; the map is built anew in each.\n"
           "outputs: with the map and without it, compared byte by byte.\n"
           "error: the worst element's distance from a double-precision reference, as a share of\n"
           "  what the accuracy bound allows (1 would be the limit).\n\n",
           ROUNDS);
    for (int i = 0; i < N_MASKS; i++)
        printf("picture of the map: %s\n", pictures[i]);
    return status;
}

int main(int argc, char **argv)
{
    st_file *file = NULL;
    io_error error;
    tskip_device *device = NULL;
    inputs in = {0};
    if (argc != 3)
        return complain("usage", "demo FILE.safetensors FOLDER");
    if (!st_open(argv[1], &file, &error))
        return complain("input", error.text);
    if (tskip_device_open(NULL, &device) != TSKIP_OK || !load(device, file, &in))
        return complain("input", tskip_last_error());
    const tskip_extent *e = &in.desc.extent;
    printf("Q, K, V of %s\n%" PRIu32 " query heads, %" PRIu32 " key/value heads, %" PRId64
           " tokens, head size %" PRIu32 ", %s\non %s\n\n",
           argv[1], e->n_heads, in.desc.n_kv_heads, e->q_len, in.desc.head_dim,
           tskip_dtype_name(in.desc.dtype), tskip_device_get_info(device)->description);
    const int status = show(device, &in, argv[2]);
    for (int i = 0; i < 3; i++)
        tskip_buffer_destroy(&in.buffers[i]);
    st_close(file);
    tskip_device_destroy(&device);
    return status;
}
