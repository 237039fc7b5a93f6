/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* What a parallel region costs on the CPU device: with nothing to do, and with 64 groups of some 20
 * microseconds, for which it also says when a second thread began; back to back and after a rest in
 * which the pool falls asleep. Then the processor time that the sleeping pool uses.
 *
 *     region [threads] */

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <tileskip/compute.h>

enum { GROUPS = 64, ROUNDS = 400 };

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void rest(double length)
{
    const struct timespec time = {0, (long)(length * 1e9)};
    nanosleep(&time, NULL);
}

static void empty(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    (void)group;
    (void)buffers;
    (void)args;
    (void)memory;
}

/* Some 20 microseconds of arithmetic. Notes when a second thread begins. */
static _Atomic int first_thread;
static _Atomic bool second_seen;
static double second_began;
static _Atomic uint32_t sink;

static void work(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    (void)buffers;
    (void)args;
    (void)memory;
    int nobody = -1, me = (int)group->thread;
    if (!atomic_compare_exchange_strong(&first_thread, &nobody, me) && nobody != me &&
        !atomic_exchange(&second_seen, true))
        second_began = seconds(CLOCK_MONOTONIC);
    uint32_t x = group->index[0];
    for (int i = 0; i < 15000; i++)
        x = x * 1664525u + 1013904223u;
    atomic_fetch_add_explicit(&sink, x, memory_order_relaxed);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static tskip_status run(tskip_encoder *encoder, const tskip_kernel *kernel, double *start)
{
    const uint32_t grid[3] = {GROUPS, 1, 1};
    tskip_status s = tskip_encoder_reset(encoder);
    if (s == TSKIP_OK)
        s = tskip_encoder_dispatch(encoder, kernel, grid, NULL, 0, NULL, 0);
    *start = seconds(CLOCK_MONOTONIC);
    if (s == TSKIP_OK)
        s = tskip_encoder_submit(encoder);
    return s == TSKIP_OK ? tskip_encoder_wait(encoder) : s;
}

static void report(const char *what, double *times, int n)
{
    qsort(times, (size_t)n, sizeof times[0], ascending);
    printf("  %-42s%8.1f us median, %8.1f us 9 of 10\n", what, 1e6 * times[n / 2],
           1e6 * times[n * 9 / 10]);
}

static tskip_status measure(tskip_encoder *encoder, const tskip_kernel *kernel, double pause)
{
    static double whole[ROUNDS], second[ROUNDS];
    int joined = 0;
    for (int i = 0; i < ROUNDS; i++) {
        double start;
        atomic_store(&first_thread, -1);
        atomic_store(&second_seen, false);
        if (pause > 0)
            rest(pause);
        tskip_status s = run(encoder, kernel, &start);
        if (s != TSKIP_OK)
            return s;
        whole[i] = seconds(CLOCK_MONOTONIC) - start;
        if (atomic_load(&second_seen))
            second[joined++] = second_began - start;
    }
    printf("%s, %s\n", tskip_kernel_name(kernel),
           pause > 0 ? "after 5 ms of rest" : "back to back");
    report("from submit to the end of wait", whole, ROUNDS);
    if (joined > 0) {
        printf("  a second thread took part in %d of %d\n", joined, ROUNDS);
        report("from submit until it began", second, joined);
    }
    return TSKIP_OK;
}

static tskip_status measure_rest(tskip_encoder *encoder, const tskip_kernel *kernel)
{
    double start;
    tskip_status s = run(encoder, kernel, &start);
    rest(0.002);
    double before = seconds(CLOCK_PROCESS_CPUTIME_ID);
    rest(0.2);
    printf("processor time from 2 ms after a region on: %.1f us in 200 ms\n",
           1e6 * (seconds(CLOCK_PROCESS_CPUTIME_ID) - before));
    return s;
}

static const tskip_kernel_body empty_body = {.format = TSKIP_CODE_C, .function = empty};
static const tskip_kernel_body work_body = {.format = TSKIP_CODE_C, .function = work};
static const tskip_kernel_desc empty_desc = {
    .name = "nothing", .bodies = &empty_body, .n_bodies = 1};
static const tskip_kernel_desc work_desc = {.name = "work", .bodies = &work_body, .n_bodies = 1};

static tskip_status measure_all(tskip_device *device, tskip_encoder *encoder)
{
    const tskip_kernel *nothing = NULL, *busy = NULL;
    tskip_status s = tskip_kernel_register(device, &empty_desc);
    if (s == TSKIP_OK)
        s = tskip_kernel_register(device, &work_desc);
    if (s == TSKIP_OK)
        s = tskip_kernel_get(device, "nothing", NULL, 0, &nothing);
    if (s == TSKIP_OK)
        s = tskip_kernel_get(device, "work", NULL, 0, &busy);
    const tskip_kernel *const kernels[] = {nothing, busy};
    for (int i = 0; i < 4 && s == TSKIP_OK; i++)
        s = measure(encoder, kernels[i / 2], i % 2 ? 0.005 : 0);
    return s == TSKIP_OK ? measure_rest(encoder, nothing) : s;
}

int main(int argc, char **argv)
{
    const tskip_device_desc desc = {.name = "cpu",
                                    .threads = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0};
    tskip_device *device = NULL;
    tskip_encoder *encoder = NULL;
    tskip_status s = tskip_device_open(&desc, &device);
    if (s == TSKIP_OK)
        s = tskip_encoder_create(device, NULL, &encoder);
    if (s == TSKIP_OK) {
        printf("%s\n", tskip_device_get_info(device)->description);
        s = measure_all(device, encoder);
    }
    if (s != TSKIP_OK)
        fprintf(stderr, "region: %s\n", tskip_last_error());
    tskip_encoder_destroy(&encoder);
    tskip_device_destroy(&device);
    return s != TSKIP_OK;
}
