/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* 131,072 tokens under rules, window 1024, D = 64, one head: within 512 MiB, which a score matrix
 * (64 GiB) or even a bool mask (16 GiB) would not be. A few rows are held against a plain sum in
 * double. */

#include "harness/refused.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <tileskip/attention.h>

enum { N = 131072, D = 64, WINDOW = 1024 };
#define LIMIT_KIB (512 * 1024)

static long peak_kib(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return -1;
#if defined(__APPLE__)
    return usage.ru_maxrss / 1024; /* bytes there */
#else
    return usage.ru_maxrss;
#endif
}

static float value(uint32_t tensor, uint32_t i)
{
    uint32_t x = i * 2654435761u + tensor * 40503u;
    x = (x ^ (x >> 15)) * 2246822519u;
    return (float)(x >> 8) * 0x1p-23f - 1;
}

static float *make(tskip_device *device, uint32_t tensor, tskip_slice *out)
{
    void *bytes;
    assert_done(tskip_buffer_create(device, (uint64_t)N * D * sizeof(float), &out->buffer));
    assert_done(tskip_buffer_map(out->buffer, &bytes));
    float *x = bytes;
    for (uint32_t i = 0; i < N * D; i++)
        x[i] = tensor < 3 ? 4 * value(tensor, i) : 0;
    return x;
}

/* max |O - O*| of one row. */
static double row_error(const float *q, const float *k, const float *v, const float *o, int row)
{
    double weights[WINDOW], sum = 0, top = -INFINITY, error = 0;
    const int first = row < WINDOW ? 0 : row - WINDOW + 1, n = row - first + 1;
    for (int j = 0; j < n; j++) {
        double dot = 0;
        for (int d = 0; d < D; d++)
            dot += (double)q[row * D + d] * k[(first + j) * D + d];
        weights[j] = dot / 8;
        top = fmax(top, weights[j]);
    }
    for (int j = 0; j < n; j++)
        sum += weights[j] = exp(weights[j] - top);
    for (int d = 0; d < D; d++) {
        double exact = 0;
        for (int j = 0; j < n; j++)
            exact += weights[j] / sum * v[(first + j) * D + d];
        error = fmax(error, fabs(exact - o[row * D + d]));
    }
    return error;
}

static void test_long_run_stays_small(void **state)
{
    (void)state;
    static const int ROWS[] = {0, 1, 1022, 1023, 1024, 1025, 65535, 65536, N - 1};
    tskip_device *device;
    tskip_mask *mask;
    tskip_attention_tensors t = {0};
    assert_done(tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = 2}, &device));
    assert_done(
        tskip_mask_create(device, &(tskip_mask_desc){.rules = "causal,window=1024"}, &mask));
    const float *q = make(device, 0, &t.q), *k = make(device, 1, &t.k), *v = make(device, 2, &t.v);
    const float *o = make(device, 3, &t.o);
    const tskip_attention_desc desc = {
        .extent = {.q_len = N, .k_len = N}, .head_dim = D, .dtype = TSKIP_F32, .mask = mask};
    assert_done(tskip_attention_run(device, &desc, &t));
    const long peak = peak_kib();
    printf("peak memory %ld MiB\n", peak / 1024);
    assert_true(peak > 0 && peak < LIMIT_KIB);
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        assert_true(row_error(q, k, v, o, ROWS[i]) < 1e-5);
    tskip_buffer_destroy(&t.q.buffer);
    tskip_buffer_destroy(&t.k.buffer);
    tskip_buffer_destroy(&t.v.buffer);
    tskip_buffer_destroy(&t.o.buffer);
    tskip_mask_destroy(&mask);
    tskip_device_destroy(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_long_run_stays_small)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
