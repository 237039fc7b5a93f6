/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "fuzz.h"

#include <tileskip/attention.h>

/* What is refused has a reason; what is taken is written as text that is taken for the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    tskip_rules *rules = NULL, *again = NULL;
    if (tskip_rules_parse(text, &rules) != TSKIP_OK) {
        FUZZ_REQUIRE(rules == NULL && tskip_last_error()[0] != 0);
    } else {
        size_t length = 0, length_again = 0;
        FUZZ_REQUIRE(tskip_rules_format(rules, NULL, 0, &length) == TSKIP_OK);
        char *canonical = malloc(length + 1), *canonical_again = malloc(length + 1);
        FUZZ_REQUIRE(canonical != NULL && canonical_again != NULL);
        FUZZ_REQUIRE(tskip_rules_format(rules, canonical, length + 1, &length) == TSKIP_OK);
        FUZZ_REQUIRE(tskip_rules_parse(canonical, &again) == TSKIP_OK);
        FUZZ_REQUIRE(tskip_rules_format(again, canonical_again, length + 1, &length_again) ==
                     TSKIP_OK);
        FUZZ_REQUIRE(length == length_again && strcmp(canonical, canonical_again) == 0);
        free(canonical);
        free(canonical_again);
    }
    tskip_rules_destroy(&rules);
    tskip_rules_destroy(&again);
    free(text);
    return 0;
}
