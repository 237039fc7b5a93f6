/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* A device opened before a fork works in the child, in its child, and in the parent afterwards. A
 * program of its own: ThreadSanitizer knows no threads after a fork. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <tileskip/compute.h>

enum { GROUPS = 64, TIMEOUT_S = 20 };

static void count(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    (void)args;
    (void)memory;
    ((uint32_t *)buffers[0])[group->index[0]]++;
}

static const tskip_kernel_body body = {.format = TSKIP_CODE_C, .function = count};
static const tskip_kernel_desc desc = {
    .name = "count",
    .bodies = &body,
    .n_bodies = 1,
    .n_bindings = 1,
    .shape = {.group_memory = 128},
};

/* Two groups that wait for each other, so that a thread beside the caller's must take part. */
static _Atomic uint32_t begun;

static void meet(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    (void)group;
    (void)buffers;
    (void)args;
    (void)memory;
    atomic_fetch_add(&begun, 1);
    for (int i = 0; i < 5000 && atomic_load(&begun) < 2; i++)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static const tskip_kernel_body meet_body = {.format = TSKIP_CODE_C, .function = meet};
static const tskip_kernel_desc meet_desc = {.name = "meet", .bodies = &meet_body, .n_bodies = 1};

static bool has_threads(tskip_device *device)
{
    const uint32_t grid[3] = {2, 1, 1};
    const tskip_kernel *kernel;
    tskip_encoder *encoder = NULL;
    atomic_store(&begun, 0);
    double seconds = 10;
    bool done = tskip_kernel_register(device, &meet_desc) == TSKIP_OK &&
                tskip_kernel_get(device, "meet", NULL, 0, &kernel) == TSKIP_OK &&
                tskip_encoder_create(device, NULL, &encoder) == TSKIP_OK &&
                tskip_encoder_dispatch(encoder, kernel, grid, NULL, 0, NULL, 0) == TSKIP_OK &&
                tskip_encoder_submit(encoder) == TSKIP_OK &&
                tskip_encoder_wait(encoder) == TSKIP_OK &&
                tskip_encoder_elapsed(encoder, &seconds) == TSKIP_OK;
    tskip_encoder_destroy(&encoder);
    return done && seconds < 5;
}

static bool counts_rightly(tskip_device *device)
{
    uint32_t counts[GROUPS] = {0};
    const uint32_t grid[3] = {GROUPS, 1, 1};
    const tskip_kernel *kernel;
    tskip_buffer *buffer = NULL;
    tskip_encoder *encoder = NULL;
    bool done = tskip_kernel_register(device, &desc) == TSKIP_OK &&
                tskip_kernel_get(device, "count", NULL, 0, &kernel) == TSKIP_OK &&
                tskip_buffer_import(device, counts, sizeof counts, &buffer) == TSKIP_OK &&
                tskip_encoder_create(device, NULL, &encoder) == TSKIP_OK;
    const tskip_binding binding = {.buffer = buffer, .access = TSKIP_READ_WRITE};
    for (int i = 0; i < 50 && done; i++)
        done = tskip_encoder_dispatch(encoder, kernel, grid, &binding, 1, NULL, 0) == TSKIP_OK;
    done = done && tskip_encoder_submit(encoder) == TSKIP_OK &&
           tskip_encoder_wait(encoder) == TSKIP_OK;
    tskip_encoder_destroy(&encoder);
    tskip_buffer_destroy(&buffer);
    for (int i = 0; i < GROUPS && done; i++)
        done = counts[i] == 50;
    return done;
}

/* Runs `generations` of children, each forked by the one before after it has used the device, and
 * each of which destroys it. Returns whether all did right. */
static bool descend(tskip_device *device, int generations)
{
    pid_t child = fork();
    if (child < 0)
        return false;
    if (child == 0) {
        (void)alarm(TIMEOUT_S); /* a child that hangs is killed */
        bool right = counts_rightly(device) && has_threads(device);
        if (generations > 1)
            right = descend(device, generations - 1) && right;
        tskip_device_destroy(&device);
        _exit(right ? 0 : 1);
    }
    int status;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static tskip_device *open_cpu(void)
{
    tskip_device *device;
    assert_int_equal(tskip_device_open(&(tskip_device_desc){.name = "cpu", .threads = 4}, &device),
                     TSKIP_OK);
    return device;
}

static void test_after_use(void **state)
{
    (void)state;
    tskip_device *device = open_cpu();
    assert_true(counts_rightly(device));
    assert_true(descend(device, 3));
    assert_true(counts_rightly(device) && has_threads(device));
    tskip_device_destroy(&device);
}

static void test_before_use(void **state)
{
    (void)state;
    tskip_device *device = open_cpu();
    assert_true(descend(device, 1));
    assert_true(counts_rightly(device));
    tskip_device_destroy(&device);
}

static void test_child_that_only_destroys(void **state)
{
    (void)state;
    tskip_device *device = open_cpu();
    assert_true(counts_rightly(device));
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(TIMEOUT_S);
        tskip_device_destroy(&device);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    tskip_device_destroy(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_after_use),
        cmocka_unit_test(test_before_use),
        cmocka_unit_test(test_child_that_only_destroys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
