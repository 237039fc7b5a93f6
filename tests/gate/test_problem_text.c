/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* A case that fails is printed as text; read again it must be the same problem with the same
 * inputs, to the byte. */

#include "harness/refused.h"

#include <inttypes.h>
#include <stdio.h>

#include <problem_data.h>
#include <problem_random.h>

static bool same(const guarded *a, const guarded *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static bool same_strides(const tskip_strides *a, const tskip_strides *b)
{
    return a->batch == b->batch && a->head == b->head && a->row == b->row;
}

static void test_text_is_the_problem(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        problem p, again;
        problem_data data, twin;
        char text[PROBLEM_MAX_TEXT], text_again[PROBLEM_MAX_TEXT];
        io_error error;
        problem_random(random_mix(seed), &p);
        problem_format(&p, text);
        if (!problem_parse(text, &again, &error))
            fail_msg("seed %" PRIu64 ": %s: %s", seed, text, error.text);
        problem_format(&again, text_again);
        assert_string_equal(text, text_again);
        assert_true(problem_data_create(&p, &data, &error));
        assert_true(problem_data_create(&again, &twin, &error));
        if (!same(&data.q, &twin.q) || !same(&data.k, &twin.k) || !same(&data.v, &twin.v) ||
            !same(&data.mask, &twin.mask) || !same(&data.sinks, &twin.sinks) ||
            !same_strides(&data.q_strides, &twin.q_strides) || data.scale != twin.scale ||
            p.softcap != again.softcap || data.out_dtype != twin.out_dtype || p.lse != again.lse ||
            data.extent.q_offset != twin.extent.q_offset)
            fail_msg("seed %" PRIu64 ": the inputs of \"%s\" differ", seed, text);
        problem_data_release(&data);
        problem_data_release(&twin);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text_is_the_problem)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
