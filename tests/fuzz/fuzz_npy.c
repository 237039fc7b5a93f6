/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "fuzz.h"

#include "io/npy.h"

/* What is refused has a reason; every byte of the tensor lies in the file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    npy_file file;
    io_error error = {""};
    if (!npy_open_memory("fuzz", data, size, &file, &error)) {
        FUZZ_REQUIRE(strncmp(error.text, "fuzz: ", 6) == 0);
        return 0;
    }
    FUZZ_REQUIRE(file.tensor.size <= size);
    (void)fuzz_touch(file.tensor.data, file.tensor.size);
    npy_close(&file);
    return 0;
}
