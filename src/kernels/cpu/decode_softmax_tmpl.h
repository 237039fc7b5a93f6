/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Masks and softmax of one row and tile, keys in the lanes: part of decode_tmpl.h. */

/* What a row sees of a tile, columns counted from its first, near enough for f32 to tell apart. */
struct tile_limits {
    float begin, end, sink_begin, sink_end;
};

static float near_limit(tskip_i64 limit, tskip_i64 column)
{
    return (float)tskip__max(-1, tskip__min(limit - column, BK + 1));
}

static struct tile_limits find_tile_limits(const struct tskip__row_limits *l, tskip_i64 column)
{
    return (struct tile_limits){near_limit(l->lo, column), near_limit(l->hi, column),
                                near_limit(l->sink_lo, column), near_limit(l->sink_hi, column)};
}

/* Which of VL columns the row sees. */
INLINE vmask find_seen(struct tile_limits l, vf columns)
{
    const vmask near =
        vm_and(vf_less_equal(vf_set(l.begin), columns), vf_less(columns, vf_set(l.end)));
    const vmask sink =
        vm_and(vf_less_equal(vf_set(l.sink_begin), columns), vf_less(columns, vf_set(l.sink_end)));
    return vm_or(near, sink);
}

/* The row's cells from `column` on; NULL without a mask tensor. */
static const char *find_cells(const struct item *it, int row, tskip_i64 column)
{
    const struct tskip__mask_tensor *t = &it->args->tensor;
    if (!t->dtype)
        return NULL;
    const tskip_i64 cell = it->batch * t->stride_batch + head_of(it, row) * t->stride_head +
                           query_of(it, row) * t->stride_row + column;
    return (const char *)it->buffers[TSKIP__BIND_TENSOR] + cell * element_size(t->dtype);
}

INLINE vf load_bias(const char *cells, int left, tskip_u32 dtype)
{
    return dtype == TSKIP__BOOL   ? load_cells(cells, left, TSKIP__BOOL)
           : dtype == TSKIP__F16  ? load_cells(cells, left, TSKIP__F16)
           : dtype == TSKIP__BF16 ? load_cells(cells, left, TSKIP__BF16)
                                  : load_cells(cells, left, TSKIP__F32);
}

/* Alibi's slope for the row; 0 without. */
static float slope_of(const struct item *it, int row)
{
    const struct tskip__attention_args *a = it->args;
    if (!(a->flags & TSKIP__HAS_RULES && a->rules.flags & TSKIP__RULE_ALIBI))
        return 0;
    const float *slopes = (const float *)it->buffers[TSKIP__BIND_RULES] + a->rules.first_slope;
    return slopes[head_of(it, row)];
}

/* The row's position less that of `column`. */
static float distance_of(const struct item *it, int row, tskip_i64 column)
{
    const struct tskip__rules *rules = &it->args->rules;
    return (float)(query_of(it, row) + rules->q_offset - column - rules->k_offset);
}

/* Scaled scores to masked ones, in place. */
static void mask_row(const struct item *it, int row, tskip_i64 column, int keys)
{
    static const float counting[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const struct tskip__attention_args *a = it->args;
    const struct tile_limits limits = find_tile_limits(&it->limits[row], column);
    const char *cells = find_cells(it, row, column);
    const vf masked = vf_set(-INFINITY);
    const float slope = slope_of(it, row);
    const vf distance = vf_set(distance_of(it, row, column));
    float *scores = it->scores + row * BK;
    for (int key = 0; key < keys; key += VL) {
        const vf columns = vf_add(vf_load(counting), vf_set((float)key));
        vf x = vf_load(scores + key);
        if (cells) {
            const vf bias =
                load_bias(cells + key * element_size(a->tensor.dtype), keys - key, a->tensor.dtype);
            x = vf_select(vf_equal(bias, masked), masked, vf_add(x, bias));
        }
        if (slope != 0) {
            vf d = vf_sub(distance, columns);
            d = vf_max(vf_sub(vf_set(0.0f), d), d);
            x = vf_add(x, vf_mul(vf_set(-slope), d));
        }
        vf_store(scores + key, vf_select(find_seen(limits, columns), x, masked));
    }
}

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

/* Masked scores to words of P, in place; returns the lanes' sums. */
INLINE vf exponentiate(float *scores, int keys, float top)
{
    vf sum = vf_set(0.0f);
    for (int key = 0; key < keys; key += VL * TERMS) {
        vf p[TERMS];
        UNROLL
        for (int i = 0; i < TERMS; i++) {
            p[i] = exp_nonpositive(vf_sub(vf_load(scores + key + i * VL), vf_set(top)));
            sum = vf_add(sum, p[i]);
        }
#if TERMS == 1
        vf_store(scores + key, p[0]);
#else
        vf_store(scores + key / TERMS, vf_pair_lanes(p[0], p[1]));
#endif
    }
    return sum;
}

/* One key's score of a row, summed in double and masked. */
static float sum_again(const struct item *it, int row, tskip_i64 column, int key, tskip_u8 class)
{
    const struct tskip__attention_args *a = it->args;
    const float *q = it->q + (size_t)row * it->words;
    const char *cells = class == TSKIP__MIXED ? find_cells(it, row, column) : NULL;
    float k[TSKIP__MAX_HEAD_DIM], slope = 0;
    double sum = 0;
    tskip__widen((tskip_dtype)it->dtype, find_row(&it->keys, column + key), k, a->head_dim);
    for (tskip_u32 d = 0; d < a->head_dim; d++)
        sum += (double)q[d] * (double)k[d];
    if (class == TSKIP__MIXED)
        slope = slope_of(it, row);
    return masked_score(score_of(sum, (struct score_rule){a->scale, a->softcap}),
                        cells ? tskip__cell(cells, a->tensor.dtype, key) : 0, slope,
                        distance_of(it, row, column) - (float)key);
}

/* Puts the row's scores right that decide where its maximum is large. Returns the new one. */
static float settle_scores(const struct item *it, int row, tskip_i64 column, int keys,
                           tskip_u8 class, float old, float top)
{
    float *scores = it->scores + row * BK;
    const float size = fabsf(top), least = top - DECIDES;
    int count = 0;
    if (!(size >= LARGE_SCORE && size < FLT_MAX))
        return top;
    for (int key = 0; key < keys; key++)
        count += scores[key] > least;
    if (count == 0 || count > MOST_DECISIVE)
        return top;
    for (int key = 0; key < keys; key++) {
        if (scores[key] > least)
            scores[key] = sum_again(it, row, column, key, class);
        old = scores[key] > old ? scores[key] : old;
    }
    return old;
}

/* Raw scores of a row to P. Its maximum and sums move on; `rescale` is for what was summed
 * before. */
static void softmax_row(struct item *it, int row, tskip_i64 column, int keys, tskip_u8 class)
{
    float *scores = it->scores + row * BK, *sums = it->sums + row * VL;
    const float old = it->maximum[row];
    vf most = vf_set(old), factor = vf_set(1.0f);
    scale_row(it, scores, keys);
    if (class == TSKIP__MIXED)
        mask_row(it, row, column, keys);
    for (int key = class == TSKIP__SKIP ? 0 : keys; key % (VL * TERMS) != 0 || key < keys; key++)
        scores[key] = -INFINITY;
    for (int key = 0; key < keys; key += VL)
        most = vf_max(vf_load(scores + key), most);
    float top = vf_highest(most);
    if (SUMS_ROUND && it->out_dtype == TSKIP__F32)
        top = settle_scores(it, row, column, keys, class, old, top);
    const vf sum = exponentiate(scores, keys, top);
    if (!(top == old))
        factor = exp_nonpositive(vf_set(old - top));
    vf_store(sums, vf_fma(vf_load(sums), factor, sum));
    it->maximum[row] = top;
    it->rescale[row] = vf_highest(factor);
}
