/* What the files in formats/ share. In a format of blocks the elements of a row are integers, `codes`, with common scales:
 *
 *     w[e] = scale[e / 16] · code[e] + offset     for each span of 32 elements e
 *
 * A format's file says how a block of the file is read as such spans, which defines the format; with CK_BLOCK_FORMAT it gets
 *   ck_widen_<id>          the elements in float32
 *   ck_linear_<id>         products with the widened weights, 64 rows of w at a time
 *   ck_linear_narrow_<id>  products of the codes with x in 8 bits, summed over spans
 *                              y ← fma(Σ code · x, scale · x's scale, y),  then y ← fma(offset, x's scale · Σ x, y)
 * The sums of a span are integers, so the last is the same bits on every CPU. Below is its reference; linear_blocks_simd.h is its
 * fast twin, for which the format's file also says how the codes and scales of sixteen rows are read.
 */
#pragma once
#include "kernels.h"

#include <math.h>

enum { span = 32, group = 16, exact_rows = 64 };

/// A span of a row: w[e] = scale[e / 16] · code[e] + offset.
typedef struct {
    int8_t code[span];
    float scale[2];
    float offset;
} ck_span_codes;

/// What a format's blocks hold and how they are regrouped: bytes [head, head + head_bytes) are scales and the like, of which sixteen rows
/// lie side by side in pairs; the other bytes, mostly codes, lie in fours.
typedef struct {
    size_t elements, bytes, head, head_bytes;
    uint8_t flip; // bits of the regrouped codes that are turned over
    int zero;     // unpacked codes are unsigned: the codes of the format + zero
    bool halves;  // there is a scale for each 16 elements
    bool offsets; // offsets are not all zero
    int together; // steps of four codes whose products fit 16 bits together: 8 for codes below 16, 4 below 32, 2 below 64, 0 for others
    /// Reads a block of a file as elements / span spans.
    void (*read)(ck_span_codes *to, const uint8_t *block);
} ck_block_kind;

/// The kinds of all formats of blocks, by the references.
#define CK_DECLARE_KIND(X, id, ...) extern const ck_block_kind ck_kind_##id##_reference;
CK_BLOCK_FORMATS(CK_DECLARE_KIND, )

#define INLINED static inline __attribute__((always_inline))

INLINED uint16_t ck_u16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }

/// Blocks of a row, and spans of that many blocks.
INLINED size_t row_blocks(const ck_block_kind kind, size_t columns) { return (columns + kind.elements - 1) / kind.elements; }
INLINED size_t row_spans(const ck_block_kind kind, size_t columns) { return row_blocks(kind, columns) * (kind.elements / span); }

/// The offset of block `block` of sixteen rows, counted over all groups: its codes. The heads follow all codes.
INLINED size_t codes_at(const ck_block_kind kind, size_t block) { return block * (kind.bytes - kind.head_bytes) * group; }
INLINED size_t heads_at(const ck_block_kind kind, ck_matrix w, size_t block) {
    size_t blocks = (w.rows + group - 1) / group * row_blocks(kind, w.columns);
    return codes_at(kind, blocks) + block * kind.head_bytes * group;
}

/// Block `b` of a row as a file has it.
INLINED void fetch_block(uint8_t *to, const ck_block_kind kind, ck_matrix w, size_t row, size_t b) {
    size_t block = row / group * row_blocks(kind, w.columns) + b, lane = row % group, rest = kind.bytes - kind.head_bytes;
    const uint8_t *codes = (const uint8_t *)w.elements + codes_at(kind, block) + lane * 4;
    const uint8_t *heads = (const uint8_t *)w.elements + heads_at(kind, w, block) + lane * 2;
    const uint32_t flip = 0x01010101u * kind.flip;
    for (size_t i = 0; i < rest; i += 4) {
        uint32_t four;
        memcpy(&four, codes + i * group, 4);
        four ^= flip;
        memcpy(to + i + (i < kind.head ? 0 : kind.head_bytes), &four, 4);
    }
    for (size_t i = 0; i < kind.head_bytes; i += 2) memcpy(to + kind.head + i, heads + i * group, 2);
}

typedef struct {
    float *y;
    const float *x, *bias;
    ck_matrix w;
    size_t m, first;
    const struct narrow_span *narrow;
} block_call;

enum { largest_block = 256, largest_bytes = 256 };

/// Sizes as the table has them.
#define CK_SIZES(X, id, name, gguf, elements, bytes) table_elements_##id = elements, table_bytes_##id = bytes,
enum { CK_BLOCK_FORMATS(CK_SIZES, ) };

/// The table's sizes fit the blocks here, and are the sum of a block's parts that the format's file adds up, those of GGML's struct.
#define CK_CHECK_SIZES(id)                                                                                             \
    _Static_assert(table_bytes_##id == id##_bytes, "the table's bytes of a block are not those of its parts");         \
    _Static_assert(table_bytes_##id <= largest_bytes && table_elements_##id <= largest_block, "a block is too large"); \
    _Static_assert(table_elements_##id % span == 0, "a block is not whole spans");

INLINED void widen_rows(const ck_block_kind kind, const block_call *c, size_t begin, size_t end) {
    size_t k = c->w.columns, blocks = row_blocks(kind, k);
    for (size_t i = begin; i < end; i++)
        for (size_t b = 0; b < blocks; b++) {
            uint8_t block[largest_bytes];
            ck_span_codes spans[largest_block / span];
            fetch_block(block, kind, c->w, c->first + i, b);
            kind.read(spans, block);
            float *y = c->y + i * k + b * kind.elements, wide[largest_block];
            size_t count = CK_MIN(kind.elements, k - b * kind.elements);
            for (size_t e = 0; e < kind.elements; e++) {
                const ck_span_codes *s = &spans[e / span];
                wide[e] = s->scale[e % span / 16] * (float)s->code[e % span];
                if (kind.offsets) wide[e] += s->offset;
            }
            memcpy(y, wide, count * sizeof *y);
        }
}

extern __typeof__(ck_linear_f32) CK_VARIANT(ck_linear_f32);

/// Rows of w from begin · exact_rows on.
INLINED void exact_columns(const ck_block_kind kind, const block_call *c, size_t begin, size_t end) {
    size_t n = c->w.rows, k = c->w.columns;
    float *wide = ck_scratch(3, exact_rows * k * sizeof *wide), *part = ck_scratch(4, c->m * exact_rows * sizeof *part);
    for (size_t j = begin * exact_rows; j < CK_MIN(n, end * exact_rows); j += exact_rows) {
        size_t columns = CK_MIN(n - j, (size_t)exact_rows);
        widen_rows(kind, &(block_call){.y = wide, .w = c->w, .first = j}, 0, columns);
        ck_matrix w = {ck_format_f32, wide, columns, k};
        CK_VARIANT(ck_linear_f32)(part, c->x, w, c->bias ? c->bias + j : NULL, c->m);
        for (size_t i = 0; i < c->m; i++) memcpy(c->y + i * n + j, part + i * columns, columns * sizeof *part);
    }
}

typedef struct {
    uint8_t *stored;
    const float *x;
    size_t columns;
} encode_call;

INLINED void encode_rows(size_t bytes, void (*encode)(uint8_t *block, const float *x), const encode_call *c, size_t begin, size_t end) {
    size_t blocks = (c->columns + span - 1) / span;
    for (size_t i = begin; i < end; i++)
        for (size_t b = 0; b < blocks; b++) {
            float x[span] = {0};
            memcpy(x, c->x + i * c->columns + b * span, CK_MIN((size_t)span, c->columns - b * span) * sizeof *x);
            encode(c->stored + (i * blocks + b) * bytes, x);
        }
}

/// 32 elements of a row of x in 8 bits: x[e] ≈ scale · code[e].
typedef struct narrow_span {
    int8_t code[span];
    float scale;
} narrow_span;

/// Rounds `count` elements, others count as zero, by their largest magnitude: to nearest, even in ties. Where one is infinite or not a
/// number the scale is.
INLINED float narrow(int8_t *code, const float *x, size_t count) {
    float whole[span] = {0};
    if (count < span) {
        memcpy(whole, x, count * sizeof *x);
        x = whole;
    }
    uint32_t largest = 0; // magnitudes order as their bits do, with NaN above all
    for (size_t e = 0; e < span; e++) {
        uint32_t magnitude = ck_bits_of_float(x[e]) & 0x7fffffff;
        largest = CK_MAX(largest, magnitude);
    }
    float scale = ck_float_of_bits(largest) / 127, inverse = largest > 0 ? 127 / ck_float_of_bits(largest) : 0;
    // Adding 1.5 · 2^23 leaves the integer in the sum's last bits.
    for (size_t e = 0; e < span; e++) code[e] = (int8_t)ck_bits_of_float(x[e] * inverse + 0x1.8p23f);
    return scale;
}

#ifdef LANES
#include "linear_blocks_simd.h"
#else

INLINED int dot(const int8_t *a, const int8_t *b, size_t count) {
    int sum = 0;
    for (size_t e = 0; e < count; e++) sum += a[e] * b[e];
    return sum;
}

INLINED int total(const int8_t *a) {
    int sum = 0;
    for (size_t e = 0; e < span; e++) sum += a[e];
    return sum;
}

INLINED void narrow_columns(const ck_block_kind kind, const block_call *c, size_t begin, size_t end) {
    size_t n = c->w.rows, k = c->w.columns, blocks = row_blocks(kind, k), spans = row_spans(kind, k);
    ck_span_codes *w = ck_scratch(3, spans * sizeof *w);
    for (size_t j = begin; j < end; j++) {
        for (size_t b = 0; b < blocks; b++) {
            uint8_t block[largest_bytes];
            fetch_block(block, kind, c->w, j, b);
            kind.read(w + b * (kind.elements / span), block);
        }
        for (size_t i = 0; i < c->m; i++) {
            const narrow_span *x = c->narrow + i * spans;
            float sum = 0;
            for (size_t s = 0; s < spans; s++) {
                const ck_span_codes *from = &w[s];
                size_t part = kind.halves ? 16 : span;
                for (size_t e = 0; e < span; e += part)
                    sum = fmaf((float)dot(from->code + e, x[s].code + e, part), from->scale[e / 16] * x[s].scale, sum);
                if (kind.offsets) sum = fmaf(from->offset, x[s].scale * (float)total(x[s].code), sum);
            }
            c->y[i * n + j] = c->bias ? sum + c->bias[j] : sum;
        }
    }
}

INLINED void narrow_product(const ck_block_kind kind, block_call c, void (*columns)(void *, size_t, size_t)) {
    size_t k = c.w.columns, spans = row_spans(kind, k);
    narrow_span *x = ck_scratch(5, c.m * spans * sizeof *x);
    for (size_t i = 0; i < c.m; i++)
        for (size_t s = 0; s < spans; s++) {
            size_t at = CK_MIN(k, s * span);
            x[i * spans + s].scale = narrow(x[i * spans + s].code, c.x + i * k + at, CK_MIN((size_t)span, k - at));
        }
    c.narrow = x;
    ck_parallel(c.w.rows, ck_grain(c.m * k), &c, columns);
}
#define CK_NARROW_PRODUCT(id)                                                                                    \
    static void id##_narrow_columns(void *c, size_t begin, size_t end) { narrow_columns(CK_VARIANT(ck_kind_##id), c, begin, end); } \
    void CK_VARIANT(ck_linear_narrow_##id)(float *y, const float *x, ck_matrix w, const float *bias, size_t m) {       \
        narrow_product(CK_VARIANT(ck_kind_##id), (block_call){.y = y, .x = x, .bias = bias, .w = w, .m = m}, id##_narrow_columns);         \
    }
#endif

#define CK_WIDE_OPERATIONS(id)                                                                                   \
    static void id##_widen(void *c, size_t begin, size_t end) { widen_rows(CK_VARIANT(ck_kind_##id), c, begin, end); } \
    static void id##_exact(void *c, size_t begin, size_t end) { exact_columns(CK_VARIANT(ck_kind_##id), c, begin, end); } \
    void CK_VARIANT(ck_widen_##id)(float *y, ck_matrix w, size_t first, size_t count) {                                \
        ck_parallel(count, ck_grain(4 * w.columns), &(block_call){.y = y, .w = w, .first = first}, id##_widen);        \
    }                                                                                                                  \
    void CK_VARIANT(ck_linear_##id)(float *y, const float *x, ck_matrix w, const float *bias, size_t m) {              \
        block_call c = {.y = y, .x = x, .bias = bias, .w = w, .m = m};                                                 \
        ck_parallel((w.rows + exact_rows - 1) / exact_rows, 1, &c, id##_exact);                                        \
    }

/// ck_encode_<id>, by encode_<id>, which writes a block of `span` elements.
#define CK_ENCODE(id)                                                                                                  \
    static void id##_encode(void *c, size_t begin, size_t end) { encode_rows(id##_bytes, encode_##id, c, begin, end); } \
    void CK_VARIANT(ck_encode_##id)(void *stored, const float *x, size_t rows, size_t columns) {                       \
        ck_parallel(rows, ck_grain(4 * columns), &(encode_call){stored, x, columns}, id##_encode);                     \
    }

#ifdef CK_VNNI
#define CK_BLOCK_FORMAT(id) CK_CHECK_SIZES(id) CK_NARROW_PRODUCT(id)
#else
#define CK_BLOCK_FORMAT(id) CK_CHECK_SIZES(id) CK_NARROW_PRODUCT(id) CK_WIDE_OPERATIONS(id)
#endif
