/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "problem.h"

const char *problem_data_name(problem_data_kind kind)
{
    static const char *const NAMES[PROBLEM_DATA_KINDS] = {"normal", "peaked", "tiny", "special"};
    return NAMES[kind];
}

typedef struct writing {
    char *text;
    size_t used;
} writing;

static void put(writing *to, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    to->used += (size_t)vsnprintf(to->text + to->used, PROBLEM_MAX_TEXT - to->used, format, args);
    va_end(args);
}

static void put_mask(writing *to, const problem *p)
{
    static const char *const PLANES[4] = {"", ":b", ":h", ":bh"};
    if (p->mask != PROBLEM_MASK_NONE)
        put(to, " mask=%s:%s%s", tskip_dtype_name(p->mask_dtype),
            p->mask == PROBLEM_MASK_RULES ? "rules" : "random",
            PLANES[(p->mask_per_batch ? 1 : 0) + (p->mask_per_head ? 2 : 0)]);
}

static void put_options(writing *to, const problem *p)
{
    if (p->out_dtype != TSKIP_DTYPE_NONE)
        put(to, " out=%s", tskip_dtype_name(p->out_dtype));
    if (p->scale != 0)
        put(to, " scale=%.9g", (double)p->scale);
    if (p->softcap != 0)
        put(to, " softcap=%.9g", (double)p->softcap);
    if (p->sinks)
        put(to, " sinks");
    if (p->lse)
        put(to, " lse");
    if (p->tile.bq != 0)
        put(to, " tile=%" PRIu32 "x%" PRIu32, p->tile.bq, p->tile.bk);
    if (p->blhd)
        put(to, " layout=blhd");
    if (p->data != PROBLEM_DATA_NORMAL)
        put(to, " data=%s", problem_data_name(p->data));
    if (p->seed != 0)
        put(to, " seed=%" PRIu64, p->seed);
}

void problem_format(const problem *p, char text[PROBLEM_MAX_TEXT])
{
    writing to = {text, 0};
    put(&to, "b%" PRIu32 " h%" PRIu32, p->extent.batch, p->extent.n_heads);
    if (p->n_kv_heads != p->extent.n_heads)
        put(&to, "/%" PRIu32, p->n_kv_heads);
    put(&to, " q%" PRId64 " k%" PRId64 " d%" PRIu32, p->extent.q_len, p->extent.k_len, p->head_dim);
    if (p->head_dim_v != p->head_dim)
        put(&to, "/%" PRIu32, p->head_dim_v);
    put(&to, " %s", tskip_dtype_name(p->dtype));
    if (p->extent.q_offset == TSKIP_OFFSET_END)
        put(&to, " qoff=end");
    else if (p->extent.q_offset != 0)
        put(&to, " qoff=%" PRId64, p->extent.q_offset);
    if (p->extent.k_offset != 0)
        put(&to, " koff=%" PRId64, p->extent.k_offset);
    if (p->rules[0] != 0)
        put(&to, " rules=%s", p->rules);
    put_mask(&to, p);
    put_options(&to, p);
}
