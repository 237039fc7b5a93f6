/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "conformance.h"

#include <stdio.h>
#include <string.h>

static bool info_is_filled(conformance *c)
{
    CHECK(c->info->name[0] && c->info->description[0] && c->info->backend[0]);
    CHECK(c->info->available);
    CHECK(c->info->code_format >= TSKIP_CODE_C && c->info->code_format <= TSKIP_CODE_SPIRV);
    CHECK(c->info->threads == 0 || c->info->threads == c->info->compute_units);
    CHECK(c->info->max_buffer_size > 0 && c->info->max_group_threads > 0);
    return true;
}

static bool info_name_opens(conformance *c)
{
    tskip_device *again;
    if (!conformance_device(c, &(tskip_device_desc){.name = c->info->name}, &again))
        return false;
    CHECK(strcmp(tskip_device_get_info(again)->name, c->info->name) == 0);
    return true;
}

static bool is_listed(conformance *c)
{
    tskip_device_info infos[64];
    size_t count;
    CHECK_STATUS(OK, tskip_device_list(infos, 64, &count));
    bool found = false;
    for (size_t i = 0; i < count && i < 64; i++)
        found = found || (infos[i].available && strcmp(infos[i].name, c->info->name) == 0);
    CHECK(found);
    return true;
}

static bool unknown_part_is_not_found(conformance *c)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s:no-such-part", c->info->backend);
    tskip_device *none;
    CHECK_STATUS(DEVICE_NOT_FOUND, tskip_device_open(&(tskip_device_desc){.name = name}, &none));
    CHECK(none == NULL);
    CHECK(strstr(tskip_last_error(), name) && strstr(tskip_last_error(), "there are:"));
    return true;
}

static bool two_at_once(conformance *c)
{
    tskip_device *other;
    const tskip_kernel *mine, *theirs;
    if (!conformance_device(c, &(tskip_device_desc){.name = c->info->name}, &other) ||
        !conformance_kernel(c, &conformance_iota, NULL, 0, &mine))
        return false;
    CHECK_STATUS(KERNEL_NOT_FOUND, tskip_kernel_get(other, "iota", NULL, 0, &theirs));
    CHECK_STATUS(OK, tskip_kernel_register(other, &conformance_iota));
    CHECK_STATUS(OK, tskip_kernel_get(other, "iota", NULL, 0, &theirs));
    CHECK(mine != theirs);
    tskip_buffer *buffer;
    tskip_encoder *encoder;
    if (!conformance_buffer(c, 256, &buffer) || !conformance_encoder(c, &encoder))
        return false;
    const tskip_binding binding = {.buffer = buffer, .access = TSKIP_WRITE};
    const struct conformance_length args = {1};
    const uint32_t grid[3] = {1, 1, 1};
    CHECK_STATUS(INVALID_ARGUMENT,
                 tskip_encoder_dispatch(encoder, theirs, grid, &binding, 1, &args, sizeof args));
    return true;
}

/* The handles go first, the device last, in the order in which a careless program ends. */
static bool objects_keep_it_open(conformance *c)
{
    tskip_device *device;
    tskip_buffer *buffer;
    tskip_encoder *encoder;
    CHECK_STATUS(OK, tskip_device_open(&(tskip_device_desc){.name = c->info->name}, &device));
    tskip_status made = tskip_buffer_create(device, 64, &buffer);
    if (made == TSKIP_OK)
        made = tskip_encoder_create(device, NULL, &encoder);
    tskip_device_destroy(&device);
    CHECK(device == NULL);
    CHECK_STATUS(OK, made);
    tskip_status filled = tskip_encoder_fill(encoder, buffer, 0, 64, 1);
    tskip_status submitted = tskip_encoder_submit(encoder);
    tskip_status waited = tskip_encoder_wait(encoder);
    tskip_buffer_destroy(&buffer);
    tskip_encoder_destroy(&encoder);
    CHECK_STATUS(OK, filled);
    CHECK_STATUS(OK, submitted);
    CHECK_STATUS(OK, waited);
    return true;
}

const conformance_case conformance_device_cases[] = {
    {"device_info_is_filled", info_is_filled},
    {"device_info_name_opens", info_name_opens},
    {"device_is_listed", is_listed},
    {"device_unknown_part_is_not_found", unknown_part_is_not_found},
    {"device_two_at_once", two_at_once},
    {"device_objects_keep_it_open", objects_keep_it_open},
    {NULL, NULL},
};
