/* Products of blocks' codes with x in 8 bits, on vectors; blocks.h has the formula, and its order, to which these keep.
 *
 * A vector's lane is a row of w. Four unsigned codes of each lane lie side by side, so that an instruction (VNNI) or a few multiply them
 * with four numbers of a row of x, the same for all lanes, and add the four products to the lane's sum:
 *
 *     for each span:  sums ← −zero · Σ x;  8 times: sums ← sums + codes · x;  y ← fma(sums, scales · x's scale, y);  offsets likewise
 *
 * The work is cut in groups of sixteen rows of w and in panels of rows of x. A group's codes stream from memory and are unpacked in
 * registers, a chunk at a time that stays in the first-level caches until all panels have met it. Where unpacking costs much and many panels share it,
 * a chunk of some groups is unpacked to memory once, `plain`, and stays in the second-level cache; each panel in turn meets all of them.
 */
#pragma once
#include "simd.h"

typedef uint32_t G32 __attribute__((ext_vector_type(group)));
typedef uint16_t G16 __attribute__((ext_vector_type(group)));
typedef int32_t GI __attribute__((ext_vector_type(group)));
typedef _Float16 GH __attribute__((ext_vector_type(group)));
typedef float GF __attribute__((ext_vector_type(group)));

enum { vectors = group / LANES, span_codes = span * group };
#if LANES == 16
enum { most_rows = 8, plain_groups = 8 };
#else
enum { most_rows = 4, plain_groups = 4 };
#endif
enum { chunk_spans = 64, ahead = 4096, plain_panels = 3 };

// Without VNNI, bytes are multiplied as 16-bit integers, even and odd ones apart, and x is kept so: two bytes a number. Codes below 64
// are multiplied in bytes: two to eight sums of two products fit 16 bits.
#ifdef CK_VNNI
#define WIDE_X(kind) false
#else
#define WIDE_X(kind) ((kind).together == 0)
#endif

/// Rows of a panel: as many as the registers have sums for. 16-bit integers take twice as many for the codes.
INLINE size_t panel_rows(const ck_block_kind kind) { return LANES == 8 && WIDE_X(kind) ? 2 : most_rows; }

/// Whether codes are worth unpacking once: those of five and six bits, and those of a table where they also become 16-bit integers.
INLINE bool costly_codes(const ck_block_kind kind) {
    const bool packed = kind.bytes - kind.head_bytes < kind.elements;
    return packed && (kind.together == 2 || kind.together == 4 || WIDE_X(kind));
}

/* ── for the formats' files ── */

INLINE G32 g_load(const uint8_t *p) {
    G32 v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void g_store_floats(float *p, GF v) { memcpy(p, &v, sizeof v); }

/// Pair `i` of the heads: an unsigned integer, or a float16.
INLINE G32 head_bits(const uint8_t *heads, size_t i) {
    G16 v;
    memcpy(&v, heads + i * sizeof v, sizeof v);
    return __builtin_convertvector(v, G32);
}

INLINE GF head_float(const uint8_t *heads, size_t i) {
    GH v;
    memcpy(&v, heads + i * sizeof v, sizeof v);
    return __builtin_convertvector(v, GF);
}

INLINE GF g_float(GI v) { return __builtin_convertvector(v, GF); }

/// The lower and upper halves of the bytes.
INLINE G32 low_halves(G32 v) { return v & 0x0f0f0f0f; }
INLINE G32 high_halves(G32 v) { return v >> 4 & 0x0f0f0f0f; }

/// Step `step` of a span of 16 bytes: elements 0 to 15 in the lower halves of the bytes, 16 to 31 in the upper.
INLINE G32 codes_in_halves(const uint8_t *stored, size_t step) {
    G32 v = g_load(stored + step % 4 * 64);
    return step < 4 ? low_halves(v) : high_halves(v);
}

/// 16 for each of the step's four elements whose bit is set, of 32 bits for a span.
INLINE G32 fifth_bits(G32 bits, size_t step) {
    // The factor puts four neighbouring bits into four bytes.
    return ((bits >> (uint32_t)(4 * step) & 15) * 0x00204081 & 0x01010101) << 4;
}

/// What a format's file has for this product, of one block of sixteen rows:
/// the codes of four elements of a span as unsigned bytes,
typedef G32 (*codes_of)(const uint8_t *stored, const uint8_t *heads, size_t of_block, size_t step);
/// and the scales [span][1 or 2][row] and offsets [span][row] of all its spans.
typedef void (*scales_of)(float *scale, float *offset, const uint8_t *heads);

/* ── x in panels: for each span `rows` times 32 numbers, then for each row two starts, the scale, and the scale times the sum ── */

INLINE size_t numbers_bytes(const ck_block_kind kind) { return WIDE_X(kind) ? 2 * span : span; }
INLINE size_t panel_span_bytes(const ck_block_kind kind, size_t rows) { return rows * (numbers_bytes(kind) + 4 * sizeof(float)); }

typedef struct {
    float *y;
    const float *x, *bias;
    ck_matrix w;
    size_t m, spans, panel_rows;
    char *panels;
} narrow_call;

INLINE void narrow_row(const ck_block_kind kind, const narrow_call *c, char *panel, size_t rows, size_t r, const float *x) {
    size_t k = c->w.columns;
    for (size_t s = 0; s < c->spans; s++, panel += panel_span_bytes(kind, rows)) {
        int8_t code[span];
        size_t at = CK_MIN(k, s * span);
        float scale = narrow(code, x + at, CK_MIN((size_t)span, k - at));
        int32_t half[2] = {0, 0};
        for (size_t e = 0; e < 16; e++) half[0] += code[e], half[1] += code[16 + e];
        int32_t all = half[0] + half[1];
        if (WIDE_X(kind)) {
            int16_t pairs[2 * (span / 2)];
            for (size_t e = 0; e < span; e += 4) {
                pairs[e] = code[e], pairs[e + 1] = code[e + 2];
                pairs[e + 2] = code[e + 1], pairs[e + 3] = code[e + 3];
            }
            memcpy(panel + r * sizeof pairs, pairs, sizeof pairs);
        } else {
            memcpy(panel + r * span, code, span);
        }
        char *rest = panel + rows * numbers_bytes(kind);
        int32_t start[2] = {-kind.zero * (kind.halves ? half[0] : all), -kind.zero * half[1]};
        float factors[2] = {scale, scale * (float)all};
        memcpy(rest + r * sizeof start, start, sizeof start);
        memcpy(rest + (rows * 2 + r) * 4, &factors[0], 4);
        memcpy(rest + (rows * 3 + r) * 4, &factors[1], 4);
    }
}

INLINE void narrow_rows(const ck_block_kind kind, const narrow_call *c, size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
        size_t panel = i / c->panel_rows * c->panel_rows, rows = CK_MIN(c->panel_rows, c->m - panel);
        narrow_row(kind, c, c->panels + panel * c->spans * panel_span_bytes(kind, 1), rows, i - panel, c->x + i * c->w.columns);
    }
}

/* ── one panel against one group ── */

INLINE VI vi_all(const char *p) {
    int32_t x;
    memcpy(&x, p, 4);
    return (VI)x;
}

INLINE V v_all(const char *p) {
    float x;
    memcpy(&x, p, 4);
    return (V)x;
}

#if LANES == 16
INLINE VI pairs_sums(VI a, VI b) { return (VI)_mm512_madd_epi16((__m512i)a, (__m512i)b); }
INLINE VI byte_pairs_sums(VI a, VI b) { return (VI)_mm512_maddubs_epi16((__m512i)a, (__m512i)b); }
INLINE VI add_16(VI a, VI b) { return (VI)_mm512_add_epi16((__m512i)a, (__m512i)b); }
#else
INLINE VI pairs_sums(VI a, VI b) { return (VI)_mm256_madd_epi16((__m256i)a, (__m256i)b); }
INLINE VI byte_pairs_sums(VI a, VI b) { return (VI)_mm256_maddubs_epi16((__m256i)a, (__m256i)b); }
INLINE VI add_16(VI a, VI b) { return (VI)_mm256_add_epi16((__m256i)a, (__m256i)b); }
#endif

/// A group of rows as a product reads it: blocks of codes and heads, or plain codes; scales [span][1 or 2][row], offsets [span][row].
typedef struct {
    const uint8_t *stored, *heads;
    const float *scale, *offset;
    const uint8_t *plain;
} group_of_w;

/// Codes of a group as vectors.
typedef union {
    G32 all;
    VI part[vectors];
} group_codes;

/// Even and odd bytes as 16-bit integers.
INLINE VI even_bytes(VI v) { return v & 0x00ff00ff; }
INLINE VI odd_bytes(VI v) { return (VI)((VU)v >> 8) & 0x00ff00ff; }

/// Plain codes: for each span and step the unsigned bytes of sixteen rows, or the even ones as 16-bit integers and then the odd ones.
INLINE size_t plain_step_bytes(const ck_block_kind kind) { return WIDE_X(kind) ? 8 * group : 4 * group; }

INLINE group_codes load_plain(const ck_block_kind kind, const group_of_w *w, size_t s, size_t step, size_t half) {
    return (group_codes){g_load(w->plain + (s * 8 + step) * plain_step_bytes(kind) + half * 4 * group)};
}

/// The codes of step `step` of span number `s`.
INLINE group_codes load_codes(const ck_block_kind kind, codes_of codes, const group_of_w *w, size_t s, size_t step) {
    const size_t spans = kind.elements / span, b = s / spans;
    return (group_codes){codes(w->stored + codes_at(kind, b), w->heads + b * kind.head_bytes * group, s % spans, step)};
}

/// Unpacks spans of a group.
INLINE void unpack_codes(const ck_block_kind kind, codes_of codes, const group_of_w *w, uint8_t *plain, size_t spans) {
    const size_t bytes = codes_at(kind, 1) / (kind.elements / span);
    for (size_t s = 0; s < spans; s++) {
        for (size_t line = 0; line < bytes; line += 64) __builtin_prefetch(w->stored + s * bytes + line + ahead, 0, 3);
        UNROLL for (size_t step = 0; step < 8; step++, plain += plain_step_bytes(kind)) {
            group_codes four = load_codes(kind, codes, w, s, step), odd;
            if (WIDE_X(kind)) {
                UNROLL for (int v = 0; v < vectors; v++) odd.part[v] = odd_bytes(four.part[v]), four.part[v] = even_bytes(four.part[v]);
                memcpy(plain + sizeof four, &odd, sizeof odd);
            }
            memcpy(plain, &four, sizeof four);
        }
    }
}

/// Steps [from, to) of span number `span_at`, four elements each, added to `sum` [rows][vectors].
INLINE void add_steps(const ck_block_kind kind, codes_of codes, const bool plain, const int rows, const char *x, const group_of_w *w, size_t span_at,
                      size_t from, size_t to, VI (*sum)[vectors]) {
#ifndef CK_VNNI
    VI pairs[most_rows][vectors];
#endif
    UNROLL for (size_t s = from; s < to; s++) {
        const group_codes four_codes = plain ? load_plain(kind, w, span_at, s, 0) : load_codes(kind, codes, w, span_at, s);
        UNROLL for (int r = 0; r < rows; r++) {
#ifdef CK_VNNI
            VI four = vi_all(x + r * span + s * 4);
            UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = vnni(sum[r][v], four_codes.part[v], four);
#else
            if (!WIDE_X(kind)) {
                VI four = vi_all(x + r * span + s * 4);
                UNROLL for (int v = 0; v < vectors; v++) {
                    VI two = byte_pairs_sums(four_codes.part[v], four);
                    pairs[r][v] = (s - from) % (size_t)kind.together == 0 ? two : add_16(pairs[r][v], two);
                    if ((s - from + 1) % (size_t)kind.together == 0 || s + 1 == to) sum[r][v] += pairs_sums(pairs[r][v], (VI)(0x00010001));
                }
            } else {
                VI x_even = vi_all(x + r * 2 * span + s * 8), x_odd = vi_all(x + r * 2 * span + s * 8 + 4);
                UNROLL for (int v = 0; v < vectors; v++) {
                    VI even = plain ? four_codes.part[v] : even_bytes(four_codes.part[v]);
                    VI odd = plain ? load_plain(kind, w, span_at, s, 1).part[v] : odd_bytes(four_codes.part[v]);
                    sum[r][v] += pairs_sums(even, x_even) + pairs_sums(odd, x_odd);
                }
            }
#endif
        }
    }
}

/// y[rows, vectors · LANES] of a panel goes on over `spans` spans.
INLINE void multiply(const ck_block_kind kind, codes_of codes, const bool plain, const int rows, const char *x, const group_of_w *w, size_t spans,
                     V (*y)[vectors]) {
    const size_t parts = kind.halves ? 2 : 1, bytes = codes_at(kind, 1) / (kind.elements / span);
    for (size_t s = 0; s < spans; s++) {
        const char *starts = x + (size_t)rows * numbers_bytes(kind), *factors = starts + rows * 8;
        if (!plain)
            for (size_t line = 0; line < bytes; line += 64) __builtin_prefetch(w->stored + s * bytes + line + ahead, 0, 3);
        UNROLL for (size_t part = 0; part < parts; part++) {
            VI sum[most_rows][vectors];
            UNROLL for (int r = 0; r < rows; r++)
                UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = vi_all(starts + r * 8 + part * 4);
            add_steps(kind, codes, plain, rows, x, w, s, part * 8 / parts, (part + 1) * 8 / parts, sum);
            UNROLL for (int v = 0; v < vectors; v++) {
                V scales = v_load(w->scale + (s * parts + part) * group + v * LANES);
                UNROLL for (int r = 0; r < rows; r++)
                    y[r][v] = v_fma(__builtin_convertvector(sum[r][v], V), scales * v_all(factors + r * 4), y[r][v]);
            }
        }
        if (kind.offsets)
            UNROLL for (int v = 0; v < vectors; v++) {
                V offsets = v_load(w->offset + s * group + v * LANES);
                UNROLL for (int r = 0; r < rows; r++) y[r][v] = v_fma(offsets, v_all(factors + (rows + r) * 4), y[r][v]);
            }
        x += panel_span_bytes(kind, (size_t)rows);
    }
}

/// One panel from row i on against the columns from j on, over the spans [from, from + spans). Until the last span y itself keeps the sums.
INLINE void panel_product(const ck_block_kind kind, codes_of codes, const bool plain, const int rows, const narrow_call *c, const group_of_w *w,
                          size_t i, size_t j, size_t from, size_t spans) {
    size_t n = c->w.rows, left = n - j;
    bool last = from + spans == c->spans;
    const char *x = c->panels + (i * c->spans + from * (size_t)rows) * panel_span_bytes(kind, 1);
    float *y = c->y + i * n + j;
    V sums[most_rows][vectors];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) {
            size_t at = (size_t)v * LANES;
            sums[r][v] = from == 0 || at >= left ? (V)(0) : v_load_upto(y + (size_t)r * n + at, left - at);
        }
    multiply(kind, codes, plain, rows, x, w, spans, sums);
    UNROLL for (int v = 0; v < vectors; v++) {
        size_t at = (size_t)v * LANES;
        if (at >= left) continue;
        V bias = last && c->bias ? v_load_upto(c->bias + j + at, left - at) : (V)(0);
        UNROLL for (int r = 0; r < rows; r++) {
            V sum = sums[r][v];
            if (last && c->bias) sum += bias;
            v_store_upto(y + (size_t)r * n + at, sum, left - at);
        }
    }
}

/// The same for a panel of however many rows it has.
INLINE void some_panel_product(const ck_block_kind kind, codes_of codes, const bool plain, const narrow_call *c, const group_of_w *w, size_t i,
                               size_t j, size_t from, size_t spans) {
    switch (CK_MIN(c->panel_rows, c->m - i)) {
    case 1: panel_product(kind, codes, plain, 1, c, w, i, j, from, spans); break;
    case 2: panel_product(kind, codes, plain, 2, c, w, i, j, from, spans); break;
    case 3: panel_product(kind, codes, plain, 3, c, w, i, j, from, spans); break;
    case 4: panel_product(kind, codes, plain, 4, c, w, i, j, from, spans); break;
#if LANES == 16
    case 5: panel_product(kind, codes, plain, 5, c, w, i, j, from, spans); break;
    case 6: panel_product(kind, codes, plain, 6, c, w, i, j, from, spans); break;
    case 7: panel_product(kind, codes, plain, 7, c, w, i, j, from, spans); break;
    case 8: panel_product(kind, codes, plain, 8, c, w, i, j, from, spans); break;
#endif
    }
}

/* ── all panels against groups ── */

/// The spans of sixteen rows as they are stored, from block `first` of all blocks on, with their scales written to memory.
INLINE group_of_w stored_group(const ck_block_kind kind, scales_of scales, ck_matrix w, size_t first, size_t blocks, float *scale,
                               float *offset) {
    const size_t spans = kind.elements / span, row = kind.halves ? 2 * group : group;
    const uint8_t *stored = (const uint8_t *)w.elements;
    group_of_w g = {.stored = stored + codes_at(kind, first), .heads = stored + heads_at(kind, w, first), .scale = scale, .offset = offset};
    for (size_t b = 0; b < blocks; b++) scales(scale + b * spans * row, offset + b * spans * group, g.heads + b * kind.head_bytes * group);
    return g;
}

/// Groups [begin, end) of rows of w, some of them at a time.
INLINE void narrow_groups(const ck_block_kind kind, codes_of codes, scales_of scales, const bool plain, const narrow_call *c, size_t begin,
                          size_t end) {
    const size_t blocks = row_blocks(kind, c->w.columns), of_block = kind.elements / span, most = plain ? plain_groups : 1;
    const size_t chunk = CK_MIN(c->spans, (size_t)chunk_spans), floats = 3 * chunk * group, bytes = chunk * 8 * plain_step_bytes(kind);
    float *scale = ck_scratch(6, most * floats * sizeof *scale);
    uint8_t *unpacked = plain ? ck_scratch(4, most * bytes) : NULL;
    for (size_t g = begin; g < end; g += most)
        for (size_t from = 0; from < c->spans; from += chunk) {
            size_t spans = CK_MIN(chunk, c->spans - from), count = CK_MIN(most, end - g);
            group_of_w w[plain_groups];
            for (size_t a = 0; a < count; a++) {
                float *own = scale + a * floats;
                w[a] = stored_group(kind, scales, c->w, (g + a) * blocks + from / of_block, spans / of_block, own, own + 2 * chunk * group);
                if (plain) unpack_codes(kind, codes, &w[a], unpacked + a * bytes, spans), w[a].plain = unpacked + a * bytes;
            }
            for (size_t i = 0; i < c->m; i += c->panel_rows)
                for (size_t a = 0; a < count; a++) some_panel_product(kind, codes, plain, c, &w[a], i, (g + a) * group, from, spans);
        }
}

/// x in panels, then pieces of w's groups.
INLINE void narrow_product(const ck_block_kind kind, narrow_call c, void (*rows)(void *, size_t, size_t),
                           void (*groups)(void *, size_t, size_t), void (*plain_pieces)(void *, size_t, size_t)) {
    if (c.m == 0 || c.w.rows == 0) return;
    const bool plain = costly_codes(kind) && c.m > plain_panels * most_rows;
    size_t panels = (c.m + panel_rows(kind) - 1) / panel_rows(kind);
    c.panel_rows = (c.m + panels - 1) / panels;
    c.spans = row_spans(kind, c.w.columns);
    c.panels = ck_scratch(5, c.m * c.spans * panel_span_bytes(kind, 1));
    ck_parallel(c.m, ck_grain(4 * c.w.columns), &c, rows);
    size_t count = (c.w.rows + group - 1) / group, cost = group * c.w.columns * CK_MAX(1, c.m / 2);
    if (plain) ck_parallel(count, plain_groups, &c, plain_pieces);
    else ck_parallel(count, 1 + 131072 / (cost + 1), &c, groups);
}

#define CK_NARROW_PRODUCT(id)                                                                                          \
    static void id##_rows(void *c, size_t begin, size_t end) { narrow_rows(CK_VARIANT(ck_kind_##id), c, begin, end); } \
    static void id##_groups(void *c, size_t begin, size_t end) {                                                       \
        narrow_groups(CK_VARIANT(ck_kind_##id), codes_##id, scales_##id, false, c, begin, end);                        \
    }                                                                                                                  \
    static void id##_plain_groups(void *c, size_t begin, size_t end) {                                                 \
        narrow_groups(CK_VARIANT(ck_kind_##id), codes_##id, scales_##id, true, c, begin, end);                         \
    }                                                                                                                  \
    void CK_VARIANT(ck_linear_narrow_##id)(float *y, const float *x, ck_matrix w, const float *bias, size_t m) {       \
        narrow_call c = {.y = y, .x = x, .bias = bias, .w = w, .m = m};                                                \
        narrow_product(CK_VARIANT(ck_kind_##id), c, id##_rows, id##_groups, id##_plain_groups);                        \
    }
