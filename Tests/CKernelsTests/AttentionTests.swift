import CKernels
import TestSupport
import Testing

/// Two segments that share a prefix: queries 0..<100 see keys 0..<271, queries 100..<150 see keys 0..<70 and 271..<331.
@safe final class AttentionCase {
    static let queries = 150, keys = 331, heads = 6, kvHeads = 2
    let shape: ck_attention_shape
    let q: Numbers<Float>, k: Numbers<Float>, v: Numbers<Float>, dout: Numbers<Float>
    let out: Numbers<Float>, lse: Numbers<Float>, dq: Numbers<Float>, dk: Numbers<Float>, dv: Numbers<Float>
    let segments: [ck_segment]

    init(headSize: Int, causal: Bool) {
        let qStride = Self.heads * headSize + 8, kvStride = Self.kvHeads * headSize + 4
        shape = ck_attention_shape(
            heads: Self.heads, kv_heads: Self.kvHeads, head_size: headSize, q_stride: qStride, kv_stride: kvStride, kv_offset: 0,
            scale: 1 / Float(headSize).squareRoot())
        q = .random(Self.queries * qStride, seed: 1, scale: 2)
        k = .random(Self.keys * kvStride, seed: 2, scale: 2)
        v = .random(Self.keys * kvStride, seed: 3)
        dout = .random(Self.queries * qStride, seed: 4)
        out = .zeros(Self.queries * qStride)
        lse = .zeros(Self.queries * Self.heads)
        dq = .zeros(Self.queries * qStride)
        dk = .zeros(Self.keys * kvStride)
        dv = .zeros(Self.keys * kvStride)
        segments = [
            ck_segment(query_begin: 0, query_count: 100, span_begin: 0, span_count: 2, causal: causal),
            ck_segment(query_begin: 100, query_count: 50, span_begin: 2, span_count: 2, causal: causal),
        ]
        // Padding between rows is no part of the result.
        for row in 0..<Self.queries { for i in qStride - 8..<qStride { dout[row * qStride + i] = 0 } }
    }

    func span(_ range: Range<Int>) -> ck_span {
        let at = range.lowerBound * shape.kv_stride
        return unsafe ck_span(
            k: k.pointer + at, v: v.pointer + at, dk: dk.pointer + at, dv: dv.pointer + at, count: range.count,
            key_columns: 0, scales: nil)
    }

    func attend(_ segments: [ck_segment]? = nil, _ ranges: [Range<Int>] = [0..<70, 70..<271, 0..<70, 271..<331]) {
        let segments = segments ?? self.segments
        unsafe ck_attention(
            out.pointer, lse.pointer, q.pointer, shape, segments, segments.count, ranges.map { unsafe span($0) })
    }

    func attendBackward() {
        let spans = unsafe [span(0..<70), span(70..<271), span(0..<70), span(271..<331)]
        unsafe ck_attention_backward(
            dq.pointer, dout.pointer, out.pointer, lse.pointer, q.pointer, shape, segments, segments.count, spans)
    }

    var loss: Double {
        attend()
        return out.dot(dout)
    }
}

@Suite(.ownThread) struct AttentionTests {
    static let headSizes = [8, 24, 64, 80, 128, 256]

    @Test(arguments: allKernels, [true, false]) func isSoftmaxOverTheVisibleKeys(kernels: String, causal: Bool) {
        let attention = AttentionCase(headSize: 24, causal: causal), shape = attention.shape
        with(kernels) { attention.attend() }
        for (query, visible) in [(0, 0..<(causal ? 172 : 271)), (57, 0..<(causal ? 229 : 271)), (99, 0..<271)] {
            let head = 4, q = query * shape.q_stride + head * 24
            let scores = visible.map { key in
                (0..<24).reduce(0.0) {
                    $0 + Double(attention.q[q + $1]) * Double(attention.k[key * shape.kv_stride + 24 + $1])
                } * Double(shape.scale)
            }
            let weights = scores.map { exponential($0) }, total = weights.reduce(0, +)
            for i in 0..<24 {
                let exact = visible.reduce(0.0) { $0 + weights[$1] / total * Double(attention.v[$1 * shape.kv_stride + 24 + i]) }
                #expect(abs(Double(attention.out[q + i]) - exact) < 1e-5)
            }
        }
    }

    @Test(arguments: fastKernels, [true, false]) func agreesWithReference(kernels: String, causal: Bool) {
        for size in Self.headSizes {
            let expected = AttentionCase(headSize: size, causal: causal), found = AttentionCase(headSize: size, causal: causal)
            with("reference") { expected.attend() }
            with(kernels) { found.attend() }
            #expect(expected.out.difference(from: found.out) < 5e-6, "head size \(size)")
            #expect(expected.lse.difference(from: found.lse) < 2e-6, "head size \(size)")
            with("reference") { expected.attendBackward() }
            with(kernels) { found.attendBackward() }
            #expect(expected.dq.difference(from: found.dq) < 1e-5, "head size \(size)")
            #expect(expected.dk.difference(from: found.dk) < 1e-5, "head size \(size)")
            #expect(expected.dv.difference(from: found.dv) < 1e-5, "head size \(size)")
        }
    }

    /// Where spans end, and whether queries come together or one at a time, changes no bit.
    @Test(arguments: allKernels) func spansAndChunksDoNotChangeBits(kernels: String) {
        for size in [8, 80, 128] {
            let whole = AttentionCase(headSize: size, causal: true), split = AttentionCase(headSize: size, causal: true)
            let decoded = AttentionCase(headSize: size, causal: true)
            with(kernels) {
                whole.attend([whole.segments[0]])
                var segment = split.segments[0]
                segment.span_count = 5
                split.attend([segment], [0..<3, 3..<67, 67..<67, 67..<167, 167..<271])
                for query in 0..<100 {
                    let one = ck_segment(query_begin: query, query_count: 1, span_begin: 0, span_count: 2, causal: true)
                    decoded.attend([one], [0..<171, 171..<query + 172])
                }
            }
            #expect(whole.out.bits == split.out.bits && whole.lse.bits == split.lse.bits, "head size \(size)")
            #expect(whole.out.bits == decoded.out.bits && whole.lse.bits == decoded.lse.bits, "head size \(size)")
        }
    }

    /// Keys as columns of blocks, the rest of the last block filled with what is no number, all of it after what spans point at.
    @Test(arguments: allKernels, [16, 32, 64]) func keysAsColumnsDoNotChangeBits(kernels: String, columns: Int) {
        for size in [8, 24, 64, 128] {
            let rows = AttentionCase(headSize: size, causal: true), turned = AttentionCase(headSize: size, causal: true)
            var shape = rows.shape
            shape.kv_offset = 48
            let blocks = (271 + columns - 1) / columns, block = shape.kv_stride * columns
            let k = Numbers<Float>.zeros(48 + blocks * block), v = Numbers<Float>.zeros(48 + blocks * block)
            for i in 0..<48 + blocks * block { (k[i], v[i]) = (.nan, .nan) }
            for key in 0..<271 {
                for e in 0..<shape.kv_stride {
                    k[48 + key / columns * block + e * columns + key % columns] = turned.k[key * shape.kv_stride + e]
                    v[48 + key * shape.kv_stride + e] = turned.v[key * shape.kv_stride + e]
                }
            }
            var segment = turned.segments[0]
            segment.span_count = blocks
            let spans = unsafe (0..<blocks).map { index in
                unsafe ck_span(
                    k: k.pointer + index * block, v: v.pointer + index * columns * shape.kv_stride, dk: nil, dv: nil,
                    count: min(columns, 271 - index * columns), key_columns: columns, scales: nil)
            }
            with(kernels) {
                rows.attend([rows.segments[0]])
                unsafe ck_attention(turned.out.pointer, turned.lse.pointer, turned.q.pointer, shape, [segment], 1, spans)
            }
            #expect(rows.out.bits == turned.out.bits && rows.lse.bits == turned.lse.bits, "head size \(size)")
        }
    }

    /// Keys and values in 8 bits are what the same ones are in floats, but for the rounding of where scales are multiplied; and a query that comes alone has
    /// the bits that it has beside others.
    @Test(arguments: allKernels) func eightBitsAreTheFloatsThatTheyStandFor(kernels: String) {
        let columns = 16
        for size in [8, 24, 64, 128] {
            let narrow = AttentionCase(headSize: size, causal: true), wide = AttentionCase(headSize: size, causal: true)
            var shape = narrow.shape
            let heads = AttentionCase.kvHeads, rowSize = heads * size
            (shape.kv_stride, shape.kv_offset) = (rowSize, 12)
            let blocks = (271 + columns - 1) / columns, block = 8 * rowSize + 2 * heads * columns
            // All after what spans point at, and what was never written is no number.
            let stored = Numbers<Float>.zeros(12 + blocks * block)
            for i in 0..<stored.count { stored[i] = .nan }
            let k = Numbers<Float>.zeros(271 * rowSize), v = Numbers<Float>.zeros(271 * rowSize)
            for key in 0..<271 {
                for e in 0..<rowSize {
                    k[key * rowSize + e] = narrow.k[key * narrow.shape.kv_stride + e]
                    v[key * rowSize + e] = narrow.v[key * narrow.shape.kv_stride + e]
                }
            }
            // A head of zeros has the scale 0.
            for e in 0..<size { (k[5 * rowSize + e], v[7 * rowSize + e]) = (0, 0) }
            // Written some rows at a time.
            var key = 0
            with(kernels) {
                while key < 271 {
                    let within = key % columns, many = min(columns - within, 1 + key % 7, 271 - key)
                    let base = unsafe stored.pointer + 12 + key / columns * block
                    let bytes = unsafe UnsafeMutableRawPointer(base).assumingMemoryBound(to: Int8.self)
                    unsafe ck_store_narrow(
                        bytes + within, bytes + 4 * 4 * rowSize + within * rowSize, base + 8 * rowSize + within, columns, k.pointer + key * rowSize,
                        v.pointer + key * rowSize, many, heads, size)
                    key += many
                }
            }
            // Each element, read back, is within half a step of what it was; it then takes its place.
            let (k8, v8) = (Numbers<Float>.zeros(271 * rowSize), Numbers<Float>.zeros(271 * rowSize))
            for key in 0..<271 {
                let base = unsafe stored.pointer + 12 + key / columns * block
                let bytes = unsafe UnsafeMutableRawPointer(base).assumingMemoryBound(to: Int8.self)
                for e in 0..<rowSize {
                    let (i, h) = (key % columns, e / size)
                    let (ks, vs) = unsafe (base[8 * rowSize + h * columns + i], base[8 * rowSize + (heads + h) * columns + i])
                    k8[key * rowSize + e] = unsafe ks * Float(bytes[e * columns + i])
                    v8[key * rowSize + e] = unsafe vs * Float(bytes[16 * rowSize + i * rowSize + e])
                    #expect(abs(k8[key * rowSize + e] - k[key * rowSize + e]) <= 0.501 * ks)
                    #expect(abs(v8[key * rowSize + e] - v[key * rowSize + e]) <= 0.501 * vs)
                }
            }
            var segment = narrow.segments[0]
            segment.span_count = blocks
            let spans = unsafe (0..<blocks).map { index in
                let base = unsafe stored.pointer + index * block
                return unsafe ck_span(
                    k: base, v: base + 4 * rowSize, dk: nil, dv: nil, count: min(columns, 271 - index * columns), key_columns: columns,
                    scales: base + 8 * rowSize)
            }
            var plain = shape
            plain.kv_offset = 0
            let rows = unsafe [ck_span(k: k8.pointer, v: v8.pointer, dk: nil, dv: nil, count: 271, key_columns: 0, scales: nil)]
            var one = segment
            one.span_count = 1
            with(kernels) {
                unsafe ck_attention(narrow.out.pointer, narrow.lse.pointer, narrow.q.pointer, shape, [segment], 1, spans)
                unsafe ck_attention(wide.out.pointer, wide.lse.pointer, wide.q.pointer, plain, [one], 1, rows)
            }
            #expect(wide.out.difference(from: narrow.out) < 5e-6, "head size \(size)")
            #expect(wide.lse.difference(from: narrow.lse) < 2e-6, "head size \(size)")
            let (out, lse) = (narrow.out.bits, narrow.lse.bits)
            var alone = segment
            (alone.query_begin, alone.query_count) = (99, 1)
            with(kernels) { unsafe ck_attention(narrow.out.pointer, narrow.lse.pointer, narrow.q.pointer, shape, [alone], 1, spans) }
            #expect(narrow.out.bits == out && narrow.lse.bits == lse, "head size \(size)")
        }
    }

    @Test(arguments: allKernels) func whatIsNotFiniteStaysSoInEightBits(kernels: String) {
        for bad in [Float.nan, .infinity, -.infinity] {
            let k = Numbers<Float>.random(16, seed: 1), v = Numbers<Float>.random(16, seed: 2)
            (k[3], v[12]) = (bad, bad)
            var (bytes, scales) = ([Int8](repeating: 1, count: 16 * 32), [Float](repeating: 1, count: 64))
            with(kernels) {
                unsafe bytes.withUnsafeMutableBufferPointer { bytes in
                    unsafe ck_store_narrow(bytes.baseAddress!, bytes.baseAddress! + 256, &scales, 16, k.pointer, v.pointer, 1, 2, 8)
                }
            }
            #expect(scales[0].isNaN && scales[16].isFinite && scales[32].isFinite && scales[48].isNaN)
        }
    }

    @Test(arguments: allKernels, [true, false]) func backwardAgreesWithFiniteDifferences(kernels: String, causal: Bool) {
        let attention = AttentionCase(headSize: 16, causal: causal)
        with(kernels) {
            attention.attend()
            attention.attendBackward()
            expectGradients(
                of: { attention.loss },
                [(attention.q, attention.dq), (attention.k, attention.dk), (attention.v, attention.dv)])
        }
    }
}
