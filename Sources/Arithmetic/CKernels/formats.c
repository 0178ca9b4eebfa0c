/* The table of stored formats, and the functions that depend only on it: sizes, the regrouping of blocks, and the search for elements that are not finite. */
#include "blocks.h"

static const ck_format_facts facts[] = {
#define ROW(X, id, name, gguf, elements, bytes) [ck_format_##id] = {name, gguf, elements, bytes},
    CK_FORMATS(ROW, )
#undef ROW
};

const ck_format_facts *ck_facts(ck_format format) { return &facts[format]; }

bool ck_is_writable(ck_format format) {
#define ROW(X, id) || format == ck_format_##id
    return false CK_WRITABLE_FORMATS(ROW, );
#undef ROW
}

/// The kind of a format of blocks, NULL for floats.
static const ck_block_kind *const kinds[ck_format_count] = {
#define ROW(X, id, ...) [ck_format_##id] = &ck_kind_##id##_reference,
    CK_BLOCK_FORMATS(ROW, )
#undef ROW
};

size_t ck_row_bytes(ck_format format, size_t columns) {
    const ck_format_facts *f = &facts[format];
    return (columns + f->block_elements - 1) / f->block_elements * f->block_bytes;
}

size_t ck_matrix_bytes(ck_format format, size_t rows, size_t columns) {
    size_t whole = kinds[format] ? (rows + group - 1) / group * group : rows;
    return whole * ck_row_bytes(format, columns);
}

/* ── regrouping ── */

typedef struct {
    uint8_t *elements;
    ck_matrix w;
    const uint8_t *stored;
    size_t first, count;
} regrouping;

/// Groups [begin, end) of the rows from `first` on. Rows past the last are zeros.
static void regroup_groups(void *context, size_t begin, size_t end) {
    const regrouping *c = context;
    const ck_block_kind kind = *kinds[c->w.format];
    const size_t row_bytes = ck_row_bytes(c->w.format, c->w.columns), blocks = row_blocks(kind, c->w.columns);
    const uint32_t flip = 0x01010101u * kind.flip;
    static const uint8_t nothing[largest_bytes];
    for (size_t g = begin; g < end; g++)
        for (size_t b = 0; b < blocks; b++) {
            const size_t block = (c->first / group + g) * blocks + b;
            uint8_t *codes = c->elements + codes_at(kind, block), *heads = c->elements + heads_at(kind, c->w, block);
            const uint8_t *from[group];
            for (size_t lane = 0; lane < group; lane++) {
                size_t row = g * group + lane;
                from[lane] = row < c->count ? c->stored + row * row_bytes + b * kind.bytes : nothing;
            }
            for (size_t i = 0; i < kind.bytes - kind.head_bytes; i += 4) {
                size_t at = i + (i < kind.head ? 0 : kind.head_bytes);
                for (size_t lane = 0; lane < group; lane++) {
                    uint32_t four;
                    memcpy(&four, from[lane] + at, 4);
                    four ^= flip;
                    memcpy(codes + (i * group + lane * 4), &four, 4);
                }
            }
            for (size_t i = 0; i < kind.head_bytes; i += 2)
                for (size_t lane = 0; lane < group; lane++) memcpy(heads + (i * group + lane * 2), from[lane] + kind.head + i, 2);
        }
}

void ck_regroup(void *elements, ck_matrix w, const void *stored, size_t first, size_t count) {
    if (!kinds[w.format]) {
        size_t row_bytes = ck_row_bytes(w.format, w.columns);
        memcpy((uint8_t *)elements + first * row_bytes, stored, count * row_bytes);
        return;
    }
    regrouping call = {elements, w, stored, first, count};
    ck_parallel((count + group - 1) / group, ck_grain(group * w.columns), &call, regroup_groups);
}

/* ── finite elements ── */

enum { find_block = 4096 };

// A number whose exponent has all bits set is infinite or NaN.
#define FIND_FLOAT(id, word, exponent)                                                                                 \
    static size_t find_##id(const void *stored, size_t count) {                                                        \
        const word *x = stored;                                                                                        \
        for (size_t begin = 0; begin < count; begin += find_block) {                                                   \
            const size_t end = CK_MIN(begin + find_block, count);                                                      \
            word found = 0;                                                                                            \
            for (size_t i = begin; i < end; i++) found |= (x[i] & exponent) == exponent;                               \
            if (!found) continue;                                                                                      \
            for (size_t i = begin; i < end; i++)                                                                       \
                if ((x[i] & exponent) == exponent) return i;                                                           \
        }                                                                                                              \
        return count;                                                                                                  \
    }
FIND_FLOAT(f32, uint32_t, 0x7f800000)
FIND_FLOAT(f16, uint16_t, 0x7c00)
FIND_FLOAT(bf16, uint16_t, 0x7f80)

/// For blocks: the first element of the span whose scales or offset are not finite.
static size_t find_in_blocks(const ck_block_kind *kind, const uint8_t *stored, size_t count) {
    for (size_t e = 0; e < count; e += kind->elements, stored += kind->bytes) {
        ck_span_codes spans[largest_block / span] = {0};
        kind->read(spans, stored);
        for (size_t s = 0; s < kind->elements / span; s++)
            // Zero times a number that is not finite is not zero.
            if (spans[s].scale[0] * 0 != 0 || spans[s].scale[1] * 0 != 0 || spans[s].offset * 0 != 0) return e + s * span;
    }
    return count;
}

size_t ck_find_not_finite(ck_format format, const void *stored, size_t count) {
    if (kinds[format]) return find_in_blocks(kinds[format], stored, count);
#define ROW(X, id, ...)                                                                                                \
    if (format == ck_format_##id) return find_##id(stored, count);
    CK_FLOAT_FORMATS(ROW, )
#undef ROW
    return count;
}
