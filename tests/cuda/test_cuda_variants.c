/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cuda/cuda_compile.h"
#include "backends/cuda/cuda_target.h"
#include "compute/kernel_cache.h"
#include "cuda_report.h"
#include "kernels/kernel_table.h"

/* Compiles kernels without a GPU and checks what ptxas reports against a committed table, a line a
 * kernel and architecture:
 *
 *     kernel constant=value… @ architecture : registers R, shared S, group memory G
 *
 *   test_cuda_variants TABLE            compiles every row and compares
 *   test_cuda_variants TABLE --print    prints the rows with the figures of this compiler
 *
 * Spills, stack frames and complaints (serialised products) fail whatever the table says. Another
 * NVRTC than the one that the first line names may count registers otherwise: then only those are
 * looked for. */

enum { LEFT_OUT = 77, MAX_LINE = 512 };

typedef struct row {
    const tskip_kernel_desc *desc;
    tskip_constant_value values[TSKIP_MAX_CONSTANTS];
    uint32_t capability;
    char text[MAX_LINE], figures[128]; /* before and after the colon */
} row;

static const tskip_kernel_desc *find_kernel(const char *name)
{
    for (const tskip_kernel_desc *const *desc = tskip__kernel_table; *desc; desc++)
        if (strcmp((*desc)->name, name) == 0)
            return *desc;
    return NULL;
}

static bool set_constant(row *r, const char *word)
{
    const char *equals = strchr(word, '=');
    for (size_t i = 0; equals && i < r->desc->n_constants; i++) {
        const char *name = r->desc->constants[i].name;
        if (strlen(name) == (size_t)(equals - word) &&
            strncmp(name, word, (size_t)(equals - word)) == 0) {
            r->values[i].u32 = (uint32_t)strtoul(equals + 1, NULL, 10);
            return true;
        }
    }
    return false;
}

static bool parse_row(const char *line, row *r)
{
    char words[MAX_LINE];
    const char *colon = strstr(line, " : ");
    *r = (row){0};
    if (!colon)
        return false;
    snprintf(r->text, sizeof r->text, "%.*s", (int)(colon - line), line);
    snprintf(r->figures, sizeof r->figures, "%s", colon + 3);
    snprintf(words, sizeof words, "%s", r->text);
    char *word = strtok(words, " ");
    r->desc = word ? find_kernel(word) : NULL;
    if (!r->desc)
        return false;
    for (size_t i = 0; i < r->desc->n_constants; i++)
        r->values[i] = r->desc->constants[i].preset;
    while ((word = strtok(NULL, " ")) && strcmp(word, "@") != 0)
        if (!set_constant(r, word))
            return false;
    word = word ? strtok(NULL, " ") : NULL;
    r->capability =
        word && strncmp(word, "sm_", 3) == 0 ? 10 * (uint32_t)strtoul(word + 3, NULL, 10) : 0;
    return r->capability > 0;
}

/* As the front end does: of the bodies that the device takes, the one for the highest capability.
 */
static const tskip_kernel_body *choose_body(const row *r)
{
    const tskip_kernel_body *best = NULL;
    for (size_t i = 0; i < r->desc->n_bodies; i++) {
        const tskip_kernel_body *body = &r->desc->bodies[i];
        if (body->format == TSKIP_CODE_CUDA && body->capability <= r->capability &&
            (!best || body->capability > best->capability))
            best = body;
    }
    return best;
}

/* Compiles and writes the figures; false, with the reason printed, for what may never be. */
static bool measure(const tskip__cuda_api *api, const row *r, char figures[128])
{
    char name[MAX_LINE];
    tskip__cuda_target target;
    tskip__cuda_image image;
    cuda_report report;
    tskip__kernel_spec spec = {r->desc, choose_body(r), r->values, r->desc->shape, name};
    (void)tskip__kernel_canonical_name(r->desc, r->values, name, sizeof name);
    if (spec.body && r->desc->specialise)
        r->desc->specialise(r->values, spec.body, &spec.shape);
    if (!spec.body || tskip__cuda_target_ask(r->capability, &target) != TSKIP_OK ||
        tskip__cuda_compile(api, &spec, target.architecture, true, &image) != TSKIP_OK) {
        printf("%s: %s\n", r->text, spec.body ? tskip_last_error() : "no body");
        return false;
    }
    bool good = cuda_report_read(image.log, spec.body->entry, &report);
    if (!good)
        printf("%s: no report in the log:\n%s\n", r->text, image.log);
    if (good && (report.spill_stores || report.spill_loads || report.stack || *report.complaint)) {
        printf("%s: stack %u, spills %u stored %u loaded %s\n", r->text, report.stack,
               report.spill_stores, report.spill_loads, report.complaint);
        good = false;
    }
    snprintf(figures, 128, "registers %u, shared %u, group memory %" PRIu64, report.registers,
             report.shared, spec.shape.group_memory);
    tskip__cuda_image_release(&image);
    return good;
}

static bool check_row(const tskip__cuda_api *api, const char *line, bool compare, bool print)
{
    row r;
    char figures[128];
    if (!parse_row(line, &r)) {
        printf("not a row: %s\n", line);
        return false;
    }
    bool good = measure(api, &r, figures);
    if (print && good)
        printf("%s : %s\n", r.text, figures);
    if (good && !print && compare && strcmp(figures, r.figures) != 0) {
        printf("%s: %s, the table says %s\n", r.text, figures, r.figures);
        good = false;
    }
    fflush(stdout);
    return good;
}

static int check_table(const tskip__cuda_api *api, FILE *table, bool print)
{
    char line[MAX_LINE], compiler[32];
    int rows = 0, failed = 0;
    bool same_compiler = false;
    snprintf(compiler, sizeof compiler, "NVRTC %d.%d", api->compiler_major, api->compiler_minor);
    while (fgets(line, sizeof line, table)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0') {
            same_compiler = same_compiler || strstr(line, compiler);
            if (print)
                printf("%s\n", line);
            continue;
        }
        rows++;
        failed += !check_row(api, line, same_compiler, print);
    }
    if (!print)
        printf("%d kernels compiled with %s, %d failed%s\n", rows, compiler, failed,
               same_compiler ? "" : "; registers not compared, the table is of another compiler");
    return rows > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const tskip__cuda_api *api;
    if (argc < 2) {
        fprintf(stderr, "usage: test_cuda_variants TABLE [--print]\n");
        return 2;
    }
    if (tskip__cuda_load_compiler(&api) != TSKIP_OK) {
        printf("left out: %s\n", tskip_last_error());
        return LEFT_OUT;
    }
    FILE *table = fopen(argv[1], "r");
    if (!table) {
        fprintf(stderr, "%s: cannot be read\n", argv[1]);
        return EXIT_FAILURE;
    }
    int status = check_table(api, table, argc > 2 && strcmp(argv[2], "--print") == 0);
    fclose(table);
    return status;
}
