/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Attention for few query rows on one rung: included by decode_<rung>.c after its simd header.
 *
 *   for each tile of the part that some row sees:
 *       S = Q K'  |  scale, mask, softmax: P and the rescale  |  O = O r + P V
 *
 * K and V are read once and in order, see fetch_row.
 *
 * All tile classes share every formula, and a tile masked for a row leaves its state as it was:
 * maximum unchanged, rescale exactly 1, P exactly 0. */

#include <float.h>

#include "attention_cpu.h"
#include "base/half.h"
#include "cell.h"
#include "decode_cpu.h"
#include "math_tmpl.h"
#include "rows_tmpl.h"

#define BK        TSKIP__DECODE_BK
#define ROW_BLOCK (ACCUMULATORS / 4)
#define FEW_ROWS  1

struct item {
    const struct tskip__attention_args *args;
    void *const *buffers;
    tskip_u32 dtype, out_dtype;
    int batch, kv_head, group, rows; /* row r: query row r / group, head r % group of the group */
    struct head_rows keys, values;
    int value_keys;               /* that V is taken by */
    float *q, *o, *scores, *sums; /* [row][words], [row][dim_v], [row][BK], [row][VL] */
    float *room;                  /* [row][VL / 4][VL] */
    size_t words, dim_v;          /* in whole vectors */
    struct tskip__row_limits limits[TSKIP__DECODE_ROWS];
    float maximum[TSKIP__DECODE_ROWS], rescale[TSKIP__DECODE_ROWS], ones[TSKIP__DECODE_ROWS];
};

static int head_of(const struct item *it, int row)
{
    return it->kv_head * it->group + row % it->group;
}

static int query_of(const struct item *it, int row)
{
    return row / it->group;
}

/* Rows to take at once of those left: 1, 2 or ROW_BLOCK. Arrays have room past the last. */
INLINE int block_of(int left)
{
    return left <= 2 ? left : ROW_BLOCK;
}

/* Brings rows of K or V near before they are multiplied. Where a line costs less to multiply than
 * to read, `row` itself is read here in order, byte order of memory being what the processor's
 * own prefetching follows; the products take four rows at a time. Else the row a tile further on
 * is asked for into the L2 cache: in the L1 cache it would crowd out what is at hand. */
INLINE void fetch_row(const struct item *it, const struct head_rows *rows, tskip_i64 row,
                      const tskip_u32 dtype)
{
    const bool now = it->rows <= FEW_ROWS;
    const char *at = find_row(rows, now ? row : row + BK);
    const int size = rows->dim * element_size(dtype);
    for (int i = 0; i < size; i += 64)
        if (now)
            (void)*(const volatile char *)(at + i);
        else
            __builtin_prefetch(at + i, 0, 2);
}

#include "decode_score_tmpl.h"

#include "decode_softmax_tmpl.h"

#include "decode_value_tmpl.h"

/* ---- the walk ------------------------------------------------------------------------------- */

/* The map's bytes of a head of the group; NULL without a map. */
static const tskip_u8 *classes_of(const struct item *it, int head)
{
    const struct tskip__attention_args *a = it->args;
    if (!(a->flags & TSKIP__HAS_MAP))
        return NULL;
    return (const tskip_u8 *)it->buffers[TSKIP__BIND_MAP] + it->batch * a->map_stride_batch +
           (it->kv_head * it->group + head) * a->map_stride_head;
}

/* The first tile of [tile, end) that some row visits, or `end`. */
static tskip_u32 next_tile(const struct item *it, tskip_u32 tile, tskip_u32 end)
{
    const int planes = it->args->map_stride_head ? it->group : 1;
    tskip_u32 next = it->args->flags & TSKIP__HAS_MAP ? end : tile;
    for (int head = 0; head < planes && next > tile; head++)
        next = tskip__next_tile(classes_of(it, head), tile, next);
    return next;
}

INLINE void visit_of(struct item *it, tskip_i64 column, int keys, const tskip_u8 *class,
                     const tskip_u32 dtype)
{
    multiply_keys(it, column, keys, dtype);
    for (int row = 0; row < it->rows; row++)
        softmax_row(it, row, column, keys, class[row]);
    multiply_values(it, column, keys, dtype);
}

static void visit(struct item *it, tskip_i64 column, int keys, const tskip_u8 *class)
{
    if (TERMS == 2 || it->dtype == TSKIP__BF16)
        visit_of(it, column, keys, class, TSKIP__BF16);
    else if (it->dtype == TSKIP__F16)
        visit_of(it, column, keys, class, TSKIP__F16);
    else
        visit_of(it, column, keys, class, TSKIP__F32);
}

/* Tiles of [tile, end); `tile` is visited. */
static void visit_tiles(struct item *it, tskip_u32 tile, tskip_u32 end)
{
    const struct tskip__attention_args *a = it->args;
    const tskip_u8 unmapped =
        a->flags & (TSKIP__HAS_RULES | TSKIP__HAS_TENSOR) ? TSKIP__MIXED : TSKIP__FULL;
    for (; tile < end; tile = next_tile(it, tile + 1, end)) {
        tskip_u8 class[TSKIP__DECODE_ROWS];
        for (int row = 0; row < it->rows; row++) {
            const tskip_u8 *classes = classes_of(it, row % it->group);
            class[row] = classes ? classes[tile] : unmapped;
        }
        const tskip_i64 column = (tskip_i64)tile * BK;
        visit(it, column, (int)tskip__min(BK, a->k_len - column), class);
    }
}

/* ---- setting up, storing -------------------------------------------------------------------- */

static void load_queries(struct item *it)
{
    const struct tskip__attention_args *a = it->args;
    for (int row = 0; row < it->rows; row++) {
        const struct head_rows head =
            rows_of(it->buffers[TSKIP__BIND_Q], it->batch, head_of(it, row), a->q_stride, it->dtype,
                    a->head_dim);
        const char *from = head.first + query_of(it, row) * head.stride;
        float *to = it->q + (size_t)row * it->words;
        if (TERMS == 1)
            tskip__widen((tskip_dtype)it->dtype, from, to, a->head_dim);
        else
            memcpy(to, from, (size_t)a->head_dim * 2);
    }
}

static void find_limits(struct item *it)
{
    const struct tskip__attention_args *a = it->args;
    const void *rules = it->buffers[TSKIP__BIND_RULES];
    const struct tskip__rules_entry entry = find_entry(a, rules, it->batch);
    it->keys.present_begin = it->values.present_begin = entry.kstart;
    it->keys.present_end = it->values.present_end = tskip__min(entry.klen, a->k_len);
    for (int row = 0; row < it->rows; row++)
        it->limits[row] =
            a->flags & TSKIP__HAS_RULES
                ? tskip__row_limits(a->rules, entry, rules, a->k_len, query_of(it, row))
                : (struct tskip__row_limits){0, a->k_len, 0, 0};
}

/* A part that nobody visits costs little more than this: so few divisions. */
static void find_item(struct item *it, const tskip_group *group)
{
    const struct tskip__attention_args *a = it->args;
    const tskip_u32 number = group->index[0];
    it->dtype = group->constants[TSKIP__ID_dtype].u32;
    it->out_dtype = group->constants[TSKIP__ID_out_dtype].u32;
    it->group = (int)group->constants[TSKIP__ID_group].u32;
    it->rows = it->group * (int)a->q_len;
    it->batch = number < a->n_kv_heads ? 0 : (int)(number / a->n_kv_heads);
    it->kv_head = (int)(number - (tskip_u32)it->batch * a->n_kv_heads);
}

static void start_item(struct item *it, float *memory)
{
    const struct tskip__attention_args *a = it->args;
    it->words = (size_t)(words_of((int)a->head_dim) + VL - 1) / VL * VL;
    it->dim_v = (a->head_dim_v + VL - 1) / VL * VL;
    const size_t rows = tskip__decode_rows((size_t)it->rows);
    it->q = memory;
    it->o = it->q + rows * it->words;
    it->sums = it->o + rows * it->dim_v;
    it->scores = it->sums + rows * VL;
    it->room = it->scores + rows * BK;
    memset(it->q, 0, (size_t)(it->scores - it->q) * sizeof *it->q);
    for (size_t row = 0; row < rows; row++) {
        it->maximum[row] = -FLT_MAX;
        it->rescale[row] = it->ones[row] = 1;
    }
    it->keys = rows_of(it->buffers[TSKIP__BIND_K], it->batch, it->kv_head, a->k_stride, it->dtype,
                       a->head_dim);
    it->values = rows_of(it->buffers[TSKIP__BIND_V], it->batch, it->kv_head, a->v_stride, it->dtype,
                         a->head_dim_v);
    it->value_keys = TSKIP__MANY_VALUES;
    if (SUMS_ROUND && it->rows > 2) /* else V passes by once, or wants long runs of pairs */
        it->value_keys =
            tskip__value_keys(a->l1_bytes, a->head_dim_v * (size_t)element_size(it->dtype));
    load_queries(it);
    find_limits(it);
}

/* Leaves a row's maximum, sum and values in the part; returns its largest value over its sum, or
 * FAINT where it saw nothing. */
static float store_row(const struct item *it, int row, float *part)
{
    const tskip_u32 dim = it->args->head_dim_v;
    const float *o = it->o + (size_t)row * it->dim_v;
    float *state = part + tskip__decode_state((size_t)row), sum = 0, largest = 0;
    for (int i = 0; i < VL; i++)
        sum += it->sums[row * VL + i];
    for (tskip_u32 d = 0; d < dim; d++)
        largest = fabsf(o[d]) > largest ? fabsf(o[d]) : largest;
    state[0] = it->maximum[row];
    state[1] = sum;
    memcpy(part + tskip__decode_values((size_t)row, (size_t)it->rows, dim), o, dim * sizeof *o);
    return sum == 0 ? FAINT : largest / sum;
}

/* Returns whether no row's result of this part reaches FAINT. Apart from what follows, whose
 * frame is then small. */
static __attribute__((noinline)) bool compute_part(struct item *it, tskip_u32 tile, tskip_u32 end,
                                                   float *part, float *memory)
{
    bool faint = true;
    start_item(it, memory);
    visit_tiles(it, tile, end);
    for (int row = 0; row < it->rows; row++)
        faint = !(store_row(it, row, part) >= FAINT) && faint;
    return faint;
}

/* Returns whether the part must be computed again where products do not flush. */
static bool run_part(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    struct item it;
    it.args = args;
    it.buffers = buffers;
    find_item(&it, group);
    const struct tskip__attention_args *a = args;
    const size_t number = (size_t)group->index[0] * a->n_splits + group->index[1];
    float *part = (float *)buffers[TSKIP__BIND_PARTS] +
                  number * tskip__decode_part((size_t)it.rows, a->head_dim_v);
    const tskip_u32 tiles = a->split / BK, begin = group->index[1] * tiles;
    const tskip_u32 end = (tskip_u32)tskip__min((tskip_i64)begin + tiles, a->nk);
    const tskip_u32 first = next_tile(&it, begin, end);
    if (first < end)
        return compute_part(&it, first, end, part, memory);
    tskip__decode_store_nothing(part, (size_t)it.rows);
    return false;
}
