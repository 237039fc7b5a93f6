/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "verify.h"

#include <fnmatch.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "designed.h"
#include "problem_random.h"

/* What runs now, for the handler below. */
static char running[PROBLEM_MAX_TEXT + 128];

/* A kernel that reaches past a tensor ends here: its problem must not be lost. */
static void on_crash(int number)
{
    static const char HEAD[] = "tileskip: verify: crashed at: ";
    if (write(STDERR_FILENO, HEAD, sizeof(HEAD) - 1) > 0 &&
        write(STDERR_FILENO, running, strlen(running)) > 0 && write(STDERR_FILENO, "\n", 1) > 0)
        signal(number, SIG_DFL);
    signal(number, SIG_DFL);
    raise(number);
}

static void watch_crashes(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_crash;
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGILL, &action, NULL);
}

static bool known(const verify *v, const char *name)
{
    for (size_t i = 0; i < v->n_devices; i++) {
        if (strcmp(v->devices[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool add_device(verify *v, const char *name, io_error *error)
{
    if (v->n_devices == VERIFY_MAX_DEVICES || known(v, name))
        return true;
    if (!check_device_open(name, &v->devices[v->n_devices], error))
        return false;
    v->n_devices++;
    return true;
}

/* Plain "cpu" would repeat one of its rungs, which are listed too. */
static bool is_checked(const tskip_device_info *info)
{
    return info->available && info->computes && strcmp(info->name, "cpu") != 0;
}

static bool add_named(verify *v, const char *name, io_error *error)
{
    if (!add_device(v, name, error))
        return false;
    if (tskip_device_get_info(v->devices[0].devices[0])->computes)
        return true;
    verify_close(v);
    return io_fail(error, "device \"%s\": computes nothing, expected one that does", name);
}

bool verify_open(verify *v, const char *name, io_error *error)
{
    *v = (verify){0};
    watch_crashes();
    if (name != NULL)
        return add_named(v, name, error);
    tskip_device_info infos[VERIFY_MAX_DEVICES];
    size_t count = 0;
    if (tskip_device_list(infos, VERIFY_MAX_DEVICES, &count) != TSKIP_OK)
        return io_fail(error, "devices: %s", tskip_last_error());
    if (count > VERIFY_MAX_DEVICES)
        return io_fail(error, "devices: there are %zu, expected at most %d; name them one by one",
                       count, VERIFY_MAX_DEVICES);
    for (size_t i = 0; i < count; i++) {
        if (is_checked(&infos[i]) && !add_device(v, infos[i].name, error))
            return false;
    }
    return v->n_devices > 0 || io_fail(error, "devices: none can be used here");
}

void verify_close(verify *v)
{
    for (size_t i = 0; i < v->n_devices; i++)
        check_device_close(&v->devices[i]);
    v->n_devices = 0;
}

/* GPUs take head sizes that are multiples of 8 only. */
static bool device_takes(const check_device *d, const problem *p)
{
    const bool cpu = tskip_device_get_info(d->devices[0])->code_format == TSKIP_CODE_C;
    return cpu || (p->head_dim % 8 == 0 && p->head_dim_v % 8 == 0);
}

static void name_case(const check_device *d, const problem *p, char text[PROBLEM_MAX_TEXT])
{
    problem_format(p, text);
    snprintf(running, sizeof(running), "%s %s", d->name, text);
}

static bool wanted(const verify *v, const check_device *d, const problem *p,
                   char text[PROBLEM_MAX_TEXT])
{
    char pattern[512];
    name_case(d, p, text);
    if (v->filter == NULL)
        return true;
    snprintf(pattern, sizeof(pattern), "*%s*", v->filter);
    return fnmatch(pattern, running, 0) == 0;
}

static void report_failure(const check_device *d, const char *text, const io_error *error)
{
    fprintf(stderr,
            "tileskip: verify: %s\n  again with: tileskip verify --device %s --problem '%s'\n",
            error->text, d->name, text);
}

static void fail_case(verify *v, const check_device *d, const char *text, const io_error *error)
{
    v->cases++;
    v->failed++;
    report_failure(d, text, error);
}

static void note(verify *v, const problem *p, const check_result *result)
{
    v->ran[p->dtype]++;
    if (result->ratio > v->worst[p->dtype]) {
        v->worst[p->dtype] = result->ratio;
        snprintf(v->worst_text[p->dtype], sizeof(v->worst_text[0]), "%s", running);
    }
    if (result->lse_ratio > v->worst_lse)
        v->worst_lse = result->lse_ratio;
}

static void check_on(verify *v, const check_device *d, const problem_data *data, const witness *w,
                     bool designed, const char *text)
{
    io_error error;
    check_result result;
    const bool ok = check_run(d, data, w, &result, &error) &&
                    (!designed || designed_tiles_can_fail(data->problem, &result, &error));
    v->cases++;
    note(v, data->problem, &result);
    if (!ok) {
        v->failed++;
        report_failure(d, text, &error);
    }
}

/* Another tile than the plan's own choice, where the device has one for this very problem: which
 * there are may depend on mask and strides. `p` is the problem that the data was made of. */
static void vary_tile(const check_device *d, random_state *rng, const problem_data *data,
                      problem *p)
{
    static const uint32_t ROWS[] = {16, 32, 64, 128}, KEYS[] = {16, 32, 64, 96, 128};
    for (int attempt = 0; attempt < 6; attempt++) {
        trial t;
        io_error ignored;
        p->tile = (tskip_tile){ROWS[random_next(rng) % 4], KEYS[random_next(rng) % 5]};
        if (trial_create(d->devices[0], data, &t, &ignored)) {
            trial_destroy(&t);
            return;
        }
    }
    p->tile = (tskip_tile){0};
}

/* The inputs and what the reference says of them depend on no device, so they are made once. */
static void check_everywhere(verify *v, const problem *p, bool vary)
{
    char text[PROBLEM_MAX_TEXT];
    problem mine = *p;
    problem_data data = {0};
    witness w = {0};
    io_error error;
    bool made = false;
    random_state rng = {p->seed};
    for (size_t i = 0; i < v->n_devices; i++) {
        const check_device *d = &v->devices[i];
        mine.tile = p->tile;
        if (!device_takes(d, p) || !wanted(v, d, &mine, text))
            continue;
        if (!made) {
            made =
                problem_data_create(&mine, &data, &error) && witness_create(&data, 1, &w, &error);
            if (!made) {
                fail_case(v, d, text, &error);
                break;
            }
        }
        if (vary && random_chance(&rng, 30)) {
            vary_tile(d, &rng, &data, &mine);
            name_case(d, &mine, text);
        }
        check_on(v, d, &data, &w, false, text);
    }
    witness_release(&w);
    problem_data_release(&data);
}

void verify_problem(verify *v, const problem *p)
{
    check_everywhere(v, p, false);
}

void verify_random(verify *v, uint64_t seed)
{
    problem p;
    problem_random(seed, &p);
    check_everywhere(v, &p, true);
}

static void check_designed(verify *v, const check_device *d, size_t index)
{
    char text[PROBLEM_MAX_TEXT] = "";
    problem p = {.head_dim = designed_head_dim(index), .head_dim_v = designed_head_dim(index)};
    problem_data data = {0};
    witness w = {0};
    io_error error;
    if (!device_takes(d, &p))
        return;
    bool ok = designed_problem(d->devices[0], index, &p, &error);
    if (ok && !wanted(v, d, &p, text))
        return;
    ok = ok && problem_data_create(&p, &data, &error) && witness_create(&data, 1, &w, &error) &&
         designed_inputs_can_fail(&data, &w, &error);
    if (ok)
        check_on(v, d, &data, &w, true, text);
    else
        fail_case(v, d, text, &error);
    witness_release(&w);
    problem_data_release(&data);
}

void verify_designed(verify *v, size_t index)
{
    for (size_t i = 0; i < v->n_devices; i++)
        check_designed(v, &v->devices[i], index);
}
