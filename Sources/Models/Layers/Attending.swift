import CKernels
package import Tensors

/// Where the rows of a pass find their keys and values.
package enum KeyValueSource {
    /// In the pass itself: training, scoring, the encoder.
    case packed([PackedSegment])
    /// In caches: row ranges of the pass, in order, each the newest positions of one sequence.
    case cached([CachedRows])
}

/// Rows of a pass that are the last positions of a cached sequence; the cache has been extended by their count.
package struct CachedRows {
    package let rows: Range<Int>
    package let cache: KeyValueCache

    package init(rows: Range<Int>, cache: KeyValueCache) {
        self.rows = rows
        self.cache = cache
    }
}

extension KeyValueSource {
    /// Attention of q to the sequence's keys, k and v being those of the pass's own rows.
    ///
    /// - Parameter asking: the rows that q holds if not all do, in order, each the last of its cached sequence.
    func attend(
        _ q: Tensor, of asking: [Int]? = nil, _ k: Tensor, _ v: Tensor, _ shape: AttentionShape, layer: Int, _ tape: Tape?
    ) -> Tensor {
        switch self {
        case .packed(let segments):
            precondition(asking == nil, "all rows of a packed sequence ask")
            return attention(q, k, v, shape, segments, tape)
        case .cached(let sequences):
            precondition(tape == nil, "gradients do not flow through a cache")
            var segments: [ck_segment] = []
            var spans: [ck_span] = unsafe []
            Threads.parallel(sequences.count, grain: 1 + 64 * sequences.count / (k.rows + 1)) { piece in
                for sequence in sequences[piece] {
                    sequence.cache.write(k, v, rows: sequence.rows, at: sequence.cache.count - sequence.rows.count, layer: layer)
                }
            }
            var asked = 0
            for sequence in sequences {
                var queries = sequence.rows
                if let asking {
                    guard asked < asking.count, asking[asked] == sequence.rows.last else { continue }
                    queries = asked..<asked + 1
                    asked += 1
                }
                let cache = sequence.cache
                let first = unsafe spans.count
                var left = cache.count
                for block in cache.blocks {
                    let base = unsafe block.buffer.elements
                    unsafe spans.append(
                        ck_span(
                            k: base + cache.shape.keyOffset(layer: layer),
                            v: base + cache.shape.valueOffset(layer: layer), dk: nil, dv: nil,
                            count: min(left, KeyValueBlock.tokens), key_columns: KeyValueBlock.tokens))
                    left -= KeyValueBlock.tokens
                }
                segments.append(
                    ck_segment(
                        query_begin: queries.lowerBound, query_count: queries.count, span_begin: first,
                        span_count: unsafe spans.count - first, causal: true))
            }
            precondition(asking == nil || asked == q.rows, "\(q.rows) rows ask, \(asked) of them last in a sequence")
            return unsafe attention(q, shape, cached: segments, spans)
        }
    }
}
