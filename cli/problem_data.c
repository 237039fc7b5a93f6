/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "problem_data.h"

#include <math.h>
#include <string.h>

#include "io/element.h"
#include "random.h"

/* One of Q, K and V while it is filled. */
typedef struct filling {
    uint8_t *data;
    tskip_dtype dtype;
    int64_t batch, heads, rows, dim;
    tskip_strides strides;
} filling;

static float tiny_value(random_state *rng, tskip_dtype dtype)
{
    const float least = dtype == TSKIP_F16 ? 0x1p-24f : dtype == TSKIP_BF16 ? 0x1p-133f : 0x1p-149f;
    const float size = least * (float)random_between(rng, 0, 100);
    return random_chance(rng, 50) ? -size : size;
}

static float value(random_state *rng, const problem *p, float amplitude)
{
    const float usual = amplitude * random_normal(rng);
    if (p->data == PROBLEM_DATA_TINY && random_chance(rng, 30))
        return tiny_value(rng, p->dtype);
    if (p->data == PROBLEM_DATA_SPECIAL && random_chance(rng, 5))
        return -0.0f;
    return usual;
}

static void fill(const filling *to, const problem *p, random_state *rng, float amplitude)
{
    for (int64_t b = 0; b < to->batch; b++) {
        for (int64_t h = 0; h < to->heads; h++) {
            for (int64_t r = 0; r < to->rows; r++) {
                const int64_t at =
                    b * to->strides.batch + h * to->strides.head + r * to->strides.row;
                for (int64_t d = 0; d < to->dim; d++)
                    io_store(to->data, to->dtype, (size_t)(at + d), value(rng, p, amplitude));
            }
        }
    }
}

/* Puts NaN or an infinity into a few rows. */
static void spoil(const filling *to, random_state *rng)
{
    static const float SPECIAL[] = {NAN, INFINITY, -INFINITY};
    const int64_t total = to->batch * to->heads * to->rows;
    for (int64_t i = 0; i < 1 + total / 24; i++) {
        const int64_t b = random_between(rng, 0, to->batch - 1);
        const int64_t h = random_between(rng, 0, to->heads - 1);
        const int64_t r = random_between(rng, 0, to->rows - 1);
        const int64_t d = random_between(rng, 0, to->dim - 1);
        io_store(to->data, to->dtype,
                 (size_t)(b * to->strides.batch + h * to->strides.head + r * to->strides.row + d),
                 SPECIAL[random_between(rng, 0, 2)]);
    }
}

static void poison_rows(const filling *to, int64_t b, int64_t first, int64_t end)
{
    for (int64_t h = 0; h < to->heads; h++) {
        for (int64_t r = first; r < end; r++) {
            const int64_t at = b * to->strides.batch + h * to->strides.head + r * to->strides.row;
            for (int64_t d = 0; d < to->dim; d++)
                io_store(to->data, to->dtype, (size_t)(at + d), NAN);
        }
    }
}

/* Only rules that attention itself sees make keys absent; behind a tensor they are merely masked,
 * and V must be finite there. */
static bool poison_absent(const problem *p, const filling *k, const filling *v, io_error *error)
{
    if (p->rules[0] == 0)
        return true;
    tskip_rules *rules = NULL;
    if (tskip_rules_parse(p->rules, &rules) != TSKIP_OK)
        return io_fail(error, "problem: 'rules=': %s", tskip_last_error());
    for (int64_t b = 0; b < k->batch; b++) {
        const size_t entry = (size_t)b;
        int64_t first = 0, end = k->rows;
        if (rules->n_kstart > 0)
            first = rules->kstart[rules->n_kstart > entry ? entry : 0];
        if (rules->n_klen > 0)
            end = rules->klen[rules->n_klen > entry ? entry : 0];
        if (first > k->rows || end > k->rows)
            break; /* refused when the mask is made */
        poison_rows(k, b, 0, first);
        poison_rows(k, b, end, k->rows);
        if (p->mask != PROBLEM_MASK_RULES) {
            poison_rows(v, b, 0, first);
            poison_rows(v, b, end, k->rows);
        }
    }
    tskip_rules_destroy(&rules);
    return true;
}

static tskip_strides make_strides(const problem *p, int64_t heads, int64_t rows, int64_t dim)
{
    if (p->blhd)
        return (tskip_strides){rows * heads * dim, dim, heads * dim};
    return (tskip_strides){heads * rows * dim, rows * dim, dim};
}

static bool multiply(size_t *size, uint64_t factor)
{
    if (factor != 0 && *size > SIZE_MAX / 4 / factor)
        return false;
    *size *= (size_t)factor;
    return true;
}

static bool tensor_size(const problem *p, int64_t heads, int64_t rows, int64_t dim,
                        tskip_dtype dtype, size_t *size)
{
    *size = tskip_dtype_size(dtype);
    return multiply(size, p->extent.batch) && multiply(size, (uint64_t)heads) &&
           multiply(size, (uint64_t)rows) && multiply(size, (uint64_t)dim);
}

static void shape_mask(const problem *p, tskip_mask_tensor *tensor)
{
    if (p->mask == PROBLEM_MASK_NONE)
        return;
    tensor->dtype = p->mask_dtype;
    tensor->rank = p->mask_per_batch || p->mask_per_head ? 4 : 2;
    int64_t *shape = tensor->shape;
    if (tensor->rank == 4) {
        *shape++ = p->mask_per_batch ? p->extent.batch : 1;
        *shape++ = p->mask_per_head ? p->extent.n_heads : 1;
    }
    shape[0] = p->extent.q_len;
    shape[1] = p->extent.k_len;
}

static bool allocate(const problem *p, problem_data *out, io_error *error)
{
    const int64_t hq = p->extent.n_heads, hk = p->n_kv_heads;
    const int64_t q_len = p->extent.q_len, k_len = p->extent.k_len;
    size_t q = 0, k = 0, v = 0, mask = 0;
    bool fits = tensor_size(p, hq, q_len, p->head_dim, p->dtype, &q) &&
                tensor_size(p, hk, k_len, p->head_dim, p->dtype, &k) &&
                tensor_size(p, hk, k_len, p->head_dim_v, p->dtype, &v) &&
                tensor_size(p, hq, q_len, p->head_dim_v, out->out_dtype, &out->o_size) &&
                tensor_size(p, hq, q_len, 1, TSKIP_F32, &out->lse_size);
    if (out->tensor.rank > 0) {
        mask = tskip_dtype_size(p->mask_dtype);
        for (uint32_t i = 0; i < out->tensor.rank; i++)
            fits = fits && multiply(&mask, (uint64_t)out->tensor.shape[i]);
    }
    if (!fits || !guarded_create(&out->q, q) || !guarded_create(&out->k, k) ||
        !guarded_create(&out->v, v) || !guarded_create(&out->mask, mask) ||
        !guarded_create(&out->sinks, p->sinks ? (size_t)hq * sizeof(float) : 0))
        return io_fail(error, "problem: not enough memory for its tensors");
    return true;
}

static void fill_sinks(problem_data *out, random_state *rng)
{
    float *sinks = out->sinks.data;
    for (uint32_t h = 0; sinks != NULL && h < out->problem->extent.n_heads; h++)
        sinks[h] = random_chance(rng, 20) ? -INFINITY : 2.0f * random_normal(rng);
}

bool problem_data_create(const problem *p, problem_data *out, io_error *error)
{
    *out = (problem_data){.problem = p, .extent = p->extent, .out_dtype = p->out_dtype};
    const int64_t hq = p->extent.n_heads, hk = p->n_kv_heads, batch = p->extent.batch;
    const int64_t q_len = p->extent.q_len, k_len = p->extent.k_len;
    if (p->extent.q_offset == TSKIP_OFFSET_END)
        out->extent.q_offset = p->extent.k_offset + k_len - q_len;
    if (out->out_dtype == TSKIP_DTYPE_NONE)
        out->out_dtype = p->dtype;
    out->scale = p->scale != 0 ? p->scale : (float)(1.0 / sqrt((double)p->head_dim));
    out->q_strides = make_strides(p, hq, q_len, p->head_dim);
    out->k_strides = make_strides(p, hk, k_len, p->head_dim);
    out->v_strides = make_strides(p, hk, k_len, p->head_dim_v);
    out->o_strides = make_strides(p, hq, q_len, p->head_dim_v);
    shape_mask(p, &out->tensor);
    if (!allocate(p, out, error)) {
        problem_data_release(out);
        return false;
    }
    const filling q = {out->q.data, p->dtype, batch, hq, q_len, p->head_dim, out->q_strides};
    const filling k = {out->k.data, p->dtype, batch, hk, k_len, p->head_dim, out->k_strides};
    const filling v = {out->v.data, p->dtype, batch, hk, k_len, p->head_dim_v, out->v_strides};
    random_state rng = {random_mix(p->seed + 1)};
    fill(&q, p, &rng, p->data == PROBLEM_DATA_PEAKED ? 8.0f : 1.0f);
    fill(&k, p, &rng, 1.0f);
    fill(&v, p, &rng, 1.0f);
    fill_sinks(out, &rng);
    if (p->data == PROBLEM_DATA_SPECIAL) {
        spoil(&q, &rng);
        if (random_chance(&rng, 30))
            spoil(&k, &rng);
    }
    if (p->mask == PROBLEM_MASK_RANDOM)
        problem_fill_random_mask(out);
    if (poison_absent(p, &k, &v, error))
        return true;
    problem_data_release(out);
    return false;
}

void problem_data_release(problem_data *data)
{
    guarded_release(&data->q);
    guarded_release(&data->k);
    guarded_release(&data->v);
    guarded_release(&data->mask);
    guarded_release(&data->sinks);
}
