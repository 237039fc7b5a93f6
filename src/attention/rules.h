/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TSKIP_ATTENTION_RULES_H
#define TSKIP_ATTENTION_RULES_H

#include <tileskip/attention.h>

/* Everything about rules that needs no lengths. */

/* The rules that are a number, 0 for none, and those that are a list with n_… entries. */
#define TSKIP__RULE_LIMITS(X) X(window) X(symmetric) X(chunk) X(prefix) X(sink)
#define TSKIP__RULE_LISTS(X)  X(images) X(spans) X(segments) X(klen) X(kstart)

/* Refuses negative limits, empty or overlapping spans, images, prefix or spans that change nothing,
 * and lists whose entries differ in number. The text names rule and value. */
tskip_status tskip__rules_check(const tskip_rules *rules);

/* How many batch entries the lists are given for: 1, or their common number above 1. */
uint32_t tskip__rules_entries(const tskip_rules *rules);

/* Sorts spans by their start. */
void tskip__spans_sort(tskip_span *spans, size_t n);

/* True where no rule limits or biases anything. */
bool tskip__rules_empty(const tskip_rules *rules);

#endif
