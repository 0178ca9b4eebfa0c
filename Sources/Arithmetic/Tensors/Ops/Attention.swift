package import CKernels

/// Heads and strides of an attention: queries x [T, heads · headSize], keys and values [T, keyValueHeads · headSize].
package struct AttentionShape: Sendable, Equatable {
    package let heads: Int
    package let keyValueHeads: Int
    package let headSize: Int

    package init(heads: Int, keyValueHeads: Int, headSize: Int) {
        precondition(heads % keyValueHeads == 0, "\(heads) heads cannot share \(keyValueHeads) key-value heads")
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.headSize = headSize
    }

    package var queryColumns: Int { heads * headSize }
    package var keyValueColumns: Int { keyValueHeads * headSize }

    var kernelShape: ck_attention_shape {
        ck_attention_shape(
            heads: heads, kv_heads: keyValueHeads, head_size: headSize, q_stride: queryColumns,
            kv_stride: keyValueColumns, kv_offset: 0, scale: 1 / Float(headSize).squareRoot())
    }
}

/// Which rows of a packed batch attend to which: query rows `queries` see the rows of `keys`, in order. Where causal, the last query
/// sees every key, the one before all but the last, and so on.
package struct PackedSegment: Sendable, Equatable {
    package let queries: Range<Int>
    package let keys: [Range<Int>]
    package let causal: Bool

    package init(queries: Range<Int>, keys: [Range<Int>], causal: Bool) {
        self.queries = queries
        self.keys = keys
        self.causal = causal
    }

    /// Sequences packed end to end, each attending to itself.
    package static func sequences(_ lengths: [Int], causal: Bool) -> [PackedSegment] {
        var start = 0
        return lengths.map { length in
            defer { start += length }
            return PackedSegment(queries: start..<start + length, keys: [start..<start + length], causal: causal)
        }
    }
}

/// softmax(q kᵀ / √headSize) v over a packed batch: q [T, heads · headSize], k and v [T, keyValueHeads · headSize].
package func attention(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ shape: AttentionShape, _ segments: [PackedSegment], _ tape: Tape? = nil
) -> Tensor {
    precondition(
        q.columns == shape.queryColumns && k.columns == shape.keyValueColumns && v.columns == k.columns
            && v.rows == k.rows, "attention: q \(q.shape), k \(k.shape), v \(v.shape) for \(shape)")
    let out = Tensor(uninitialized: q.rows, q.columns)
    guard let tape, [q, k, v].contains(where: tape.isTracked) else {
        unsafe withLayout(segments, k, v, dk: nil, dv: nil) { segments, count, spans in
            unsafe ck_attention(out.pointer, nil, q.pointer, shape.kernelShape, segments, count, spans)
        }
        return out
    }
    let lse = Tensor(uninitialized: q.rows, shape.heads)
    unsafe withLayout(segments, k, v, dk: nil, dv: nil) { segments, count, spans in
        unsafe ck_attention(out.pointer, lse.pointer, q.pointer, shape.kernelShape, segments, count, spans)
    }
    tape.record(out, from: [q, k, v]) { dout, tape in
        let dq = Tensor(zeros: q.rows, q.columns)
        let dk = Tensor(zeros: k.rows, k.columns)
        let dv = Tensor(zeros: v.rows, v.columns)
        unsafe withLayout(segments, k, v, dk: dk, dv: dv) { segments, count, spans in
            unsafe ck_attention_backward(
                dq.pointer, dout.pointer, out.pointer, lse.pointer, q.pointer, shape.kernelShape, segments, count, spans)
        }
        tape.add(dq, to: q)
        tape.add(dk, to: k)
        tape.add(dv, to: v)
    }
    return out
}

/// Attention of a packed batch to keys and values that lie in a cache, `offset` floats after where `spans` say: `segments` number them.
@unsafe package func attention(
    _ q: Tensor, _ shape: AttentionShape, cached segments: [ck_segment], _ spans: [ck_span], offset: Int
) -> Tensor {
    let out = Tensor(uninitialized: q.rows, q.columns)
    var kernelShape = shape.kernelShape
    kernelShape.kv_offset = offset
    unsafe ck_attention(out.pointer, nil, q.pointer, kernelShape, segments, segments.count, spans)
    return out
}

@unsafe private func withLayout(
    _ segments: [PackedSegment], _ k: Tensor, _ v: Tensor, dk: Tensor?, dv: Tensor?,
    _ body: (UnsafePointer<ck_segment>?, Int, UnsafePointer<ck_span>?) -> Void
) {
    var spans: [ck_span] = unsafe []
    var kernelSegments: [ck_segment] = []
    for segment in segments {
        precondition(
            segment.queries.lowerBound >= 0 && segment.keys.allSatisfy { $0.upperBound <= k.rows },
            "attention: segment \(segment) over \(k.rows) keys")
        kernelSegments.append(
            ck_segment(
                query_begin: segment.queries.lowerBound, query_count: segment.queries.count,
                span_begin: unsafe spans.count, span_count: segment.keys.count, causal: segment.causal))
        for keys in segment.keys {
            let offset = keys.lowerBound * k.columns
            unsafe spans.append(
                ck_span(
                    k: k.pointer + offset, v: v.pointer + offset, dk: dk.map { unsafe $0.pointer + offset },
                    dv: dv.map { unsafe $0.pointer + offset }, count: keys.count, key_columns: 0, scales: nil))
        }
    }
    unsafe kernelSegments.withUnsafeBufferPointer { segments in
        unsafe spans.withUnsafeBufferPointer { spans in
            unsafe body(segments.baseAddress, segments.count, spans.baseAddress)
        }
    }
}
