/* Attention over spans, for reference. For every query row i and head:
 *
 *     s[j] = scale · q[i]·k[j]     lse = log Σ_j exp s[j]     out[i] = Σ_j exp(s[j] − lse) v[j]
 *
 * Keys are counted from the first of the segment's first span; where one span ends and the next begins changes nothing.
 */
#include "attention.h"

#include <math.h>

typedef struct {
    float *out, *lse;
    const float *q;
    ck_attention_shape shape;
    const ck_segment *segments;
    size_t segment_count;
    const ck_span *spans;
} attention_call;

/// Element e of key number i of a key-value head whose elements begin at `offset`.
static float key_at(const ck_attention_shape *shape, const ck_span *span, size_t offset, size_t i, size_t e) {
    if (!span->key_columns) return span->k[shape->kv_offset + i * shape->kv_stride + offset + e];
    size_t at = (offset + e) * span->key_columns + i;
    if (!span->scales) return span->k[shape->kv_offset + at];
    float scale = span->scales[shape->kv_offset + offset / shape->head_size * span->key_columns + i];
    return scale * ((const int8_t *)(span->k + shape->kv_offset))[at];
}

static float value_at(const ck_attention_shape *shape, const ck_span *span, size_t offset, size_t i, size_t e) {
    size_t at = i * shape->kv_stride + offset + e;
    if (!span->scales) return span->v[shape->kv_offset + at];
    float scale = span->scales[shape->kv_offset + (shape->kv_heads + offset / shape->head_size) * span->key_columns + i];
    return scale * ((const int8_t *)(span->v + shape->kv_offset))[at];
}

static void attend(const attention_call *c, const ck_segment *segment, size_t query, size_t head) {
    const ck_attention_shape *shape = &c->shape;
    size_t d = shape->head_size, row = segment->query_begin + query;
    size_t offset = head / (shape->heads / shape->kv_heads) * d;
    const float *q = c->q + row * shape->q_stride + head * d;
    float *out = c->out + row * shape->q_stride + head * d;
    size_t keys = ck_visible_keys(segment, c->spans, query);
    float *score = ck_scratch(0, (keys + 1) * sizeof *score);

    float largest = -INFINITY;
    size_t j = 0;
    for (const ck_span *span = c->spans + segment->span_begin; j < keys; span++)
        for (size_t r = 0; r < span->count && j < keys; r++, j++) {
            float lanes[8] = {0};
            for (size_t e = 0; e < d; e += 8)
                for (size_t l = 0; l < 8; l++) lanes[l] += q[e + l] * key_at(shape, span, offset, r, e + l);
            float sum = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
            score[j] = shape->scale * sum;
            largest = CK_MAX(largest, score[j]);
        }
    float total = 0;
    for (j = 0; j < keys; j++) total += score[j] = expf(score[j] - largest);

    float sum[256] = {0};
    j = 0;
    for (const ck_span *span = c->spans + segment->span_begin; j < keys; span++)
        for (size_t r = 0; r < span->count && j < keys; r++, j++)
            for (size_t e = 0; e < d; e++) sum[e] += score[j] * value_at(shape, span, offset, r, e);
    for (size_t e = 0; e < d; e++) out[e] = keys ? sum[e] / total : 0;
    if (c->lse) c->lse[row * shape->heads + head] = keys ? largest + logf(total) : -INFINITY;
}

static void attend_rows(void *context, size_t begin, size_t end) {
    const attention_call *c = context;
    size_t first = 0; // index of the segment's first row and head
    for (size_t s = 0; s < c->segment_count && first < end; s++) {
        size_t count = c->segments[s].query_count * c->shape.heads;
        for (size_t i = CK_MAX(begin, first); i < CK_MIN(end, first + count); i++)
            attend(c, &c->segments[s], (i - first) / c->shape.heads, (i - first) % c->shape.heads);
        first += count;
    }
}

void CK_VARIANT(ck_attention)(float *out, float *lse, const float *q, ck_attention_shape shape, const ck_segment *segments,
                  size_t segment_count, const ck_span *spans) {
    size_t rows = 0;
    for (size_t s = 0; s < segment_count; s++) rows += segments[s].query_count * shape.heads;
    attention_call call = {out, lse, q, shape, segments, segment_count, spans};
    ck_parallel(rows, 4, &call, attend_rows);
}
