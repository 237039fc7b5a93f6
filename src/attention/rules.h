/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_ATTENTION_RULES_H
#define TSKIP_ATTENTION_RULES_H

#include <tileskip/attention.h>

/* Everything about rules that needs no lengths. */

/* How a rule is written in text and what it is in tskip_rules. */
typedef enum tskip__rule_form {
    TSKIP__FORM_FLAG,    /* name             bool */
    TSKIP__FORM_LIMIT,   /* name=N           int64_t, 0: absent */
    TSKIP__FORM_SPANS,   /* name=S:E+S:E/…   tskip_span_list, one an entry */
    TSKIP__FORM_LENGTHS, /* name=N+N/…       tskip_length_list, one an entry */
    TSKIP__FORM_COLUMNS, /* name=N/N…        int64_t, one an entry */
    TSKIP__FORM_SLOPES,  /* name or name=F/F… bool, and float, one a head */
} tskip__rule_form;

typedef struct tskip__rule {
    const char *name;
    tskip__rule_form form;
    int64_t least; /* of its numbers in text */
    size_t value;  /* where in tskip_rules the value or the pointer to the list lies */
    size_t count;  /* where the number of the list's entries lies; slopes are no entries: 0 */
} tskip__rule;

/* Every rule, in the order of the canonical text; ended by a NULL name. Parser, writer and checks
 * go by it. A rule more is a row here, a field of tskip_rules, its arithmetic (kargs.h,
 * row_limits.h, mask.c), and the same in oracle/, which knows nothing of this table. */
extern const tskip__rule tskip__rule_table[];

/* How many entries the rule's list has; 0 if it has none or is no list. */
size_t tskip__rule_entries(const tskip_rules *rules, const tskip__rule *rule);

/* The values of a rule of that form. */
static inline int64_t tskip__rule_limit(const tskip_rules *rules, const tskip__rule *rule)
{
    return *(const int64_t *)(const void *)((const char *)rules + rule->value);
}

static inline const tskip_span_list *tskip__rule_spans(const tskip_rules *rules,
                                                       const tskip__rule *rule)
{
    return *(const tskip_span_list *const *)(const void *)((const char *)rules + rule->value);
}

static inline const tskip_length_list *tskip__rule_lengths(const tskip_rules *rules,
                                                           const tskip__rule *rule)
{
    return *(const tskip_length_list *const *)(const void *)((const char *)rules + rule->value);
}

static inline const int64_t *tskip__rule_columns(const tskip_rules *rules, const tskip__rule *rule)
{
    return *(const int64_t *const *)(const void *)((const char *)rules + rule->value);
}

/* Is the rule there? */
bool tskip__rule_present(const tskip_rules *rules, const tskip__rule *rule);

/* Refuses negative limits, empty or overlapping spans, images, prefix or spans that change nothing,
 * and lists whose entries differ in number. The text begins with the rule's name and has its
 * value. */
tskip_status tskip__rules_check(const tskip_rules *rules);

/* How many batch entries the lists are given for: 1, or their common number above 1. */
uint32_t tskip__rules_entries(const tskip_rules *rules);

/* Sorts spans by their start. */
void tskip__spans_sort(tskip_span *spans, size_t n);

/* True where no rule limits or biases anything. */
bool tskip__rules_empty(const tskip_rules *rules);

#endif
