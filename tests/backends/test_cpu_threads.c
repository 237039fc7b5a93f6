/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* How the CPU device spreads groups: a caller's pool, the library's own, and a kernel that calls
 * the library. */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <tileskip/compute.h>

enum { GROUPS = 200 };

static void ok(tskip_status status)
{
    if (status != TSKIP_OK)
        fail_msg("%s: %s", tskip_status_name(status), tskip_last_error());
}

static tskip_device *open_cpu(uint32_t threads, tskip_parallel_for_fn parallel_for, void *user)
{
    tskip_device *device;
    ok(tskip_device_open(&(tskip_device_desc){.name = "cpu",
                                              .threads = threads,
                                              .parallel_for = parallel_for,
                                              .parallel_for_user = user},
                         &device));
    return device;
}

/* Dispatches `kernel` over GROUPS groups with `buffer` as its one binding, submits and waits. */
static tskip_status run(tskip_device *device, const tskip_kernel *kernel, tskip_buffer *buffer,
                        const void *args, size_t args_size)
{
    const uint32_t grid[3] = {GROUPS, 1, 1};
    const tskip_binding binding = {.buffer = buffer, .access = TSKIP_READ_WRITE};
    tskip_encoder *encoder;
    tskip_status s = tskip_encoder_create(device, NULL, &encoder);
    if (s != TSKIP_OK)
        return s;
    s = tskip_encoder_dispatch(encoder, kernel, grid, &binding, 1, args, args_size);
    if (s == TSKIP_OK)
        s = tskip_encoder_submit(encoder);
    if (s == TSKIP_OK)
        s = tskip_encoder_wait(encoder);
    tskip_encoder_destroy(&encoder);
    return s;
}

/* ---- mark: word i counts the calls of group i ------------------------------------------------ */

static void mark(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    (void)args;
    uint32_t *own = memory;
    own[0] = group->index[0];
    ((_Atomic uint32_t *)buffers[0])[own[0]]++;
}

static const tskip_kernel_body mark_body = {.format = TSKIP_CODE_C, .function = mark};
static const tskip_kernel_desc mark_desc = {
    .name = "mark",
    .bodies = &mark_body,
    .n_bodies = 1,
    .n_bindings = 1,
    .shape = {.group_memory = 4},
};

static void expect_marks(const uint32_t *marks, uint32_t value)
{
    for (uint32_t i = 0; i < GROUPS; i++)
        if (marks[i] != value)
            fail_msg("group %u ran %u times, not %u", i, marks[i], value);
}

static void run_marks(tskip_device *device, int times)
{
    uint32_t marks[GROUPS] = {0};
    const tskip_kernel *kernel;
    tskip_buffer *buffer;
    ok(tskip_kernel_register(device, &mark_desc));
    ok(tskip_kernel_get(device, "mark", NULL, 0, &kernel));
    ok(tskip_buffer_import(device, marks, sizeof marks, &buffer));
    for (int i = 0; i < times; i++)
        ok(run(device, kernel, buffer, NULL, 0));
    tskip_buffer_destroy(&buffer);
    expect_marks(marks, (uint32_t)times);
}

/* ---- a caller's pool ------------------------------------------------------------------------- */

typedef struct callers_pool {
    uint32_t calls, most, least;
} callers_pool;

typedef struct one_task {
    pthread_t thread;
    tskip_task_fn task;
    void *context;
    uint32_t number;
} one_task;

static void *run_one_task(void *context)
{
    one_task *self = context;
    self->task(self->context, self->number);
    return NULL;
}

/* A thread a task, the last one first. */
static void spread(void *user, uint32_t n_tasks, tskip_task_fn task, void *context)
{
    callers_pool *pool = user;
    one_task tasks[16];
    pool->calls++;
    pool->most = n_tasks > pool->most ? n_tasks : pool->most;
    for (uint32_t i = n_tasks; i-- > 0;) {
        tasks[i] = (one_task){.task = task, .context = context, .number = i};
        assert_int_equal(pthread_create(&tasks[i].thread, NULL, run_one_task, &tasks[i]), 0);
    }
    for (uint32_t i = 0; i < n_tasks; i++)
        pthread_join(tasks[i].thread, NULL);
}

static void test_callers_pool_is_used(void **state)
{
    (void)state;
    callers_pool pool = {0};
    tskip_device *device = open_cpu(3, spread, &pool);
    assert_int_equal(tskip_device_get_info(device)->threads, 3);
    run_marks(device, 5);
    tskip_device_destroy(&device);
    assert_int_equal(pool.calls, 5);
    assert_int_equal(pool.most, 3);
}

/* ---- threads of the library's own ------------------------------------------------------------ */

static void test_own_pool_runs_every_group_once(void **state)
{
    (void)state;
    static const uint32_t threads[] = {0, 1, 2, 7, 64};
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        tskip_device *device = open_cpu(threads[i], NULL, NULL);
        if (threads[i] > 0)
            assert_int_equal(tskip_device_get_info(device)->threads, threads[i]);
        else
            assert_true(tskip_device_get_info(device)->threads >= 1);
        run_marks(device, 20);
        tskip_device_destroy(&device);
    }
}

/* Every slot number is below the thread count, and no two groups run on one slot at once. */
static _Atomic uint32_t busy[7];
static _Atomic uint32_t clashes;

static void occupy(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    (void)buffers;
    (void)args;
    (void)memory;
    if (group->thread >= 7 || atomic_fetch_add(&busy[group->thread], 1) != 0)
        atomic_fetch_add(&clashes, 1);
    for (volatile int i = 0; i < 2000; i++)
        continue;
    if (group->thread < 7)
        atomic_fetch_sub(&busy[group->thread], 1);
}

static const tskip_kernel_body occupy_body = {.format = TSKIP_CODE_C, .function = occupy};
static const tskip_kernel_desc occupy_desc = {
    .name = "occupy", .bodies = &occupy_body, .n_bodies = 1, .n_bindings = 1};

static void *submit_marks(void *context)
{
    run_marks(context, 10);
    return NULL;
}

static void test_slots_are_not_shared(void **state)
{
    (void)state;
    tskip_device *device = open_cpu(7, NULL, NULL);
    const tskip_kernel *kernel;
    tskip_buffer *buffer;
    uint32_t word = 0;
    pthread_t other;
    ok(tskip_kernel_register(device, &occupy_desc));
    ok(tskip_kernel_get(device, "occupy", NULL, 0, &kernel));
    ok(tskip_buffer_import(device, &word, sizeof word, &buffer));
    assert_int_equal(pthread_create(&other, NULL, submit_marks, device), 0);
    for (int i = 0; i < 10; i++)
        ok(run(device, kernel, buffer, NULL, 0));
    pthread_join(other, NULL);
    assert_int_equal(atomic_load(&clashes), 0);
    tskip_buffer_destroy(&buffer);
    tskip_device_destroy(&device);
}

/* ---- a kernel that calls the library --------------------------------------------------------- */

typedef struct nested_args {
    tskip_device *device;
    _Atomic int *failures;
} nested_args;

/* Makes a kernel that the device has not seen, with more group memory than any before, and runs it
 * and "mark" to the end. */
static tskip_status call_library(tskip_device *device, uint32_t number, uint32_t marks[GROUPS])
{
    const tskip_constant constant = {"size", {.u32 = 64 * (number + 2)}};
    const tskip_kernel *kernel, *grown;
    tskip_buffer *buffer;
    tskip_status s = tskip_kernel_get(device, "mark", NULL, 0, &kernel);
    if (s == TSKIP_OK)
        s = tskip_kernel_get(device, "growing", &constant, 1, &grown);
    if (s == TSKIP_OK)
        s = tskip_buffer_import(device, marks, GROUPS * sizeof marks[0], &buffer);
    if (s != TSKIP_OK)
        return s;
    s = run(device, kernel, buffer, NULL, 0);
    if (s == TSKIP_OK)
        s = run(device, grown, buffer, NULL, 0);
    tskip_buffer_destroy(&buffer);
    return s;
}

static void nested(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    (void)memory;
    const nested_args *a = args;
    uint32_t marks[GROUPS] = {0};
    tskip_status s = call_library(a->device, group->index[0], marks);
    bool right = s == TSKIP_OK;
    for (int i = 0; i < GROUPS; i++)
        right = right && marks[i] == 2;
    if (!right)
        atomic_fetch_add(a->failures, 1);
    ((uint32_t *)buffers[0])[group->index[0]]++;
}

static void grow(const tskip_constant_value *constants, const tskip_kernel_body *body,
                 tskip_kernel_shape *shape)
{
    (void)body;
    shape->group_memory = constants[0].u32;
}

/* As mark, and writes all of its group memory. */
static void mark_growing(const tskip_group *group, void *const *buffers, const void *args,
                         void *memory)
{
    memset(memory, 0x77, group->constants[0].u32);
    mark(group, buffers, args, memory);
}

static const tskip_constant_decl size_constant = {.name = "size", .type = TSKIP_CONSTANT_U32};
static const tskip_kernel_body growing_body = {.format = TSKIP_CODE_C, .function = mark_growing};
static const tskip_kernel_desc growing_desc = {
    .name = "growing",
    .bodies = &growing_body,
    .n_bodies = 1,
    .constants = &size_constant,
    .n_constants = 1,
    .n_bindings = 1,
    .specialise = grow,
};
static const tskip_kernel_body nested_body = {.format = TSKIP_CODE_C, .function = nested};
static const tskip_kernel_desc nested_desc = {
    .name = "nested",
    .bodies = &nested_body,
    .n_bodies = 1,
    .n_bindings = 1,
    .args_size = sizeof(nested_args),
    .shape = {.group_memory = 64},
};

/* Runs "nested" on `outer`, which calls `inner`; both may be the same. */
static void run_nested(tskip_device *outer, tskip_device *inner)
{
    uint32_t marks[GROUPS] = {0};
    _Atomic int failures = 0;
    const nested_args args = {inner, &failures};
    const tskip_kernel *kernel;
    tskip_buffer *buffer;
    ok(tskip_kernel_register(inner, &mark_desc));
    ok(tskip_kernel_register(inner, &growing_desc));
    ok(tskip_kernel_register(outer, &nested_desc));
    ok(tskip_kernel_get(outer, "nested", NULL, 0, &kernel));
    ok(tskip_buffer_import(outer, marks, sizeof marks, &buffer));
    ok(run(outer, kernel, buffer, &args, sizeof args));
    tskip_buffer_destroy(&buffer);
    assert_int_equal(atomic_load(&failures), 0);
    expect_marks(marks, 1);
}

static void test_kernel_calls_its_own_device(void **state)
{
    (void)state;
    tskip_device *device = open_cpu(4, NULL, NULL);
    run_nested(device, device);
    run_marks(device, 1); /* with the slots that the nested calls asked for */
    tskip_device_destroy(&device);
}

static void test_kernel_calls_another_device(void **state)
{
    (void)state;
    callers_pool pool = {0};
    tskip_device *outer = open_cpu(4, NULL, NULL);
    tskip_device *inner = open_cpu(3, spread, &pool);
    run_nested(outer, inner);
    assert_int_equal(pool.calls, 0); /* serially, on the worker that called */
    run_nested(inner, outer);
    assert_int_equal(pool.calls, 1);
    tskip_device_destroy(&outer);
    tskip_device_destroy(&inner);
}

/* A caller's pool that gives the waiting thread other work, which uses the same device. */
typedef struct busy_pool {
    tskip_device *device;
    bool inside;
} busy_pool;

static void steal(void *user, uint32_t n_tasks, tskip_task_fn task, void *context)
{
    busy_pool *pool = user;
    assert_false(pool->inside);
    pool->inside = true;
    for (uint32_t i = 0; i < n_tasks; i++) {
        run_marks(pool->device, 1);
        task(context, i);
    }
    pool->inside = false;
}

static void test_callers_pool_may_reenter(void **state)
{
    (void)state;
    busy_pool pool = {0};
    tskip_device *device = open_cpu(3, steal, &pool);
    pool.device = device;
    run_marks(device, 2);
    tskip_device_destroy(&device);
}

/* ---- an idle pool ---------------------------------------------------------------------------- */

static double process_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void test_idle_pool_uses_no_processor_time(void **state)
{
    (void)state;
    const struct timespec settle = {0, 2000000}, rest = {0, 200000000};
    tskip_device *device = open_cpu(8, NULL, NULL);
    run_marks(device, 3);
    nanosleep(&settle, NULL);
    double before = process_seconds();
    nanosleep(&rest, NULL);
    double used = process_seconds() - before;
    tskip_device_destroy(&device);
    if (used > 0.005) /* one thread that spins would use 0.2 */
        fail_msg("%g s of processor time in 0.2 s of rest", used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callers_pool_is_used),
        cmocka_unit_test(test_own_pool_runs_every_group_once),
        cmocka_unit_test(test_slots_are_not_shared),
        cmocka_unit_test(test_kernel_calls_its_own_device),
        cmocka_unit_test(test_kernel_calls_another_device),
        cmocka_unit_test(test_callers_pool_may_reenter),
        cmocka_unit_test(test_idle_pool_uses_no_processor_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
