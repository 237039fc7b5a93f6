/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Attention for few query rows on one rung: included by decode_<rung>.c after its simd header. The
 * head lies in the vector lanes: K and V are read once, as they are, by blocks of up to 4 query
 * rows at a time.
 *
 *   for each tile of the part that some row sees:
 *       S = Q K', scaled  |  mask  |  softmax: P and the rescale  |  O = O r + P V
 *
 * All tile classes share every formula, and a tile masked for a row leaves its state as it was:
 * maximum unchanged, rescale exactly 1, P exactly 0. */

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "attention_cpu.h"
#include "base/half.h"
#include "cell.h"
#include "decode_cpu.h"
#include "kernels/shared/row_limits.h"
#include "math_tmpl.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#define BK     TSKIP__DECODE_BK

enum { BIND_Q, BIND_K, BIND_V, BIND_SINKS = 5, BIND_TENSOR, BIND_RULES, BIND_MAP, BIND_PARTS = 10 };

struct head_rows {
    const char *first; /* row 0 */
    tskip_i64 stride;  /* bytes */
    int dim;
};

struct item {
    const struct tskip__attention_args *args;
    void *const *buffers;
    tskip_u32 dtype;
    int batch, kv_head, group, rows; /* row r: query row r / group, head r % group of the group */
    struct head_rows keys, values;
    tskip_i64 present_begin, present_end;
    struct tskip__row_limits limits[TSKIP__DECODE_ROWS];
    float maximum[TSKIP__DECODE_ROWS], rescale[TSKIP__DECODE_ROWS];
    float *q, *o, *scores, *sums, *room; /* [row][dim], [row][dim_v], [row][BK], [row][VL] */
    size_t dim, dim_v;                   /* in whole vectors */
};

static const char absent_row[TSKIP__MAX_HEAD_DIM * 4];

INLINE size_t element_size(const tskip_u32 dtype)
{
    return dtype == TSKIP__F32 ? 4 : 2;
}

/* VL elements widened to f32. */
INLINE vf load_whole(const void *at, const tskip_u32 dtype)
{
    return dtype == TSKIP__F32   ? vf_load(at)
           : dtype == TSKIP__F16 ? vf_load_f16(at)
                                 : vf_load_bf16(at);
}

/* The same with zeros past the `left` that exist. */
INLINE vf load_elements(const char *at, int left, const tskip_u32 dtype)
{
    float room[VL] = {0};
    if (left >= VL)
        return load_whole(at, dtype);
    memcpy(room, at, (size_t)left * element_size(dtype));
    return load_whole(room, dtype);
}

static const char *find_row(const struct item *it, const struct head_rows *rows, tskip_i64 key)
{
    bool present = key >= it->present_begin && key < it->present_end;
    return present ? rows->first + key * rows->stride : absent_row;
}

/* Asks for a row before it is needed. */
INLINE void fetch_row(const struct item *it, const struct head_rows *rows, tskip_i64 key)
{
    const char *at = find_row(it, rows, key);
    for (size_t i = 0; i < (size_t)rows->dim * element_size(it->dtype); i += 64)
        __builtin_prefetch(at + i);
}

static int head_of(const struct item *it, int row)
{
    return it->kv_head * it->group + row % it->group;
}

/* ---- scores --------------------------------------------------------------------------------- */

/* The lanes of VL vectors summed: lane i is the sum of vector i's. */
INLINE vf sum_lanes(const float *vectors)
{
    vf m[VL];
    for (int i = 0; i < VL; i++)
        m[i] = vf_load(vectors + i * VL);
    vf_transpose(m);
    for (int n = VL / 2; n > 0; n /= 2)
        for (int i = 0; i < n; i++)
            m[i] = vf_add(m[i], m[i + n]);
    return m[0];
}

/* Adds the products of one vector of 4 keys with n rows. */
INLINE void add_products(const vf k[4], const float *q, size_t pitch, vf sum[4][4], const int n)
{
    UNROLL
    for (int r = 0; r < n; r++) {
        vf x = vf_load(q + (size_t)r * pitch);
        UNROLL
        for (int j = 0; j < 4; j++)
            sum[r][j] = vf_fma(x, k[j], sum[r][j]);
    }
}

/* Products of 4 keys with n rows; what the lanes hold of each goes to part[row][VL keys][VL]. */
INLINE void multiply_keys(const struct item *it, const char *const key[4], const float *q,
                          float *part, const int n, const tskip_u32 dtype)
{
    vf sum[4][4], k[4];
    const int dim = it->keys.dim;
    int d = 0;
    UNROLL
    for (int r = 0; r < n; r++)
        UNROLL
    for (int j = 0; j < 4; j++)
        sum[r][j] = vf_set(0.0f);
    for (; d + VL <= dim; d += VL) {
        UNROLL
        for (int j = 0; j < 4; j++)
            k[j] = load_whole(key[j] + (size_t)d * element_size(dtype), dtype);
        add_products(k, q + d, it->dim, sum, n);
    }
    if (d < dim) {
        UNROLL
        for (int j = 0; j < 4; j++)
            k[j] = load_elements(key[j] + (size_t)d * element_size(dtype), dim - d, dtype);
        add_products(k, q + d, it->dim, sum, n);
    }
    UNROLL
    for (int r = 0; r < n; r++)
        UNROLL
    for (int j = 0; j < 4; j++)
        vf_store(part + (r * VL + j) * VL, sum[r][j]);
}

INLINE void score_rows(const struct item *it, tskip_i64 column, int keys, int row, const int n,
                       const tskip_u32 dtype)
{
    for (int first = 0; first < keys; first += VL) {
        for (int i = 0; i < VL; i += 4) {
            const char *key[4];
            for (int j = 0; j < 4; j++) {
                int k = first + i + j < keys ? first + i + j : keys - 1;
                key[j] = find_row(it, &it->keys, column + k);
            }
            if (row == 0) /* V while K is multiplied */
                for (int j = 0; j < 4; j++)
                    fetch_row(it, &it->values, column + tskip__min(first + i + j, keys - 1));
            multiply_keys(it, key, it->q + (size_t)row * it->dim, it->room + i * VL, n, dtype);
        }
        for (int r = 0; r < n; r++)
            vf_store(it->scores + (row + r) * BK + first, sum_lanes(it->room + r * VL * VL));
    }
}

/* ---- mask and softmax ----------------------------------------------------------------------- */

static void scale_row(const struct item *it, float *scores, int keys)
{
    const vf scale = vf_set(it->args->scale), cap = vf_set(it->args->softcap);
    for (int key = 0; key < keys; key += VL) {
        vf x = vf_mul(vf_load(scores + key), scale);
        if (it->args->softcap != 0)
            x = vf_mul(tanh_vector(vf_div(x, cap)), cap);
        vf_store(scores + key, x);
    }
}

static void mask_row(const struct item *it, int row, tskip_i64 column, int keys)
{
    const struct tskip__attention_args *a = it->args;
    const struct tskip__mask_tensor *t = &a->tensor;
    const int query = row / it->group, head = head_of(it, row);
    const char *cells = NULL;
    float *scores = it->scores + row * BK, slope = 0;
    if (t->dtype)
        cells = (const char *)it->buffers[BIND_TENSOR] +
                (size_t)(it->batch * t->stride_batch + head * t->stride_head +
                         query * t->stride_row + column) *
                    tskip__cell_size(t->dtype);
    if (a->flags & TSKIP__HAS_RULES && a->rules.flags & TSKIP__RULE_ALIBI)
        slope = ((const float *)it->buffers[BIND_RULES])[a->rules.first_slope + (tskip_u32)head];
    for (int key = 0; key < keys; key++) {
        float bias = cells ? tskip__cell(cells, t->dtype, key) : 0;
        if (bias == -INFINITY || !tskip__row_sees(it->limits[row], column + key)) {
            scores[key] = -INFINITY;
            continue;
        }
        float x = scores[key] + bias;
        if (slope != 0) {
            tskip_i64 d = query + a->rules.q_offset - column - key - a->rules.k_offset;
            x += -slope * (float)(d < 0 ? -d : d);
        }
        scores[key] = x;
    }
}

/* Scores to probabilities, in place. */
static void softmax_row(struct item *it, int row, int keys)
{
    float *scores = it->scores + row * BK, *sums = it->sums + row * VL, lanes[VL];
    float old = it->maximum[row], top = old;
    for (int key = keys; key % VL != 0; key++)
        scores[key] = -INFINITY;
    vf most = vf_set(old);
    for (int key = 0; key < keys; key += VL)
        most = vf_max(vf_load(scores + key), most);
    vf_store(lanes, most);
    for (int i = 0; i < VL; i++)
        top = lanes[i] > top ? lanes[i] : top;
    vf sum = vf_set(0.0f);
    for (int key = 0; key < keys; key += VL) {
        vf p = exp_nonpositive(vf_sub(vf_load(scores + key), vf_set(top)));
        vf_store(scores + key, p);
        sum = vf_add(sum, p);
    }
    vf factor = exp_nonpositive(vf_set(old - top));
    vf_store(sums, vf_fma(vf_load(sums), factor, sum));
    vf_store(lanes, factor);
    it->maximum[row] = top;
    it->rescale[row] = lanes[0];
}

/* ---- values --------------------------------------------------------------------------------- */

/* n rows by `wide` vectors of values from dimension d on; all exist, or wide is 1. */
INLINE void multiply_values(const struct item *it, const char *const *value, tskip_i64 column,
                            int keys, int row, int d, const int n, const int wide,
                            const tskip_u32 dtype)
{
    vf sum[4][8];
    float *o = it->o + (size_t)row * it->dim_v + d;
    const float *p = it->scores + row * BK;
    const int left = it->values.dim - d;
    UNROLL
    for (int r = 0; r < n; r++)
        UNROLL
    for (int j = 0; j < wide; j++)
        sum[r][j] =
            vf_mul(vf_load(o + (size_t)r * it->dim_v + j * VL), vf_set(it->rescale[row + r]));
    for (int key = 0; key < keys; key++) {
        vf v[8];
        if (row == 0 && d == 0) /* the next tile's K while V is multiplied */
            fetch_row(it, &it->keys, column + BK + key);
        const char *at = value[key] + (size_t)d * element_size(dtype);
        UNROLL
        for (int j = 0; j < wide; j++)
            v[j] = wide > 1 ? load_whole(at + (size_t)(j * VL) * element_size(dtype), dtype)
                            : load_elements(at, left, dtype);
        UNROLL
        for (int r = 0; r < n; r++) {
            vf x = vf_set(p[r * BK + key]);
            UNROLL
            for (int j = 0; j < wide; j++)
                sum[r][j] = vf_fma(x, v[j], sum[r][j]);
        }
    }
    UNROLL
    for (int r = 0; r < n; r++)
        UNROLL
    for (int j = 0; j < wide; j++)
        vf_store(o + (size_t)r * it->dim_v + j * VL, sum[r][j]);
}

INLINE void value_rows(const struct item *it, const char *const *value, tskip_i64 column, int keys,
                       int row, const int n, const tskip_u32 dtype)
{
    const int wide = n < 4 ? 8 : 4;
    int d = 0;
    for (; d + wide * VL <= it->values.dim; d += wide * VL)
        multiply_values(it, value, column, keys, row, d, n, wide, dtype);
    for (; d < it->values.dim; d += VL)
        multiply_values(it, value, column, keys, row, d, n, 1, dtype);
}

/* ---- the walk ------------------------------------------------------------------------------- */

static tskip_u8 class_of(const struct item *it, int row, tskip_u32 tile)
{
    const struct tskip__attention_args *a = it->args;
    if (!(a->flags & TSKIP__HAS_MAP))
        return a->flags & (TSKIP__HAS_RULES | TSKIP__HAS_TENSOR) ? TSKIP__MIXED : TSKIP__FULL;
    return ((const tskip_u8 *)it->buffers[BIND_MAP])[it->batch * a->map_stride_batch +
                                                     head_of(it, row) * a->map_stride_head + tile];
}

INLINE void visit_of(struct item *it, tskip_i64 column, int keys, const tskip_u8 *class,
                     const tskip_u32 dtype)
{
    const char *value[BK];
    const int n = it->rows <= 2 ? it->rows : 4;
    for (int row = 0; row < it->rows; row += n) {
        if (n == 1)
            score_rows(it, column, keys, row, 1, dtype);
        else if (n == 2)
            score_rows(it, column, keys, row, 2, dtype);
        else
            score_rows(it, column, keys, row, 4, dtype);
    }
    for (int row = 0; row < it->rows; row++) {
        float *scores = it->scores + row * BK;
        scale_row(it, scores, keys);
        if (class[row] == TSKIP__MIXED)
            mask_row(it, row, column, keys);
        for (int key = 0; class[row] == TSKIP__SKIP && key < keys; key++)
            scores[key] = -INFINITY;
        softmax_row(it, row, keys);
    }
    for (int key = 0; key < keys; key++)
        value[key] = find_row(it, &it->values, column + key);
    for (int row = 0; row < it->rows; row += n) {
        if (n == 1)
            value_rows(it, value, column, keys, row, 1, dtype);
        else if (n == 2)
            value_rows(it, value, column, keys, row, 2, dtype);
        else
            value_rows(it, value, column, keys, row, 4, dtype);
    }
}

static void visit(struct item *it, tskip_i64 column, int keys, const tskip_u8 *class)
{
    if (it->dtype == TSKIP__F32)
        visit_of(it, column, keys, class, TSKIP__F32);
    else if (it->dtype == TSKIP__F16)
        visit_of(it, column, keys, class, TSKIP__F16);
    else
        visit_of(it, column, keys, class, TSKIP__BF16);
}

static void visit_part(struct item *it, tskip_u32 part)
{
    const struct tskip__attention_args *a = it->args;
    const tskip_i64 begin = (tskip_i64)part * a->split;
    const tskip_i64 end = tskip__min(begin + a->split, a->k_len);
    for (tskip_i64 column = begin; column < end; column += BK) {
        tskip_u8 class[TSKIP__DECODE_ROWS], seen = 0;
        for (int row = 0; row < it->rows; row++) {
            class[row] = class_of(it, row, (tskip_u32)(column / BK));
            seen |= class[row];
        }
        if (seen)
            visit(it, column, (int)tskip__min(BK, end - column), class);
    }
}

/* ---- setting up, storing -------------------------------------------------------------------- */

static struct head_rows find_rows(const struct item *it, int binding, const tskip_i64 stride[3],
                                  tskip_u32 dim)
{
    const size_t size = element_size(it->dtype);
    return (struct head_rows){
        .first = (const char *)it->buffers[binding] +
                 (size_t)(it->batch * stride[0] + it->kv_head * stride[1]) * size,
        .stride = stride[2] * (tskip_i64)size,
        .dim = (int)dim,
    };
}

static void load_queries(struct item *it)
{
    const struct tskip__attention_args *a = it->args;
    const size_t size = element_size(it->dtype);
    memset(it->q, 0, TSKIP__DECODE_ROWS * it->dim * sizeof *it->q);
    for (int row = 0; row < it->rows; row++) {
        const tskip_i64 at = it->batch * a->q_stride[0] + head_of(it, row) * a->q_stride[1] +
                             row / it->group * a->q_stride[2];
        tskip__widen((tskip_dtype)it->dtype, (const char *)it->buffers[BIND_Q] + (size_t)at * size,
                     it->q + (size_t)row * it->dim, a->head_dim);
    }
}

static void find_limits(struct item *it)
{
    const struct tskip__attention_args *a = it->args;
    struct tskip__rules_entry entry = {.klen = TSKIP__FAR};
    if (a->flags & TSKIP__HAS_RULES)
        memcpy(&entry,
               (const char *)it->buffers[BIND_RULES] +
                   (a->rules.n_entries > 1 ? (size_t)it->batch : 0) * sizeof entry,
               sizeof entry);
    it->present_begin = entry.kstart;
    it->present_end = tskip__min(entry.klen, a->k_len);
    for (int row = 0; row < it->rows; row++)
        it->limits[row] = a->flags & TSKIP__HAS_RULES
                              ? tskip__row_limits(a->rules, entry, it->buffers[BIND_RULES],
                                                  a->k_len, row / it->group)
                              : (struct tskip__row_limits){0, a->k_len, 0, 0};
}

static void start_item(struct item *it, tskip_u32 number, float *memory)
{
    const struct tskip__attention_args *a = it->args;
    it->group = (int)(a->n_heads / a->n_kv_heads);
    it->rows = it->group * (int)a->q_len;
    it->kv_head = (int)(number % a->n_kv_heads);
    it->batch = (int)(number / a->n_kv_heads);
    it->dim = (a->head_dim + VL - 1) / VL * VL;
    it->dim_v = (a->head_dim_v + VL - 1) / VL * VL;
    it->q = memory;
    it->o = it->q + TSKIP__DECODE_ROWS * it->dim;
    it->scores = it->o + TSKIP__DECODE_ROWS * it->dim_v;
    it->sums = it->scores + TSKIP__DECODE_ROWS * BK;
    it->room = it->sums + TSKIP__DECODE_ROWS * VL;
    memset(it->o, 0, (size_t)(it->room - it->o) * sizeof *it->o);
    for (int row = 0; row < TSKIP__DECODE_ROWS; row++) {
        it->maximum[row] = -FLT_MAX;
        it->rescale[row] = 1;
    }
    it->keys = find_rows(it, BIND_K, a->k_stride, a->head_dim);
    it->values = find_rows(it, BIND_V, a->v_stride, a->head_dim_v);
    load_queries(it);
    find_limits(it);
}

static void store_part(const struct item *it, float *to)
{
    const tskip_u32 dim = it->args->head_dim_v;
    for (int row = 0; row < it->rows; row++, to += tskip__decode_record(dim)) {
        float sum = 0;
        for (int i = 0; i < VL; i++)
            sum += it->sums[row * VL + i];
        to[0] = it->maximum[row];
        to[1] = sum;
        memcpy(to + 2, it->o + (size_t)row * it->dim_v, dim * sizeof *to);
    }
}

static void run_part(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    struct item it = {.args = args, .buffers = buffers};
    it.dtype = group->constants[TSKIP__ID_dtype].u32;
    start_item(&it, group->index[0], memory);
    visit_part(&it, group->index[1]);
    const size_t record = tskip__decode_record(it.args->head_dim_v) * (size_t)it.rows;
    store_part(&it, (float *)buffers[BIND_PARTS] +
                        ((size_t)group->index[0] * it.args->n_splits + group->index[1]) * record);
}
