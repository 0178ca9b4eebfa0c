/* How a segment's queries see its keys. */
#pragma once
#include "kernels.h"

/// Keys of all spans of the segment.
static inline size_t ck_segment_keys(const ck_segment *segment, const ck_span *spans) {
    size_t keys = 0;
    for (size_t s = 0; s < segment->span_count; s++) keys += spans[segment->span_begin + s].count;
    return keys;
}

/// How many of them the segment's query number `query` sees, counted from the first.
static inline size_t ck_visible_keys(const ck_segment *segment, const ck_span *spans, size_t query) {
    size_t keys = ck_segment_keys(segment, spans);
    size_t hidden = segment->causal ? segment->query_count - 1 - query : 0;
    return hidden < keys ? keys - hidden : 0;
}
