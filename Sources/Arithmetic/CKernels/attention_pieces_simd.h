/* Attention's products of a few rows with a tile of keys that lies in pieces. */
#pragma once
#include "attention_tiles_simd.h"

/// Keys of a tile that lie together as columns, and their values as rows: floats, or int8_t where the tile is narrow.
typedef struct {
    const void *k, *v;
    size_t k_stride;
    size_t first, count; // in the tile
} tile_piece;

/// LANES elements from number `i` on.
INLINE V load_lanes(const void *elements, size_t i, const bool narrow) {
    return narrow ? v_load_int8((const int8_t *)elements + i) : v_load((const float *)elements + i);
}

/// Element number `i`.
INLINE const void *element_at(const void *elements, size_t i, const bool narrow) {
    return (const char *)elements + i * (narrow ? 1 : sizeof(float));
}

/// The next `tile->count` keys and values of a head where they lie, for keys that are columns already; returns how many pieces they make. Of a narrow
/// tile the scales of keys and of values are gathered, zero past `count`.
static size_t tile_pieces(tile_piece *piece, key_tile *tile, key_cursor *cursor, size_t stride, size_t head, size_t heads, size_t d, bool narrow) {
    size_t pieces = 0, offset = head * d;
    if (narrow) memset(tile->k_scale, 0, sizeof tile->k_scale), memset(tile->v_scale, 0, sizeof tile->v_scale);
    for (size_t key = 0; key < tile->count;) {
        const ck_span *span = span_at(cursor);
        size_t count = CK_MIN(span->count - cursor->row, tile->count - key);
        piece[pieces++] = (tile_piece){
            .k = element_at(span->k + cursor->kv_offset, offset * span->key_columns + cursor->row, narrow), .k_stride = span->key_columns,
            .v = element_at(span->v + cursor->kv_offset, cursor->row * stride + offset, narrow), .first = key, .count = count,
        };
        if (narrow) {
            const float *scales = span->scales + cursor->kv_offset + head * span->key_columns + cursor->row;
            memcpy(tile->k_scale + key, scales, count * sizeof(float));
            memcpy(tile->v_scale + key, scales + heads * span->key_columns, count * sizeof(float));
        }
        cursor->row += count;
        key += count;
    }
    return pieces;
}

/// LANES keys of a piece, the first of them number `first` of the tile: their first elements lie at `at`, the next ones `stride` further.
typedef struct {
    const void *at;
    size_t stride, first;
} key_column;

/// The columns of all pieces; returns how many.
static size_t key_columns(key_column *column, const tile_piece *piece, size_t pieces, bool narrow) {
    size_t columns = 0;
    for (const tile_piece *t = piece; t < piece + pieces; t++)
        for (size_t x = 0; x < t->count; x += LANES) column[columns++] = (key_column){element_at(t->k, x, narrow), t->k_stride, t->first + x};
    return columns;
}

INLINE void score_panel(const int rows, const int columns, float *p, const float *q, size_t d, const key_column *column, const bool narrow) {
    V sum[six_rows][4];
    const void *at[4];
    UNROLL for (int j = 0; j < columns; j++) at[j] = column[j].at;
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < columns; j++) sum[i][j] = (V)(0);
    for (size_t l = 0; l < d; l++) {
        V key[4];
        UNROLL for (int j = 0; j < columns; j++) {
            key[j] = load_lanes(at[j], 0, narrow);
            at[j] = element_at(at[j], column[j].stride, narrow);
        }
        UNROLL for (int i = 0; i < rows; i++) {
            V factor = q[(size_t)i * d + l];
            UNROLL for (int j = 0; j < columns; j++) sum[i][j] = v_fma(factor, key[j], sum[i][j]);
        }
    }
    // What lies past the end of one piece is overwritten by the next.
    UNROLL for (int j = 0; j < columns; j++)
        UNROLL for (int i = 0; i < rows; i++) v_store(p + (size_t)i * tile_keys + column[j].first, sum[i][j]);
}

INLINE void score_columns(const int rows, float *p, const float *q, size_t d, const key_column *column, size_t columns, const bool narrow) {
    size_t j = 0;
#if LANES == 16
    for (; j + 4 <= columns; j += 4) score_panel(rows, 4, p, q, d, column + j, narrow);
    if (j + 3 == columns) return score_panel(rows, 3, p, q, d, column + j, narrow);
#endif
    for (; j + 2 <= columns; j += 2) score_panel(rows, 2, p, q, d, column + j, narrow);
    if (j < columns) score_panel(rows, 1, p, q, d, column + j, narrow);
}

INLINE void score_some(float *p, const float *q, size_t d, const key_column *column, size_t columns, size_t rows, const bool narrow) {
    switch (rows) {
    case 1: score_columns(1, p, q, d, column, columns, narrow); break;
    case 2: score_columns(2, p, q, d, column, columns, narrow); break;
    case 3: score_columns(3, p, q, d, column, columns, narrow); break;
    case 4: score_columns(4, p, q, d, column, columns, narrow); break;
    case 5: score_columns(5, p, q, d, column, columns, narrow); break;
    default: score_columns(6, p, q, d, column, columns, narrow); break;
    }
}

/// p [rows, tile_keys] = q Kᵀ for one to six rows of q [rows, d], without the scales of a narrow tile's keys. Columns of keys that do not exist are
/// whatever they are.
static void score_rows(float *p, const float *q, size_t d, const key_column *column, size_t columns, size_t rows, bool narrow) {
    if (narrow) score_some(p, q, d, column, columns, rows, true);
    else score_some(p, q, d, column, columns, rows, false);
}

INLINE void value_panel(const int rows, const int vectors, float *o, size_t padded, const float *p, const tile_piece *piece, size_t pieces,
                        size_t v_stride, size_t x, const bool narrow) {
    V sum[six_rows][4];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = v_load(o + (size_t)i * padded + j * LANES);
    for (const tile_piece *t = piece; t < piece + pieces; t++) {
        const float *factors = p + t->first;
        for (size_t key = 0; key < t->count; key++) {
            V row[4];
            UNROLL for (int j = 0; j < vectors; j++) row[j] = load_lanes(t->v, key * v_stride + x + j * LANES, narrow);
            UNROLL for (int i = 0; i < rows; i++) {
                V factor = factors[(size_t)i * tile_keys + key];
                UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = v_fma(factor, row[j], sum[i][j]);
            }
        }
    }
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < vectors; j++) v_store(o + (size_t)i * padded + j * LANES, sum[i][j]);
}

INLINE void value_columns(const int rows, float *o, size_t padded, const float *p, const tile_piece *piece, size_t pieces, size_t v_stride,
                          const bool narrow) {
    size_t x = 0;
#if LANES == 16
    for (; x + 4 * LANES <= padded; x += 4 * LANES) value_panel(rows, 4, o + x, padded, p, piece, pieces, v_stride, x, narrow);
#endif
    for (; x + 2 * LANES <= padded; x += 2 * LANES) value_panel(rows, 2, o + x, padded, p, piece, pieces, v_stride, x, narrow);
    for (; x < padded; x += LANES) value_panel(rows, 1, o + x, padded, p, piece, pieces, v_stride, x, narrow);
}

INLINE void value_some(float *o, size_t padded, const float *p, const tile_piece *piece, size_t pieces, size_t v_stride, size_t rows,
                       const bool narrow) {
    switch (rows) {
    case 1: value_columns(1, o, padded, p, piece, pieces, v_stride, narrow); break;
    case 2: value_columns(2, o, padded, p, piece, pieces, v_stride, narrow); break;
    case 3: value_columns(3, o, padded, p, piece, pieces, v_stride, narrow); break;
    case 4: value_columns(4, o, padded, p, piece, pieces, v_stride, narrow); break;
    case 5: value_columns(5, o, padded, p, piece, pieces, v_stride, narrow); break;
    default: value_columns(6, o, padded, p, piece, pieces, v_stride, narrow); break;
    }
}

/// o [rows, padded] += p V for one to six rows of p [rows, tile_keys], multiplied with the scales of a narrow tile's values already.
static void value_rows(float *o, size_t padded, const float *p, const tile_piece *piece, size_t pieces, size_t v_stride, size_t rows, bool narrow) {
    if (narrow) value_some(o, padded, p, piece, pieces, v_stride, rows, true);
    else value_some(o, padded, p, piece, pieces, v_stride, rows, false);
}
