/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "problem.h"

#define MAX_LENGTH   (INT64_C(1) << 40)
#define MAX_HEADS    65536
#define MAX_BATCH    65536
#define MAX_HEAD_DIM 512

/* One word of the text: `name` is what stands before its value. */
typedef struct word {
    char text[PROBLEM_MAX_RULES + 16];
    const char *name, *value;
    io_error *error;
} word;

static bool wrong(const word *w, const char *expectation)
{
    return io_fail(w->error, "'%s': expected %s", w->text, expectation);
}

static const char *read_number(const char *text, int64_t *out)
{
    if (*text < '0' || *text > '9')
        return NULL;
    int64_t sum = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (sum > (INT64_MAX - (*text - '0')) / 10)
            return NULL;
        sum = sum * 10 + (*text - '0');
    }
    *out = sum;
    return text;
}

static bool get_number(const word *w, int64_t least, int64_t most, int64_t *out)
{
    const char *end = read_number(w->value, out);
    if (end != NULL && *end == 0 && *out >= least && *out <= most)
        return true;
    return io_fail(w->error, "'%s': expected '%s' and a number from %" PRId64 " to %" PRId64,
                   w->text, w->name, least, most);
}

/* "8" or "16/8": both from 1 to `most`; a lone number is given to both. */
static bool get_pair(const word *w, char separator, int64_t most, uint32_t *first, uint32_t *second)
{
    int64_t a = 0, b;
    const char *end = read_number(w->value, &a);
    b = a;
    if (end != NULL && *end == separator)
        end = read_number(end + 1, &b);
    if (end == NULL || *end != 0 || a < 1 || a > most || b < 1 || b > most)
        return io_fail(w->error,
                       "'%s': expected '%s' and one number or two, such as %s16%c8, from "
                       "1 to %" PRId64,
                       w->text, w->name, w->name, separator, most);
    *first = (uint32_t)a;
    *second = (uint32_t)b;
    return true;
}

static bool get_positive(const word *w, float *out)
{
    char *end;
    const bool starts_well = (*w->value >= '0' && *w->value <= '9') || *w->value == '.';
    *out = strtof(w->value, &end);
    if (!starts_well || end == w->value || *end != 0 || !isfinite(*out) || !(*out > 0))
        return wrong(w, "a finite number above 0");
    return true;
}

static bool get_dtype(const word *w, const char *text, size_t length, bool with_bool,
                      tskip_dtype *out)
{
    const int last = with_bool ? TSKIP_BOOL : TSKIP_BF16;
    for (int i = TSKIP_F32; i <= last; i++) {
        const char *name = tskip_dtype_name((tskip_dtype)i);
        if (strlen(name) == length && memcmp(name, text, length) == 0) {
            *out = (tskip_dtype)i;
            return true;
        }
    }
    return wrong(w, with_bool ? "f32, f16, bf16 or bool" : "f32, f16 or bf16");
}

static bool get_offset(const word *w, int64_t *out)
{
    if (strcmp(w->value, "end") == 0) {
        *out = TSKIP_OFFSET_END;
        return true;
    }
    const char *end = read_number(w->value, out);
    if (end == NULL || *end != 0 || *out > MAX_LENGTH)
        return wrong(w, "a number up to 2^40, or 'end'");
    return true;
}

/* DTYPE[:rules|random][:1|b|h|bh] */
static bool get_mask(const word *w, problem *p)
{
    const size_t length = strcspn(w->value, ":");
    if (!get_dtype(w, w->value, length, true, &p->mask_dtype))
        return false;
    p->mask = PROBLEM_MASK_RANDOM;
    const char *rest = w->value + length;
    if (strncmp(rest, ":rules", 6) == 0 || strncmp(rest, ":random", 7) == 0) {
        p->mask = rest[2] == 'u' ? PROBLEM_MASK_RULES : PROBLEM_MASK_RANDOM;
        rest += p->mask == PROBLEM_MASK_RULES ? 6 : 7;
    }
    if (strcmp(rest, ":b") == 0 || strcmp(rest, ":bh") == 0)
        p->mask_per_batch = true;
    if (strcmp(rest, ":h") == 0 || strcmp(rest, ":bh") == 0)
        p->mask_per_head = true;
    if (*rest != 0 && strcmp(rest, ":1") != 0 && !p->mask_per_batch && !p->mask_per_head)
        return wrong(w, "DTYPE, then ':rules' or ':random', then ':1', ':b', ':h' or ':bh'");
    return true;
}

static bool get_tile(const word *w, tskip_tile *out)
{
    return strchr(w->value, 'x') != NULL ? get_pair(w, 'x', UINT32_MAX, &out->bq, &out->bk)
                                         : wrong(w, "two numbers such as tile=32x16");
}

static bool get_rules(const word *w, problem *p)
{
    tskip_rules *rules = NULL;
    if (strlen(w->value) >= PROBLEM_MAX_RULES)
        return wrong(w, "rules of at most 1023 characters");
    if (tskip_rules_parse(w->value, &rules) != TSKIP_OK)
        return io_fail(w->error, "'rules=': %s", tskip_last_error());
    tskip_rules_destroy(&rules);
    strcpy(p->rules, w->value);
    return true;
}

static bool get_layout(const word *w, bool *blhd)
{
    *blhd = strcmp(w->value, "blhd") == 0;
    return *blhd || strcmp(w->value, "bhld") == 0 || wrong(w, "bhld or blhd");
}

static bool get_data(const word *w, problem_data_kind *out)
{
    for (int i = 0; i < PROBLEM_DATA_KINDS; i++) {
        if (strcmp(w->value, problem_data_name((problem_data_kind)i)) == 0) {
            *out = (problem_data_kind)i;
            return true;
        }
    }
    return wrong(w, "normal, peaked, tiny or special");
}

/* The words; longer names first where one begins with another. */
enum {
    W_RULES,
    W_MASK,
    W_OUT,
    W_SCALE,
    W_SOFTCAP,
    W_QOFF,
    W_KOFF,
    W_TILE,
    W_LAYOUT,
    W_DATA,
    W_SEED,
    W_SINKS,
    W_LSE,
    W_F32,
    W_F16,
    W_BF16,
    W_BATCH,
    W_HEADS,
    W_Q,
    W_K,
    W_DIM,
    N_WORDS
};
static const char *const WORDS[N_WORDS] = {
    "rules=", "mask=",   "out=",  "scale=", "softcap=", "qoff=", "koff=",
    "tile=",  "layout=", "data=", "seed=",  "sinks",    "lse",   "f32",
    "f16",    "bf16",    "b",     "h",      "q",        "k",     "d",
};

static int find_word(const char *text)
{
    for (int i = 0; i < N_WORDS; i++) {
        const bool whole = i >= W_SINKS && i <= W_BF16;
        const size_t length = strlen(WORDS[i]);
        if (whole ? strcmp(text, WORDS[i]) == 0 : strncmp(text, WORDS[i], length) == 0)
            return i;
    }
    return -1;
}

static bool read_size_word(int which, const word *w, problem *p)
{
    int64_t number = 0;
    switch (which) {
    case W_BATCH:
        if (!get_number(w, 1, MAX_BATCH, &number))
            return false;
        p->extent.batch = (uint32_t)number;
        return true;
    case W_HEADS:
        if (!get_pair(w, '/', MAX_HEADS, &p->extent.n_heads, &p->n_kv_heads))
            return false;
        return p->extent.n_heads % p->n_kv_heads == 0 ||
               wrong(w, "query heads that are a multiple of the key/value heads");
    case W_Q:
        return get_number(w, 1, MAX_LENGTH, &p->extent.q_len);
    case W_K:
        return get_number(w, 1, MAX_LENGTH, &p->extent.k_len);
    case W_DIM:
        return get_pair(w, '/', MAX_HEAD_DIM, &p->head_dim, &p->head_dim_v);
    case W_QOFF:
        return get_offset(w, &p->extent.q_offset);
    case W_KOFF:
        return get_number(w, 0, MAX_LENGTH, &p->extent.k_offset);
    default:
        if (!get_number(w, 0, INT64_MAX, &number))
            return false;
        p->seed = (uint64_t)number;
        return true;
    }
}

static bool read_word(int which, const word *w, problem *p)
{
    switch (which) {
    case W_RULES:
        return get_rules(w, p);
    case W_MASK:
        return get_mask(w, p);
    case W_OUT:
        return get_dtype(w, w->value, strlen(w->value), false, &p->out_dtype);
    case W_SCALE:
        return get_positive(w, &p->scale);
    case W_SOFTCAP:
        return get_positive(w, &p->softcap);
    case W_TILE:
        return get_tile(w, &p->tile);
    case W_LAYOUT:
        return get_layout(w, &p->blhd);
    case W_DATA:
        return get_data(w, &p->data);
    case W_SINKS:
        p->sinks = true;
        return true;
    case W_LSE:
        p->lse = true;
        return true;
    case W_F32:
    case W_F16:
    case W_BF16:
        return get_dtype(w, w->text, strlen(w->text), false, &p->dtype);
    default:
        return read_size_word(which, w, p);
    }
}

static bool is_dtype_word(int which)
{
    return which >= W_F32 && which <= W_BF16;
}

static bool check_whole(problem *p, const bool seen[N_WORDS], io_error *error)
{
    if (!seen[W_Q])
        return io_fail(error, "has no query length, expected a word such as 'q2048'");
    if (!seen[W_DIM])
        return io_fail(error, "has no head size, expected a word such as 'd128'");
    if (p->dtype == TSKIP_DTYPE_NONE)
        return io_fail(error, "has no type, expected f32, f16 or bf16");
    if (!seen[W_K])
        p->extent.k_len = p->extent.q_len;
    if (p->mask == PROBLEM_MASK_RULES && p->rules[0] == 0)
        return io_fail(error, "a mask made of the rules needs 'rules='");
    if (p->out_dtype != TSKIP_DTYPE_NONE && p->out_dtype != p->dtype && p->out_dtype != TSKIP_F32)
        return io_fail(error, "'out=%s': expected f32 or the inputs' type %s",
                       tskip_dtype_name(p->out_dtype), tskip_dtype_name(p->dtype));
    if (p->extent.q_offset == TSKIP_OFFSET_END &&
        p->extent.k_offset + p->extent.k_len < p->extent.q_len)
        return io_fail(error,
                       "'qoff=end': %" PRId64 " queries do not fit the %" PRId64
                       " keys that end at the last",
                       p->extent.q_len, p->extent.k_offset + p->extent.k_len);
    if (p->out_dtype == p->dtype)
        p->out_dtype = TSKIP_DTYPE_NONE;
    return true;
}

/* Copies the next word; false at the end of the text. */
static bool next_word(const char **text, word *w, bool *too_long)
{
    *text += strspn(*text, " \t\n");
    const size_t length = strcspn(*text, " \t\n");
    *too_long = length >= sizeof(w->text);
    if (length == 0 || *too_long)
        return false;
    memcpy(w->text, *text, length);
    w->text[length] = 0;
    *text += length;
    return true;
}

bool problem_parse(const char *text, problem *out, io_error *error)
{
    *out = (problem){.extent = {.batch = 1, .n_heads = 1}, .n_kv_heads = 1};
    bool seen[N_WORDS] = {false}, too_long;
    word w = {.error = error};
    while (next_word(&text, &w, &too_long)) {
        const int which = find_word(w.text);
        if (which < 0)
            return wrong(&w, "b1, h16/8, q8192, k8192, d256/128, f32, f16, bf16, lse, sinks or one "
                             "of rules= mask= out= scale= softcap= qoff= koff= tile= layout= data= "
                             "seed=");
        if (seen[which] || (is_dtype_word(which) && out->dtype != TSKIP_DTYPE_NONE))
            return wrong(&w, "each word once");
        seen[which] = true;
        w.name = WORDS[which];
        w.value = w.text + strlen(w.name);
        if (!read_word(which, &w, out))
            return false;
    }
    if (too_long)
        return io_fail(error, "a word is longer than %zu characters", sizeof(w.text) - 1);
    return check_whole(out, seen, error);
}
