/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle_internal.h"

/* A piece of the text, not terminated; `at` NULL means that no piece is left. */
struct slice {
    const char *at;
    const char *end;
};

struct message {
    char *err;
    size_t cap;
};

enum form { FORM_FLAG, FORM_NUMBER, FORM_SPANS, FORM_LENGTHS, FORM_COLUMNS, FORM_SLOPES };

/* `field` is the value or the list; `count` the list's entry count, for a list. */
static const struct rule {
    const char *name;
    enum form form;
    int64_t least;
    size_t field;
    size_t count;
} known[] = {
#define FIELD(name) offsetof(struct oracle_rules, name)
    {"causal", FORM_FLAG, 0, FIELD(causal), 0},
    {"window", FORM_NUMBER, 1, FIELD(window), 0},
    {"symmetric", FORM_NUMBER, 1, FIELD(symmetric), 0},
    {"chunk", FORM_NUMBER, 1, FIELD(chunk), 0},
    {"prefix", FORM_NUMBER, 0, FIELD(prefix), 0},
    {"sink", FORM_NUMBER, 0, FIELD(sink), 0},
    {"images", FORM_SPANS, 0, FIELD(images), FIELD(n_images)},
    {"spans", FORM_SPANS, 0, FIELD(spans), FIELD(n_spans)},
    {"segments", FORM_LENGTHS, 1, FIELD(segments), FIELD(n_segments)},
    {"klen", FORM_COLUMNS, 1, FIELD(klen), FIELD(n_klen)},
    {"kstart", FORM_COLUMNS, 0, FIELD(kstart), FIELD(n_kstart)},
    {"alibi", FORM_SLOPES, 0, FIELD(alibi), 0},
#undef FIELD
};

enum { N_KNOWN = sizeof known / sizeof known[0] };

static int length(struct slice text)
{
    return (int)(text.end - text.at);
}

static bool equals(struct slice text, const char *name)
{
    return strlen(name) == (size_t)length(text) && memcmp(text.at, name, strlen(name)) == 0;
}

static bool split(struct slice *rest, char separator, struct slice *piece)
{
    if (rest->at == NULL)
        return false;
    const char *cut = memchr(rest->at, separator, (size_t)(rest->end - rest->at));
    piece->at = rest->at;
    piece->end = cut ? cut : rest->end;
    rest->at = cut ? cut + 1 : NULL;
    return true;
}

static size_t pieces(struct slice text, char separator)
{
    size_t n = 1;
    for (const char *at = text.at; at < text.end; ++at)
        n += *at == separator;
    return n;
}

static bool parse_number(struct slice text, int64_t least, int64_t *value, struct message m)
{
    if (length(text) == 0)
        return oracle__fail(m.err, m.cap, "a number is missing");
    *value = 0;
    for (const char *at = text.at; at < text.end; ++at) {
        if (*at < '0' || *at > '9')
            return oracle__fail(m.err, m.cap, "'%.*s': decimal digits expected", length(text),
                                text.at);
        int digit = *at - '0';
        if (*value > (INT64_MAX - digit) / 10)
            return oracle__fail(m.err, m.cap, "'%.*s' is too large", length(text), text.at);
        *value = *value * 10 + digit;
    }
    if (*value < least)
        return oracle__fail(m.err, m.cap, "%.*s: at least %d expected", length(text), text.at,
                            (int)least);
    return true;
}

static bool parse_span(struct slice text, struct oracle_span *span, struct message m)
{
    struct slice rest = text, start, end, more;
    if (!split(&rest, ':', &start) || !split(&rest, ':', &end) || split(&rest, ':', &more))
        return oracle__fail(m.err, m.cap, "'%.*s': a span start:end expected", length(text),
                            text.at);
    if (!parse_number(start, 0, &span->start, m) || !parse_number(end, 0, &span->end, m))
        return false;
    if (span->start >= span->end)
        return oracle__fail(m.err, m.cap, "span %.*s is empty: start < end expected", length(text),
                            text.at);
    return true;
}

static bool overlap(const struct oracle_span_list *list)
{
    for (size_t i = 0; i < list->count; ++i)
        for (size_t j = 0; j < i; ++j)
            if (list->items[i].start < list->items[j].end &&
                list->items[j].start < list->items[i].end)
                return true;
    return false;
}

static bool parse_spans(struct slice text, struct oracle_span_list *list, struct message m)
{
    struct slice piece;
    while (split(&text, '+', &piece)) {
        if (!parse_span(piece, &list->items[list->count], m))
            return false;
        list->count += 1;
    }
    if (overlap(list))
        return oracle__fail(m.err, m.cap, "two spans overlap");
    return true;
}

static bool parse_lengths(struct slice text, struct oracle_span_list *list, struct message m)
{
    int64_t position = 0;
    struct slice piece;
    while (split(&text, '+', &piece)) {
        int64_t n;
        if (!parse_number(piece, 1, &n, m))
            return false;
        if (n > INT64_MAX - position)
            return oracle__fail(m.err, m.cap, "the segment lengths overflow");
        list->items[list->count++] = (struct oracle_span){position, position + n};
        position += n;
    }
    return true;
}

/* The list is entered into the rules before it is filled, so that oracle_rules_free finds all. */
static bool parse_lists(struct slice text, enum form form, struct oracle_span_list **lists,
                        size_t *count, struct message m)
{
    size_t n = pieces(text, '/');
    *lists = calloc(n, sizeof **lists);
    if (*lists == NULL)
        return oracle__fail(m.err, m.cap, "out of memory");
    *count = n;
    struct slice entry;
    for (size_t i = 0; split(&text, '/', &entry); ++i) {
        struct oracle_span_list *list = &(*lists)[i];
        list->items = calloc(pieces(entry, '+'), sizeof *list->items);
        if (list->items == NULL)
            return oracle__fail(m.err, m.cap, "out of memory");
        if (!(form == FORM_SPANS ? parse_spans : parse_lengths)(entry, list, m))
            return false;
    }
    return true;
}

static bool parse_columns(struct slice text, int64_t least, int64_t **values, size_t *count,
                          struct message m)
{
    *values = calloc(pieces(text, '/'), sizeof **values);
    if (*values == NULL)
        return oracle__fail(m.err, m.cap, "out of memory");
    struct slice entry;
    while (split(&text, '/', &entry))
        if (!parse_number(entry, least, &(*values)[(*count)++], m))
            return false;
    return true;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        ++at;
    return at;
}

/* digits [ '.' digits ] [ 'e' [sign] digits ] */
static bool is_decimal(struct slice text)
{
    const char *at = skip_digits(text.at, text.end);
    if (at == text.at)
        return false;
    if (at < text.end && *at == '.') {
        const char *fraction = ++at;
        at = skip_digits(at, text.end);
        if (at == fraction)
            return false;
    }
    if (at < text.end && (*at == 'e' || *at == 'E')) {
        if (++at < text.end && (*at == '+' || *at == '-'))
            ++at;
        const char *power = at;
        at = skip_digits(at, text.end);
        if (at == power)
            return false;
    }
    return at == text.end;
}

static bool parse_slopes(struct slice text, struct oracle_rules *rules, struct message m)
{
    rules->slopes = calloc(pieces(text, '/'), sizeof *rules->slopes);
    if (rules->slopes == NULL)
        return oracle__fail(m.err, m.cap, "out of memory");
    struct slice piece;
    while (split(&text, '/', &piece)) {
        if (!is_decimal(piece))
            return oracle__fail(m.err, m.cap, "'%.*s': a slope expected", length(piece), piece.at);
        char *end;
        float slope = strtof(piece.at, &end);
        if (end != piece.end || isinf(slope))
            return oracle__fail(m.err, m.cap, "slope %.*s does not fit f32", length(piece),
                                piece.at);
        rules->slopes[rules->n_slopes++] = slope;
    }
    return true;
}

static bool parse_value(const struct rule *rule, bool given, struct slice value,
                        struct oracle_rules *rules, struct message m)
{
    char *base = (char *)rules;
    void *field = base + rule->field;
    if (rule->form == FORM_FLAG || rule->form == FORM_SLOPES) {
        *(bool *)field = true;
        if (given && rule->form == FORM_FLAG)
            return oracle__fail(m.err, m.cap, "%s takes no value", rule->name);
        return !given || parse_slopes(value, rules, m);
    }
    if (!given)
        return oracle__fail(m.err, m.cap, "%s needs a value", rule->name);
    switch (rule->form) {
    case FORM_NUMBER:
        return parse_number(value, rule->least, field, m);
    case FORM_COLUMNS:
        return parse_columns(value, rule->least, field, (size_t *)(void *)(base + rule->count), m);
    default:
        return parse_lists(value, rule->form, field, (size_t *)(void *)(base + rule->count), m);
    }
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int edit_distance(struct slice a, const char *b)
{
    enum { LIMIT = 32 };
    int row[LIMIT + 1];
    int n = (int)strlen(b);
    for (int j = 0; j <= n; ++j)
        row[j] = j;
    for (int i = 1; i <= smaller(length(a), LIMIT); ++i) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; ++j) {
            int change = diagonal + (a.at[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = smaller(change, smaller(row[j], row[j - 1]) + 1);
        }
    }
    return row[n];
}

static const char *nearest(struct slice name)
{
    const char *best = known[0].name;
    for (int i = 1; i < N_KNOWN; ++i)
        if (edit_distance(name, known[i].name) < edit_distance(name, best))
            best = known[i].name;
    return best;
}

static bool parse_rule(struct slice text, unsigned *seen, struct oracle_rules *rules,
                       struct message m)
{
    struct slice name, value = text;
    split(&value, '=', &name);
    for (int i = 0; i < N_KNOWN; ++i) {
        if (!equals(name, known[i].name))
            continue;
        if (*seen & (1u << i))
            return oracle__fail(m.err, m.cap, "%s is given twice", known[i].name);
        *seen |= 1u << i;
        return parse_value(&known[i], value.at != NULL, value, rules, m);
    }
    return oracle__fail(m.err, m.cap, "unknown rule '%.*s'; the nearest is '%s'", length(name),
                        name.at, nearest(name));
}

static bool check_entry_counts(const struct oracle_rules *rules, struct message m)
{
    const size_t counts[] = {rules->n_images, rules->n_spans, rules->n_segments, rules->n_klen,
                             rules->n_kstart};
    size_t entries = 1;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; ++i) {
        if (counts[i] > 1 && entries > 1 && counts[i] != entries)
            return oracle__fail(m.err, m.cap, "rules with values for %zu and for %zu batch entries",
                                entries, counts[i]);
        if (counts[i] > 1)
            entries = counts[i];
    }
    for (size_t i = 0; i < entries && rules->n_klen > 0 && rules->n_kstart > 0; ++i) {
        int64_t klen = rules->klen[rules->n_klen == 1 ? 0 : i];
        int64_t kstart = rules->kstart[rules->n_kstart == 1 ? 0 : i];
        if (kstart >= klen)
            return oracle__fail(m.err, m.cap, "kstart=%lld is not below klen=%lld",
                                (long long)kstart, (long long)klen);
    }
    return true;
}

static bool check_meaning(const struct oracle_rules *rules, bool has_prefix, struct message m)
{
    bool limited = rules->window != 0 || rules->symmetric != 0 || rules->chunk != 0;
    if (rules->n_images > 0 && !rules->causal)
        return oracle__fail(m.err, m.cap,
                            "images without causal is refused: every cell is visible already");
    if (has_prefix && !rules->causal)
        return oracle__fail(m.err, m.cap,
                            "prefix without causal is refused: every cell is visible already");
    if (rules->n_spans > 0 && !rules->causal && !limited)
        return oracle__fail(m.err, m.cap,
                            "spans without causal, window, symmetric or chunk is refused: every "
                            "cell is visible already");
    return check_entry_counts(rules, m);
}

bool oracle_rules_parse(const char *text, struct oracle_rules *rules, char *err, size_t cap)
{
    struct message m = {err, cap};
    struct slice rest = {text, text + strlen(text)}, piece;
    unsigned seen = 0;
    bool good = true;
    *rules = (struct oracle_rules){0};
    if (*text != '\0')
        while (good && split(&rest, ',', &piece))
            good = parse_rule(piece, &seen, rules, m);
    bool has_prefix = false;
    for (int i = 0; i < N_KNOWN; ++i)
        if (strcmp(known[i].name, "prefix") == 0)
            has_prefix = (seen >> i) & 1u;
    good = good && check_meaning(rules, has_prefix, m);
    if (!good)
        oracle_rules_free(rules);
    return good;
}

static void free_lists(struct oracle_span_list *lists, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        free(lists[i].items);
    free(lists);
}

void oracle_rules_free(struct oracle_rules *rules)
{
    if (rules == NULL)
        return;
    free_lists(rules->images, rules->n_images);
    free_lists(rules->spans, rules->n_spans);
    free_lists(rules->segments, rules->n_segments);
    free(rules->klen);
    free(rules->kstart);
    free(rules->slopes);
    *rules = (struct oracle_rules){0};
}
