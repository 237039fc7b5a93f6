/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_map.h"
#include "random.h"

bool check_device_open(const char *name, check_device *out, io_error *error)
{
    static const uint32_t THREADS[CHECK_MAX_THREADS] = {2, 1, 7};
    *out = (check_device){0};
    snprintf(out->name, sizeof(out->name), "%s", name);
    for (size_t i = 0; i < CHECK_MAX_THREADS; i++) {
        const tskip_device_desc desc = {.name = name, .threads = THREADS[i]};
        if (tskip_device_open(&desc, &out->devices[i]) != TSKIP_OK) {
            check_device_close(out);
            return io_fail(error, "%s", tskip_last_error());
        }
        out->n_devices++;
        if (tskip_device_get_info(out->devices[0])->code_format != TSKIP_CODE_C)
            break;
    }
    return true;
}

void check_device_close(check_device *d)
{
    for (size_t i = 0; i < d->n_devices; i++)
        tskip_device_destroy(&d->devices[i]);
    d->n_devices = 0;
}

/* The outputs of one run; `first` is what all later ones must equal. */
typedef struct outputs {
    uint8_t *first_o, *o;
    float *first_lse, *lse;
    size_t o_size, lse_size;
} outputs;

static bool outputs_create(const problem_data *data, outputs *out)
{
    *out = (outputs){.o_size = data->o_size, .lse_size = data->problem->lse ? data->lse_size : 0};
    out->first_o = malloc(out->o_size);
    out->o = malloc(out->o_size);
    out->first_lse = malloc(data->lse_size);
    out->lse = malloc(data->lse_size);
    return out->first_o != NULL && out->o != NULL && out->first_lse != NULL && out->lse != NULL;
}

static void outputs_release(outputs *out)
{
    free(out->first_o);
    free(out->o);
    free(out->first_lse);
    free(out->lse);
}

/* Runs with both outputs full of bytes that no result is made of, so that none can be left out. */
static bool run_over_sentinels(trial *t, bool skip, const tskip_tile_map *map, uint8_t *o,
                               float *lse, io_error *error)
{
    const size_t o_size = t->data->o_size, lse_size = t->lse != NULL ? t->data->lse_size : 0;
    memset(o, 0x5a, o_size);
    memset(lse, 0x5a, lse_size);
    if (tskip_buffer_write(t->o, 0, o, o_size) != TSKIP_OK ||
        (lse_size > 0 && tskip_buffer_write(t->lse, 0, lse, lse_size) != TSKIP_OK))
        return io_fail(error, "output: %s", tskip_last_error());
    return trial_run(t, skip, map, NULL, error) && trial_read(t, o, lse, error);
}

/* Runs again and compares every byte with the first run. */
static bool same_bytes(trial *t, bool skip, const tskip_tile_map *map, outputs *out,
                       const char *what, io_error *error)
{
    if (!run_over_sentinels(t, skip, map, out->o, out->lse, error))
        return false;
    for (size_t i = 0; i < out->o_size; i++) {
        if (out->o[i] != out->first_o[i]) {
            const size_t element = i / tskip_dtype_size(t->data->out_dtype);
            return io_fail(error, "%s changes the output: element %zu differs from the first run's",
                           what, element);
        }
    }
    if (memcmp(out->lse, out->first_lse, out->lse_size) != 0)
        return io_fail(error, "%s changes the log-sum-exps", what);
    return true;
}

/* Turns some of the labels 0 and 2 into 1, which must never matter. */
static bool relabelled(trial *t, uint32_t percent, outputs *out, const char *what, io_error *error)
{
    const tskip_tile_map_info *info = tskip_tile_map_get_info(t->map);
    const size_t size = (size_t)info->planes_batch * info->planes_head * info->nq * info->nk;
    uint8_t *bytes = malloc(size);
    tskip_tile_map *map = NULL;
    const tskip_tile_map_desc desc = {t->mask, t->data->problem->extent, info->tile};
    bool ok = bytes != NULL && tskip_tile_map_read(t->map, bytes, size) == TSKIP_OK;
    random_state rng = {t->data->problem->seed ^ percent};
    for (size_t i = 0; ok && i < size; i++) {
        if (random_chance(&rng, percent))
            bytes[i] = TSKIP_TILE_MIXED;
    }
    ok = ok && tskip_tile_map_from_bytes(t->device, &desc, info->planes_batch, info->planes_head,
                                         bytes, size, &map) == TSKIP_OK;
    if (!ok)
        io_fail(error, "map from bytes: %s", tskip_last_error());
    ok = ok && same_bytes(t, true, map, out, what, error);
    tskip_tile_map_destroy(&map);
    free(bytes);
    return ok;
}

static bool judge(const problem_data *data, const witness *w, const outputs *out,
                  check_result *result, io_error *error)
{
    char text[384];
    struct oracle_tensor o = w->output;
    o.data = out->first_o;
    struct oracle_report report = oracle_judge(&w->reference, &o);
    result->ratio = report.ratio;
    if (!(report.ratio <= 1) || report.fault != ORACLE_FAULT_NONE) {
        oracle_report_text(&report, text, sizeof(text));
        return io_fail(error, "output is outside the bound: %s", text);
    }
    if (!data->problem->lse)
        return true;
    report = oracle_judge_lse(&w->reference, out->first_lse);
    result->lse_ratio = report.ratio;
    if (report.ratio <= 1 && report.fault == ORACLE_FAULT_NONE)
        return true;
    oracle_report_text(&report, text, sizeof(text));
    return io_fail(error, "log-sum-exp is outside the bound: %s", text);
}

static bool gate(trial *t, outputs *out, io_error *error)
{
    if (!same_bytes(t, false, NULL, out, "leaving the map out", error))
        return false;
    if (t->map == NULL)
        return true;
    return same_bytes(t, true, NULL, out, "a map made on the way", error) &&
           relabelled(t, 50, out, "turning half of the labels 0 and 2 into 1", error) &&
           relabelled(t, 100, out, "turning all labels into 1", error);
}

/* The same problem on the device with another number of threads. */
static bool other_threads(tskip_device *device, const problem_data *data, outputs *out,
                          io_error *error)
{
    char what[64];
    snprintf(what, sizeof(what), "using %" PRIu32 " threads",
             tskip_device_get_info(device)->threads);
    trial t;
    if (!trial_create(device, data, &t, error))
        return false;
    const bool ok = same_bytes(&t, true, t.map, out, what, error);
    trial_destroy(&t);
    return ok;
}

static bool check_with(const check_device *d, trial *t, const witness *w, outputs *out,
                       check_result *result, io_error *error)
{
    if (w != NULL && t->mask != NULL &&
        (!check_map(t, w, result->classes, error) || !check_cells(t, w, error)))
        return false;
    if (!run_over_sentinels(t, true, t->map, out->first_o, out->first_lse, error))
        return false;
    if ((w != NULL && !judge(t->data, w, out, result, error)) || !gate(t, out, error))
        return false;
    for (size_t i = 1; i < d->n_devices; i++) {
        if (!other_threads(d->devices[i], t->data, out, error))
            return false;
    }
    return true;
}

bool check_run(const check_device *d, const problem_data *data, const witness *w,
               check_result *result, io_error *error)
{
    *result = (check_result){0};
    trial t;
    outputs out;
    if (!trial_create(d->devices[0], data, &t, error))
        return false;
    result->tile = tskip_plan_get_info(t.plan)->tile;
    const bool ok = outputs_create(data, &out)
                        ? check_with(d, &t, w, &out, result, error)
                        : io_fail(error, "not enough memory to keep the outputs");
    outputs_release(&out);
    trial_destroy(&t);
    return ok;
}
