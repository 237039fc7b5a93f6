/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"
#include "nearest.h"
#include "rules.h"

/* Parsed rules and all their lists in one allocation. */
struct parsed {
    tskip_rules rules;
    size_t size;
};

struct parser {
    const char *text; /* the whole of it, for messages */
    const char *at;
    const char *rule; /* name of the rule being read */
    int rule_length;
    unsigned char *free; /* where the next list goes */
    tskip_rules *rules;
    uint32_t seen; /* a bit for each rule */
};

static tskip_status refuse(const struct parser *p, const char *expected)
{
    int rest = (int)strcspn(p->at, ",");
    return tskip__fail(TSKIP_INVALID_ARGUMENT,
                       "rule %.*s: found \"%.*s\" at character %td, expected %s", p->rule_length,
                       p->rule, rest > 40 ? 40 : rest, p->at, p->at - p->text + 1, expected);
}

static bool take(struct parser *p, char c)
{
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static tskip_status take_number(struct parser *p, int64_t minimum, int64_t *out)
{
    const char *start = p->at;
    if (!isdigit((unsigned char)*start))
        return refuse(p, "a number in decimal digits");
    int64_t value = 0;
    for (; isdigit((unsigned char)*p->at); p->at++) {
        int digit = *p->at - '0';
        if (value > (INT64_MAX - digit) / 10) {
            p->at = start;
            return refuse(p, "a number below 2^63");
        }
        value = value * 10 + digit;
    }
    if (value < minimum) {
        p->at = start;
        return refuse(p, "at least 1");
    }
    *out = value;
    return TSKIP_OK;
}

static void *reserve(struct parser *p, size_t bytes)
{
    void *start = p->free;
    p->free += (bytes + 7) / 8 * 8;
    return start;
}

/* How many items stand before the rule's end, or before the entry's. */
static size_t count_entries(const struct parser *p)
{
    size_t n = 1;
    for (const char *c = p->at; *c && *c != ','; c++)
        n += *c == '/';
    return n;
}

static size_t count_in_entry(const struct parser *p)
{
    size_t n = 1;
    for (const char *c = p->at; *c && *c != ',' && *c != '/'; c++)
        n += *c == '+';
    return n;
}

static tskip_status take_spans(struct parser *p, tskip_span_list *list)
{
    size_t n = count_in_entry(p);
    tskip_span *spans = reserve(p, n * sizeof *spans);
    for (size_t j = 0; j < n; j++) {
        if (j > 0 && !take(p, '+'))
            return refuse(p, "\"+\", \"/\" or the next rule");
        TSKIP__TRY(take_number(p, 0, &spans[j].start));
        if (!take(p, ':'))
            return refuse(p, "\":\" and the span's end");
        TSKIP__TRY(take_number(p, 0, &spans[j].end));
    }
    *list = (tskip_span_list){spans, n};
    return TSKIP_OK;
}

static tskip_status take_lengths(struct parser *p, tskip_length_list *list)
{
    size_t n = count_in_entry(p);
    int64_t *lengths = reserve(p, n * sizeof *lengths);
    for (size_t j = 0; j < n; j++) {
        if (j > 0 && !take(p, '+'))
            return refuse(p, "\"+\", \"/\" or the next rule");
        TSKIP__TRY(take_number(p, 1, &lengths[j]));
    }
    *list = (tskip_length_list){lengths, n};
    return TSKIP_OK;
}

static int take_digits(struct parser *p, double *value)
{
    int n = 0;
    for (; isdigit((unsigned char)*p->at); p->at++, n++)
        *value = *value * 10 + (*p->at - '0');
    return n;
}

/* e [sign] digits; false if there is an e without digits. */
static bool take_exponent(struct parser *p, int *exponent)
{
    if (!take(p, 'e') && !take(p, 'E'))
        return true;
    double power = 0;
    bool negative = take(p, '-');
    if (!negative)
        (void)take(p, '+');
    if (take_digits(p, &power) == 0 || power > 400)
        return false;
    *exponent += negative ? -(int)power : (int)power;
    return true;
}

/* digits [. digits] [exponent], whatever the locale. */
static tskip_status take_slope(struct parser *p, float *out)
{
    const char *start = p->at;
    double value = 0;
    int exponent = 0, digits = take_digits(p, &value);
    if (digits > 0 && take(p, '.')) {
        int decimals = take_digits(p, &value);
        digits = decimals > 0 ? digits + decimals : 0;
        exponent = -decimals;
    }
    if (digits > 0 && !take_exponent(p, &exponent))
        digits = 0;
    double scaled = exponent < 0 ? value / pow(10, -exponent) : value * pow(10, exponent);
    if (digits == 0 || !isfinite((float)scaled)) {
        p->at = start;
        return refuse(p, "a slope, e.g. 0.5");
    }
    *out = (float)scaled;
    return TSKIP_OK;
}

/* name or name=F/F… */
static tskip_status read_slopes(struct parser *p)
{
    p->rules->alibi = true;
    if (!take(p, '='))
        return TSKIP_OK;
    size_t n = count_entries(p);
    float *slopes = reserve(p, n * sizeof *slopes);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && !take(p, '/'))
            return refuse(p, "\"/\" or the next rule");
        TSKIP__TRY(take_slope(p, &slopes[i]));
    }
    p->rules->slopes = slopes;
    p->rules->n_slopes = n;
    return TSKIP_OK;
}

/* Entry i of n of a list that begins at `list`. */
static tskip_status take_entry(struct parser *p, const tskip__rule *rule, void *list, size_t i)
{
    if (rule->form == TSKIP__FORM_SPANS)
        return take_spans(p, (tskip_span_list *)list + i);
    if (rule->form == TSKIP__FORM_LENGTHS)
        return take_lengths(p, (tskip_length_list *)list + i);
    return take_number(p, rule->least, (int64_t *)list + i);
}

static void *value_of(const struct parser *p, const tskip__rule *rule)
{
    return (char *)p->rules + rule->value;
}

/* name=ENTRY/ENTRY… */
static tskip_status read_entries(struct parser *p, const tskip__rule *rule)
{
    const size_t n = count_entries(p);
    const bool columns = rule->form == TSKIP__FORM_COLUMNS;
    const char *end = columns ? "\"/\" or the next rule" : "\"+\", \"/\" or the next rule";
    void *list = reserve(p, n * (columns ? sizeof(int64_t) : sizeof(tskip_span_list)));
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && !take(p, '/'))
            return refuse(p, end);
        TSKIP__TRY(take_entry(p, rule, list, i));
    }
    if (rule->form == TSKIP__FORM_SPANS)
        *(const tskip_span_list **)value_of(p, rule) = list;
    else if (rule->form == TSKIP__FORM_LENGTHS)
        *(const tskip_length_list **)value_of(p, rule) = list;
    else
        *(const int64_t **)value_of(p, rule) = list;
    *(size_t *)(void *)((char *)p->rules + rule->count) = n;
    return TSKIP_OK;
}

static tskip_status read_value(struct parser *p, const tskip__rule *rule)
{
    if (rule->form == TSKIP__FORM_SLOPES)
        return read_slopes(p);
    if (rule->form == TSKIP__FORM_FLAG) {
        *(bool *)value_of(p, rule) = true;
        return TSKIP_OK;
    }
    if (!take(p, '='))
        return refuse(p, "\"=\" and a value");
    if (rule->form == TSKIP__FORM_LIMIT)
        return take_number(p, rule->least, value_of(p, rule));
    return read_entries(p, rule);
}

static tskip_status unknown_rule(const struct parser *p)
{
    enum { MOST = 32 };
    char word[32];
    int n = p->rule_length < (int)sizeof word ? p->rule_length : (int)sizeof word - 1;
    memcpy(word, p->rule, (size_t)n);
    word[n] = '\0';
    const char *names[MOST];
    char list[128], hint[TSKIP__HINT_SIZE];
    size_t used = 0, n_names = 0;
    for (const tskip__rule *rule = tskip__rule_table; rule->name && n_names < MOST; rule++) {
        names[n_names++] = rule->name;
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                                     rule->name);
    }
    bool near = *tskip__hint(word, names, n_names, hint) != '\0';
    return tskip__fail(TSKIP_INVALID_ARGUMENT, "\"%s\" at character %td is no rule%s%s", word,
                       p->rule - p->text + 1, near ? hint : ", expected one of ", near ? "" : list);
}

static tskip_status read_rule(struct parser *p)
{
    p->rule = p->at;
    p->rule_length = (int)strcspn(p->at, "=,");
    for (const tskip__rule *rule = tskip__rule_table; rule->name; rule++) {
        if (strlen(rule->name) != (size_t)p->rule_length ||
            memcmp(rule->name, p->rule, (size_t)p->rule_length) != 0)
            continue;
        const uint32_t bit = 1u << (rule - tskip__rule_table);
        if (p->seen & bit)
            return tskip__fail(TSKIP_INVALID_ARGUMENT,
                               "rule %s at character %td is given twice, expected once at most",
                               rule->name, p->at - p->text + 1);
        p->seen |= bit;
        p->at += p->rule_length;
        TSKIP__TRY(read_value(p, rule));
        return *p->at == ',' || *p->at == '\0' ? TSKIP_OK : refuse(p, "\",\" and the next rule");
    }
    return unknown_rule(p);
}

static tskip_status read_all(struct parser *p)
{
    if (*p->at == '\0')
        return TSKIP_OK;
    do
        TSKIP__TRY(read_rule(p));
    while (take(p, ','));
    return tskip__rules_check(p->rules);
}

tskip_status tskip_rules_parse(const char *text, tskip_rules **out)
{
    TSKIP__TRY(tskip__require(out, "out", "where to store the rules"));
    *out = NULL;
    TSKIP__TRY(tskip__require(text, "text", "rules, e.g. \"causal\""));
    size_t items = 1;
    for (const char *c = text; *c; c++)
        items += strchr("=,+/", *c) != NULL;
    /* An item is at most one span in one list. */
    size_t size = sizeof(struct parsed) + items * (sizeof(tskip_span) + sizeof(tskip_span_list));
    struct parsed *parsed = tskip__alloc_zero(size, "the rules");
    if (!parsed)
        return TSKIP_OUT_OF_MEMORY;
    parsed->size = size;
    struct parser p = {
        .text = text, .at = text, .free = (unsigned char *)(parsed + 1), .rules = &parsed->rules};
    const int mode = tskip__nearest_enter();
    tskip_status status = read_all(&p);
    tskip__nearest_leave(mode);
    *out = &parsed->rules;
    if (status != TSKIP_OK)
        tskip_rules_destroy(out);
    return status;
}

void tskip_rules_destroy(tskip_rules **rules)
{
    if (!rules || !*rules)
        return;
    struct parsed *parsed = (struct parsed *)*rules; /* its first member */
    tskip__free(parsed, parsed->size);
    *rules = NULL;
}
