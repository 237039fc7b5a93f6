/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "peak.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <tileskip/compute.h>

#include "clock.h"

#define SECONDS 0.2

double peak_loop_c(uint64_t rounds)
{
    float sum[16];
    for (int i = 0; i < 16; i++)
        sum[i] = (float)i;
    for (uint64_t r = 0; r < rounds; r++)
        for (int i = 0; i < 16; i++)
            sum[i] = sum[i] * 0.999f + 1e-3f;
    volatile float keep = sum[0] + sum[7];
    (void)keep;
    return (double)rounds * 16 * 2;
}

/* One thread's share, timed inside the thread. */
typedef struct share {
    double (*loop)(uint64_t rounds);
    const uint64_t *words; /* or memory to read */
    size_t n_words;
    double rate;
} share;

static void *run_loop(void *context)
{
    share *s = context;
    uint64_t rounds = 1000;
    double seconds = 0, flop = 0;
    while (seconds < SECONDS) {
        const double start = clock_seconds();
        flop = s->loop(rounds);
        seconds = clock_seconds() - start;
        rounds *= seconds < SECONDS / 8 ? 8 : 2;
    }
    s->rate = flop / seconds;
    return NULL;
}

static void *run_read(void *context)
{
    share *s = context;
    uint64_t sum[8] = {0};
    for (size_t i = 0; i + 8 <= s->n_words; i += 8)
        for (int k = 0; k < 8; k++)
            sum[k] += s->words[i + (size_t)k];
    volatile uint64_t keep = sum[0] ^ sum[3] ^ sum[7];
    (void)keep;
    return NULL;
}

static void run_shares(share *shares, uint32_t n, void *(*run)(void *))
{
    pthread_t *threads = calloc(n, sizeof *threads);
    uint32_t started = 1;
    if (threads != NULL)
        for (; started < n; started++)
            if (pthread_create(&threads[started], NULL, run, &shares[started]) != 0)
                break;
    run(&shares[0]);
    for (uint32_t i = 1; i < started && threads != NULL; i++)
        pthread_join(threads[i], NULL);
    free(threads);
}

static double peak_of(double (*loop)(uint64_t), uint32_t threads)
{
    share *shares = calloc(threads, sizeof *shares);
    double sum = 0;
    if (shares == NULL)
        return 0;
    for (uint32_t i = 0; i < threads; i++)
        shares[i].loop = loop;
    run_shares(shares, threads, run_loop);
    for (uint32_t i = 0; i < threads; i++)
        sum += shares[i].rate;
    free(shares);
    return sum * 1e-9;
}

/* The library knows which rungs this machine has. */
static bool has_rung(const char *name)
{
    tskip_device *device = NULL;
    const tskip_device_desc desc = {.name = name, .threads = 1};
    const bool has = tskip_device_open(&desc, &device) == TSKIP_OK;
    tskip_device_destroy(&device);
    return has;
}

double peak_f32(uint32_t threads)
{
#if defined(__x86_64__)
    if (has_rung("cpu:avx512"))
        return peak_of(peak_loop_avx512, threads);
    if (has_rung("cpu:avx2"))
        return peak_of(peak_loop_avx2, threads);
#endif
    return peak_of(peak_loop_c, threads);
}

double peak_bf16(uint32_t threads)
{
#if defined(__x86_64__)
    if (has_rung("cpu:amx"))
        return peak_of(peak_loop_amx, threads);
    if (has_rung("cpu:avx512bf16"))
        return peak_of(peak_loop_bf16, threads);
#endif
    (void)has_rung;
    (void)threads;
    return 0;
}

double peak_read(const void *memory, size_t size, uint32_t threads, int rounds)
{
    share *shares = calloc(threads, sizeof *shares);
    double best = 0;
    if (shares == NULL)
        return 0;
    for (uint32_t i = 0; i < threads; i++) {
        const size_t words = size / 8 / threads;
        shares[i].words = (const uint64_t *)memory + i * words;
        shares[i].n_words = words;
    }
    for (int r = 0; r < rounds; r++) {
        const double start = clock_seconds();
        run_shares(shares, threads, run_read);
        const double rate = (double)size / (clock_seconds() - start) * 1e-9;
        best = rate > best ? rate : best;
    }
    free(shares);
    return best;
}
