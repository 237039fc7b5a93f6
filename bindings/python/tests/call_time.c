/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
/* Prints the fastest of many batches of one planned attention, 64 × 64, in microseconds a call. */
#include <stdio.h>
#include <tileskip/tileskip.h>
#include <time.h>

enum { LENGTH = 64, DIM = 64, BATCHES = 200, CALLS = 200 };

static double now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static double fastest(const tskip_plan *plan, tskip_encoder *encoder,
                      const tskip_attention_tensors *tensors)
{
    double best = 1e9;
    for (int i = 0; i < BATCHES; i++) {
        double begin = now();
        for (int j = 0; j < CALLS; j++) {
            if (tskip_attention_encode(plan, encoder, tensors) || tskip_encoder_submit(encoder) ||
                tskip_encoder_wait(encoder) || tskip_encoder_reset(encoder))
                return -1;
        }
        double each = (now() - begin) / CALLS;
        best = each < best ? each : best;
    }
    return best;
}

int main(void)
{
    static float x[4][LENGTH * DIM];
    for (int i = 0; i < 3 * LENGTH * DIM; i++)
        x[i / (LENGTH * DIM)][i % (LENGTH * DIM)] = (float)(i * 7 % 13 - 6) / 6;
    tskip_device *cpu = NULL;
    tskip_mask *mask = NULL;
    tskip_plan *plan = NULL;
    tskip_encoder *encoder = NULL;
    tskip_buffer *buffers[5] = {NULL};
    bool ok = tskip_device_open(&(tskip_device_desc){.name = "cpu"}, &cpu) == TSKIP_OK &&
              tskip_mask_create(cpu, &(tskip_mask_desc){.rules = "causal"}, &mask) == TSKIP_OK;
    const tskip_attention_desc desc = {.extent = {.q_len = LENGTH, .k_len = LENGTH},
                                       .head_dim = DIM,
                                       .dtype = TSKIP_F32,
                                       .mask = mask};
    ok = ok && tskip_plan_create(cpu, &desc, &plan) == TSKIP_OK &&
         tskip_encoder_create(cpu, NULL, &encoder) == TSKIP_OK;
    for (int i = 0; i < 4; i++)
        ok = ok && tskip_buffer_import(cpu, x[i], sizeof x[i], &buffers[i]) == TSKIP_OK;
    ok = ok && tskip_buffer_create(cpu, tskip_plan_get_info(plan)->workspace_size, &buffers[4]) ==
                   TSKIP_OK;
    const tskip_attention_tensors tensors = {.q = {buffers[0], 0},
                                             .k = {buffers[1], 0},
                                             .v = {buffers[2], 0},
                                             .o = {buffers[3], 0},
                                             .workspace = {buffers[4], 0}};
    double each = ok ? fastest(plan, encoder, &tensors) : -1;
    if (each < 0)
        fprintf(stderr, "%s\n", tskip_last_error());
    printf("%.3f\n", each);
    tskip_encoder_destroy(&encoder);
    tskip_plan_destroy(&plan);
    tskip_mask_destroy(&mask);
    for (int i = 0; i < 5; i++)
        tskip_buffer_destroy(&buffers[i]);
    tskip_device_destroy(&cpu);
    return each < 0;
}
