/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "conformance.h"

#define NO_BYTES      CONFORMANCE_NEVER, "its buffers hold no bytes"
#define NO_ARITHMETIC CONFORMANCE_NEVER, "it computes nothing"

static const conformance_exception exceptions[] = {
    {"buffer_write_then_read", NO_BYTES},
    {"buffer_parts_at_odd_offsets", NO_BYTES},
    {"buffer_one_byte", NO_BYTES},
    {"buffer_view_of_a_view", NO_BYTES},
    {"buffer_is_aligned", NO_BYTES},
    {"buffer_import_of_host_memory", NO_BYTES},
    {"kernel_constants_of_every_type", NO_ARITHMETIC},
    {"kernel_constants_not_named_keep_their_preset", NO_ARITHMETIC},
    {"kernel_f32_constants_survive", NO_ARITHMETIC},
    {"kernel_products_are_not_fused", NO_ARITHMETIC},
    {"encoder_iota_of_many_sizes", NO_ARITHMETIC},
    {"encoder_grid_of_three_dimensions", NO_ARITHMETIC},
    {"encoder_grid_of_many_groups", NO_ARITHMETIC},
    {"encoder_empty_grid_runs_nothing", NO_ARITHMETIC},
    {"encoder_bindings_all_and_empty", NO_ARITHMETIC},
    {"encoder_binding_in_a_view", NO_ARITHMETIC},
    {"encoder_arguments_are_copied", NO_ARITHMETIC},
    {"encoder_group_memory_is_the_groups_own", NO_ARITHMETIC},
    {"encoder_fill_of_a_part", NO_ARITHMETIC},
    {"encoder_rewind_drops_what_came_after", NO_ARITHMETIC},
    {"order_barriers_order_a_long_chain", NO_ARITHMETIC},
    {"order_nothing_runs_before_submit", NO_ARITHMETIC},
    {"order_reset_makes_it_writable", NO_ARITHMETIC},
    {"order_reset_empties_the_list", NO_ARITHMETIC},
    {"order_several_in_flight", NO_ARITHMETIC},
    {"order_destroy_waits", NO_ARITHMETIC},
    {"order_threads_share_a_device", NO_ARITHMETIC},
    {0},
};

int main(void)
{
    return conformance_main(&(conformance_target){
        .name = "null", .device = {.name = "null"}, .exceptions = exceptions});
}
