/* Attention over spans on vectors; attention.c has the formulas.
 *
 * The rows of a segment that share a key-value head (queries × heads of its group) meet the keys in tiles of 64, counted from the
 * segment's first key. A tile's keys are gathered transposed, its values as rows, unless they lie so already; up to six rows at a time
 * then compute
 *
 *     s = scale · q Kᵀ     m′ = max(m, max s)     p = exp(s − m′)     l ← l · exp(m − m′) + Σ p     o ← o · exp(m − m′) + p V
 *
 * and at the end out = o / l. Every sum over keys or head elements runs in ascending order, by tile, whatever rows or spans there are.
 */
#include "attention_pieces_simd.h"

enum { attention_block_rows = 96 };

typedef struct {
    float *out, *lse;
    const float *q;
    ck_attention_shape shape;
    const ck_segment *segments;
    size_t segment_count;
    const ck_span *spans;
    const size_t *first_task; // of each segment, and one past the last
} attention_simd_call;

/// What one block of rows carries from tile to tile.
typedef struct {
    float *q;       // [rows, d]
    float *o;       // [rows, padded]
    float *largest; // [rows]
    float *sum;     // [rows, LANES]
    float *p;       // [six_rows, tile_keys]
} attention_rows;

/// Turns a row's scores into p, in place, and returns the factor for what was summed before.
INLINE float soften(float *s, float scale, size_t visible, float *largest, float *sum) {
    V score[tile_keys / LANES], top = *largest;
    UNROLL for (size_t c = 0; c < tile_keys / LANES; c++) {
        V x = scale * v_load(s + c * LANES);
        if (visible < tile_keys) x = V_INDEX + (int32_t)(c * LANES) < (VI)(int32_t)visible ? x : (V)(-INFINITY);
        score[c] = x;
        top = v_max(top, x);
    }
    float now = v_largest(top), factor = now == *largest ? 1 : v_exp((V)(*largest - now))[0];
    V total = v_load(sum) * factor;
    UNROLL for (size_t c = 0; c < tile_keys / LANES; c++) {
        V p = v_exp(score[c] - now);
        v_store(s + c * LANES, p);
        total += p;
    }
    v_store(sum, total);
    *largest = now;
    return factor;
}

/// A row's products with the scales of the tile's keys, or of its values.
INLINE void scale_row(float *p, const float *scales) {
    UNROLL for (size_t c = 0; c < tile_keys; c += LANES) v_store(p + c, v_load(p + c) * v_load(scales + c));
}

static void attend_block(const attention_simd_call *c, const ck_segment *segment, size_t kv_head, size_t begin, size_t end) {
    const ck_attention_shape *shape = &c->shape;
    size_t d = shape->head_size, padded = ck_padded(d), group = shape->heads / shape->kv_heads, rows = end - begin;
    attention_rows r;
    key_tile tile;
    float *memory = ck_scratch(0, (key_tile_floats(d) + rows * (d + padded + 1 + LANES) + six_rows * tile_keys + 64) * 4);
    memory = key_tile_place(&tile, memory, d);
    r.o = memory;
    r.sum = r.o + rows * padded;
    r.p = r.sum + rows * LANES;
    r.q = r.p + six_rows * tile_keys;
    r.largest = r.q + rows * d;
    memset(r.o, 0, rows * padded * sizeof(float));
    memset(r.sum, 0, rows * LANES * sizeof(float));
    for (size_t i = 0; i < rows; i++) {
        size_t row = segment->query_begin + (begin + i) / group, head = kv_head * group + (begin + i) % group;
        memcpy(r.q + i * d, c->q + row * shape->q_stride + head * d, d * sizeof(float));
        r.largest[i] = -INFINITY;
    }

    size_t keys = ck_segment_keys(segment, c->spans), hidden = segment->causal ? segment->query_count - 1 : 0;
    // Query i sees the first keys − hidden + i keys where causal, all of them otherwise.
#define VISIBLE(row) ck_after(keys + (segment->causal ? (begin + (row)) / group : 0), hidden)
    size_t seen = VISIBLE(rows - 1);
    key_cursor cursor = {c->spans + segment->span_begin, 0, shape->kv_offset};
    bool narrow = seen > 0 && cursor.span->scales, in_place = seen > 0 && cursor.span->key_columns && padded == d;
    bool integers = narrow && in_place;
    for (size_t start = 0; start < seen; start += tile_keys) {
        tile.count = CK_MIN((size_t)tile_keys, seen - start);
        tile_piece piece[tile_keys];
        piece[0] = (tile_piece){.k = tile.k_transposed, .k_stride = tile_keys, .v = tile.v, .first = 0, .count = tile.count};
        size_t pieces = 1, v_stride = in_place ? shape->kv_stride : padded;
        if (in_place) pieces = tile_pieces(piece, &tile, &cursor, shape->kv_stride, kv_head, shape->kv_heads, d, integers);
        else if (narrow) key_tile_widen(&tile, &cursor, shape->kv_stride, kv_head, shape->kv_heads, d);
        else key_tile_fill(&tile, &cursor, shape->kv_stride, kv_head * d, d);
        key_column column[tile_keys];
        size_t columns = key_columns(column, piece, pieces, integers);
        for (size_t i = 0; i < rows; i += six_rows) {
            size_t count = CK_MIN((size_t)six_rows, rows - i);
            if (VISIBLE(i + count - 1) <= start) continue;
            // Scores of keys that do not exist are whatever they are: `soften` does not see them.
            score_rows(r.p, r.q + i * d, d, column, columns, count, integers);
            for (size_t e = 0; e < count; e++) {
                size_t visible = ck_after(VISIBLE(i + e), start);
                float *p = r.p + e * tile_keys;
                if (visible == 0) {
                    memset(p, 0, tile_keys * sizeof(float));
                    continue;
                }
                if (integers) scale_row(p, tile.k_scale);
                float factor = soften(p, shape->scale, visible, &r.largest[i + e], r.sum + (i + e) * LANES);
                if (integers) scale_row(p, tile.v_scale);
                if (factor != 1)
                    for (size_t x = 0; x < padded; x += LANES)
                        v_store(r.o + (i + e) * padded + x, v_load(r.o + (i + e) * padded + x) * factor);
            }
            value_rows(r.o + i * padded, padded, r.p, piece, pieces, v_stride, count, integers);
        }
    }
#undef VISIBLE
    for (size_t i = 0; i < rows; i++) {
        size_t row = segment->query_begin + (begin + i) / group, head = kv_head * group + (begin + i) % group;
        float sum = v_sum(v_load(r.sum + i * LANES)), inverse = sum > 0 ? 1 / sum : 0;
        float *out = c->out + row * shape->q_stride + head * d;
        for (size_t x = 0; x < d; x += LANES) v_store_upto(out + x, v_load(r.o + i * padded + x) * inverse, d - x);
        if (c->lse) c->lse[row * shape->heads + head] = r.largest[i] + logf(sum);
    }
}

/// A task: some of the rows of a segment that share a key-value head.
typedef struct {
    const ck_segment *segment;
    size_t kv_head, begin, end;
} attention_task;

/// Task number `task`, of segment *s or a later one, which *s then is.
INLINE attention_task task_at(const attention_simd_call *c, size_t task, size_t *s) {
    while (c->first_task[*s + 1] <= task) ++*s;
    size_t rows = c->segments[*s].query_count * (c->shape.heads / c->shape.kv_heads);
    size_t blocks = (rows + attention_block_rows - 1) / attention_block_rows, at = task - c->first_task[*s], block = at % blocks;
    return (attention_task){c->segments + *s, at / blocks, rows * block / blocks, rows * (block + 1) / blocks};
}

/// Fetches the first tile of a task's keys and values into the second-level cache: the sequences of a large batch come from memory.
INLINE void fetch_tile(const attention_simd_call *c, attention_task task) {
    size_t d = c->shape.head_size, stride = c->shape.kv_stride, keys = 0;
    const ck_span *span = c->spans + task.segment->span_begin, *end = span + task.segment->span_count;
    for (; span < end && span->key_columns && keys < tile_keys; keys += span++->count) {
        size_t size = span->scales ? 1 : sizeof(float), line = 64;
        const char *k = (const char *)(span->k + c->shape.kv_offset) + task.kv_head * d * span->key_columns * size;
        const char *v = (const char *)(span->v + c->shape.kv_offset) + task.kv_head * d * size;
        for (size_t x = 0; x < d * span->key_columns * size; x += line) __builtin_prefetch(k + x, 0, 2);
        for (size_t row = 0; row < span->count; row++)
            for (size_t x = 0; x < d * size; x += line) __builtin_prefetch(v + row * stride * size + x, 0, 2);
    }
}

static void attend_simd(void *context, size_t begin, size_t end) {
    const attention_simd_call *c = context;
    size_t s = 0;
    attention_task task = task_at(c, begin, &s);
    for (size_t t = begin; t < end; t++) {
        attention_task next = task;
        if (t + 1 < end) fetch_tile(c, next = task_at(c, t + 1, &s));
        attend_block(c, task.segment, task.kv_head, task.begin, task.end);
        task = next;
    }
}

void CK_VARIANT(ck_attention)(float *out, float *lse, const float *q, ck_attention_shape shape,
                              const ck_segment *segments, size_t segment_count, const ck_span *spans) {
    size_t *first = ck_scratch(3, (segment_count + 1) * sizeof *first), group = shape.heads / shape.kv_heads, tasks = 0, cost = 0;
    for (size_t s = 0; s < segment_count; s++) {
        size_t rows = segments[s].query_count * group;
        first[s] = tasks;
        tasks += (rows + attention_block_rows - 1) / attention_block_rows * shape.kv_heads;
        cost += (rows + 2) * shape.kv_heads * ck_segment_keys(&segments[s], spans) * shape.head_size;
    }
    first[segment_count] = tasks;
    attention_simd_call call = {out, lse, q, shape, segments, segment_count, spans, first};
    ck_parallel(tasks, 1 + 65536 * tasks / (cost + 1), &call, attend_simd);
}
