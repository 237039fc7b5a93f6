/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "fuzz.h"

#include "problem.h"

/* What is refused has a reason; what is taken is written as text that is taken for the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    static problem p, again;
    io_error error = {""};
    if (problem_parse(text, &p, &error)) {
        char canonical[PROBLEM_MAX_TEXT], canonical_again[PROBLEM_MAX_TEXT];
        problem_format(&p, canonical);
        FUZZ_REQUIRE(problem_parse(canonical, &again, &error));
        problem_format(&again, canonical_again);
        FUZZ_REQUIRE(strcmp(canonical, canonical_again) == 0);
    } else {
        FUZZ_REQUIRE(error.text[0] != 0);
    }
    free(text);
    return 0;
}
