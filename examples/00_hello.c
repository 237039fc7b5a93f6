/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Sliding-window attention over host arrays, in one call. */

#include <stdio.h>
#include <tileskip/tileskip.h>

enum { HEADS = 2, TOKENS = 1000, DIM = 64, N = HEADS * TOKENS * DIM };
static float q[N], k[N], v[N], o[N];

int main(void)
{
    for (int i = 0; i < N; i++)
        q[i] = k[i] = v[i] = (float)(i * 7 % 13 - 6) / 6;
    tskip_device *device = NULL;
    tskip_mask *mask = NULL;
    tskip_buffer *b[4] = {NULL};
    float *const arrays[4] = {q, k, v, o};
    tskip_status s = tskip_device_open(NULL, &device);
    for (int i = 0; i < 4 && s == TSKIP_OK; i++)
        s = tskip_buffer_import(device, arrays[i], sizeof q, &b[i]);
    if (s == TSKIP_OK)
        s = tskip_mask_create(device, &(tskip_mask_desc){.rules = "causal,window=256"}, &mask);
    if (s == TSKIP_OK)
        s = tskip_attention_run(
            device,
            &(tskip_attention_desc){.extent = {.n_heads = HEADS, .q_len = TOKENS, .k_len = TOKENS},
                                    .head_dim = DIM,
                                    .dtype = TSKIP_F32,
                                    .mask = mask},
            &(tskip_attention_tensors){.q = {b[0]}, .k = {b[1]}, .v = {b[2]}, .o = {b[3]}});
    printf("%s, first output %g\n", s == TSKIP_OK ? "done" : tskip_last_error(), (double)o[0]);
    for (int i = 0; i < 4; i++)
        tskip_buffer_destroy(&b[i]);
    tskip_mask_destroy(&mask);
    tskip_device_destroy(&device);
    return s != TSKIP_OK;
}
