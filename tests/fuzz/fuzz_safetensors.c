/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "fuzz.h"

#include "io/safetensors.h"

/* What is refused has a reason; every byte that a tensor is said to have lies in the file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    st_file *file = NULL;
    io_error error = {""};
    if (!st_open_memory("fuzz", data, size, &file, &error)) {
        FUZZ_REQUIRE(file == NULL && strncmp(error.text, "fuzz: ", 6) == 0);
        return 0;
    }
    for (size_t i = 0; i < st_count(file); i++) {
        const io_tensor *t = st_tensor(file, i);
        size_t elements = 1;
        for (uint32_t d = 0; d < t->rank; d++)
            elements *= (size_t)t->shape[d];
        FUZZ_REQUIRE(elements * t->element->size == t->size);
        FUZZ_REQUIRE(st_find(file, t->name) != NULL);
        (void)fuzz_touch(t->data, t->size);
    }
    (void)st_require(file, "fuzz", "no such tensor", &error);
    st_close(file);
    return 0;
}
