/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */

/* The gate and the bound on inputs chosen so that a wrong kernel fails: sentinels, NaN, infinities,
 * subnormals, poison, odd shapes, odd strides. */

#include "harness/refused.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "gate_case.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const DTYPES[] = {"f32", "f16", "bf16"};

/* Each problem with every type of Q, K and V: the text has %s where the type stands. */
static void each_dtype(const char *format, gate_change change, int64_t which)
{
    char text[256];
    for (size_t i = 0; i < COUNT(DTYPES); i++) {
        snprintf(text, sizeof text, format, DTYPES[i]);
        gate_check(text, change, which);
    }
}

/* ---- mask cells ----------------------------------------------------------------------------- */

static void set_row(problem_data *data, int64_t row, float value)
{
    for (int64_t j = 0; j < data->extent.k_len; j++)
        gate_set(&data->mask, data->tensor.dtype, row * data->extent.k_len + j, value);
}

/* Rows masked throughout by one sentinel each, whole tiles of it, and rows that see their keys
 * through the largest bias that does not mask. */
static void put_sentinels(problem_data *data, problem *p, int64_t which)
{
    static const float F32[] = {-INFINITY, -FLT_MAX, -1e30f, -2e30f};
    static const float BF16[] = {-INFINITY, -0x1.fep127f, -0x1.94p99f, -3e38f};
    static const float F16[] = {-INFINITY, -65504.0f, -INFINITY, -65504.0f};
    const tskip_dtype dtype = data->tensor.dtype;
    const float *sentinels = dtype == TSKIP_F32 ? F32 : dtype == TSKIP_F16 ? F16 : BF16;
    const float last = dtype == TSKIP_F32   ? nextafterf(-1e30f, 0)
                       : dtype == TSKIP_F16 ? -65472.0f
                                            : -0x1.92p99f;
    for (int64_t i = 0; i < p->extent.q_len; i++)
        if (i / 40 == which)
            set_row(data, i, sentinels[i % 4]);
        else if (i % 7 == 3)
            set_row(data, i, last);
}

static void test_sentinels(void **state)
{
    (void)state;
    static const char *const CELLS[] = {"f32", "f16", "bf16"};
    for (size_t i = 0; i < COUNT(CELLS); i++)
        for (int64_t block = 0; block < 2; block++) {
            char format[128];
            snprintf(format, sizeof format, "h4/2 q75 k150 d24 %%s mask=%s:random lse seed=%d",
                     CELLS[i], (int)block + 3);
            each_dtype(format, put_sentinels, block);
        }
}

/* The keys of a row all carry one bias just above the threshold: they must share the row evenly,
 * and a running maximum that started at -1e30 would not see them. */
static void put_lowest_bias(problem_data *data, problem *p, int64_t which)
{
    (void)which;
    for (int64_t i = 0; i < p->extent.q_len; i++)
        set_row(data, i, data->tensor.dtype == TSKIP_F32 ? nextafterf(-1e30f, 0) : -0x1.92p99f);
}

static void test_lowest_bias(void **state)
{
    (void)state;
    each_dtype("h2 q33 k100 d16 %s mask=f32:random lse", put_lowest_bias, 0);
    each_dtype("h2 q33 k100 d16 %s mask=bf16:random lse sinks", put_lowest_bias, 0);
}

/* One NaN or +inf among cells that are masked, or that are zero, anywhere in a tile. */
static void put_special_cell(problem_data *data, problem *p, int64_t which)
{
    static const float SPECIAL[] = {NAN, INFINITY, -NAN};
    for (int64_t i = 0; i < p->extent.q_len; i++)
        set_row(data, i, which & 1 ? 0.0f : -INFINITY);
    const int64_t k_len = p->extent.k_len;
    const int64_t at[] = {0, 33, k_len - 1};
    for (int64_t n = 0; n < 3; n++)
        gate_set(&data->mask, data->tensor.dtype, (5 + 30 * n) * k_len + at[(n + which) % 3],
                 SPECIAL[(n + which / 2) % 3]);
}

static void test_special_cells(void **state)
{
    (void)state;
    for (int64_t which = 0; which < 6; which++) {
        each_dtype("h2/1 q70 k133 d20 %s mask=f32:random lse", put_special_cell, which);
        gate_check("h2/1 q70 k133 d20 bf16 mask=f16:random lse", put_special_cell, which);
        gate_check("h2/1 q70 k133 d20 f32 mask=bf16:random lse sinks", put_special_cell, which);
    }
}

/* A cell that the rules mask is masked whatever the tensor holds. */
static void put_nan_beyond_rules(problem_data *data, problem *p, int64_t which)
{
    (void)which;
    for (int64_t i = 0; i < p->extent.q_len; i++)
        for (int64_t j = i + 1; j < p->extent.k_len; j++)
            gate_set(&data->mask, data->tensor.dtype, i * p->extent.k_len + j,
                     j % 3 ? NAN : INFINITY);
}

static void test_rules_beat_tensor(void **state)
{
    (void)state;
    each_dtype("h4/2 q100 k140 d16 %s rules=causal mask=f32:random lse", put_nan_beyond_rules, 0);
    each_dtype("h4/2 q100 k140 d16 %s rules=causal,alibi mask=f32:random", put_nan_beyond_rules, 0);
}

/* Strides of 0 and gaps: the tensor's own memory, seen otherwise. */
static void restride_mask(problem_data *data, problem *p, int64_t which)
{
    tskip_mask_tensor *t = &data->tensor;
    const int64_t plane = p->extent.q_len * p->extent.k_len;
    t->strides[3] = 1;
    t->strides[2] = which == 0 ? 0 : p->extent.k_len;
    t->strides[1] = which == 1 ? 0 : plane;
    t->strides[0] = which == 2 ? 0 : plane * p->extent.n_heads;
    if (which == 3) { /* rows one cell apart: overlapping, and at every alignment */
        t->strides[2] = 1;
        t->offset = tskip_dtype_size(t->dtype);
    }
}

static void test_mask_strides(void **state)
{
    (void)state;
    static const char *const CELLS[] = {"f32", "f16", "bf16", "bool"};
    for (int64_t which = 0; which < 4; which++)
        for (size_t i = 0; i < COUNT(CELLS); i++) {
            char format[128];
            snprintf(format, sizeof format, "b2 h4/2 q50 k101 d12 %%s mask=%s:random:bh seed=4",
                     CELLS[i]);
            each_dtype(format, restride_mask, which);
        }
}

/* ---- Q, K and V ----------------------------------------------------------------------------- */

static void spoil_queries(problem_data *data, problem *p, int64_t which)
{
    static const float VALUES[] = {NAN, INFINITY, -INFINITY, -0.0f, FLT_TRUE_MIN, -NAN};
    const int64_t rows = p->extent.n_heads * p->extent.q_len, dim = p->head_dim;
    for (int64_t r = which; r < rows; r += 11)
        gate_set(&data->q, p->dtype, r * dim + r % dim, VALUES[(r + which) % 6]);
}

static void test_special_queries(void **state)
{
    (void)state;
    for (int64_t which = 0; which < 3; which++) {
        each_dtype("h4/2 q70 k100 d33 %s rules=causal lse", spoil_queries, which);
        each_dtype("h4/2 q70 k100 d8 %s mask=bool:random lse sinks", spoil_queries, which);
        each_dtype("h4/2 q70 k100 d8 %s lse", spoil_queries, which);
    }
}

/* K may hold anything where no query sees it: columns 20 … 59 and 90 are masked for all. */
static void spoil_masked_keys(problem_data *data, problem *p, int64_t which)
{
    const float special = which == 0 ? NAN : which == 1 ? INFINITY : -INFINITY;
    const int64_t k_len = p->extent.k_len, dim = p->head_dim;
    for (int64_t j = 0; j < k_len; j++) {
        if ((j < 20 || j >= 60) && j != 90)
            continue;
        for (int64_t i = 0; i < p->extent.q_len; i++)
            gate_set(&data->mask, data->tensor.dtype, i * k_len + j, -INFINITY);
        for (int64_t g = 0; g < p->n_kv_heads; g++)
            for (int64_t d = 0; d < dim; d++)
                gate_set(&data->k, p->dtype, (g * k_len + j) * dim + d, special);
    }
}

static void test_masked_keys(void **state)
{
    (void)state;
    for (int64_t which = 0; which < 3; which++)
        each_dtype("h4/2 q70 k130 d16 %s mask=f32:random lse", spoil_masked_keys, which);
}

/* Keys beyond the causal edge of every row, and K and V of absent ones. */
static void test_absent_keys(void **state)
{
    (void)state;
    each_dtype("b2 h4/2 q70 k130 d16 %s rules=causal,klen=65/97,kstart=3/40 lse", NULL, 0);
    each_dtype("b2 h2 q40 k200 d40 %s rules=klen=1/199 qoff=end lse sinks", NULL, 0);
    each_dtype("b2 h2 q40 k200 d40 %s rules=kstart=199/64,window=300 qoff=end lse", NULL, 0);
    each_dtype("b3 h4/4 q33 k97 d9 %s rules=klen=64/65/63 mask=bool:random:bh lse", NULL, 0);
}

/* The tensors are corners of larger ones, whose other elements are NaN. */
static void cut_out(problem_data *data, problem *p, int64_t which)
{
    const guarded *memory[] = {&data->q, &data->k, &data->v};
    const int64_t lengths[] = {p->extent.q_len, p->extent.k_len, p->extent.k_len};
    const int64_t heads[] = {p->extent.n_heads, p->n_kv_heads, p->n_kv_heads};
    const int64_t dim = p->head_dim, small = which & 1 ? dim - 9 : dim;
    const int64_t cut = which & 2 ? 17 : 0;
    for (int t = 0; t < 3; t++)
        for (int64_t h = 0; h < p->extent.batch * heads[t]; h++)
            for (int64_t r = 0; r < lengths[t]; r++)
                for (int64_t d = 0; d < dim; d++)
                    if (d >= small || r >= lengths[t] - cut)
                        gate_set(memory[t], p->dtype, (h * lengths[t] + r) * dim + d, NAN);
    p->head_dim = p->head_dim_v = (uint32_t)small;
    p->extent.q_len -= cut;
    p->extent.k_len -= cut;
    data->extent = p->extent;
    data->scale = (float)(1 / sqrt((double)small));
    data->o_strides = (tskip_strides){p->extent.n_heads * p->extent.q_len * small,
                                      p->extent.q_len * small, small};
    data->lse_size = 4 * (size_t)(p->extent.batch * p->extent.n_heads * p->extent.q_len);
    data->o_size = data->lse_size * (size_t)small * tskip_dtype_size(data->out_dtype) / 4;
}

static void test_poison_past_the_tensor(void **state)
{
    (void)state;
    for (int64_t which = 1; which < 4; which++) {
        each_dtype("b2 h4/2 q87 k114 d40 %s rules=causal lse", cut_out, which);
        each_dtype("b2 h4/2 q50 k81 d25 %s lse", cut_out, which);
    }
}

static void repeat_memory(problem_data *data, problem *p, int64_t which)
{
    const tskip_strides q = {0, 0, p->head_dim}, k = {0, p->head_dim, 0};
    if (which & 1)
        data->q_strides = q;
    if (which & 2)
        data->k_strides = k;
    if (which & 4)
        data->v_strides = (tskip_strides){p->head_dim_v, 0, 1}; /* rows that overlap */
}

static void test_repeated_inputs(void **state)
{
    (void)state;
    for (int64_t which = 1; which < 8; which++)
        each_dtype("b2 h6/3 q40 k70 d24/40 %s rules=causal,window=50 lse", repeat_memory, which);
}

/* Values so small that units which flush subnormals lose some of their products: 0 … 100 times the
 * least of the type, or 2^40 times that. */
static void make_values_tiny(problem_data *data, problem *p, int64_t which)
{
    const float least = p->dtype == TSKIP_F16    ? 0x1p-24f
                        : p->dtype == TSKIP_BF16 ? 0x1p-133f
                                                 : 0x1p-149f;
    const int64_t n = (int64_t)(data->v.size / tskip_dtype_size(p->dtype));
    for (int64_t i = 0; i < n; i++)
        gate_set(&data->v, p->dtype, i,
                 least * (float)((i * 37 % 201) - 100) * (which ? 0x1p40f : 1));
}

static void test_tiny_values(void **state)
{
    (void)state;
    static const char *const FORMATS[] = {
        "h4/2 q70 k100 d40 %s rules=causal lse",
        "h4/2 q70 k100 d40 %s rules=causal,window=9 lse data=peaked",
        "h4/2 q70 k200 d40 %s mask=bool:random lse data=peaked",
    };
    for (size_t i = 0; i < COUNT(FORMATS); i++) {
        char text[128];
        each_dtype(FORMATS[i], make_values_tiny, 0);
        snprintf(text, sizeof text, FORMATS[i], "f32");
        gate_check(text, make_values_tiny, 1);
        snprintf(text, sizeof text, FORMATS[i], "bf16");
        gate_check(text, make_values_tiny, 1);
    }
}

/* Every product is -0.0 or +0.0: a sum of them must come out as +0.0, with the map and without. */
static void make_zeros(problem_data *data, problem *p, int64_t which)
{
    const guarded *memory = which == 0 ? &data->v : which == 1 ? &data->q : &data->k;
    const int64_t n = (int64_t)(memory->size / tskip_dtype_size(p->dtype));
    for (int64_t i = 0; i < n; i++)
        gate_set(memory, p->dtype, i, -0.0f);
}

static void test_negative_zeros(void **state)
{
    (void)state;
    for (int64_t which = 0; which < 3; which++) {
        each_dtype("h4/2 q70 k100 d16 %s rules=causal,window=20 lse", make_zeros, which);
        each_dtype("h2 q40 k100 d16 %s mask=f32:random lse", make_zeros, which);
    }
}

/* ---- sinks ---------------------------------------------------------------------------------- */

static void put_sinks(problem_data *data, problem *p, int64_t which)
{
    static const float SINKS[] = {-INFINITY, NAN, INFINITY, -FLT_MAX, 80.0f, -200.0f, 0.0f, -0.0f};
    for (uint32_t h = 0; h < p->extent.n_heads; h++)
        ((float *)data->sinks.data)[h] = SINKS[(h + (uint32_t)which) % COUNT(SINKS)];
}

static void test_sinks(void **state)
{
    (void)state;
    for (int64_t which = 0; which < 8; which += 4) {
        each_dtype("h4/2 q40 k70 d16 %s rules=causal,window=9 sinks lse", put_sinks, which);
        /* rows past the last segment and under kstart see nothing but the sink */
        each_dtype("h4/2 q90 k70 d16 %s rules=causal,segments=30+40,kstart=5 sinks lse", put_sinks,
                   which);
        each_dtype("h4/2 q40 k70 d16 %s mask=bool:random sinks lse", put_sinks, which);
        each_dtype("h4/2 q40 k70 d16 %s sinks", put_sinks, which);
    }
}

/* ---- shapes and scalars --------------------------------------------------------------------- */

static void test_shapes(void **state)
{
    (void)state;
    static const char *const FORMATS[] = {
        "q1 k1 d1 %s lse",
        "q1 k1 d1 %s rules=causal lse",
        "b2 h6/2 q1 k300 d64 %s rules=causal,window=99 qoff=end lse",
        "b2 h2 q1 k129 d80 %s rules=klen=77/129 qoff=end lse sinks",
        "h2 q200 k1 d16 %s rules=causal lse",
        "h2 q65 k129 d3 %s rules=causal lse",
        "h3/1 q65 k66 d5/31 %s rules=symmetric=9 lse",
        "h2 q33 k70 d31/257 %s rules=causal lse",
        "h2 q33 k70 d257/1 %s rules=causal lse",
        "h2 q33 k70 d511 %s rules=causal lse",
        "h2 q33 k70 d512/8 %s rules=causal layout=blhd lse",
        "b2 h8/1 q33 k70 d63/65 %s rules=causal layout=blhd lse",
        "b2 h12/4 q70 k70 d17 %s rules=chunk=16,sink=3 layout=blhd out=f32 lse",
        "h4/2 q300 k40 d16 %s rules=causal,window=7 lse",
        "h2 q100 k100 d16 %s rules=causal,images=10:30+50:90,window=20 lse",
        "h2 q100 k100 d16 %s rules=causal,spans=10:30+50:90,window=8 lse",
        "h2 q100 k60 d16 %s rules=causal,segments=20+39+1 lse",
        "h2 q60 k100 d16 %s rules=causal,window=30 qoff=50 koff=11 lse",
        "h2 q60 k100 d16 %s rules=causal,prefix=70,window=9,sink=4 koff=3 lse",
        "b2 h2 q60 k100 d16 %s mask=f32:random:b lse",
        "b2 h4/2 q60 k100 d16 %s mask=bf16:random:h lse",
        "b2 h4/2 q60 k100 d16 %s mask=bool:random:bh rules=causal qoff=end lse",
    };
    for (size_t i = 0; i < COUNT(FORMATS); i++)
        each_dtype(FORMATS[i], NULL, 0);
    for (int d = 1; d <= 48; d++) {
        char format[96];
        snprintf(format, sizeof format, "h2 q37 k67 d%d/%d %%s rules=causal lse seed=%d", d, 49 - d,
                 d);
        each_dtype(format, NULL, 0);
    }
}

static void test_scalars(void **state)
{
    (void)state;
    static const char *const FORMATS[] = {
        "h4/2 q40 k70 d16 %s rules=causal scale=1 lse data=peaked",
        "h4/2 q40 k70 d16 %s rules=causal scale=0.00001 lse",
        "h4/2 q40 k70 d16 %s rules=causal softcap=30 lse data=peaked",
        "h4/2 q40 k70 d16 %s rules=causal softcap=0.5 scale=8 lse data=peaked",
        "h4/2 q40 k70 d16 %s mask=f32:random softcap=20 sinks lse",
        "h4/2 q40 k70 d16 %s rules=causal,alibi lse",
        "h4/2 q40 k70 d16 %s rules=alibi=0/0.5/2/1,window=30 mask=f32:random lse",
        "h4/2 q40 k70 d16 %s rules=causal,alibi=1/0.5/0.01/4 qoff=1000000000 koff=999999950 lse",
        "h2 q40 k70 d16 %s rules=alibi=0.001/0.0000001 qoff=100000000 lse",
        "h2 q40 k70 d16 %s rules=alibi=0.5/0 qoff=1099511627700 koff=1099511627700 lse",
    };
    for (size_t i = 0; i < COUNT(FORMATS); i++)
        each_dtype(FORMATS[i], NULL, 0);
}

static void negate_scale(problem_data *data, problem *p, int64_t which)
{
    (void)which;
    data->scale = p->scale = -p->scale;
}

/* Scores of ± 1e25 and more, which a softcap brings back to ± c. */
static void make_scores_huge(problem_data *data, problem *p, int64_t which)
{
    (void)which;
    const int64_t n = (int64_t)(data->q.size / tskip_dtype_size(p->dtype));
    for (int64_t i = 0; i < n; i++)
        gate_set(&data->q, p->dtype, i,
                 (i % 2 ? -1.0f : 1.0f) * (p->dtype == TSKIP_F16 ? 60000.0f : 1e25f));
}

static void test_extreme_scores(void **state)
{
    (void)state;
    each_dtype("h4/2 q40 k70 d16 %s rules=causal scale=0.25 lse data=peaked", negate_scale, 0);
    each_dtype("h4/2 q40 k70 d16 %s rules=causal softcap=15 lse", make_scores_huge, 0);
    each_dtype("h4/2 q40 k70 d16 %s mask=f32:random softcap=15 lse sinks", make_scores_huge, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentinels),
        cmocka_unit_test(test_lowest_bias),
        cmocka_unit_test(test_special_cells),
        cmocka_unit_test(test_rules_beat_tensor),
        cmocka_unit_test(test_mask_strides),
        cmocka_unit_test(test_special_queries),
        cmocka_unit_test(test_masked_keys),
        cmocka_unit_test(test_absent_keys),
        cmocka_unit_test(test_poison_past_the_tensor),
        cmocka_unit_test(test_repeated_inputs),
        cmocka_unit_test(test_tiny_values),
        cmocka_unit_test(test_negative_zeros),
        cmocka_unit_test(test_sinks),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_extreme_scores),
    };
    gate_open();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    gate_close();
    return failed;
}
