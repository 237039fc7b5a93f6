/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Sliding-window attention over arrays on the CPU, in one call. */

#include <stdio.h>
#include <tileskip/tileskip.h>

enum { HEADS = 2, TOKENS = 1000, DIM = 64, N = HEADS * TOKENS * DIM };
static float x[4][N]; /* Q, K, V and the output, each [heads, tokens, dim] */

int main(void)
{
    for (int i = 0; i < 3 * N; i++)
        x[i / N][i % N] = (float)(i * 7 % 13 - 6) / 6;
    tskip_device *cpu = NULL;
    tskip_mask *mask = NULL;
    tskip_buffer *b[4] = {NULL};
    const tskip_mask_desc sliding = {.rules = "causal,window=256"};
    bool ok = tskip_device_open(&(tskip_device_desc){.name = "cpu"}, &cpu) == TSKIP_OK &&
              tskip_mask_create(cpu, &sliding, &mask) == TSKIP_OK;
    for (int i = 0; i < 4; i++)
        ok = ok && tskip_buffer_import(cpu, x[i], sizeof x[i], &b[i]) == TSKIP_OK;
    const tskip_attention_desc desc = {
        .extent = {.n_heads = HEADS, .q_len = TOKENS, .k_len = TOKENS},
        .head_dim = DIM,
        .dtype = TSKIP_F32,
        .mask = mask};
    const tskip_attention_tensors t = {
        .q = {b[0], 0}, .k = {b[1], 0}, .v = {b[2], 0}, .o = {b[3], 0}};
    ok = ok && tskip_attention_run(cpu, &desc, &t) == TSKIP_OK;
    printf("%s, the last token's output begins %.4f %.4f\n", ok ? "done" : tskip_last_error(),
           (double)x[3][N - DIM], (double)x[3][N - DIM + 1]);
    for (int i = 0; i < 4; i++)
        tskip_buffer_destroy(&b[i]);
    tskip_mask_destroy(&mask);
    tskip_device_destroy(&cpu);
    return ok ? 0 : 1;
}
