/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* One item of work: up to TSKIP__MAX_PANELS panels of the query heads that share a KV head. Part of
 * attention_tmpl.h. */

struct panel {
    int head, batch;
    tskip_i64 first;         /* query row */
    int rows;                /* that exist */
    const tskip_u8 *classes; /* its row of the map; NULL: `other` for every tile */
    tskip_u8 other;
    tskip_u32 next; /* the next tile to visit */
    float *q, *o;   /* [word][ROWS], [dim][ROWS] */
    struct row_state *state;
    struct panel_limits *limits; /* meaningful with rules */
};

struct item {
    const struct tskip__attention_args *args;
    void *const *buffers;
    int bk, out_dtype, dtype;
    int n_panels;
    struct panel panels[TSKIP__MAX_PANELS];
    struct head_rows keys, values;
    float *k_tile, *v_tile, *scores, *bias;
    int k_pitch, v_pitch;
};

/* ---- setting up ----------------------------------------------------------------------------- */

/* The first tile from `tile` on that is visited. */
static tskip_u32 next_tile(const struct panel *p, tskip_u32 tile, tskip_u32 nk)
{
    return p->classes ? tskip__next_tile(p->classes, tile, nk) : tile;
}

static void find_row_limits(const struct item *it, struct panel *p)
{
    const struct tskip__attention_args *a = it->args;
    const void *rules = it->buffers[TSKIP__BIND_RULES];
    const struct tskip__rules_entry entry = find_entry(a, rules, p->batch);
    for (int r = 0; r < ROWS; r++) {
        struct tskip__row_limits l = {0, 0, 0, 0};
        if (r < p->rows)
            l = tskip__row_limits(a->rules, entry, rules, a->k_len, p->first + r);
        p->limits->before[r] = l.lo - 1;
        p->limits->end[r] = l.hi;
        p->limits->sink_before[r] = l.sink_lo - 1;
        p->limits->sink_end[r] = l.sink_hi;
    }
}

static void start_panel(const struct item *it, struct panel *p)
{
    const struct tskip__attention_args *a = it->args;
    struct head_rows queries = rows_of(it->buffers[TSKIP__BIND_Q], p->batch, p->head, a->q_stride,
                                       (tskip_u32)it->dtype, a->head_dim);
    queries.present_end = a->q_len;
    pack_turned(&queries, p->first, ROWS, p->q, ROWS);
    memset(p->o, 0, tskip__padded(a->head_dim_v) * ROWS * sizeof *p->o);
    for (int r = 0; r < ROWS; r++) {
        p->state->maximum[r] = -FLT_MAX;
        p->state->sum[r] = 0;
    }
    if (a->flags & TSKIP__HAS_RULES)
        find_row_limits(it, p);
    bool masked = (a->flags & (TSKIP__HAS_RULES | TSKIP__HAS_TENSOR)) != 0;
    p->other = masked ? TSKIP__MIXED : TSKIP__FULL;
    p->classes = NULL;
    if (a->flags & TSKIP__HAS_MAP)
        p->classes = (const tskip_u8 *)it->buffers[TSKIP__BIND_MAP] +
                     p->batch * a->map_stride_batch + p->head * a->map_stride_head +
                     p->first / ROWS * a->nk;
    p->next = next_tile(p, 0, a->nk);
}

static struct head_rows find_keys(const struct item *it, int binding, int batch, int kv_head,
                                  const tskip_i64 stride[3], tskip_u32 dim)
{
    const struct tskip__attention_args *a = it->args;
    const struct tskip__rules_entry entry = find_entry(a, it->buffers[TSKIP__BIND_RULES], batch);
    struct head_rows rows =
        rows_of(it->buffers[binding], batch, kv_head, stride, (tskip_u32)it->dtype, dim);
    rows.present_begin = entry.kstart;
    rows.present_end = tskip__min(entry.klen, a->k_len);
    return rows;
}

_Static_assert(sizeof(struct row_state) + sizeof(struct panel_limits) == TSKIP__PANEL_STATE,
               "the scratch memory of a panel");

/* Deals out the group's scratch memory. */
static void lay_out(struct item *it, float *memory)
{
    const struct tskip__attention_args *a = it->args;
    const int n_words = words_of((int)a->head_dim);
    size_t words = tskip__padded((size_t)n_words), dim_v = tskip__padded(a->head_dim_v);
    size_t bk = tskip__padded((size_t)it->bk);
    it->k_pitch = (int)key_pitch(it->bk, n_words);
    it->v_pitch = (int)value_pitch(it->bk, (int)a->head_dim_v);
    it->scores = memory;
    it->bias = it->scores + bk * ROWS;
    it->k_tile = it->bias + bk * ROWS;
    it->v_tile = it->k_tile + tskip__tile_floats(words, bk);
    memory = it->v_tile + tskip__tile_floats(dim_v, bk);
    for (int i = 0; i < it->n_panels; i++) {
        struct panel *p = &it->panels[i];
        p->q = memory;
        p->o = p->q + words * ROWS;
        p->state = (struct row_state *)(p->o + dim_v * ROWS);
        p->limits = (struct panel_limits *)(p->state + 1);
        memory = (float *)(p->limits + 1);
    }
}

static void start_item(struct item *it, tskip_u32 number, float *memory)
{
    const struct tskip__attention_args *a = it->args;
    tskip_u32 group = a->n_heads / a->n_kv_heads;
    int kv_head = (int)(number / a->items_per_head % a->n_kv_heads);
    int batch = (int)(number / a->items_per_head / a->n_kv_heads);
    uint64_t panel = (uint64_t)(number % a->items_per_head) * a->panels;
    uint64_t last = (uint64_t)a->nq * group;
    for (; it->n_panels < (int)a->panels && panel < last; it->n_panels++, panel++) {
        struct panel *p = &it->panels[it->n_panels];
        p->batch = batch;
        p->head = kv_head * (int)group + (int)(panel % group);
        p->first = (tskip_i64)(panel / group) * ROWS;
        p->rows = (int)tskip__min(ROWS, a->q_len - p->first);
    }
    lay_out(it, memory);
    it->keys = find_keys(it, TSKIP__BIND_K, batch, kv_head, a->k_stride, a->head_dim);
    it->values = find_keys(it, TSKIP__BIND_V, batch, kv_head, a->v_stride, a->head_dim_v);
    for (int i = 0; i < it->n_panels; i++)
        start_panel(it, &it->panels[i]);
}

/* ---- tiles ---------------------------------------------------------------------------------- */

/* The mask tensor's cell at the panel's first row. */
static const char *find_cells(const struct item *it, const struct panel *p, tskip_i64 column)
{
    const struct tskip__mask_tensor *t = &it->args->tensor;
    const tskip_i64 cell =
        p->batch * t->stride_batch + p->head * t->stride_head + p->first * t->stride_row + column;
    return (const char *)it->buffers[TSKIP__BIND_TENSOR] +
           cell * (tskip_i64)tskip__cell_size(t->dtype);
}

/* Asks for the cells of a tile, which lie in as many pages as it has rows, while K is multiplied. */
static void fetch_cells(const struct item *it, const struct panel *p, const char *cells, int keys)
{
    const struct tskip__mask_tensor *t = &it->args->tensor;
    const tskip_i64 size = (tskip_i64)tskip__cell_size(t->dtype);
    for (int row = 0; row < p->rows; row++, cells += t->stride_row * size)
        for (tskip_i64 at = 0; at < keys * size; at += 64)
            __builtin_prefetch(cells + at, 0, 2);
}

static void visit(const struct item *it, struct panel *p, tskip_i64 column, int keys,
                  tskip_u8 class)
{
    const struct tskip__attention_args *a = it->args;
    const struct score_rule rule = {a->scale, a->softcap};
    struct tile_limits limits;
    struct tile_mask mask = {0};
    const char *cells = NULL;
    if (class == TSKIP__MIXED && a->flags & TSKIP__HAS_RULES) {
        find_limits(p->limits, column, &limits);
        mask.limits = &limits;
        if (a->rules.flags & TSKIP__RULE_ALIBI) {
            mask.slope =
                ((const float *)
                     it->buffers[TSKIP__BIND_RULES])[a->rules.first_slope + (tskip_u32)p->head];
            mask.distance = (float)(p->first + a->rules.q_offset - column - a->rules.k_offset);
        }
    }
    if (class == TSKIP__MIXED && a->flags & TSKIP__HAS_TENSOR) {
        cells = find_cells(it, p, column);
        fetch_cells(it, p, cells, keys);
    }
    multiply_scores(p->q, it->k_tile, it->k_pitch, words_of((int)a->head_dim), it->scores, keys,
                    p->rows);
    if (cells) {
        load_bias(cells, a->tensor.stride_row, p->rows, keys, it->bias, a->tensor.dtype);
        mask.bias = it->bias;
    }
    softmax(it->scores, keys, p->rows, rule, &mask, p->state);
    multiply_values(it->scores, it->v_tile, it->v_pitch, words_of(keys), p->o, p->state->rescale,
                    (int)a->head_dim_v, p->rows);
}

static void visit_tiles(struct item *it)
{
    const struct tskip__attention_args *a = it->args;
    for (;;) {
        tskip_u32 tile = a->nk;
        for (int i = 0; i < it->n_panels; i++)
            tile = it->panels[i].next < tile ? it->panels[i].next : tile;
        if (tile == a->nk)
            return;
        tskip_i64 column = (tskip_i64)tile * it->bk;
        int keys = (int)tskip__min(it->bk, a->k_len - column);
        pack_keys(&it->keys, column, keys, it->k_tile, it->k_pitch);
        pack_values(&it->values, column, keys, it->v_tile, it->v_pitch);
        for (int i = 0; i < it->n_panels; i++) {
            struct panel *p = &it->panels[i];
            if (p->next != tile)
                continue;
            visit(it, p, column, keys, p->classes ? p->classes[tile] : p->other);
            p->next = next_tile(p, tile + 1, a->nk);
        }
    }
}

/* ---- storing -------------------------------------------------------------------------------- */

/* The sink joins as one more logit without a value; then `rescale` becomes the last factor of O and
 * `maximum` the log-sum-exp. */
static void finish_rows(const struct item *it, struct panel *p)
{
    struct row_state *s = p->state;
    bool sinks = it->args->flags & TSKIP__HAS_SINKS, lse = it->args->flags & TSKIP__HAS_LSE;
    for (int r = 0; r < ROWS; r++) {
        float top = s->maximum[r], sum = s->sum[r], factor = 1;
        if (sinks) {
            float sink = ((const float *)it->buffers[TSKIP__BIND_SINKS])[p->head];
            float higher = sink > top ? sink : top;
            factor = expf(top - higher);
            sum = sum * factor + expf(sink - higher);
            top = higher;
        }
        s->rescale[r] = sum == 0 ? 0 : factor / sum;
        if (lse) /* in double: near 0 the two cancel */
            s->maximum[r] = sum == 0 ? -INFINITY : (float)(top + log(sum));
    }
}

/* The first `left` of VL values of one row, every NaN canonical. */
INLINE void store_values(vf a, char *to, int left, const int dtype)
{
    a = vf_select(vf_equal(a, a), a, vf_set(tskip__f32_from_bits(TSKIP__F32_NAN)));
    const int size = element_size((tskip_u32)dtype);
    float room[VL];
    void *at = left < VL ? (void *)room : (void *)to;
    if (dtype == (int)TSKIP__F32)
        vf_store(at, a);
    else if (dtype == (int)TSKIP__F16)
        vf_store_f16(at, a);
    else
        vf_store_bf16(at, a);
    if (left < VL)
        memcpy(to, room, (size_t)(left * size));
}

/* `rows` rows of O · factor at `to`, `stride` bytes apart. */
INLINE void store_rows_of(const float *o, const float *factor, int rows, int dim, char *to,
                          tskip_i64 stride, const int dtype)
{
    const int size = element_size((tskip_u32)dtype);
    for (int r = 0; r < rows; r += VL)
        for (int d = 0; d < dim; d += VL) {
            vf m[VL], by = vf_load(factor + r), zero = vf_set(0.0f);
            UNROLL
            for (int i = 0; i < VL; i++) /* + 0: a -0 becomes +0 */
                m[i] = vf_add(vf_mul(vf_load(o + (d + i) * ROWS + r), by), zero);
            vf_transpose(m);
            for (int i = 0; i < VL && r + i < rows; i++)
                store_values(m[i], to + (r + i) * stride + d * size, dim - d, dtype);
        }
}

static void store_panel(const struct item *it, struct panel *p)
{
    const struct tskip__attention_args *a = it->args;
    const tskip_i64 *stride = a->o_stride;
    const tskip_i64 size = (tskip_i64)element_size((tskip_u32)it->out_dtype);
    const float *factor = p->state->rescale;
    char *o = (char *)it->buffers[TSKIP__BIND_O] +
              (p->batch * stride[0] + p->head * stride[1] + p->first * stride[2]) * size;
    finish_rows(it, p);
    if (it->out_dtype == (int)TSKIP__F32)
        store_rows_of(p->o, factor, p->rows, (int)a->head_dim_v, o, stride[2] * size, TSKIP__F32);
    else if (it->out_dtype == (int)TSKIP__F16)
        store_rows_of(p->o, factor, p->rows, (int)a->head_dim_v, o, stride[2] * size, TSKIP__F16);
    else
        store_rows_of(p->o, factor, p->rows, (int)a->head_dim_v, o, stride[2] * size, TSKIP__BF16);
    if (a->flags & TSKIP__HAS_LSE) {
        uint64_t row = ((uint64_t)p->batch * a->n_heads + (uint64_t)p->head) * (uint64_t)a->q_len +
                       (uint64_t)p->first;
        tskip__narrow(TSKIP_F32, p->state->maximum, (float *)it->buffers[TSKIP__BIND_LSE] + row,
                      (size_t)p->rows);
    }
}

/* Whether a stored panel has rows that see something and nothing in them reaches FAINT. */
static bool is_faint(const struct panel *p, int dim)
{
    bool sees = false;
    for (int row = 0; row < p->rows; row += VL) {
        float size[VL];
        vf top = vf_set(0.0f);
        for (int d = 0; d < dim; d++) {
            vf x = vf_mul(vf_load(p->o + d * ROWS + row), vf_load(p->state->rescale + row));
            top = vf_max(vf_max(x, vf_sub(vf_set(0.0f), x)), top);
        }
        vf_store(size, top);
        for (int r = 0; r < VL && row + r < p->rows; r++) {
            if (size[r] >= FAINT)
                return false;
            sees = sees || p->state->rescale[row + r] != 0;
        }
    }
    return sees;
}

/* Returns whether some panel of the item came out so small that, where the products flush, it must
 * be computed again by those that do not. */
static bool run_item(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    struct item it = {.args = args, .buffers = buffers};
    it.dtype = (int)group->constants[TSKIP__ID_dtype].u32;
    it.out_dtype = (int)group->constants[TSKIP__ID_out_dtype].u32;
    it.bk = (int)group->constants[TSKIP__ID_bk].u32;
    const tskip_u32 *order = buffers[TSKIP__BIND_ORDER];
    start_item(&it, order ? order[group->index[0]] : group->index[0], memory);
    begin_products();
    visit_tiles(&it);
    end_products();
    bool faint = false;
    for (int i = 0; i < it.n_panels; i++) {
        store_panel(&it, &it.panels[i]);
        if (TERMS == 2)
            faint = faint || is_faint(&it.panels[i], (int)it.args->head_dim_v);
    }
    return faint;
}
