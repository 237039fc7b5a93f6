/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_CLI_PEAK_H
#define TSKIP_CLI_PEAK_H

#include <stddef.h>
#include <stdint.h>

/* What this machine's processors can do at best, measured: the figures that others are shares of.
 * Each worker takes its own times, so that starting threads is not counted. */

/* f32 GFLOP/s of a loop of fused multiply-adds that stays in registers, on `threads` threads, with
 * the widest vectors the machine has. */
double peak_f32(uint32_t threads);

/* The same for pairs of bf16 added to f32; 0 where the machine has no such instruction. */
double peak_bf16(uint32_t threads);

/* GB/s of reading memory from end to end once, by `threads` threads, a contiguous part each; best
 * of `rounds`. Memory from peak_memory, so that the page size is the same for all. */
double peak_read(const void *memory, size_t size, uint32_t threads, int rounds);

/* Memory that begins on a 2 MiB boundary, in huge pages where the system gives them; free() it.
 * NULL if there is none. */
void *peak_memory(size_t size);

/* One rung's loop: `rounds` rounds; returns the floating-point operations done. */
double peak_loop_c(uint64_t rounds);
double peak_loop_avx2(uint64_t rounds);
double peak_loop_avx512(uint64_t rounds);
double peak_loop_bf16(uint64_t rounds);
double peak_loop_amx(uint64_t rounds);

/* Reads n_words 64-bit words, a multiple of 64, and returns something made of all of them. */
uint64_t peak_sum_c(const uint64_t *words, size_t n_words);
uint64_t peak_sum_avx2(const uint64_t *words, size_t n_words);
uint64_t peak_sum_avx512(const uint64_t *words, size_t n_words);

#endif
