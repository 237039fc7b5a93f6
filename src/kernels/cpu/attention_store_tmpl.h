/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* What an item leaves, and running it: part of attention_tmpl.h. */

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

/* Leaves the panel's rows in a part of so many, see decode_cpu.h. */
static void store_in_part(const struct item *it, struct panel *p, float *part, size_t rows)
{
    const tskip_u32 dim = it->args->head_dim_v;
    const size_t first = (size_t)p->first;
    float *state = part + tskip__decode_state(first);
    struct row_state *s = p->state;
    for (int r = 0; r < p->rows; r++, state += 2) {
        state[0] = s->maximum[r];
        state[1] = s->sum[r];
        s->rescale[r] = 1;
    }
    store_rows_of(p->o, s->rescale, p->rows, (int)dim,
                  (char *)(part + tskip__decode_values(first, rows, dim)),
                  (tskip_i64)(dim * sizeof *part), TSKIP__F32);
    for (int r = 0; r < p->rows; r++) /* for is_faint */
        s->rescale[r] = s->sum[r] == 0 ? 0 : 1 / s->sum[r];
}

/* Member by member: most of an item is panels that it may not have. */
static void open_item(struct item *it, const tskip_group *group, void *const *buffers,
                      const void *args)
{
    it->args = args;
    it->buffers = buffers;
    it->dtype = (int)group->constants[TSKIP__ID_dtype].u32;
    it->out_dtype = (int)group->constants[TSKIP__ID_out_dtype].u32;
    it->bk = (int)group->constants[TSKIP__ID_bk].u32;
    it->n_panels = 0;
    it->begin = 0;
}

/* Both return whether some panel of the item came out so small that, where the products flush, it
 * must be computed again by those that do not. */
static bool run_item(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    struct item it;
    const tskip_u32 *order = buffers[TSKIP__BIND_ORDER];
    bool faint = false;
    open_item(&it, group, buffers, args);
    find_item(&it, order ? order[group->index[0]] : group->index[0]);
    start_item(&it, memory);
    visit_tiles(&it);
    for (int i = 0; i < it.n_panels; i++) {
        store_panel(&it, &it.panels[i]);
        if (TERMS == 2)
            faint = faint || is_faint(&it.panels[i], (int)it.args->head_dim_v);
    }
    return faint;
}

static bool run_part(const tskip_group *group, void *const *buffers, const void *args, void *memory)
{
    const struct tskip__attention_args *a = args;
    struct item it;
    bool faint = false;
    open_item(&it, group, buffers, args);
    find_part(&it, group->index[0], group->index[1]);
    const size_t rows = (size_t)a->q_len * (size_t)it.heads;
    const size_t number = (size_t)group->index[0] * a->n_splits + group->index[1];
    float *part =
        (float *)buffers[TSKIP__BIND_PARTS] + number * tskip__decode_part(rows, a->head_dim_v);
    if (tile_due(&it) == it.end) {
        tskip__decode_store_nothing(part, rows);
        return false;
    }
    start_item(&it, memory);
    visit_tiles(&it);
    for (int i = 0; i < it.n_panels; i++) {
        store_in_part(&it, &it.panels[i], part, rows);
        if (TERMS == 2)
            faint = faint || is_faint(&it.panels[i], (int)a->head_dim_v);
    }
    return faint;
}
