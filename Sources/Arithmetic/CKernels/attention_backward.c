/* Attention backward, for reference. With p[j] = exp(scale · q·k[j] − lse) and D = dout·out, for every query row and head:
 *
 *     dv[j] += p[j] dout     ds[j] = p[j] (dout·v[j] − D)     dq += scale Σ_j ds[j] k[j]     dk[j] += scale ds[j] q
 *
 * Key-value heads run in parallel, so that no two threads add to the same row of dk or dv.
 */
#include "attention.h"

#include <math.h>

typedef struct {
    float *dq;
    const float *dout, *out, *lse, *q;
    ck_attention_shape shape;
    const ck_segment *segments;
    size_t segment_count;
    const ck_span *spans;
} backward_call;

static float dot(const float *a, const float *b, size_t count) {
    float lanes[8] = {0};
    for (size_t i = 0; i < count; i += 8)
        for (size_t l = 0; l < 8; l++) lanes[l] += a[i + l] * b[i + l];
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

static void attend_backward(const backward_call *c, const ck_segment *segment, size_t query, size_t head) {
    const ck_attention_shape *shape = &c->shape;
    size_t d = shape->head_size, row = segment->query_begin + query, at = row * shape->q_stride + head * d;
    size_t offset = head / (shape->heads / shape->kv_heads) * d;
    const float *q = c->q + at, *dout = c->dout + at;
    float *dq = c->dq + at;
    float lse = c->lse[row * shape->heads + head], mean = dot(dout, c->out + at, d);
    size_t keys = ck_visible_keys(segment, c->spans, query), j = 0;
    for (const ck_span *span = c->spans + segment->span_begin; j < keys; span++)
        for (size_t r = 0; r < span->count && j < keys; r++, j++) {
            size_t kv = shape->kv_offset + r * shape->kv_stride + offset;
            const float *k = span->k + kv, *v = span->v + kv;
            float p = expf(shape->scale * dot(q, k, d) - lse);
            float ds = shape->scale * p * (dot(dout, v, d) - mean);
            for (size_t e = 0; e < d; e++) dq[e] += ds * k[e];
            if (span->dk)
                for (size_t e = 0; e < d; e++) span->dk[kv + e] += ds * q[e];
            if (span->dv)
                for (size_t e = 0; e < d; e++) span->dv[kv + e] += p * dout[e];
        }
}

static void attend_heads(void *context, size_t begin, size_t end) {
    const backward_call *c = context;
    size_t group = c->shape.heads / c->shape.kv_heads;
    for (size_t head = begin * group; head < end * group; head++)
        for (size_t s = 0; s < c->segment_count; s++)
            for (size_t i = 0; i < c->segments[s].query_count; i++) attend_backward(c, &c->segments[s], i, head);
}

void CK_VARIANT(ck_attention_backward)(float *dq, const float *dout, const float *out, const float *lse, const float *q,
                           ck_attention_shape shape, const ck_segment *segments, size_t segment_count,
                           const ck_span *spans) {
    backward_call call = {dq, dout, out, lse, q, shape, segments, segment_count, spans};
    ck_parallel(shape.kv_heads, 1, &call, attend_heads);
}
