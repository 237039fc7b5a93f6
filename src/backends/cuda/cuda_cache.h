/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_BACKENDS_CUDA_CACHE_H
#define TSKIP_BACKENDS_CUDA_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tileskip/base.h>

/* Compiled kernels on disk: one file a key in $XDG_CACHE_HOME/tileskip/cuda, or
 * ~/.cache/tileskip/cuda. A file is
 *
 *     "tskipcu1"  key length (u64)  code length (u64)  hash of key and code (u64)  key  code
 *
 * in the machine's byte order. It is written under a temporary name and renamed, so a reader sees a
 * whole entry or none; one whose length, key or hash is not as it should be counts as absent and is
 * replaced. The cache is a help and nothing more: that it cannot be used is no error.
 * Thread-safety: any number of threads and processes. */

/* FNV-1a, 64 bits, continued from `hash`; begin with TSKIP__HASH_BEGIN. */
#define TSKIP__HASH_BEGIN UINT64_C(14695981039346656037)
uint64_t tskip__hash(uint64_t hash, const void *bytes, size_t size);

/* The entry's code, the caller's to free with tskip__free(*code, *size); false if there is none. */
bool tskip__cuda_cache_load(const char *key, char **code, size_t *size);

/* Writes or replaces the entry; false if that was not possible. */
bool tskip__cuda_cache_store(const char *key, const char *code, size_t size);

/* The entry's path, for tests and messages; false if there is no folder for a cache. */
bool tskip__cuda_cache_path(const char *key, char *path, size_t capacity);

#endif
