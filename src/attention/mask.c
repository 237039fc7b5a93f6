/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#include "mask.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "nearest.h"
#include "rules.h"

static tskip_i64 near(int64_t value)
{
    return value < TSKIP__FAR ? value : TSKIP__FAR;
}

/* Slope of head h of n: 2^(-8i/n) for powers of two, else those of the power below and then every
 * second of the power above. Press et al., arXiv:2108.12409, and its reference code. */
static float paper_slope(uint32_t h, uint32_t n)
{
    uint32_t below = 1;
    while (below * 2 <= n)
        below *= 2;
    double exponent = h < below ? -8.0 * (h + 1) / below : -4.0 * (2.0 * (h - below) + 1) / below;
    return (float)exp2(exponent);
}

static void set_scalars(const tskip_rules *r, struct tskip__rules *out)
{
    out->window = r->window ? near(r->window) : TSKIP__FAR;
    out->spread = r->symmetric ? near(r->symmetric / 2) : TSKIP__FAR;
    out->chunk = near(r->chunk);
    out->prefix = near(r->prefix);
    out->sink = near(r->sink);
    out->flags = (r->causal ? TSKIP__RULE_CAUSAL : 0) | (r->n_images ? TSKIP__RULE_IMAGES : 0) |
                 (r->n_spans ? TSKIP__RULE_SPANS : 0) | (r->n_segments ? TSKIP__RULE_SEGMENT : 0) |
                 (r->alibi ? TSKIP__RULE_ALIBI : 0);
    out->n_entries = tskip__rules_entries(r);
}

static size_t count_spans(const tskip_span_list *lists, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += lists[i].n_spans;
    return sum;
}

static size_t count_segments(const tskip_rules *r)
{
    size_t sum = 0;
    for (size_t i = 0; i < r->n_segments; i++)
        sum += r->segments[i].n_lengths;
    return sum;
}

/* Copies list `entry` (or the only one) to `words`, sorted, `*used` spans in; says where it
 * lies. */
static void put_spans(const tskip_span_list *lists, size_t n, uint32_t entry, tskip_i64 *words,
                      tskip_u32 *used, tskip_u32 *begin, tskip_u32 *end)
{
    *begin = *end = *used;
    if (n == 0)
        return;
    const tskip_span_list *list = &lists[n > 1 ? entry : 0];
    tskip_span *to = (tskip_span *)(words + 2 * (size_t)*used);
    if (list->n_spans > 0)
        memcpy(to, list->spans, list->n_spans * sizeof *to);
    tskip__spans_sort(to, list->n_spans);
    for (size_t i = 0; i < list->n_spans; i++)
        to[i] = (tskip_span){near(to[i].start), near(to[i].end)};
    *used += (tskip_u32)list->n_spans;
    *end = *used;
}

static void put_segments(const tskip_rules *r, uint32_t entry, tskip_i64 *ends, tskip_u32 *used,
                         tskip_u32 *begin, tskip_u32 *end)
{
    *begin = *end = *used;
    if (r->n_segments == 0)
        return;
    const tskip_length_list *list = &r->segments[r->n_segments > 1 ? entry : 0];
    int64_t sum = 0;
    for (size_t i = 0; i < list->n_lengths; i++)
        ends[(*used)++] = sum += list->lengths[i];
    *end = *used;
}

/* Repeats the only list for every entry, so that kernels index by entry alone. */
static size_t repeated(size_t total, size_t n_lists, uint32_t n_entries)
{
    return n_lists == 1 ? total * n_entries : total;
}

static tskip_status lay_out(tskip_mask *mask, const tskip_rules *r)
{
    struct tskip__rules *out = &mask->rules;
    size_t n = out->n_entries;
    size_t spans = repeated(count_spans(r->images, r->n_images), r->n_images, (uint32_t)n) +
                   repeated(count_spans(r->spans, r->n_spans), r->n_spans, (uint32_t)n);
    size_t segments = repeated(count_segments(r), r->n_segments, (uint32_t)n);
    if (spans > UINT32_MAX / 4 || segments > UINT32_MAX / 4)
        return tskip__fail(TSKIP_UNSUPPORTED,
                           "the rules have %zu spans and %zu segments, expected fewer than 2^30",
                           spans, segments);
    out->n_slopes = r->alibi ? mask->n_heads : 0;
    out->first_span = (tskip_u32)(n * sizeof(struct tskip__rules_entry) / 8);
    out->first_segment = (tskip_u32)(out->first_span + 2 * spans);
    out->first_slope = (tskip_u32)(2 * (out->first_segment + segments));
    mask->words_size = (4 * ((size_t)out->first_slope + out->n_slopes) + 7) / 8 * 8;
    mask->words = tskip__alloc_zero(mask->words_size, "a mask's rules");
    return mask->words ? TSKIP_OK : TSKIP_OUT_OF_MEMORY;
}

static void write_words(tskip_mask *mask, const tskip_rules *r)
{
    struct tskip__rules_entry *entries = (struct tskip__rules_entry *)mask->words;
    tskip_i64 *spans = mask->words + mask->rules.first_span;
    tskip_i64 *ends = mask->words + mask->rules.first_segment;
    float *slopes = (float *)mask->words + mask->rules.first_slope;
    tskip_u32 n_spans = 0, n_ends = 0;
    for (uint32_t e = 0; e < mask->rules.n_entries; e++) {
        struct tskip__rules_entry *entry = &entries[e];
        entry->kstart = r->n_kstart ? r->kstart[r->n_kstart > 1 ? e : 0] : 0;
        entry->klen = r->n_klen ? r->klen[r->n_klen > 1 ? e : 0] : TSKIP__FAR;
        put_spans(r->images, r->n_images, e, spans, &n_spans, &entry->images_begin,
                  &entry->images_end);
        put_spans(r->spans, r->n_spans, e, spans, &n_spans, &entry->spans_begin, &entry->spans_end);
        put_segments(r, e, ends, &n_ends, &entry->segments_begin, &entry->segments_end);
    }
    for (uint32_t h = 0; h < mask->rules.n_slopes; h++)
        slopes[h] = r->slopes ? r->slopes[h] : paper_slope(h, mask->n_heads);
}

static tskip_status set_heads(tskip_mask *mask, const tskip_mask_desc *desc, const tskip_rules *r)
{
    if (!r->alibi)
        return TSKIP_OK;
    size_t n = desc->n_heads ? desc->n_heads : r->n_slopes;
    if (n == 0 || n > UINT32_MAX / 4)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "n_heads is %zu, expected the number of query heads: alibi needs it", n);
    if (r->n_slopes > 0 && r->n_slopes != n)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "rule alibi has %zu slopes, expected %zu, one a head", r->n_slopes, n);
    mask->n_heads = (uint32_t)n;
    return TSKIP_OK;
}

static tskip_status set_rules(tskip_mask *mask, const tskip_mask_desc *desc, const tskip_rules *r)
{
    TSKIP__TRY(tskip__rules_check(r));
    mask->has_rules = !tskip__rules_empty(r);
    if (!mask->has_rules)
        return TSKIP_OK;
    TSKIP__TRY(set_heads(mask, desc, r));
    mask->has_klen = r->n_klen > 0;
    set_scalars(r, &mask->rules);
    TSKIP__TRY(lay_out(mask, r));
    write_words(mask, r);
    TSKIP__TRY(tskip_buffer_create(mask->device, mask->words_size, &mask->rules_buffer));
    return tskip_buffer_write(mask->rules_buffer, 0, mask->words, mask->words_size);
}

static tskip_status set_rules_text(tskip_mask *mask, const tskip_mask_desc *desc)
{
    if (desc->rule_values)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "rules and rule_values are both given, expected one of them at most");
    tskip_rules *rules;
    TSKIP__TRY(tskip_rules_parse(desc->rules, &rules));
    tskip_status status = set_rules(mask, desc, rules);
    tskip_rules_destroy(&rules);
    return status;
}

static tskip_status set_tensor(tskip_mask *mask, const tskip_mask_tensor *tensor)
{
    tskip_mask_tensor checked;
    TSKIP__TRY(tskip__mask_tensor_check("tensor", tensor, &checked));
    if (tskip_buffer_get_device(tensor->buffer) != mask->device)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "tensor.buffer lies on another device than the mask, %s",
                           tskip_device_get_info(mask->device)->name);
    mask->tensor = checked;
    mask->tensor.buffer = tskip_buffer_retain(tensor->buffer);
    return TSKIP_OK;
}

static tskip_status fill_mask(tskip_mask *mask, const tskip_mask_desc *desc)
{
    if (desc->tensor.buffer && desc->tensor.rank == 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "tensor.rank is 0 beside a buffer, expected 2 or 4");
    if (!desc->rules && !desc->rule_values && desc->tensor.rank == 0)
        return tskip__fail(TSKIP_INVALID_ARGUMENT,
                           "the mask has neither rules nor a tensor, expected one or both");
    if (desc->rules)
        TSKIP__TRY(set_rules_text(mask, desc));
    else if (desc->rule_values)
        TSKIP__TRY(set_rules(mask, desc, desc->rule_values));
    return desc->tensor.rank ? set_tensor(mask, &desc->tensor) : TSKIP_OK;
}

tskip_status tskip_mask_create(tskip_device *device, const tskip_mask_desc *desc, tskip_mask **out)
{
    TSKIP__TRY(tskip__require(out, "out", "where to store the mask"));
    *out = NULL;
    TSKIP__TRY(tskip__require(device, "device", "an open device"));
    TSKIP__TRY(tskip__require(desc, "desc", "a mask's description"));
    tskip_mask *mask = tskip__alloc_zero(sizeof *mask, "a mask");
    if (!mask)
        return TSKIP_OUT_OF_MEMORY;
    atomic_init(&mask->references, 1);
    mask->device = tskip_device_retain(device);
    const int mode = tskip__nearest_enter();
    tskip_status status = fill_mask(mask, desc);
    tskip__nearest_leave(mode);
    if (status != TSKIP_OK)
        tskip_mask_destroy(&mask);
    *out = mask;
    return status;
}

tskip_mask *tskip__mask_retain(const tskip_mask *mask)
{
    tskip_mask *owned = (tskip_mask *)mask; /* the count is not part of its value */
    if (owned)
        atomic_fetch_add_explicit(&owned->references, 1, memory_order_relaxed);
    return owned;
}

void tskip_mask_destroy(tskip_mask **mask)
{
    if (!mask || !*mask)
        return;
    tskip_mask *m = *mask;
    *mask = NULL;
    if (atomic_fetch_sub_explicit(&m->references, 1, memory_order_acq_rel) != 1)
        return;
    tskip_buffer_destroy(&m->rules_buffer);
    tskip_buffer_destroy(&m->tensor.buffer);
    tskip__free(m->words, m->words_size);
    tskip_device_destroy(&m->device);
    tskip__free(m, sizeof *m);
}

tskip_status tskip__mask_check_device(const tskip_mask *mask, const tskip_device *device)
{
    if (mask->device == device)
        return TSKIP_OK;
    return tskip__fail(TSKIP_INVALID_ARGUMENT,
                       "mask was made on device %s, expected one made on this opening of %s",
                       tskip_device_get_info(mask->device)->name,
                       tskip_device_get_info(device)->name);
}

struct tskip__rules_entry tskip__mask_entry(const tskip_mask *mask, uint32_t b)
{
    const struct tskip__rules_entry *entries = (const struct tskip__rules_entry *)mask->words;
    return entries[mask->rules.n_entries > 1 ? b : 0];
}

tskip_binding tskip__mask_rules_binding(const tskip_mask *mask)
{
    return (tskip_binding){
        .buffer = mask->rules_buffer, .size = mask->words_size, .access = TSKIP_READ};
}

tskip_binding tskip__mask_tensor_binding(const tskip_mask *mask)
{
    return (tskip_binding){
        .buffer = mask->tensor.buffer, .offset = mask->tensor.offset, .access = TSKIP_READ};
}

bool tskip__mask_same(const tskip_mask *a, const tskip_mask *b, const char **what)
{
    *what = "rules";
    if (a->has_rules != b->has_rules || a->words_size != b->words_size ||
        memcmp(&a->rules, &b->rules, sizeof a->rules) != 0 ||
        (a->words_size > 0 && memcmp(a->words, b->words, a->words_size) != 0))
        return false;
    const tskip_mask_tensor *s = &a->tensor, *t = &b->tensor;
    *what = s->buffer != t->buffer                                   ? "tensor (buffer)"
            : s->offset != t->offset                                 ? "tensor (offset)"
            : s->dtype != t->dtype                                   ? "tensor (dtype)"
            : memcmp(s->shape, t->shape, sizeof s->shape) != 0       ? "tensor (shape)"
            : memcmp(s->strides, t->strides, sizeof s->strides) != 0 ? "tensor (strides)"
                                                                     : NULL;
    return *what == NULL;
}
