/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "peak.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <tileskip/compute.h>

#include "clock.h"

#define SECONDS   0.25
#define HUGE_PAGE ((size_t)2 << 20)

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

uint64_t peak_sum_c(const uint64_t *words, size_t n_words)
{
    uint64_t sum[8] = {0};
    for (size_t i = 0; i + 8 <= n_words; i += 8)
        for (size_t k = 0; k < 8; k++)
            sum[k] += words[i + k];
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3] ^ sum[4] ^ sum[5] ^ sum[6] ^ sum[7];
}

enum { WAIT, GO, GIVE_UP };

/* One thread's share of a measurement. */
typedef struct share {
    atomic_int *signal; /* WAIT until all threads exist */
    void (*run)(struct share *);
    double (*loop)(uint64_t rounds);
    uint64_t (*sum)(const uint64_t *words, size_t n_words);
    const uint64_t *words;
    size_t n_words;
    double flop, start, end;
} share;

static void run_loop(share *s)
{
    s->start = s->end = clock_seconds();
    for (; s->end - s->start < SECONDS; s->end = clock_seconds())
        s->flop += s->loop(20000);
}

static void run_read(share *s)
{
    s->start = clock_seconds();
    volatile uint64_t keep = s->sum(s->words, s->n_words);
    (void)keep;
    s->end = clock_seconds();
}

static void *work(void *context)
{
    share *s = context;
    int signal;
    while ((signal = atomic_load(s->signal)) == WAIT)
        sched_yield();
    if (signal == GO)
        s->run(s);
    return NULL;
}

/* Runs all shares at once, the first on this thread. False if the threads cannot be had. */
static bool run_shares(share *shares, uint32_t n, void (*run)(share *))
{
    pthread_t *threads = calloc(n, sizeof *threads);
    atomic_int signal = WAIT;
    uint32_t started = 1;
    if (threads == NULL)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        shares[i].signal = &signal;
        shares[i].run = run;
    }
    while (started < n && pthread_create(&threads[started], NULL, work, &shares[started]) == 0)
        started++;
    atomic_store(&signal, started == n ? GO : GIVE_UP);
    work(&shares[0]);
    for (uint32_t i = 1; i < started; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    return started == n;
}

static double peak_of(double (*loop)(uint64_t), uint32_t threads)
{
    share *shares = calloc(threads, sizeof *shares);
    double sum = 0;
    if (shares == NULL)
        return 0;
    for (uint32_t i = 0; i < threads; i++)
        shares[i].loop = loop;
    if (run_shares(shares, threads, run_loop))
        for (uint32_t i = 0; i < threads; i++)
            sum += shares[i].flop / (shares[i].end - shares[i].start);
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
    (void)threads;
    return 0;
}

static uint64_t (*widest_sum(void))(const uint64_t *, size_t)
{
#if defined(__x86_64__)
    if (has_rung("cpu:avx512"))
        return peak_sum_avx512;
    if (has_rung("cpu:avx2"))
        return peak_sum_avx2;
#endif
    (void)has_rung;
    return peak_sum_c;
}

static double read_once(share *shares, uint32_t threads)
{
    if (!run_shares(shares, threads, run_read))
        return 0;
    double first = shares[0].start, last = shares[0].end, bytes = 0;
    for (uint32_t i = 0; i < threads; i++) {
        first = shares[i].start < first ? shares[i].start : first;
        last = shares[i].end > last ? shares[i].end : last;
        bytes += 8.0 * (double)shares[i].n_words;
    }
    return bytes / (last - first) * 1e-9;
}

double peak_read(const void *memory, size_t size, uint32_t threads, int rounds)
{
    share *shares = calloc(threads, sizeof *shares);
    double best = 0;
    if (shares == NULL)
        return 0;
    const size_t words = size / 8 / threads / 64 * 64;
    for (uint32_t i = 0; i < threads; i++)
        shares[i] = (share){
            .sum = widest_sum(), .words = (const uint64_t *)memory + i * words, .n_words = words};
    for (int r = 0; r < rounds; r++) {
        const double rate = read_once(shares, threads);
        best = rate > best ? rate : best;
    }
    free(shares);
    return best;
}

void *peak_memory(size_t size)
{
    const size_t whole = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *memory = aligned_alloc(HUGE_PAGE, whole);
#if defined(MADV_HUGEPAGE)
    if (memory != NULL)
        (void)madvise(memory, whole, MADV_HUGEPAGE);
#endif
    return memory;
}
