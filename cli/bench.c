/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "io/element.h"
#include "peak.h"
#include "trial.h"

#define LEAST_ROUNDS 5
#define ROUNDS       25
#define ENOUGH       0.5  /* seconds after which the least rounds will do */
#define MAX_SECONDS  20.0 /* a problem stops after the round in which this has passed */
#define DENSE_SIDE   1024
#define SCAN_ROUNDS  9

/* On a GPU runs are timed back to back, as a model has them: one alone waits for its launches. */
#define GPU_SECONDS  0.005
#define MAX_REPEATS  64
#define SCAN_REPEATS 32

static double visited(const trial *t)
{
    tskip_tile_counts n;
    if (t->map == NULL || tskip_tile_map_count(t->map, &n) != TSKIP_OK)
        return 1;
    return (double)(n.mixed + n.full) / (double)(n.skip + n.mixed + n.full);
}

static bool warm_up(trial *t, io_error *error)
{
    double seconds;
    if (!trial_run(t, true, NULL, NULL, error))
        return false;
    if (tskip_device_get_info(t->device)->code_format == TSKIP_CODE_C)
        return true;
    if (!trial_run(t, true, NULL, &seconds, error))
        return false;
    const double n = seconds > 0 ? GPU_SECONDS / seconds : MAX_REPEATS;
    t->repeats = n < 1 ? 1 : n < MAX_REPEATS ? (uint32_t)n : MAX_REPEATS;
    return true;
}

bool bench_is_decode(const problem *p)
{
    return p->extent.q_len <= 16;
}

double bench_share_of_lesser(const bench_result *r)
{
    if (r->read_gbs == 0 || r->dense_gflops == 0)
        return 0;
    const double read = r->kv_bytes / r->read_gbs * 1e-9;
    const double multiply = r->gflops * r->seconds_map / r->dense_gflops;
    return (read > multiply ? read : multiply) / r->seconds_map;
}

/* GB/s over K and V; whole cache lines of them. */
static double read_once(const trial *t)
{
    const guarded *tensors[] = {&t->data->k, &t->data->v};
    const uint32_t threads = tskip_device_get_info(t->device)->threads;
    double seconds = 0, bytes = 0;
    for (int i = 0; i < 2; i++) {
        const size_t skip = (size_t)(-(uintptr_t)tensors[i]->data % 64);
        if (tensors[i]->size < skip + 4096 * (size_t)threads)
            return 0;
        const double rate =
            peak_read((const char *)tensors[i]->data + skip, tensors[i]->size - skip, threads, 1);
        seconds += (double)tensors[i]->size / rate;
        bytes += (double)tensors[i]->size;
    }
    return bytes / seconds;
}

static bool time_rounds(trial *t, bench_result *out, io_error *error)
{
    double map[ROUNDS], given[ROUNDS], nomap[ROUNDS], read[ROUNDS];
    const bool reads = bench_is_decode(t->data->problem) &&
                       tskip_device_get_info(t->device)->code_format == TSKIP_CODE_C;
    const double start = clock_seconds();
    size_t n = 0;
    if (!warm_up(t, error))
        return false;
    while (n < ROUNDS && (n == 0 || clock_seconds() - start < MAX_SECONDS) &&
           (n < LEAST_ROUNDS || clock_seconds() - start < ENOUGH)) {
        if (!trial_run(t, true, NULL, &map[n], error) ||
            !trial_run(t, true, t->map, &given[n], error) ||
            !trial_run(t, false, NULL, &nomap[n], error))
            return false;
        read[n] = reads ? read_once(t) : 0;
        n++;
    }
    out->read_gbs = clock_median(read, n);
    out->seconds_map = clock_median(map, n);
    out->seconds_given = clock_median(given, n);
    out->seconds_nomap = clock_median(nomap, n);
    return true;
}

static bool time_problem(tskip_device *device, const problem *p, bench_result *out, io_error *error)
{
    problem_data data;
    trial t;
    uint64_t pairs;
    uint32_t planes;
    double flop;
    *out = (bench_result){0};
    if (!problem_data_create(p, &data, error))
        return false;
    bool ok = trial_create(device, &data, &t, error);
    if (ok) {
        snprintf(out->plan, sizeof(out->plan), "%s", tskip_plan_describe(t.plan));
        ok = time_rounds(&t, out, error) && trial_flop(&t, &flop, &pairs, &planes, error);
        if (ok) {
            out->gflops = flop / out->seconds_map * 1e-9;
            out->visited_share = visited(&t);
            out->kv_bytes = (double)data.k.size + (double)data.v.size;
        }
        trial_destroy(&t);
    }
    problem_data_release(&data);
    return ok;
}

bool bench_problem(tskip_device *device, const problem *p, bench_result *out, io_error *error)
{
    problem large = {.extent = {.batch = 1, .n_heads = 8, .q_len = DENSE_SIDE, .k_len = DENSE_SIDE},
                     .n_kv_heads = 8,
                     .head_dim = p->head_dim,
                     .head_dim_v = p->head_dim_v,
                     .dtype = p->dtype,
                     .out_dtype = p->out_dtype};
    bench_result dense;
    if (!time_problem(device, p, out, error))
        return false;
    if (out->read_gbs == 0)
        return true;
    if (!time_problem(device, &large, &dense, error))
        return false;
    out->dense_gflops = dense.gflops;
    return true;
}

/* Masked above the diagonal, random biases in one column of eight: no scan can stop early. */
static void fill_cells(void *cells, tskip_dtype dtype)
{
    for (size_t i = 0; i < BENCH_SCAN_SIDE; i++)
        for (size_t j = 0; j < BENCH_SCAN_SIDE; j++)
            io_store(cells, dtype, i * BENCH_SCAN_SIDE + j,
                     dtype == TSKIP_BOOL ? (float)(j <= i)
                     : j > i             ? -3e38f
                                         : (float)(j % 8 == 0 ? i % 3 : 0));
}

static bool time_scan(tskip_device *device, tskip_tile_map *map, const void *cells, size_t size,
                      bench_scan *out, io_error *error)
{
    double read[SCAN_ROUNDS], scan[SCAN_ROUNDS];
    const uint32_t threads = tskip_device_get_info(device)->threads;
    const bool processor = tskip_device_get_info(device)->code_format == TSKIP_CODE_C;
    const uint32_t repeats = processor ? 1 : SCAN_REPEATS;
    tskip_encoder *encoder = NULL;
    bool ok = tskip_encoder_create(device, NULL, &encoder) == TSKIP_OK;
    for (int r = 0; ok && r < SCAN_ROUNDS; r++) {
        read[r] = processor ? peak_read(cells, size, threads, 1) : 0;
        const double start = clock_seconds();
        for (uint32_t i = 0; i < repeats && ok; i++)
            ok = tskip_tile_map_encode(map, encoder) == TSKIP_OK;
        ok = ok && tskip_encoder_submit(encoder) == TSKIP_OK &&
             tskip_encoder_wait(encoder) == TSKIP_OK;
        scan[r] = (double)size * repeats / trial_seconds(encoder, start) * 1e-9;
        ok = ok && tskip_encoder_reset(encoder) == TSKIP_OK;
    }
    tskip_encoder_destroy(&encoder);
    if (!ok)
        return io_fail(error, "scan: %s", tskip_last_error());
    out->read_gbs = clock_median(read, SCAN_ROUNDS);
    out->scan_gbs = clock_median(scan, SCAN_ROUNDS);
    return true;
}

bool bench_scan_mask(tskip_device *device, tskip_dtype dtype, bench_scan *out, io_error *error)
{
    const size_t size = (size_t)BENCH_SCAN_SIDE * BENCH_SCAN_SIDE * tskip_dtype_size(dtype);
    void *cells = peak_memory(size);
    tskip_mask *mask = NULL;
    tskip_tile_map *map = NULL;
    if (cells == NULL)
        return io_fail(error, "not enough memory for a mask of %zu bytes", size);
    fill_cells(cells, dtype);
    tskip_buffer *buffer = trial_upload(device, cells, size);
    const tskip_mask_desc desc = {.tensor = {.buffer = buffer,
                                             .dtype = dtype,
                                             .rank = 2,
                                             .shape = {BENCH_SCAN_SIDE, BENCH_SCAN_SIDE}}};
    bool ok = buffer != NULL && tskip_mask_create(device, &desc, &mask) == TSKIP_OK;
    const tskip_tile_map_desc map_desc = {
        mask, {.q_len = BENCH_SCAN_SIDE, .k_len = BENCH_SCAN_SIDE}, {32, 64}};
    ok = ok && tskip_tile_map_create(&map_desc, &map) == TSKIP_OK;
    if (!ok)
        io_fail(error, "scan: %s", tskip_last_error());
    ok = ok && time_scan(device, map, cells, size, out, error);
    tskip_tile_map_destroy(&map);
    tskip_mask_destroy(&mask);
    tskip_buffer_destroy(&buffer);
    free(cells);
    return ok;
}
