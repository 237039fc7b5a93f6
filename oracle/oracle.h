/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef ORACLE_H
#define ORACLE_H

/*
 * The double-precision reference for masked attention: an independent witness, written from the
 * definitions of docs/masks.md and docs/numerics.md alone. It includes nothing of the library and
 * shares no algorithm with it. A mask rule is its boolean formula evaluated cell by cell, a tile's
 * class is found by visiting the tile's cells, and attention is two passes over the visible keys of
 * a row.
 *
 * What it does not do: it is not fast, it uses one thread, and it does not model the overflow of an
 * f32 accumulator (a score that overflows f32 but not double is outside what it can judge).
 *
 * Conventions, for the whole header:
 *  - Lengths, offsets and positions are int64_t; strides count elements, not bytes.
 *  - Indices are always (batch, query head, query row, column or element).
 *  - A function that can fail returns false and writes one line, cut to `cap` bytes and always
 *    terminated, into `err`; `err` may be NULL when `cap` is 0. Running out of memory is such a
 *    failure. On failure outputs hold nothing that needs freeing.
 *  - Pointers are read during the call only, unless a struct says that it keeps them.
 *  - Thread-safety: there is no global state. Any function may run in several threads at once as
 *    long as they do not write the same output.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Number formats ------------------------------------------------------------------------- */

enum oracle_dtype { ORACLE_F32, ORACLE_F16, ORACLE_BF16, ORACLE_BOOL };

/* Conversions round to nearest, ties to even, keep subnormals, overflow to infinity; every NaN
 * becomes the canonical one (f32 7FC00000, f16 7E00, bf16 7FC0), so NaN sign and payload are lost.
 * Widening is exact. */
uint16_t oracle_f16_from_f32(float value);
uint16_t oracle_bf16_from_f32(float value);
float oracle_f32_from_f16(uint16_t bits);
float oracle_f32_from_bf16(uint16_t bits);

/* Element `index` of an array, exactly, as f32. A bool gives 0.0f for non-zero and -inf for zero,
 * which is what the mask cell means. */
float oracle_load(enum oracle_dtype dtype, const void *data, int64_t index);

/* Rounds `value` and stores it; canonical NaN. Not for ORACLE_BOOL. */
void oracle_store(enum oracle_dtype dtype, void *data, int64_t index, float value);

/* The gap between neighbouring values of the format in the binade that holds |value|:
 * 2^(floor(log2|value|) - explicit mantissa bits), never below the smallest subnormal, which is
 * also the answer for 0. `value` must be finite. Not for ORACLE_BOOL. */
double oracle_ulp(enum oracle_dtype dtype, double value);

/* A strided view; it owns nothing. `data` points at element (0,0,0,0). Rank 4 is [B,H,L,D] by
 * meaning, whatever the order in memory; a mask may also be rank 2, [q,k], which uses only the
 * first two dims and strides. The innermost stride is 1. A dimension of size 1 or of stride 0 is a
 * broadcast. */
struct oracle_tensor {
    const void *data;
    enum oracle_dtype dtype;
    int rank;
    int64_t dims[4];
    int64_t strides[4];
};

/* A packed rank 4 view, row-major. */
struct oracle_tensor oracle_tensor_packed(const void *data, enum oracle_dtype dtype, int64_t batch,
                                          int64_t heads, int64_t rows, int64_t columns);

/* ---- Mask rules ----------------------------------------------------------------------------- */

/* Half-open: start <= position < end. */
struct oracle_span {
    int64_t start;
    int64_t end;
};

struct oracle_span_list {
    struct oracle_span *items;
    size_t count;
};

/* The parsed rules. Made by oracle_rules_parse, released by oracle_rules_free; open for reading.
 * All zero is "no rule": every cell visible.
 *
 * A rule that may be given per batch entry holds `n_x` values: 0 absent, 1 for all entries, else
 * one an entry. `segments` is kept as the spans that the lengths make, from position 0 on. */
struct oracle_rules {
    bool causal;
    int64_t window;    /* 0: absent */
    int64_t symmetric; /* 0: absent */
    int64_t chunk;     /* 0: absent */
    int64_t prefix;    /* 0: absent or without effect */
    int64_t sink;      /* 0: absent or without effect */
    struct oracle_span_list *images;
    size_t n_images;
    struct oracle_span_list *spans;
    size_t n_spans;
    struct oracle_span_list *segments;
    size_t n_segments;
    int64_t *klen;
    size_t n_klen;
    int64_t *kstart;
    size_t n_kstart;
    bool alibi;
    float *slopes; /* NULL with alibi: the paper's slopes for the head count */
    size_t n_slopes;
};

/* Parses `text`, rules separated by ',' without blanks, e.g.
 * "causal,window=1024,images=100:380+900:1180". "" is no rule. Slopes of alibi are unsigned decimal
 * numbers ("0.5", "3", "1e-3") rounded to f32; everything else is decimal digits up to INT64_MAX.
 *
 * Refused: an unknown rule (the text names the nearest known one), a rule twice, a missing or
 * superfluous value, a malformed or overflowing number, '/' where the rule has no per-entry form,
 * an empty value between separators, window, symmetric, chunk, klen or a segment of 0, a span with
 * s >= e, overlapping spans (touching is fine), segment lengths whose sum overflows, two rules with
 * different entry counts, neither of which is 1, kstart >= klen, images or prefix without causal,
 * and spans without causal, window, symmetric and chunk.
 *
 * What depends on the lengths is checked by oracle_mask_check. On success the caller frees `*rules`
 * with oracle_rules_free; on failure `*rules` is all zero. */
bool oracle_rules_parse(const char *text, struct oracle_rules *rules, char *err, size_t cap);

/* Releases what parse allocated and zeroes the struct. NULL and all-zero are accepted. */
void oracle_rules_free(struct oracle_rules *rules);

/* The composition of the rules for one cell, literally:
 * (((causal OR images OR prefix) AND ((window AND symmetric AND chunk) OR sink)) OR spans)
 *   AND segments AND klen AND kstart.
 * `p` is the query's absolute position (row + q_offset), `x` the key's (column + k_offset),
 * `column` its column; all >= 0. `entry` is the batch index (for a rule with one value it is not
 * used). */
bool oracle_rules_visible(const struct oracle_rules *rules, int64_t entry, int64_t p, int64_t x,
                          int64_t column);

/* The ALiBi slope of `head`: the given one, else the paper's for `n_heads` heads, computed in
 * double and rounded to f32. For a power of two n the slope is 2^(-8(h+1)/n); otherwise the first m
 * (the largest power of two below n) are those of m heads, the rest every other one of 2m heads,
 * beginning with the first (Press, Smith and Lewis, 2022, and their code). */
float oracle_alibi_slope(const struct oracle_rules *rules, int64_t head, int64_t n_heads);

/* ---- Masks ---------------------------------------------------------------------------------- */

/* One cell. If `masked` is false, `bias` is what it adds to the score and may be NaN or +inf; a
 * masked cell's bias is 0. */
struct oracle_cell {
    bool masked;
    double bias;
};

/* The meaning of one stored value: masked iff it is <= -1e30f (f32, bf16), <= -65504 (f16) or zero
 * (bool). NaN is not masked. -0.0 is 0. */
struct oracle_cell oracle_cell_from_value(enum oracle_dtype dtype, const void *data, int64_t index);

/* Rules, a tensor, both or neither (everything visible) over [n_batch, n_heads, q_len, k_len].
 * Keeps both pointers; they must outlive it. n_batch and n_heads are at least 1 (n_heads is Hq).
 * For q_offset = END put oracle_q_offset_end's answer here. */
struct oracle_mask {
    const struct oracle_rules *rules;
    const struct oracle_tensor *tensor;
    int64_t n_batch;
    int64_t n_heads;
    int64_t q_len;
    int64_t k_len;
    int64_t q_offset;
    int64_t k_offset;
};

/* k_offset + k_len - q_len; negative means that END is to be refused. */
int64_t oracle_q_offset_end(int64_t q_len, int64_t k_len, int64_t k_offset);

/* The checks that need lengths: lengths and counts >= 1, offsets >= 0, positions fit int64_t; per
 * rule either 1 or n_batch values; 1 <= klen <= k_len, kstart < klen (k_len where klen is absent);
 * segments add up to k_offset + k_len; as many slopes as heads; the tensor's rank 2 or 4, each
 * outer dimension 1 or the mask's, the last exactly k_len, innermost stride 1 (unless k_len is 1),
 * no negative stride. All functions below expect a mask that passes. */
bool oracle_mask_check(const struct oracle_mask *mask, char *err, size_t cap);

/* The cell at (batch, head, row, column), which must exist. A cell that the rules mask is masked
 * whatever the tensor holds; otherwise bias = ALiBi term (rounded to f32) + tensor value, summed in
 * double. */
struct oracle_cell oracle_mask_cell(const struct oracle_mask *mask, int64_t batch, int64_t head,
                                    int64_t row, int64_t column);

/* How many distinct planes the mask has along batch and heads: 1 where nothing depends on the
 * index, else n_batch and n_heads. The plane of (b, h) in [*batch_planes][*head_planes] is the one
 * that any (b, h) mapping to it shows. ALiBi makes no plane of its own. */
void oracle_mask_planes(const struct oracle_mask *mask, int64_t *batch_planes,
                        int64_t *head_planes);

/* ---- Tile classes --------------------------------------------------------------------------- */

enum { ORACLE_SKIP = 0, ORACLE_MIXED = 1, ORACLE_FULL = 2 };

struct oracle_counts {
    int64_t skip;
    int64_t mixed;
    int64_t full;
};

/* The class of tile (i, j) of BQ x BK cells, over the cells that exist; i and j within the grid.
 * SKIP: every cell masked; FULL: every cell visible and equal to 0.0, without ALiBi; else MIXED.
 * For rules and a tensor together this is the exact answer; a map may say MIXED for this SKIP. */
uint8_t oracle_tile_class(const struct oracle_mask *mask, int64_t batch, int64_t head, int64_t bq,
                          int64_t bk, int64_t i, int64_t j);

/* The whole plane: map[i * ceil(k_len/bk) + j], ceil(q_len/bq) * ceil(k_len/bk) bytes without
 * padding. `map` or `counts` may be NULL. Stops looking at a tile once it is known to be MIXED. */
void oracle_classify(const struct oracle_mask *mask, int64_t batch, int64_t head, int64_t bq,
                     int64_t bk, uint8_t *map, struct oracle_counts *counts);

/* The number of cells of the plane that are not masked (a bias, NaN or +inf counts as visible). */
int64_t oracle_visible_pairs(const struct oracle_mask *mask, int64_t batch, int64_t head);

/* ---- Attention ------------------------------------------------------------------------------ */

/* One call. Shapes: q [B,Hq,q_len,D], k [B,Hkv,k_len,D], v [B,Hkv,k_len,Dv], all rank 4, f32, f16
 * or bf16, of any mixture. `mask` may be NULL (everything visible); else its sizes are the
 * tensors'. `scale` is literal, 0 included: put oracle_default_scale(D) for the default. `softcap`
 * 0 is none. `sinks` is NULL or f32 [Hq]. `out_dtype` is the type in which the judged output is
 * stored. `row_step` n > 1 visits only rows 0, n, 2n, ... and the last; 0 and 1 visit all. Keeps
 * all pointers. */
struct oracle_problem {
    struct oracle_tensor q;
    struct oracle_tensor k;
    struct oracle_tensor v;
    const struct oracle_mask *mask;
    const float *sinks;
    float scale;
    float softcap;
    enum oracle_dtype out_dtype;
    int64_t row_step;
};

/* 1/sqrt(D) rounded to f32. */
float oracle_default_scale(int64_t head_dim);

/* Shapes, dtypes, mask (oracle_mask_check included), innermost strides, Hq a multiple of Hkv,
 * softcap finite and >= 0. Called by the functions below. */
bool oracle_problem_check(const struct oracle_problem *problem, char *err, size_t cap);

/* What kind of row the oracle found; decides how strictly an output is judged. */
enum oracle_row {
    ORACLE_ROW_UNVISITED, /* left out by row_step */
    ORACLE_ROW_NORMAL,
    ORACLE_ROW_EMPTY, /* no visible key, or visible scores all -inf: +0.0 throughout */
    ORACLE_ROW_NAN    /* NaN throughout, log-sum-exp too */
};

/* The result in double. `out` is [B][Hq][q_len][Dv] packed; `lse` [B][Hq][q_len] and `kinds`
 * (enum oracle_row as bytes, same shape) may be NULL. Rows not visited: `out` and `lse` are left
 * alone, kind UNVISITED.
 *
 * With y = softcap(scale * q.k) + bias over the row's visible cells (only those are looked at, so
 * what K and V hold elsewhere cannot matter):
 *  - a NaN or +inf sink makes all rows of its head NaN; a bias that is NaN or +inf, or a y that is
 *    NaN or +inf, makes the row NaN;
 *  - y = -inf contributes nothing;
 *  - if nothing contributes the row is +0.0, log-sum-exp the sink, or -inf without one;
 *  - else out = sum_j exp(y_j - m) v_j / (sum_j exp(y_j - m) + exp(sink - m)),
 *    lse = m + log(that sum), m the largest of y and the sink. -0.0 is given as +0.0.
 * V not finite at a visible key gives what IEEE arithmetic makes of it. */
bool oracle_attention(const struct oracle_problem *problem, double *out, double *lse,
                      uint8_t *kinds, char *err, size_t cap);

/* T, the textbook algorithm: everything in f32 and in ascending key order; the dot product
 * one product after another without fusing, times scale, softcap, plus ALiBi, plus tensor value;
 * row maximum (with the sink) subtracted; P = expf / sum; P.V; rounded to `out_dtype` and given
 * back as the f32 of that value. `lse` (may be NULL) is m + logf(sum). Same shapes, and the same
 * treatment of NaN, -inf and empty rows. */
bool oracle_textbook(const struct oracle_problem *problem, float *out, float *lse, char *err,
                     size_t cap);

/* ---- Judging an output ---------------------------------------------------------------------- */

/* O* and T of one problem, computed once and used to judge any number of outputs. It keeps no
 * pointer to the problem. Memory: 12 bytes an output element and 13 a row. */
struct oracle_reference {
    int64_t n_batch;
    int64_t n_heads;
    int64_t q_len;
    int64_t v_dim;
    enum oracle_dtype out_dtype;
    double *out;
    double *lse;
    uint8_t *kinds;
    float *textbook;
    float *textbook_lse;
};

bool oracle_reference_create(const struct oracle_problem *problem,
                             struct oracle_reference *reference, char *err, size_t cap);

/* Releases and zeroes. NULL and all-zero are accepted. */
void oracle_reference_free(struct oracle_reference *reference);

/* Why a report's ratio is infinite. */
enum oracle_fault {
    ORACLE_FAULT_NONE,
    ORACLE_FAULT_NAN,      /* NaN where O* has none, or none where it has */
    ORACLE_FAULT_NAN_BITS, /* a NaN that is not the canonical one */
    ORACLE_FAULT_EMPTY,    /* a row with nothing to see that is not +0.0; a log-sum-exp there that
                              is not -inf, or more than 1 ulp from the sink */
    ORACLE_FAULT_INFINITE, /* infinite where O* is finite, or not the infinity that O* is */
    ORACLE_FAULT_TEXTBOOK, /* T is not finite where O* is: f32 cannot compute this input, so the
                              bound says nothing */
    ORACLE_FAULT_MISMATCH  /* the output's shape or dtype is not the reference's */
};

/* "none", "nan mismatch", ... */
const char *oracle_fault_name(enum oracle_fault fault);

/* left = max|O - O*|, right = 2 max|T - O*| + u ulp(max|O*|), ratio = left / right;
 * the output is accurate iff ratio <= 1 and fault is NONE. u = 1 for f16 and bf16, 8 for f32.
 *
 * The maxima run over the elements of visited rows where O* is finite, NORMAL and EMPTY rows alike.
 * right is never 0, because ulp(0) is the smallest subnormal: an all-zero call passes with zeros
 * only. A fault sets ratio to +inf; then (b,h,i,d) is the first faulty element, otherwise the one
 * where |O - O*| is largest (the first such). left, right and the rest are still those of the
 * elements that could be compared. */
struct oracle_report {
    double ratio;
    double left;
    double right;
    double textbook_error; /* max|T - O*| */
    double largest;        /* max|O*| */
    double ulp;            /* of the output format at `largest` */
    enum oracle_fault fault;
    int64_t b, h, i, d;
    double got, want, textbook; /* O, O* and T there */
    int64_t rows;               /* compared */
    int64_t nan_rows;
    int64_t empty_rows;
};

/* Judges an output: rank 4 [B,Hq,q_len,Dv] of the reference's out_dtype, any strides. */
struct oracle_report oracle_judge(const struct oracle_reference *reference,
                                  const struct oracle_tensor *output);

/* Judges log-sum-exps, f32 [B][Hq][q_len] packed, by the same formula with u = 8 (d is 0): they
 * come from the same scores. The ulp is at least that of 1: what is off in a log-sum-exp is off in
 * proportion in the weights it merges, however near to 0 it lies. -inf, NaN and the sink of an
 * empty row must match as the faults say. Log-sum-exps of EMPTY rows take no part in the maxima. */
struct oracle_report oracle_judge_lse(const struct oracle_reference *reference, const float *lse);

/* "ratio 0.41 (left 1.2e-3, right 2.9e-3) at [b0 h3 i17 d5]: got .., want .., textbook .." in one
 * line, with the fault's name if there is one; cut to cap. */
void oracle_report_text(const struct oracle_report *report, char *text, size_t cap);

#endif
