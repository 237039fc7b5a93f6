/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#if defined(__linux__)
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#elif defined(__APPLE__)
#include <sys/types.h>
#include <sys/sysctl.h>
#endif
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

uint32_t tskip__cpu_count(void)
{
#if defined(__linux__)
    /* The set must be as large as the kernel's, which is unknown: grow until it fits. */
    for (int bits = 1024; bits <= 1 << 20; bits *= 4) {
        cpu_set_t *set = CPU_ALLOC(bits);
        if (!set)
            break;
        size_t size = CPU_ALLOC_SIZE(bits);
        int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0)
            return (uint32_t)count;
    }
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (uint32_t)online : 1;
}

uint64_t tskip__cpu_memory(void)
{
#if defined(__APPLE__)
    uint64_t bytes = 0;
    size_t size = sizeof bytes;
    return sysctlbyname("hw.memsize", &bytes, &size, NULL, 0) == 0 ? bytes : 0;
#elif defined(_SC_PHYS_PAGES)
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
#else
    return 0;
#endif
}

#if defined(__linux__)
/* Reads one line of /sys/devices/system/cpu/cpu0/cache/index<i>/<name>. */
static bool read_cache_line(int index, const char *name, char *line, int size)
{
    char path[96];
    (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool found = fgets(line, size, file) != NULL;
    (void)fclose(file);
    return found;
}

static uint64_t parse_size(const char *text)
{
    char *end;
    uint64_t size = strtoull(text, &end, 10);
    return *end == 'K' ? size << 10 : *end == 'M' ? size << 20 : size;
}
#endif

void tskip__cpu_caches(uint64_t sizes[3])
{
    memset(sizes, 0, 3 * sizeof sizes[0]);
#if defined(__linux__)
    for (int index = 0; index < 8; index++) {
        char level[16], type[32], size[32];
        if (!read_cache_line(index, "level", level, sizeof level) ||
            !read_cache_line(index, "type", type, sizeof type) ||
            !read_cache_line(index, "size", size, sizeof size))
            continue;
        int number = level[0] - '0';
        if (number >= 1 && number <= 3 && type[0] != 'I') /* not Instruction */
            sizes[number - 1] = parse_size(size);
    }
#if defined(_SC_LEVEL1_DCACHE_SIZE)
    static const int names[3] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE,
                                 _SC_LEVEL3_CACHE_SIZE};
    for (int i = 0; i < 3; i++) {
        long size = sizes[i] ? 0 : sysconf(names[i]);
        if (size > 0)
            sizes[i] = (uint64_t)size;
    }
#endif
#elif defined(__APPLE__)
    static const char *const names[3] = {"hw.l1dcachesize", "hw.l2cachesize", "hw.l3cachesize"};
    for (int i = 0; i < 3; i++) {
        size_t size = sizeof sizes[i];
        if (sysctlbyname(names[i], &sizes[i], &size, NULL, 0) != 0)
            sizes[i] = 0;
    }
#endif
}

void tskip__cpu_model(char *name, size_t size)
{
    char text[64] = "";
#if defined(__x86_64__) || defined(__i386__)
    uint32_t words[12];
    if ((uint32_t)__get_cpuid_max(0x80000000u, NULL) >= 0x80000004u) {
        for (uint32_t i = 0; i < 3; i++)
            (void)__get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2],
                              &words[4 * i + 3]);
        memcpy(text, words, sizeof words);
    }
#elif defined(__APPLE__)
    size_t length = sizeof text - 1;
    (void)sysctlbyname("machdep.cpu.brand_string", text, &length, NULL, 0);
#elif defined(__aarch64__)
    memcpy(text, "aarch64", 8);
#endif
    char *first = text + strspn(text, " ");
    size_t length = strlen(first);
    while (length > 0 && first[length - 1] == ' ')
        first[--length] = '\0';
    (void)snprintf(name, size, "%s", first);
}
