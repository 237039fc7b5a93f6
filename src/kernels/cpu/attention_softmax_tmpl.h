/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* Masks and softmax: part of attention_tmpl.h. A mask is applied to the scaled scores of one tile;
 * columns are counted from the tile's first. */

/* The columns that each row of a panel sees: before < column < end, or sink_before < column <
 * sink_end. The same for a whole panel, and near one tile where f32 tells all that matter apart. */
struct panel_limits {
    tskip_i64 before[ROWS], end[ROWS], sink_before[ROWS], sink_end[ROWS];
};

struct tile_limits {
    float before[ROWS], end[ROWS], sink_before[ROWS], sink_end[ROWS];
};

struct tile_mask {
    const struct tile_limits *limits; /* NULL: no rules */
    const float *bias;                /* [key][rows]; NULL: no tensor */
    const float *slope;               /* of each row; NULL: no alibi */
    const float *distance;            /* each row's position less the first key's; alibi only */
};

static void limit_rows(const tskip_i64 *limits, tskip_i64 column, float *out)
{
    for (int r = 0; r < ROWS; r++) {
        tskip_i64 near = limits[r] - column;
        near = near < -2 ? -2 : near;
        out[r] = (float)(near > TSKIP__MAX_BK + 1 ? TSKIP__MAX_BK + 1 : near);
    }
}

static void find_limits(const struct panel_limits *panel, tskip_i64 column, struct tile_limits *out)
{
    limit_rows(panel->before, column, out->before);
    limit_rows(panel->end, column, out->end);
    limit_rows(panel->sink_before, column, out->sink_before);
    limit_rows(panel->sink_end, column, out->sink_end);
}

/* ---- the mask tensor ------------------------------------------------------------------------ */

/* The cells of `rows` rows and `keys` keys as biases, [key][ROWS], a masked one as -inf. */
INLINE void load_bias_of(const char *const row[ROWS], int rows, int keys, float *bias,
                         const tskip_u32 dtype)
{
    const int size = element_size(dtype);
    for (int r = 0; r < rows; r += VL)
        for (int key = 0; key < keys; key += VL) {
            vf m[VL];
            for (int i = 0; i < VL; i++)
                m[i] = load_cells(row[r + i] + key * size, keys - key, dtype);
            vf_transpose(m);
            for (int i = 0; i < VL && key + i < keys; i++)
                vf_store(bias + (key + i) * ROWS + r, m[i]);
        }
}

static void load_bias(const char *const row[ROWS], int rows, int keys, float *bias, tskip_u32 dtype)
{
    switch (dtype) {
    case TSKIP__BOOL:
        load_bias_of(row, rows, keys, bias, TSKIP__BOOL);
        break;
    case TSKIP__F16:
        load_bias_of(row, rows, keys, bias, TSKIP__F16);
        break;
    case TSKIP__BF16:
        load_bias_of(row, rows, keys, bias, TSKIP__BF16);
        break;
    default:
        load_bias_of(row, rows, keys, bias, TSKIP__F32);
    }
}

/* ---- softmax -------------------------------------------------------------------------------- */

/* Scale and cap, in place; what follows then scales by 1. */
static void cap_scores(float *scores, int keys, struct score_rule rule)
{
    const vf scale = vf_set(rule.scale), cap = vf_set(rule.softcap);
    for (int i = 0; i < keys * ROWS; i += VL) {
        vf x = vf_mul(vf_load(scores + i), scale);
        vf_store(scores + i, vf_mul(tanh_vector(vf_div(x, cap)), cap));
    }
}

INLINE void load_lane_limits(const struct tile_mask *mask, int lane, vf limits[4])
{
    limits[0] = vf_load(mask->limits->before + lane);
    limits[1] = vf_load(mask->limits->end + lane);
    limits[2] = vf_load(mask->limits->sink_before + lane);
    limits[3] = vf_load(mask->limits->sink_end + lane);
}

/* Scaled and masked scores in place of the raw ones; their maximum with `top`. What is absent from
 * `mask` is absent from the code: has_bias and has_limits are constants at each call. */
INLINE vf mask_lanes(float *scores, int keys, float scale, const struct tile_mask *mask, int lane,
                     vf top, const bool has_bias, const bool has_limits)
{
    const vf masked = vf_set(-INFINITY), by = vf_set(scale);
    vf limits[4], distance = vf_set(0.0f), slope = distance;
    if (has_limits)
        load_lane_limits(mask, lane, limits);
    if (has_limits && mask->slope) {
        distance = vf_load(mask->distance + lane);
        slope = vf_sub(vf_set(0.0f), vf_load(mask->slope + lane));
    }
    for (int key = 0; key < keys; key++) {
        float *at = scores + key * ROWS + lane;
        vf x = vf_mul(vf_load(at), by);
        if (has_bias) {
            vf bias = vf_load(mask->bias + key * ROWS + lane);
            x = vf_select(vf_equal(bias, masked), masked, vf_add(x, bias));
        }
        if (has_limits) {
            vf column = vf_set((float)key);
            vmask near = vm_and(vf_less(limits[0], column), vf_less(column, limits[1]));
            vmask sink = vm_and(vf_less(limits[2], column), vf_less(column, limits[3]));
            if (mask->slope) {
                vf d = vf_sub(distance, column);
                d = vf_max(vf_sub(vf_set(0.0f), d), d);
                x = vf_add(x, vf_mul(slope, d));
            }
            x = vf_select(vm_or(near, sink), x, masked);
        }
        vf_store(at, x);
        top = vf_max(x, top);
    }
    return top;
}

/* TERMS probabilities of consecutive keys, as a word of P. */
INLINE void store_probabilities(float *at, const vf p[TERMS])
{
#if TERMS == 1
    vf_store(at, p[0]);
#else
    vf_store(at, vf_pair(p[0], p[1]));
#endif
}

/* Masked scores to P, [word][ROWS], in place of them; returns the rows' sums. */
INLINE vf exponentiate_lanes(float *scores, int keys, int lane, vf top)
{
    vf sum = vf_set(0.0f), p[TERMS];
    for (int key = 0; key < keys; key += TERMS) {
        UNROLL
        for (int i = 0; i < TERMS; i++) {
            p[i] = vf_set(0.0f);
            if (key + i < keys)
                p[i] = exp_nonpositive(vf_sub(vf_load(scores + (key + i) * ROWS + lane), top));
            sum = vf_add(sum, p[i]);
        }
        store_probabilities(scores + key / TERMS * ROWS + lane, p);
    }
    return sum;
}

/* What the scores of a tile are products of. */
struct factors {
    const float *q, *k; /* [word][ROWS], [word][key] */
    int pitch, words;   /* of k; of both */
};

/* How many keys decide for each lane where its row's maximum is large; false: none for any. */
static bool count_decisive(const float *scores, int keys, vf top, float count[VL])
{
    const vf one = vf_set(1.0f), none = vf_set(0.0f), least = vf_sub(top, vf_set(DECIDES));
    float size[VL];
    bool any = false;
    vf_store(size, vf_max(top, vf_sub(none, top)));
    for (int i = 0; i < VL; i++)
        any = any || (size[i] >= LARGE_SCORE && size[i] < FLT_MAX);
    if (!any)
        return false;
    vf sum = none;
    for (int key = 0; key < keys; key++)
        sum = vf_add(sum, vf_select(vf_less(least, vf_load(scores + key * ROWS)), one, none));
    vf_store(count, sum);
    any = false;
    for (int i = 0; i < VL; i++) {
        if (!(size[i] >= LARGE_SCORE && size[i] < FLT_MAX && count[i] <= MOST_DECISIVE))
            count[i] = 0;
        any = any || count[i] > 0;
    }
    return any;
}

static float sum_again(const struct factors *f, int key, int row, struct score_rule rule,
                       const struct tile_mask *mask)
{
    double sum = 0;
    for (int w = 0; w < f->words; w++)
        sum += (double)f->q[w * ROWS + row] * (double)f->k[w * f->pitch + key];
    return masked_score(score_of(sum, rule), mask->bias ? mask->bias[key * ROWS + row] : 0,
                        mask->slope ? mask->slope[row] : 0,
                        mask->slope ? mask->distance[row] - (float)key : 0);
}

/* Masked scores of VL rows from `lane` on, those that decide put right. Returns the rows' maxima,
 * `old` at least. */
static vf settle_scores(float *scores, int keys, int lane, struct score_rule rule,
                        const struct tile_mask *mask, const struct factors *f, vf old, vf top)
{
    float count[VL], least[VL];
    if (!count_decisive(scores + lane, keys, top, count))
        return top;
    vf_store(least, vf_sub(top, vf_set(DECIDES)));
    for (int i = 0; i < VL; i++)
        for (int key = 0; count[i] > 0 && key < keys; key++)
            if (scores[key * ROWS + lane + i] > least[i])
                scores[key * ROWS + lane + i] = sum_again(f, key, lane + i, rule, mask);
    for (int key = 0; key < keys; key++)
        old = vf_max(vf_load(scores + key * ROWS + lane), old);
    return old;
}

/* Raw scores of `rows` rows, rounded up to whole vectors, to P. The running maximum and sum move
 * on, and the factor for what was summed before goes to `rescale`. With factors those scores that
 * decide are summed again. */
static void softmax(float *scores, int keys, int rows, struct score_rule rule,
                    const struct tile_mask *mask, const struct factors *factors,
                    struct row_state *state)
{
    float scale = rule.scale;
    if (rule.softcap != 0) {
        cap_scores(scores, keys, rule);
        scale = 1;
    }
    for (int lane = 0; lane < rows; lane += VL) {
        vf old = vf_load(state->maximum + lane), top;
        if (mask->bias && mask->limits)
            top = mask_lanes(scores, keys, scale, mask, lane, old, true, true);
        else if (mask->bias)
            top = mask_lanes(scores, keys, scale, mask, lane, old, true, false);
        else if (mask->limits)
            top = mask_lanes(scores, keys, scale, mask, lane, old, false, true);
        else
            top = mask_lanes(scores, keys, scale, mask, lane, old, false, false);
        if (SUMS_ROUND && factors)
            top = settle_scores(scores, keys, lane, rule, mask, factors, old, top);
        vf sum = exponentiate_lanes(scores, keys, lane, top);
        vf factor = exp_nonpositive(vf_sub(old, top));
        vf_store(state->maximum + lane, top);
        vf_store(state->rescale + lane, factor);
        vf_store(state->sum + lane, vf_fma(vf_load(state->sum + lane), factor, sum));
    }
}
