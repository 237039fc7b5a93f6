/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "oracle_internal.h"

static int64_t ceil_div(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

uint8_t oracle_tile_class(const struct oracle_mask *mask, int64_t batch, int64_t head, int64_t bq,
                          int64_t bk, int64_t i, int64_t j)
{
    bool alibi = mask->rules != NULL && mask->rules->alibi;
    bool all_masked = true;
    bool all_zero = true;
    int64_t row_end = smaller(bq, mask->q_len - i * bq) + i * bq;
    int64_t column_end = smaller(bk, mask->k_len - j * bk) + j * bk;
    for (int64_t row = i * bq; row < row_end; ++row) {
        struct oracle__row view;
        oracle__row_begin(mask, batch, head, row, &view);
        for (int64_t column = j * bk; column < column_end; ++column) {
            struct oracle__addends addends;
            if (oracle__row_cell(&view, column, &addends)) {
                all_masked = false;
                all_zero = all_zero && !alibi && addends.value == 0.0f;
            } else {
                all_zero = false;
            }
            if (!all_masked && !all_zero)
                return ORACLE_MIXED;
        }
    }
    return all_masked ? ORACLE_SKIP : ORACLE_FULL;
}

void oracle_classify(const struct oracle_mask *mask, int64_t batch, int64_t head, int64_t bq,
                     int64_t bk, uint8_t *map, struct oracle_counts *counts)
{
    int64_t nq = ceil_div(mask->q_len, bq);
    int64_t nk = ceil_div(mask->k_len, bk);
    struct oracle_counts sum = {0};
    for (int64_t i = 0; i < nq; ++i) {
        for (int64_t j = 0; j < nk; ++j) {
            uint8_t class = oracle_tile_class(mask, batch, head, bq, bk, i, j);
            sum.skip += class == ORACLE_SKIP;
            sum.mixed += class == ORACLE_MIXED;
            sum.full += class == ORACLE_FULL;
            if (map != NULL)
                map[i * nk + j] = class;
        }
    }
    if (counts != NULL)
        *counts = sum;
}

int64_t oracle_visible_pairs(const struct oracle_mask *mask, int64_t batch, int64_t head)
{
    int64_t pairs = 0;
    for (int64_t row = 0; row < mask->q_len; ++row) {
        struct oracle__row view;
        struct oracle__addends addends;
        oracle__row_begin(mask, batch, head, row, &view);
        for (int64_t column = 0; column < mask->k_len; ++column)
            pairs += oracle__row_cell(&view, column, &addends);
    }
    return pairs;
}
