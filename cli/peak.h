/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_PEAK_H
#define TSKIP_CLI_PEAK_H

#include <stddef.h>
#include <stdint.h>

/* What this machine's processors can do at best, measured: the figures that others are shares of.
 */

/* f32 GFLOP/s of a loop of fused multiply-adds that stays in registers, on `threads` threads, with
 * the widest vectors the machine has. */
double peak_f32(uint32_t threads);

/* The same for pairs of bf16 added to f32; 0 where the machine has no such instruction. */
double peak_bf16(uint32_t threads);

/* GB/s of reading memory from end to end once, by `threads` threads; best of `rounds`. */
double peak_read(const void *memory, size_t size, uint32_t threads, int rounds);

/* One rung's loop: `rounds` rounds; returns the floating-point operations done. */
double peak_loop_c(uint64_t rounds);
double peak_loop_avx2(uint64_t rounds);
double peak_loop_avx512(uint64_t rounds);
double peak_loop_bf16(uint64_t rounds);
double peak_loop_amx(uint64_t rounds);

#endif
