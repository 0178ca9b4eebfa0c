/* The part of attention that forward and backward share: tiles of keys. */
#pragma once
#include "attention.h"
#include "simd.h"

enum { tile_keys = 64, six_rows = 6 };

INLINE size_t ck_padded(size_t d) { return (d + LANES - 1) / LANES * LANES; }
INLINE size_t ck_after(size_t count, size_t taken) { return count > taken ? count - taken : 0; }

/// Where the next tile begins.
typedef struct {
    const ck_span *span;
    size_t row, kv_offset;
} key_cursor;

INLINE const ck_span *span_at(key_cursor *cursor) {
    while (cursor->row == cursor->span->count) *cursor = (key_cursor){cursor->span + 1, 0, cursor->kv_offset};
    return cursor->span;
}

/// Up to 64 keys and values of one key-value head. Columns past `count` and elements past the head's size are zero.
typedef struct {
    size_t count;
    const float *k_row[tile_keys], *v_row[tile_keys];
    float *dk_row[tile_keys], *dv_row[tile_keys];
    float *k_transposed; // [d, tile_keys]
    float *v;            // [tile_keys, padded d]
    float k_scale[tile_keys], v_scale[tile_keys]; // of a tile of 8 bits that is read where it lies
} key_tile;

INLINE size_t key_tile_floats(size_t d) { return tile_keys * 2 * ck_padded(d); }

INLINE float *key_tile_place(key_tile *tile, float *memory, size_t d) {
    tile->k_transposed = memory;
    tile->v = memory + tile_keys * ck_padded(d);
    return tile->v + tile_keys * ck_padded(d);
}

INLINE V interleave_low(V a, V b) {
#if LANES == 16
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
#else
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
#endif
}

INLINE V interleave_high(V a, V b) {
#if LANES == 16
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#else
    return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#endif
}

/// to[d, tile_keys] = the transposed rows, zero past `count`.
static void transpose_rows(float *to, const float *const *row, size_t count, size_t d) {
    for (size_t x = 0; x < d; x += LANES)
        for (size_t key = 0; key < tile_keys; key += LANES) {
            V a[LANES], b[LANES];
            if (key >= count) {
                for (size_t l = 0; l < CK_MIN((size_t)LANES, d - x); l++) v_store(to + (x + l) * tile_keys + key, (V)(0));
                continue;
            }
            UNROLL for (size_t l = 0; l < LANES; l++)
                a[l] = key + l < count ? v_load_upto(row[key + l] + x, d - x) : (V)(0);
            // Interleaving row i with row i + LANES/2 rotates the bits of every element's address by one; log₂ LANES times transposes.
            UNROLL for (int stage = LANES; stage > 1; stage /= 2) {
                UNROLL for (size_t l = 0; l < LANES / 2; l++) {
                    b[2 * l] = interleave_low(a[l], a[l + LANES / 2]);
                    b[2 * l + 1] = interleave_high(a[l], a[l + LANES / 2]);
                }
                UNROLL for (size_t l = 0; l < LANES; l++) a[l] = b[l];
            }
            UNROLL for (size_t l = 0; l < LANES; l++)
                if (x + l < d) v_store(to + (x + l) * tile_keys + key, a[l]);
        }
}

static void copy_rows(float *to, const float *const *row, size_t count, size_t d) {
    size_t padded = ck_padded(d);
    for (size_t key = 0; key < count; key++)
        for (size_t x = 0; x < d; x += LANES) v_store(to + key * padded + x, v_load_upto(row[key] + x, d - x));
}

/// Widens the next `tile->count` keys and values of 8 bits. Columns past `count` are whatever they are.
static void key_tile_widen(key_tile *tile, key_cursor *cursor, size_t stride, size_t head, size_t heads, size_t d) {
    size_t padded = ck_padded(d), offset = head * d;
    for (size_t key = 0; key < tile->count;) {
        const ck_span *span = span_at(cursor);
        size_t count = CK_MIN(span->count - cursor->row, tile->count - key), columns = span->key_columns;
        const int8_t *k = (const int8_t *)(span->k + cursor->kv_offset) + offset * columns + cursor->row;
        const int8_t *v = (const int8_t *)(span->v + cursor->kv_offset) + cursor->row * stride + offset;
        const float *k_scale = span->scales + cursor->kv_offset + head * columns + cursor->row, *v_scale = k_scale + heads * columns;
        for (size_t e = 0; e < d; e++) {
            float *to = tile->k_transposed + e * tile_keys + key;
            if (count == 16)
                for (size_t i = 0; i < 16; i++) to[i] = k_scale[i] * k[e * columns + i];
            else
                for (size_t i = 0; i < count; i++) to[i] = k_scale[i] * k[e * columns + i];
        }
        for (size_t i = 0; i < count; i++) {
            float *to = tile->v + (key + i) * padded;
            for (size_t e = 0; e < d; e++) to[e] = v_scale[i] * v[i * stride + e];
            for (size_t e = d; e < padded; e++) to[e] = 0;
        }
        cursor->row += count;
        key += count;
    }
}

/// Gathers the next `tile->count` keys and values.
static void key_tile_fill(key_tile *tile, key_cursor *cursor, size_t stride, size_t offset, size_t d) {
    for (size_t key = 0; key < tile->count; key++) {
        const ck_span *span = span_at(cursor);
        size_t at = cursor->kv_offset + cursor->row++ * stride + offset;
        tile->k_row[key] = span->k + at;
        tile->v_row[key] = span->v + at;
        // Rows of one head lie far apart, where the CPU does not look ahead by itself: the next tile's are fetched meanwhile.
        if (cursor->row + tile_keys <= span->count)
            for (size_t x = 0; x < d; x += 16) {
                __builtin_prefetch(span->k + at + tile_keys * stride + x, 0, 2);
                __builtin_prefetch(span->v + at + tile_keys * stride + x, 0, 2);
            }
        if (span->key_columns)
            for (size_t e = 0; e < d; e++)
                tile->k_transposed[e * tile_keys + key] = span->k[cursor->kv_offset + (offset + e) * span->key_columns + cursor->row - 1];
        tile->dk_row[key] = span->dk ? span->dk + at : NULL;
        tile->dv_row[key] = span->dv ? span->dv + at : NULL;
    }
    if (!cursor->span->key_columns) transpose_rows(tile->k_transposed, tile->k_row, tile->count, d);
    copy_rows(tile->v, tile->v_row, tile->count, d);
}
