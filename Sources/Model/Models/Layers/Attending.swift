import CKernels
package import Tensors

/// The place of the keys and values that the rows of a pass attend to.
package enum KeyValueSource {
    /// The pass itself: in training, scoring and the encoder.
    case packed([PackedSegment])
    /// Caches.
    case cached(CachedBatch)
}

/// The rows of a pass that are the last positions of a cached sequence. The cache has been extended by their count.
package struct CachedRows {
    package let rows: Range<Int>
    package let cache: KeyValueCache

    package init(rows: Range<Int>, cache: KeyValueCache) {
        self.rows = rows
        self.cache = cache
    }
}

/// The cached sequences of a pass and where their keys and values lie, found once for all layers.
@safe package struct CachedBatch {
    private let sequences: [CachedRows]
    private let shape: KeyValueShape
    /// The spans of the first layer, at the start of each block.
    @unsafe private let spans: [ck_span]
    /// One segment per sequence, with queries for all of its rows.
    private let segments: [ck_segment]

    /// - Parameter sequences: At least one row range of the pass, in order. Each has the newest positions of one sequence.
    package init(_ sequences: [CachedRows]) {
        self.sequences = sequences
        shape = sequences[0].cache.shape
        var spans: [ck_span] = unsafe []
        var segments: [ck_segment] = []
        for sequence in sequences {
            let cache = sequence.cache
            segments.append(
                ck_segment(
                    query_begin: sequence.rows.lowerBound, query_count: sequence.rows.count, span_begin: unsafe spans.count,
                    span_count: cache.blocks.count, causal: true))
            for (index, block) in cache.blocks.enumerated() {
                let base = unsafe block.buffer.elements
                unsafe spans.append(
                    ck_span(
                        k: base, v: base + shape.valueOffset(layer: 0), dk: nil, dv: nil,
                        count: min(cache.count - index * KeyValueBlock.tokens, KeyValueBlock.tokens), key_columns: KeyValueBlock.tokens,
                        scales: shape.format == .int8 ? base + shape.scaleOffset(layer: 0) : nil))
            }
        }
        unsafe self.spans = spans
        self.segments = segments
    }

    /// Writes the pass's own keys and values, then attends.
    ///
    /// - Parameter asking: The rows that have queries, in order; nil for all. In each sequence they are the last ones.
    func attend(_ q: Tensor, of asking: [Int]?, _ k: Tensor, _ v: Tensor, _ attentionShape: AttentionShape, layer: Int) -> Tensor {
        Threads.parallel(sequences.count, grain: 1 + 64 * sequences.count / (k.rows + 1)) { piece in
            for sequence in sequences[piece] {
                sequence.cache.write(k, v, rows: sequence.rows, at: sequence.cache.count - sequence.rows.count, layer: layer)
            }
        }
        return unsafe attention(
            q, attentionShape, cached: asking.map(segments(of:)) ?? segments, spans, offset: shape.keyOffset(layer: layer))
    }

    private func segments(of asking: [Int]) -> [ck_segment] {
        var result: [ck_segment] = []
        result.reserveCapacity(sequences.count)
        var next = 0
        for (sequence, segment) in zip(sequences, segments) {
            let many = asking[next...].prefix { sequence.rows.contains($0) }.count
            if many == 0 { continue }
            precondition(asking[next..<next + many].elementsEqual(sequence.rows.suffix(many)), "rows ask that are not the last of \(sequence.rows)")
            var segment = segment
            (segment.query_begin, segment.query_count) = (next, many)
            result.append(segment)
            next += many
        }
        precondition(next == asking.count, "\(asking.count) rows ask, \(next) of them last in a sequence")
        return result
    }
}

extension KeyValueSource {
    /// The attention of q to the sequences' keys. k and v belong to the rows of the pass.
    ///
    /// - Parameter asking: The rows that have queries, in order; nil for all. In each cached sequence they are the last ones.
    func attend(
        _ q: Tensor, of asking: [Int]? = nil, _ k: Tensor, _ v: Tensor, _ shape: AttentionShape, layer: Int, _ tape: Tape?
    ) -> Tensor {
        switch self {
        case .packed(let segments):
            precondition(asking == nil, "all rows of a packed sequence ask")
            return attention(q, k, v, shape, segments, tape)
        case .cached(let batch):
            precondition(tape == nil, "gradients do not flow through a cache")
            return batch.attend(q, of: asking, k, v, shape, layer: layer)
        }
    }
}
