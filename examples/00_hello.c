/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Sliding-window attention over arrays on the CPU, in one call. */

#include <stdio.h>
#include <tileskip/tileskip.h>

enum { HEADS = 2, TOKENS = 1000, DIM = 64, N = HEADS * TOKENS * DIM };
static float q[N], k[N], v[N], o[N]; /* [heads, tokens, dim] */

int main(void)
{
    for (int i = 0; i < N; i++)
        q[i] = k[i] = v[i] = (float)(i * 7 % 13 - 6) / 6;
    tskip_device *cpu = NULL;
    tskip_mask *mask = NULL;
    tskip_attention_tensors t = {0};
    const tskip_device_desc on = {.name = "cpu"};
    const tskip_mask_desc sliding = {.rules = "causal,window=256"};
    tskip_attention_desc desc = {.extent = {.n_heads = HEADS, .q_len = TOKENS, .k_len = TOKENS},
                                 .head_dim = DIM,
                                 .dtype = TSKIP_F32};
    bool ok = tskip_device_open(&on, &cpu) == TSKIP_OK &&
              tskip_mask_create(cpu, &sliding, &mask) == TSKIP_OK &&
              tskip_buffer_import(cpu, q, sizeof q, &t.q.buffer) == TSKIP_OK &&
              tskip_buffer_import(cpu, k, sizeof k, &t.k.buffer) == TSKIP_OK &&
              tskip_buffer_import(cpu, v, sizeof v, &t.v.buffer) == TSKIP_OK &&
              tskip_buffer_import(cpu, o, sizeof o, &t.o.buffer) == TSKIP_OK;
    desc.mask = mask;
    ok = ok && tskip_attention_run(cpu, &desc, &t) == TSKIP_OK;
    printf("%s, first output %g\n", ok ? "done" : tskip_last_error(), (double)o[0]);
    tskip_buffer_destroy(&t.q.buffer);
    tskip_buffer_destroy(&t.k.buffer);
    tskip_buffer_destroy(&t.v.buffer);
    tskip_buffer_destroy(&t.o.buffer);
    tskip_mask_destroy(&mask);
    tskip_device_destroy(&cpu);
    return ok ? 0 : 1;
}
