/* Attention backward on vectors; attention_backward.c has the formulas.
 *
 * For each key-value head, chunks of rows meet tiles of 64 keys: p and ds of the chunk are kept, from which dq grows at once by
 * ds · K, and the tile's dk and dv by dsᵀ · q and pᵀ · dout.
 */
#include "attention_tiles_simd.h"

enum { backward_chunk_rows = 240 };

typedef struct {
    float *dq;
    const float *dout, *out, *lse, *q;
    ck_attention_shape shape;
    const ck_segment *segments;
    size_t segment_count;
    const ck_span *spans;
} backward_simd_call;

INLINE void multiply_panel(const int rows, const int vectors, float *c, size_t c_stride, const float *a, size_t a_row,
                           size_t a_step, const float *b, size_t b_stride, size_t steps, bool add) {
    V sum[six_rows][4];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = add ? v_load(c + (size_t)i * c_stride + j * LANES) : (V)(0);
    for (size_t l = 0; l < steps; l++) {
        V row[4];
        UNROLL for (int j = 0; j < vectors; j++) row[j] = v_load(b + l * b_stride + j * LANES);
        UNROLL for (int i = 0; i < rows; i++) {
            V factor = a[(size_t)i * a_row + l * a_step];
            UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = v_fma(factor, row[j], sum[i][j]);
        }
    }
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int j = 0; j < vectors; j++) v_store(c + (size_t)i * c_stride + j * LANES, sum[i][j]);
}

INLINE void multiply_columns(const int rows, float *c, size_t c_stride, const float *a, size_t a_row, size_t a_step,
                             const float *b, size_t b_stride, size_t columns, size_t steps, bool add) {
    size_t j = 0;
#if LANES == 16
    for (; j + 4 * LANES <= columns; j += 4 * LANES)
        multiply_panel(rows, 4, c + j, c_stride, a, a_row, a_step, b + j, b_stride, steps, add);
#endif
    for (; j + 2 * LANES <= columns; j += 2 * LANES)
        multiply_panel(rows, 2, c + j, c_stride, a, a_row, a_step, b + j, b_stride, steps, add);
    for (; j < columns; j += LANES)
        multiply_panel(rows, 1, c + j, c_stride, a, a_row, a_step, b + j, b_stride, steps, add);
}

/// c[rows, columns] (+)= a · b for one to six rows: element (i, l) of a lies at i · a_row + l · a_step; b is [steps, columns], and
/// columns a multiple of LANES.
static void multiply_rows(float *c, size_t c_stride, const float *a, size_t a_row, size_t a_step, const float *b,
                          size_t b_stride, size_t rows, size_t columns, size_t steps, bool add) {
    switch (rows) {
    case 1: multiply_columns(1, c, c_stride, a, a_row, a_step, b, b_stride, columns, steps, add); break;
    case 2: multiply_columns(2, c, c_stride, a, a_row, a_step, b, b_stride, columns, steps, add); break;
    case 3: multiply_columns(3, c, c_stride, a, a_row, a_step, b, b_stride, columns, steps, add); break;
    case 4: multiply_columns(4, c, c_stride, a, a_row, a_step, b, b_stride, columns, steps, add); break;
    case 5: multiply_columns(5, c, c_stride, a, a_row, a_step, b, b_stride, columns, steps, add); break;
    default: multiply_columns(6, c, c_stride, a, a_row, a_step, b, b_stride, columns, steps, add); break;
    }
}

static void add_to_rows(float *const *row, const float *from, size_t count, size_t d) {
    size_t padded = ck_padded(d);
    for (size_t key = 0; key < count; key++)
        for (size_t x = 0; row[key] && x < d; x += LANES)
            v_store_upto(row[key] + x, v_load_upto(row[key] + x, d - x) + v_load(from + key * padded + x), d - x);
}

static void attend_chunk_backward(const backward_simd_call *c, const ck_segment *segment, size_t kv_head, size_t begin, size_t end) {
    const ck_attention_shape *shape = &c->shape;
    size_t d = shape->head_size, padded = ck_padded(d), group = shape->heads / shape->kv_heads, rows = end - begin;
    key_tile tile;
    size_t floats = key_tile_floats(d) + 4 * tile_keys * padded + rows * (3 * padded + 2 * tile_keys + 2) + 64;
    float *memory = key_tile_place(&tile, ck_scratch(0, floats * sizeof(float)), d);
    float *v_transposed = memory, *k = v_transposed + padded * tile_keys, *dk = k + tile_keys * padded;
    float *dv = dk + tile_keys * padded, *q = dv + tile_keys * padded, *dout = q + rows * padded;
    float *dq = dout + rows * padded, *p = dq + rows * padded, *ds = p + rows * tile_keys;
    float *lse = ds + rows * tile_keys, *mean = lse + rows;
    memset(dq, 0, rows * padded * sizeof(float));
    for (size_t i = 0; i < rows; i++) {
        size_t row = segment->query_begin + (begin + i) / group, head = kv_head * group + (begin + i) % group;
        size_t at = row * shape->q_stride + head * d;
        V sum = 0;
        for (size_t x = 0; x < d; x += LANES) {
            V gradient = v_load_upto(c->dout + at + x, d - x);
            sum = v_fma(gradient, v_load_upto(c->out + at + x, d - x), sum);
            v_store(dout + i * padded + x, gradient);
            v_store(q + i * padded + x, v_load_upto(c->q + at + x, d - x));
        }
        mean[i] = v_sum(sum);
        lse[i] = c->lse[row * shape->heads + head];
    }

    size_t keys = ck_segment_keys(segment, c->spans), hidden = segment->causal ? segment->query_count - 1 : 0;
#define VISIBLE(row) ck_after(keys + (segment->causal ? (begin + (row)) / group : 0), hidden)
    size_t seen = VISIBLE(rows - 1);
    key_cursor cursor = {c->spans + segment->span_begin, 0, shape->kv_offset};
    for (size_t start = 0; start < seen; start += tile_keys) {
        tile.count = CK_MIN((size_t)tile_keys, seen - start);
        key_tile_fill(&tile, &cursor, shape->kv_stride, kv_head * d, d);
        transpose_rows(v_transposed, tile.v_row, tile.count, d);
        copy_rows(k, tile.k_row, tile.count, d);
        size_t first = 0; // the first row that sees any of the tile's keys, rounded down to a panel
        while (VISIBLE(CK_MIN(first + six_rows, rows) - 1) <= start) first += six_rows;
        for (size_t i = first; i < rows; i += six_rows) {
            size_t count = CK_MIN((size_t)six_rows, rows - i);
            multiply_rows(p + i * tile_keys, tile_keys, q + i * padded, padded, 1, tile.k_transposed, tile_keys, count, tile_keys, d, false);
            multiply_rows(ds + i * tile_keys, tile_keys, dout + i * padded, padded, 1, v_transposed, tile_keys, count, tile_keys, d, false);
            for (size_t e = i; e < i + count; e++) {
                VI visible = (VI)(int32_t)CK_MIN(ck_after(VISIBLE(e), start), (size_t)tile_keys);
                for (size_t x = 0; x < tile_keys; x += LANES) {
                    float *at = p + e * tile_keys + x, *to = ds + e * tile_keys + x;
                    V probability = v_exp(v_fma(v_load(at), (V)(shape->scale), (V)(-lse[e])));
                    probability = V_INDEX + (int32_t)x < visible ? probability : (V)(0);
                    v_store(at, probability);
                    v_store(to, shape->scale * probability * (v_load(to) - mean[e]));
                }
            }
            multiply_rows(dq + i * padded, padded, ds + i * tile_keys, tile_keys, 1, k, padded, count, padded, tile.count, true);
        }
        for (size_t key = 0; key < tile.count; key += six_rows) {
            size_t count = CK_MIN((size_t)six_rows, tile.count - key), at = first * tile_keys + key;
            multiply_rows(dk + key * padded, padded, ds + at, 1, tile_keys, q + first * padded, padded, count, padded, rows - first, false);
            multiply_rows(dv + key * padded, padded, p + at, 1, tile_keys, dout + first * padded, padded, count, padded, rows - first, false);
        }
        add_to_rows(tile.dk_row, dk, tile.count, d);
        add_to_rows(tile.dv_row, dv, tile.count, d);
    }
#undef VISIBLE
    for (size_t i = 0; i < rows; i++) {
        size_t row = segment->query_begin + (begin + i) / group, head = kv_head * group + (begin + i) % group;
        float *to[1] = {c->dq + row * shape->q_stride + head * d};
        add_to_rows(to, dq + i * padded, 1, d);
    }
}

static void attend_heads_backward(void *context, size_t begin, size_t end) {
    const backward_simd_call *c = context;
    size_t group = c->shape.heads / c->shape.kv_heads;
    for (size_t kv_head = begin; kv_head < end; kv_head++)
        for (size_t s = 0; s < c->segment_count; s++) {
            size_t rows = c->segments[s].query_count * group;
            for (size_t row = 0; row < rows; row += backward_chunk_rows)
                attend_chunk_backward(c, &c->segments[s], kv_head, row, CK_MIN(row + backward_chunk_rows, rows));
        }
}

void CK_VARIANT(ck_attention_backward)(float *dq, const float *dout, const float *out, const float *lse, const float *q,
                                       ck_attention_shape shape, const ck_segment *segments, size_t segment_count,
                                       const ck_span *spans) {
    backward_simd_call call = {dq, dout, out, lse, q, shape, segments, segment_count, spans};
    ck_parallel(shape.kv_heads, 1, &call, attend_heads_backward);
}
