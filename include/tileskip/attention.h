/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The tileskip authors */
#ifndef TILESKIP_ATTENTION_H
#define TILESKIP_ATTENTION_H

#include "compute.h"

/* Masked attention: mask, tile map, plan, attention.
 *
 *     rules, tensor ──> mask ──> tile map ──────┐
 *                         └────> plan ──> encode(plan, encoder, tensors, map?) ──> submit, wait
 *
 *     S[b,h,i,j] = scale · Q[b,h,i,:] · K[b,g,j,:]  (→ softcap)  + mask[i,j]
 *     O[b,h,i,:] = sum over j of softmax_j(S[b,h,i,j]) · V[b,g,j,:]
 *     with g = h / (n_heads / n_kv_heads)
 *
 * after Dao et al., "FlashAttention-2", arXiv:2307.08691 (online softmax over key tiles) and
 * Press et al., "Train Short, Test Long", arXiv:2108.12409 (ALiBi slopes).
 *
 * A tile map gives every BQ × BK tile of the mask one byte. Attention leaves out the tiles marked
 * SKIP, and does no mask work on those marked FULL. The output is the same, byte for byte, with the
 * map and without it, on any number of threads, provided V is finite at every present key.
 *
 * What it does not do: gradients, dropout, quantised or paged K and V. */

#ifdef __cplusplus
extern "C" {
#endif

/* ---- mask rules ---------------------------------------------------------------------------- */

/* Half-open range of positions [start, end), 0 <= start < end. */
typedef struct tskip_span {
    int64_t start, end;
} tskip_span;

typedef struct tskip_span_list {
    const tskip_span *spans; /* not overlapping, in any order */
    size_t n_spans;
} tskip_span_list;

typedef struct tskip_length_list {
    const int64_t *lengths; /* each >= 1 */
    size_t n_lengths;
} tskip_length_list;

/* A mask described without a tensor. Query row r stands at position p = r + q_offset, key column k
 * at x = k + k_offset. A cell is visible iff
 *
 *   (((causal OR images OR prefix) AND ((window AND symmetric AND chunk) OR sink)) OR spans)
 *       AND segments AND klen AND kstart
 *
 * A rule left at zero is absent and limits nothing; without `causal` every cell starts visible.
 * Lists marked "per entry" hold one item for all batch entries, or one for each. */
typedef struct tskip_rules {
    bool causal;       /* x <= p */
    int64_t window;    /* p - x < window: the newest keys, self included */
    int64_t symmetric; /* |p - x| <= symmetric / 2, rounded down */
    int64_t chunk;     /* x >= floor(p / chunk) · chunk */
    int64_t prefix;    /* x < prefix is seen by earlier queries too; needs causal */
    int64_t sink;      /* x < sink is seen whatever window, symmetric and chunk say */

    const tskip_span_list *images; /* per entry: p and x in one span, in the window; needs causal */
    size_t n_images;
    const tskip_span_list *spans; /* per entry: the same, whatever window, symmetric, chunk say */
    size_t n_spans;
    const tskip_length_list *segments; /* per entry: packed sequences; add up to k_offset + k_len */
    size_t n_segments;
    const int64_t *klen; /* per entry: columns from klen on are absent; 1 <= klen <= k_len */
    size_t n_klen;
    const int64_t *kstart; /* per entry: columns below are absent; 0 <= kstart < klen */
    size_t n_kstart;

    bool alibi;          /* adds -slope[head] · |p - x| to visible scores */
    const float *slopes; /* one a head, finite, at least 0; NULL: the paper's for that head count */
    size_t n_slopes;
} tskip_rules;

/* Reads rules from text, e.g. "causal,window=1024,images=100:380+900:1180" or
 * "causal,klen=900/1024" (values of batch entries separated by '/'). *out is one allocation, the
 * caller's to destroy. Errors: INVALID_ARGUMENT names the rule, the value, its place in the text
 * and what was expected (for an unknown rule, the nearest known one); OUT_OF_MEMORY. Thread-safety:
 * any thread. The result is plain data. */
TSKIP_API tskip_status tskip_rules_parse(const char *text, tskip_rules **out);

TSKIP_API void tskip_rules_destroy(tskip_rules **rules);

/* Writes the canonical text of `rules` and a final zero to `text`, cut off at `capacity` bytes
 * (text may be NULL if that is 0), and its full length without the zero to *length. What
 * tskip_rules_parse makes of the text is equal to `rules`. Errors: INVALID_ARGUMENT for rules that
 * no mask can have. */
TSKIP_API tskip_status tskip_rules_format(const tskip_rules *rules, char *text, size_t capacity,
                                          size_t *length);

/* ---- mask ---------------------------------------------------------------------------------- */

/* A mask tensor, [q, k] (rank 2) or [1|B, 1|Hq, 1|q, k] (rank 4); other ranks are refused. A
 * dimension of size 1 or stride 0 is a broadcast; the innermost stride is 1. F32, F16 and BF16
 * cells are added to the scaled scores in natural-log units, and at or below -1e30 (F16: -65504)
 * they mask; BOOL cells attend where they are not zero. rank 0: no tensor. */
typedef struct tskip_mask_tensor {
    tskip_buffer *buffer;
    uint64_t offset; /* bytes, a multiple of the element size */
    tskip_dtype dtype;
    uint32_t rank;
    int64_t shape[4];
    int64_t strides[4]; /* elements; all zero: contiguous */
} tskip_mask_tensor;

/* Rules, a tensor, or both: then a cell must be visible under both, and the tensor's bias is
 * added. */
typedef struct tskip_mask_desc {
    const char *rules;              /* the grammar; NULL: none; "": every key is visible */
    const tskip_rules *rule_values; /* the same as a struct; one of the two at most */
    tskip_mask_tensor tensor;
    uint32_t n_heads; /* needed by alibi only; 0: taken from its slopes */
} tskip_mask_desc;

/* A mask on a device: its rules' spans, segments, key limits and slopes lie there, its tensor's
 * buffer is kept alive. Independent of lengths and offsets. Thread-safety: read-only, may be
 * shared. */
typedef struct tskip_mask tskip_mask;

/* Errors: INVALID_ARGUMENT (rules and tensor both missing; rules that contradict, are malformed or
 * a likely mistake, such as images without causal; a list or a buffer whose count or rank is 0; a
 * tensor that does not fit its buffer: bytes needed and given are named),
 * UNSUPPORTED (a rank, a dtype), OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_mask_create(tskip_device *device, const tskip_mask_desc *desc,
                                         tskip_mask **out);

TSKIP_API void tskip_mask_destroy(tskip_mask **mask);

/* q_offset such that the last query stands at the last key: k_offset + k_len - q_len
 * (bottom-right). Refused where that is negative. */
#define TSKIP_OFFSET_END INT64_MIN

/* The plane over which a mask is laid. */
typedef struct tskip_extent {
    uint32_t batch;       /* 0: 1 */
    uint32_t n_heads;     /* query heads; 0: 1 */
    int64_t q_len, k_len; /* 1 … 2^40 */
    int64_t q_offset; /* keys that came before the first query row, 0 … 2^59, or TSKIP_OFFSET_END */
    int64_t k_offset; /* keys that a sliding cache has dropped, 0 … 2^59 */
} tskip_extent;

/* Adds the commands that write the mask as an additive tensor: 0, the bias, or -inf. `out` names a
 * buffer, dtype F32, F16 or BF16 (BOOL: 1 and 0), rank, shape and strides; batch or heads that the
 * mask does not depend on may have size 1. alibi fills F32 only. Mask and buffer must live until
 * the encoder has been waited for. Errors: INVALID_ARGUMENT (sizes that do not fit the extent or
 * the buffer), UNSUPPORTED, those of tskip_kernel_get, OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_mask_fill_encode(const tskip_mask *mask, const tskip_extent *extent,
                                              const tskip_mask_tensor *out, tskip_encoder *encoder);

/* Counts the visible pairs (cells that are not masked), summed over the distinct planes of the
 * mask, whose number goes to *planes: batch · n_heads / planes heads share each. For rules a step a
 * query row on the calling thread, for a tensor a scan on the device (returns when done). planes
 * may be NULL. Errors: INVALID_ARGUMENT (an extent that the mask does not fit, counts past 64
 * bits), those of tskip_kernel_get, OUT_OF_MEMORY, DEVICE_LOST. */
TSKIP_API tskip_status tskip_mask_count_pairs(const tskip_mask *mask, const tskip_extent *extent,
                                              uint64_t *pairs, uint32_t *planes);

/* ---- tile map ------------------------------------------------------------------------------ */

/* The byte of a tile, over the cells of it that exist. */
typedef enum tskip_tile_class {
    TSKIP_TILE_SKIP = 0,  /* every cell is masked */
    TSKIP_TILE_MIXED = 1, /* neither */
    TSKIP_TILE_FULL = 2,  /* every cell is attended without a bias */
} tskip_tile_class;

typedef struct tskip_tile {
    uint32_t bq, bk; /* query rows and key columns, >= 1 */
} tskip_tile;

typedef struct tskip_tile_map_desc {
    const tskip_mask *mask;
    tskip_extent extent;
    tskip_tile tile; /* tskip_plan_get_info tells the one that a plan wants */
} tskip_tile_map_desc;

typedef struct tskip_tile_map_info {
    tskip_extent extent; /* with q_offset resolved */
    tskip_tile tile;
    uint32_t nq, nk;       /* tiles down and across */
    uint32_t planes_batch; /* 1, or the batch */
    uint32_t planes_head;  /* 1, or n_heads */
    uint64_t size; /* bytes of the map: planes · nq · nk, padded to a multiple of 32, at least 32 */
} tskip_tile_map_info;

/* A tile map: bytes [planes][nq][nk] on a device, bound to what it was built from (lengths,
 * offsets, tile, planes, rules by value or the tensor's buffer, offset, shape, strides, dtype).
 * Build it once, use it for every head and every layer that has the same mask. That the tensor's
 * *contents* stay the same is the caller's duty. Thread-safety: read-only once built. */
typedef struct tskip_tile_map tskip_tile_map;

/* Allocates a map; its bytes are undefined until the encoded commands have run. Keeps the mask
 * alive. Errors: INVALID_ARGUMENT (an extent that the mask does not fit), UNSUPPORTED (more planes
 * than the device's grid), those of tskip_kernel_get, OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_tile_map_create(const tskip_tile_map_desc *desc, tskip_tile_map **out);

/* Adds the commands that (re)build the map: closed form for rules, one pass over a tensor. Follow
 * with a barrier before attention reads it in the same encoder. The map must live until the encoder
 * has been waited for. Errors: INVALID_ARGUMENT (a map from bytes, an encoder after submit or of
 * another device), OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_tile_map_encode(tskip_tile_map *map, tskip_encoder *encoder);

/* Creates and builds; returns when done. Errors: those of create and encode, DEVICE_LOST. */
TSKIP_API tskip_status tskip_tile_map_build(const tskip_tile_map_desc *desc, tskip_tile_map **out);

/* A map from bytes of the caller's, [planes_batch · planes_head][nq][nk], values 0, 1, 2.
 * desc->mask may be NULL: the map then fits every mask of that geometry, and that it tells the
 * truth is the caller's duty. planes_* as in tskip_tile_map_info; `size` at least
 * planes · nq · nk. Errors: INVALID_ARGUMENT (planes, size, a byte above 2, a mask of another
 * device), OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_tile_map_from_bytes(tskip_device *device,
                                                 const tskip_tile_map_desc *desc,
                                                 uint32_t planes_batch, uint32_t planes_head,
                                                 const uint8_t *bytes, size_t size,
                                                 tskip_tile_map **out);

TSKIP_API void tskip_tile_map_destroy(tskip_tile_map **map);

/* Lifetime: the map's. NULL for NULL. */
TSKIP_API const tskip_tile_map_info *tskip_tile_map_get_info(const tskip_tile_map *map);

/* Copies planes · nq · nk bytes to the host. Errors: INVALID_ARGUMENT (capacity too small),
 * DEVICE_LOST. */
TSKIP_API tskip_status tskip_tile_map_read(const tskip_tile_map *map, uint8_t *bytes,
                                           size_t capacity);

typedef struct tskip_tile_counts {
    uint64_t skip, mixed, full;
} tskip_tile_counts;

/* Counts the classes over all planes. Errors: INVALID_ARGUMENT (a map that was not built),
 * OUT_OF_MEMORY, DEVICE_LOST. */
TSKIP_API tskip_status tskip_tile_map_count(const tskip_tile_map *map, tskip_tile_counts *counts);

/* Draws a plane as an RGB picture of width × height pixels (row-major, 3 bytes each, `rgb` of
 * width · height · 3): key tiles go right, query tiles down. With fewer pixels than tiles a pixel
 * is the average colour of its tiles. Colours: SKIP pale grey, MIXED orange, FULL blue. Errors:
 * as for count, and INVALID_ARGUMENT (no such plane, no pixels, capacity too small). */
TSKIP_API tskip_status tskip_tile_map_draw(const tskip_tile_map *map, uint32_t plane,
                                           uint32_t width, uint32_t height, uint8_t *rgb,
                                           size_t capacity);

/* ---- plan ---------------------------------------------------------------------------------- */

/* Strides of a [batch, head, row, dim] tensor in elements; the innermost is 1. All zero: contiguous
 * in that order. [B, L, H, D] is {L·H·D, D, H·D}. Inputs may repeat memory (stride 0), the output
 * not. */
typedef struct tskip_strides {
    int64_t batch, head, row;
} tskip_strides;

typedef struct tskip_attention_desc {
    tskip_extent extent;    /* n_heads: query heads */
    uint32_t n_kv_heads;    /* divides n_heads; 0: n_heads */
    uint32_t head_dim;      /* of Q and K, 1 … 512; on CUDA a multiple of 8 */
    uint32_t head_dim_v;    /* of V and O; 0: head_dim */
    tskip_dtype dtype;      /* of Q, K and V */
    tskip_dtype out_dtype;  /* of O: dtype or F32; NONE: dtype */
    float scale;            /* 0: 1 / sqrt(head_dim); in natural units, without log2(e) */
    float softcap;          /* c > 0: scores become c·tanh(score / c) before the mask; 0: none */
    bool sinks;             /* one extra logit a head, given at encode */
    bool lse;               /* log-sum-exp a row is wanted */
    bool no_skip;           /* visit every tile: for comparison; the output is the same */
    bool unaligned;         /* Q, K and V may begin anywhere. Else at multiples of 16 bytes of the
                             * device's memory, which Hopper's kernels need */
    const tskip_mask *mask; /* NULL: every key is visible. Kept alive by the plan */
    tskip_tile tile;        /* 0 × 0: the device's best; others must be one the kernels have */
    tskip_strides q, k, v, o;
} tskip_attention_desc;

/* What to launch for one problem: every choice is made here, once. Holds no device memory.
 * Thread-safety: read-only, may be shared by threads and encoders. */
typedef struct tskip_plan tskip_plan;

/* What a plan settled on. */
typedef struct tskip_plan_info {
    tskip_attention_desc desc; /* zeros replaced by the values in use; mask as given */
    tskip_tile tile;           /* the tile that a map for this plan must have */
    bool uses_map;             /* false: no mask, or no_skip */
    uint64_t workspace_size;   /* bytes for map, counters, order and parts; may be 0 */
    uint64_t group_memory;     /* scratch bytes a CPU thread, or shared memory a GPU group */
} tskip_plan_info;

/* Checks the whole problem and picks kernels. The only place where arguments are checked; encode
 * checks buffers alone. Errors: INVALID_ARGUMENT, UNSUPPORTED (dtype, head size or tile: those that
 * exist are listed), KERNEL_NOT_FOUND, COMPILATION_FAILED, OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_plan_create(tskip_device *device, const tskip_attention_desc *desc,
                                         tskip_plan **out);

TSKIP_API void tskip_plan_destroy(tskip_plan **plan);

/* Lifetime: the plan's. NULL for NULL. */
TSKIP_API const tskip_plan_info *tskip_plan_get_info(const tskip_plan *plan);

/* One line for people: the kernel that was chosen and for what, e.g.
 * "attention[bf16 d256 bq32 bk64 mask=rules map=1] on cpu:avx2".
 * Lifetime: the plan's; "" for NULL. */
TSKIP_API const char *tskip_plan_describe(const tskip_plan *plan);

/* ---- attention ----------------------------------------------------------------------------- */

/* Where a tensor starts. */
typedef struct tskip_slice {
    tskip_buffer *buffer;
    uint64_t offset; /* bytes; where it starts in memory is a multiple of the element size */
} tskip_slice;

typedef struct tskip_attention_tensors {
    tskip_slice q;         /* [batch, n_heads, q_len, head_dim] by the plan's strides */
    tskip_slice k, v;      /* [batch, n_kv_heads, k_len, head_dim or head_dim_v] */
    tskip_slice o;         /* [batch, n_heads, q_len, head_dim_v]; overlaps no input */
    tskip_slice lse;       /* F32 [batch, n_heads, q_len], contiguous; only if the plan has lse */
    tskip_slice sinks;     /* F32 [n_heads]; only if the plan has sinks */
    tskip_slice workspace; /* workspace_size bytes, 64-byte aligned; one an encoder in flight */
    const tskip_tile_map *map; /* NULL: built in the workspace first, if the plan uses one;
                                  NULL it must be if the plan has no mask */
} tskip_attention_tensors;

/* Adds the commands of one attention: the map (unless given), the order of the work, the kernel,
 * with the barriers between them and one before the workspace is rewritten, so that attentions
 * that do not depend on each other may follow each other with one workspace. Tensors, workspace,
 * map and mask must live until the encoder has been waited for; the plan need not. Allocates
 * nothing unless the encoder's list is longer than ever before.
 * Errors: INVALID_ARGUMENT (a buffer missing, given though the plan has no use for it, misplaced,
 * too small (bytes needed and given) or of another device, Q, K or V at no multiple of 16 bytes
 * where the plan is not `unaligned` and its kernel minds, a map of another geometry or mask: what
 * differs is named), OUT_OF_MEMORY. */
TSKIP_API tskip_status tskip_attention_encode(const tskip_plan *plan, tskip_encoder *encoder,
                                              const tskip_attention_tensors *tensors);

/* Plan, workspace, encode, submit and wait in one call; tensors->workspace is ignored. Errors:
 * those of tskip_plan_create and tskip_attention_encode, DEVICE_LOST. */
TSKIP_API tskip_status tskip_attention_run(tskip_device *device, const tskip_attention_desc *desc,
                                           const tskip_attention_tensors *tensors);

#ifdef __cplusplus
}
#endif

#endif
