/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* One item of work: up to TSKIP__MAX_PANELS panels of the query heads that share a KV head, against
 * all keys or one part of them. Part of attention_tmpl.h. */

struct panel {
    int head, batch;
    tskip_i64 first;         /* row r is number n = first + r: query n / heads, head n % heads on */
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
    int kv_head;
    int heads;            /* whose rows a panel takes by turns */
    int planes;           /* of the map that a panel's rows lie in */
    tskip_u32 begin, end; /* tiles of keys */
    int n_panels;
    struct panel panels[TSKIP__MAX_PANELS];
    struct head_rows keys, values;
    float *k_tile, *v_tile, *scores, *bias;
    int k_pitch, v_pitch;
};

/* ---- setting up ----------------------------------------------------------------------------- */

/* The first tile from `tile` on that some row of the panel visits. */
static tskip_u32 next_tile(const struct item *it, const struct panel *p, tskip_u32 tile)
{
    tskip_u32 next = p->classes ? it->end : tile;
    for (int plane = 0; plane < it->planes && next > tile; plane++)
        next = tskip__next_tile(p->classes + plane * it->args->map_stride_head, tile, next);
    return next;
}

/* What all rows of the panel agree on, else MIXED, which is never wrong. */
static tskip_u8 class_of(const struct item *it, const struct panel *p, tskip_u32 tile)
{
    if (!p->classes)
        return p->other;
    const tskip_u8 class = p->classes[tile];
    for (int plane = 1; plane < it->planes; plane++)
        if (p->classes[plane * it->args->map_stride_head + tile] != class)
            return TSKIP__MIXED;
    return class;
}

static tskip_i64 query_of(const struct item *it, const struct panel *p, int row)
{
    return (p->first + row) / it->heads;
}

static int head_of(const struct item *it, const struct panel *p, int row)
{
    return p->head + (int)((p->first + row) % it->heads);
}

static void find_row_limits(const struct item *it, struct panel *p)
{
    const struct tskip__attention_args *a = it->args;
    const void *rules = it->buffers[TSKIP__BIND_RULES];
    const struct tskip__rules_entry entry = find_entry(a, rules, p->batch);
    for (int r = 0; r < ROWS; r++) {
        struct tskip__row_limits l = {0, 0, 0, 0};
        if (r < p->rows)
            l = tskip__row_limits(a->rules, entry, rules, a->k_len, query_of(it, p, r));
        p->limits->before[r] = l.lo - 1;
        p->limits->end[r] = l.hi;
        p->limits->sink_before[r] = l.sink_lo - 1;
        p->limits->sink_end[r] = l.sink_hi;
    }
}

static void pack_queries(const struct item *it, struct panel *p)
{
    const struct tskip__attention_args *a = it->args;
    const tskip_i64 *stride = a->q_stride, size = element_size((tskip_u32)it->dtype);
    const char *q = it->buffers[TSKIP__BIND_Q], *row[ROWS];
    for (int r = 0; r < ROWS; r++)
        row[r] = r < p->rows ? q + (p->batch * stride[0] + head_of(it, p, r) * stride[1] +
                                    query_of(it, p, r) * stride[2]) *
                                       size
                             : absent_row;
    pack_turned(row, ROWS, (int)a->head_dim, p->q, ROWS, (tskip_u32)it->dtype);
}

/* Finds the panel's row of the map and its first tile. */
static void find_tiles(const struct item *it, struct panel *p)
{
    const struct tskip__attention_args *a = it->args;
    bool masked = (a->flags & (TSKIP__HAS_RULES | TSKIP__HAS_TENSOR)) != 0;
    p->other = masked ? TSKIP__MIXED : TSKIP__FULL;
    p->classes = NULL;
    if (a->flags & TSKIP__HAS_MAP)
        p->classes = (const tskip_u8 *)it->buffers[TSKIP__BIND_MAP] +
                     p->batch * a->map_stride_batch + p->head * a->map_stride_head +
                     query_of(it, p, 0) / ROWS * a->nk;
    p->next = next_tile(it, p, it->begin);
}

static void start_panel(const struct item *it, struct panel *p)
{
    const struct tskip__attention_args *a = it->args;
    for (int r = 0; r < ROWS; r++) {
        p->state->maximum[r] = -FLT_MAX;
        p->state->sum[r] = 0;
    }
    memset(p->o, 0, tskip__padded(a->head_dim_v) * ROWS * sizeof *p->o);
    if (p->next == it->end)
        return;
    pack_queries(it, p);
    if (a->flags & TSKIP__HAS_RULES)
        find_row_limits(it, p);
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

/* Finds the item's panels, of one head each, and their tiles among all keys. */
static void find_item(struct item *it, tskip_u32 number)
{
    const struct tskip__attention_args *a = it->args;
    tskip_u32 group = a->n_heads / a->n_kv_heads;
    int batch = (int)(number / a->items_per_head / a->n_kv_heads);
    uint64_t panel = (uint64_t)(number % a->items_per_head) * a->panels;
    uint64_t last = (uint64_t)a->nq * group;
    it->kv_head = (int)(number / a->items_per_head % a->n_kv_heads);
    it->heads = it->planes = 1;
    it->end = a->nk;
    for (; it->n_panels < (int)a->panels && panel < last; it->n_panels++, panel++) {
        struct panel *p = &it->panels[it->n_panels];
        p->batch = batch;
        p->head = it->kv_head * (int)group + (int)(panel % group);
        p->first = (tskip_i64)(panel / group) * ROWS;
        p->rows = (int)tskip__min(ROWS, a->q_len - p->first);
        find_tiles(it, p);
    }
}

/* Finds panels of rows of all heads, which fill the lanes where queries are few, and their tiles in
 * one part of the keys. */
static void find_part(struct item *it, tskip_u32 number, tskip_u32 part)
{
    const struct tskip__attention_args *a = it->args;
    const tskip_u32 tiles = a->split / (tskip_u32)it->bk;
    it->heads = (int)(a->n_heads / a->n_kv_heads);
    it->planes = a->map_stride_head ? it->heads : 1;
    it->kv_head = (int)(number % a->n_kv_heads);
    it->begin = part * tiles;
    it->end = (tskip_u32)tskip__min((tskip_i64)it->begin + tiles, a->nk);
    const tskip_i64 rows = a->q_len * it->heads;
    for (tskip_i64 first = 0; first < rows; first += ROWS, it->n_panels++) {
        struct panel *p = &it->panels[it->n_panels];
        p->batch = (int)(number / a->n_kv_heads);
        p->head = it->kv_head * it->heads;
        p->first = first;
        p->rows = (int)tskip__min(ROWS, rows - first);
        find_tiles(it, p);
    }
}

/* Of an item whose panels are found. */
static void start_item(struct item *it, float *memory)
{
    const struct tskip__attention_args *a = it->args;
    const int batch = it->panels[0].batch;
    lay_out(it, memory);
    it->keys = find_keys(it, TSKIP__BIND_K, batch, it->kv_head, a->k_stride, a->head_dim);
    it->values = find_keys(it, TSKIP__BIND_V, batch, it->kv_head, a->v_stride, a->head_dim_v);
    for (int i = 0; i < it->n_panels; i++)
        start_panel(it, &it->panels[i]);
}

/* ---- tiles ---------------------------------------------------------------------------------- */

/* Where each row's cells of a tile begin; past the last row the last's again. */
static void find_cells(const struct item *it, const struct panel *p, tskip_i64 column,
                       const char *cells[ROWS])
{
    const struct tskip__mask_tensor *t = &it->args->tensor;
    const tskip_i64 size = (tskip_i64)tskip__cell_size(t->dtype);
    tskip_i64 query = query_of(it, p, 0);
    int head = head_of(it, p, 0);
    for (int r = 0; r < ROWS; r++) {
        cells[r] =
            (const char *)it->buffers[TSKIP__BIND_TENSOR] +
            (p->batch * t->stride_batch + head * t->stride_head + query * t->stride_row + column) *
                size;
        if (r + 1 < p->rows && ++head == p->head + it->heads) {
            head = p->head;
            query++;
        }
    }
}

/* Asks for the cells of a tile, which lie in as many pages as it has rows, while K is
 * multiplied. */
static void fetch_cells(const char *const cells[ROWS], int rows, int bytes)
{
    for (int row = 0; row < rows; row++)
        for (int at = 0; at < bytes; at += 64)
            __builtin_prefetch(cells[row] + at, 0, 2);
}

/* Slopes and distances of alibi. */
static void find_slopes(const struct item *it, const struct panel *p, tskip_i64 column,
                        float slope[ROWS], float distance[ROWS])
{
    const struct tskip__rules *rules = &it->args->rules;
    const float *slopes = (const float *)it->buffers[TSKIP__BIND_RULES] + rules->first_slope;
    for (int r = 0; r < ROWS; r++) {
        slope[r] = r < p->rows ? slopes[head_of(it, p, r)] : 0;
        distance[r] = (float)(query_of(it, p, r) + rules->q_offset - column - rules->k_offset);
    }
}

static void visit(const struct item *it, struct panel *p, tskip_i64 column, int keys,
                  tskip_u8 class)
{
    const struct tskip__attention_args *a = it->args;
    const struct score_rule rule = {a->scale, a->softcap};
    const bool limited = class == TSKIP__MIXED && a->flags & TSKIP__HAS_RULES;
    const bool biased = class == TSKIP__MIXED && a->flags & TSKIP__HAS_TENSOR;
    const struct factors factors = {p->q, it->k_tile, it->k_pitch, words_of((int)a->head_dim)};
    struct tile_limits limits;
    struct tile_mask mask = {0};
    float slope[ROWS], distance[ROWS];
    const char *cells[ROWS];
    if (limited) {
        find_limits(p->limits, column, &limits);
        mask.limits = &limits;
    }
    if (limited && a->rules.flags & TSKIP__RULE_ALIBI) {
        find_slopes(it, p, column, slope, distance);
        mask.slope = slope;
        mask.distance = distance;
    }
    if (biased) {
        find_cells(it, p, column, cells);
        fetch_cells(cells, p->rows, keys * element_size(a->tensor.dtype));
    }
    multiply_scores(p->q, it->k_tile, it->k_pitch, words_of((int)a->head_dim), it->scores, keys,
                    p->rows);
    if (biased) {
        load_bias(cells, p->rows, keys, it->bias, a->tensor.dtype);
        mask.bias = it->bias;
    }
    softmax(it->scores, keys, p->rows, rule, &mask,
            it->out_dtype == (int)TSKIP__F32 ? &factors : NULL, p->state);
    multiply_values(it->scores, it->v_tile, it->v_pitch, words_of(keys), p->o, p->state->rescale,
                    (int)a->head_dim_v, p->rows);
}

/* Reads a line at a time of rows in their order, which the processor's own prefetching follows;
 * packing takes many rows at once. Worth it where a tile is not shared by many panels. */
static void touch_rows(const struct head_rows *rows, tskip_i64 first, int n)
{
    const int size = rows->dim * element_size(rows->dtype);
    for (int i = 0; i < n; i++) {
        const char *row = find_row(rows, first + i);
        for (int at = 0; at < size; at += 64)
            (void)*(const volatile char *)(row + at);
    }
}

static void pack_tile(struct item *it, tskip_i64 column, int keys)
{
    const bool touch = it->args->split > 0;
    if (touch)
        touch_rows(&it->keys, column, keys);
    pack_keys(&it->keys, column, keys, it->k_tile, it->k_pitch);
    if (touch)
        touch_rows(&it->values, column, keys);
    pack_values(&it->values, column, keys, it->v_tile, it->v_pitch);
}

/* The first tile that some panel has yet to visit. */
static tskip_u32 tile_due(const struct item *it)
{
    tskip_u32 tile = it->end;
    for (int i = 0; i < it->n_panels; i++)
        tile = it->panels[i].next < tile ? it->panels[i].next : tile;
    return tile;
}

static void visit_tiles(struct item *it)
{
    const struct tskip__attention_args *a = it->args;
    begin_products();
    for (tskip_u32 tile; (tile = tile_due(it)) < it->end;) {
        tskip_i64 column = (tskip_i64)tile * it->bk;
        int keys = (int)tskip__min(it->bk, a->k_len - column);
        pack_tile(it, column, keys);
        for (int i = 0; i < it->n_panels; i++) {
            struct panel *p = &it->panels[i];
            if (p->next != tile)
                continue;
            visit(it, p, column, keys, class_of(it, p, tile));
            p->next = next_tile(it, p, tile + 1);
        }
    }
    end_products();
}
