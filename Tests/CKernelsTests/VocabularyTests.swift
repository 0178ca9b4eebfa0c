import CKernels
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite(.ownThread) struct VocabularyTests {
    static let n = 1003, rows = 4, target: [Int32] = [0, 1002, 17, -1]
    static func logits(_ seed: UInt64) -> Numbers<Float> { .random(n * rows, seed: seed, scale: 6) }

    static func measures(_ s: Numbers<Float>, _ t: Numbers<Float>?) -> [ck_row_measures] {
        var result = [ck_row_measures](repeating: ck_row_measures(), count: rows)
        unsafe ck_measure_rows(&result, s.pointer, t?.pointer, target, rows, n)
        return result
    }

    @Test(arguments: allKernels) func measuresAgreeWithDoublePrecision(kernels: String) {
        let s = Self.logits(1), t = Self.logits(2), n = Self.n
        s[n + 5] = -.infinity
        let measures = with(kernels) { Self.measures(s, t) }
        for row in 0..<Self.rows {
            func logSoftmax(_ x: Numbers<Float>) -> [Double] {
                let values = (0..<n).map { Double(x[row * n + $0]) }
                let normaliser = log(values.reduce(0) { $0 + exp($1) })
                return values.map { $0 - normaliser }
            }
            let p = logSoftmax(s), q = logSoftmax(t), target = Int(Self.target[row])
            func sum(_ a: [Double], _ term: (Int) -> Double) -> Double {
                (0..<n).reduce(0) { a[$1] == -.infinity ? $0 : $0 + exp(a[$1]) * term($1) }
            }
            let found = measures[row]
            #expect(abs(Double(found.entropy) + sum(p) { p[$0] }) < 1e-5)
            #expect(abs(Double(found.teacher_entropy) + sum(q) { q[$0] }) < 1e-5)
            #expect(abs(Double(found.reverse_kl) - sum(p) { p[$0] - q[$0] }) < 1e-5)
            if row != 1 { #expect(abs(Double(found.forward_kl) - sum(q) { q[$0] - p[$0] }) < 1e-5) }
            #expect(abs(Double(found.log_probability) - (target < 0 ? 0 : p[target])) < 1e-5)
            #expect(abs(Double(found.teacher_log_probability) - (target < 0 ? 0 : q[target])) < 1e-5)
            #expect(Int(found.rank) == (target < 0 ? 0 : 1 + (0..<n).count { s[row * n + $0] > s[row * n + target] }))
            #expect(Int(found.teacher_rank) == (target < 0 ? 0 : 1 + (0..<n).count { t[row * n + $0] > t[row * n + target] }))
            #expect(Int(found.argmax) == p.indices.max { p[$0] < p[$1] })
            #expect(Int(found.teacher_argmax) == q.indices.max { q[$0] < q[$1] })
        }
    }

    @Test(arguments: allKernels) func equalLogitsShareTheBetterRank(kernels: String) {
        let s = Self.logits(1), n = Self.n
        // Row 0: the target is the likeliest with one other. Row 1: two are larger, three are equal. Row 2: nothing is less likely.
        for place in [0, 500] { s[place] = 50 }
        for place in [0, 1001] { s[n + place] = 60 }
        for place in [7, 900, 1002] { s[n + place] = 50 }
        for place in [16, 17] { s[2 * n + place] = -.infinity }
        let student = with(kernels) { Self.measures(s, nil) }
        #expect(student.map(\.rank) == [1, 3, Int32(n) - 1, 0] && student.map(\.teacher_rank) == [0, 0, 0, 0])
        let teacher = with(kernels) { Self.measures(Self.logits(2), s) }
        #expect(teacher.map(\.teacher_rank) == [1, 3, Int32(n) - 1, 0])
    }

    @Test(arguments: allKernels) func equalRowsHaveNoDivergence(kernels: String) {
        let s = Self.logits(1)
        for row in with(kernels, { Self.measures(s, s.copy()) }) {
            #expect(row.reverse_kl == 0 && row.forward_kl == 0 && row.argmax == row.teacher_argmax)
        }
    }

    @Test(arguments: allKernels) func backwardAgreesWithFiniteDifferences(kernels: String) {
        let s = Self.logits(1), t = Self.logits(2), gradient = s.copy()
        let a: [Float] = [1, 0, 0.5, 1], b: [Float] = [0, 1, 0.5, 0], c: [Float] = [0.3, 1, 0, 2]
        with(kernels) {
            unsafe ck_measure_rows_backward(gradient.pointer, t.pointer, Self.target, a, b, c, Self.rows, Self.n)
            let loss = {
                var sum = 0.0
                for (row, found) in Self.measures(s, t).enumerated() {
                    sum += Double(a[row] * found.reverse_kl + b[row] * found.forward_kl)
                    sum -= Double(c[row] * found.log_probability)
                }
                return sum
            }
            // The last row has no target: only its divergences have a gradient in the loss above.
            for j in 0..<Self.n {
                let at = 3 * Self.n + j
                gradient[at] -= 2 * exp(s[at] - Self.logsumexp(s)[3])
            }
            expectGradients(of: loss, [(s, gradient)], step: 0.02, tolerance: 5e-3)
        }
    }

    @Test(arguments: allKernels) func crossEntropyNeedsNoTeacher(kernels: String) {
        let s = Self.logits(1), gradient = s.copy(), zeros = [Float](repeating: 0, count: 4), c: [Float] = [1, 2, 3, 0]
        with(kernels) {
            unsafe ck_measure_rows_backward(gradient.pointer, nil, Self.target, zeros, zeros, c, Self.rows, Self.n)
            let loss = {
                var sum = 0.0
                for (row, found) in Self.measures(s, nil).enumerated() { sum -= Double(c[row] * found.log_probability) }
                return sum
            }
            expectGradients(of: loss, [(s, gradient)])
        }
    }

    static func logsumexp(_ s: Numbers<Float>) -> [Float] {
        var result = [Float](repeating: 0, count: rows)
        unsafe ck_logsumexp(&result, s.pointer, rows, n)
        return result
    }

    @Test(arguments: allKernels) func argmaxIsTheFirstOfEquals(kernels: String) {
        let s = Self.logits(1)
        s[900] = 50
        s[333] = 50
        s[2 * Self.n + 1002] = 50
        var index = [Int32](repeating: -1, count: Self.rows)
        with(kernels) { unsafe ck_argmax(&index, s.pointer, Self.rows, Self.n) }
        #expect(index[0] == 333 && index[2] == 1002)
    }

    @Test(arguments: allKernels) func sumsForDrawsAgreeWithDoublePrecision(kernels: String) {
        let s = Self.logits(3), count = Self.n * Self.rows, block = Int(ck_sum_block)
        s[5] = -.infinity
        var sums = [Double](repeating: -1, count: (count + block - 1) / block)
        let (top, scale) = (Float(6), Float(1.25))
        with(kernels) { unsafe ck_exp_sums(&sums, s.pointer, count, top, scale) }
        for (index, sum) in sums.enumerated() {
            let words = index * block..<min(count, (index + 1) * block)
            let expected = words.reduce(0) { $0 + exp(Double(scale) * (Double(s[$1]) - Double(top))) }
            #expect(abs(sum - expected) < 1e-5 * expected)
        }
    }

    @Test(arguments: allKernels) func masksLeaveWhatTheirBitsAllow(kernels: String) {
        let count = Self.n * Self.rows - 3
        let s = Self.logits(3)
        s[70] = .nan
        let words = (0..<(count + 63) / 64).map { UInt64($0) &* 0x9E37_79B9_7F4A_7C15 | ($0 % 3 == 0 ? .max : 0) }
        let masked = Numbers<Float>(repeating: 7, count: count + 1)
        with(kernels) { unsafe ck_mask(masked.pointer, s.pointer, words, count) }
        for place in 0..<count {
            let isAllowed = words[place / 64] >> UInt64(place % 64) & 1 == 1
            #expect(masked[place].bitPattern == (isAllowed ? s[place] : -.infinity).bitPattern)
        }
        #expect(masked[count] == 7)
    }

    @Test(arguments: allKernels) func largeLogitsDoNotOverflow(kernels: String) {
        let s = Numbers<Float>(repeating: 10_000, count: Self.n * Self.rows)
        let found = with(kernels) { Self.logsumexp(s) }
        #expect(abs(found[0] - 10_000 - log(Float(Self.n))) < 2e-3)
    }
}
