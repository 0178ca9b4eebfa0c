import CKernels

/// The measures of a row of logits for a target token, compared with a teacher's row (Eq. 2 of CORD: `reverseKL` is D_t).
package struct RowMeasures: Sendable, Equatable {
    package var logProbability: Float
    package var entropy: Float
    /// KL(student ‖ teacher) over the whole vocabulary, in nats.
    package var reverseKL: Float
    /// KL(teacher ‖ student), in nats.
    package var forwardKL: Float
    package var teacherLogProbability: Float
    package var teacherEntropy: Float
    package var argmax: Int
    package var teacherArgmax: Int
    /// The target's place among all tokens: 1 + the number of tokens with a larger logit. Tokens with equal logits share the better rank.
    package var rank: Int
    /// The same in the teacher's row; 0 without a teacher.
    package var teacherRank: Int

    package init(
        logProbability: Float = 0, entropy: Float = 0, reverseKL: Float = 0, forwardKL: Float = 0,
        teacherLogProbability: Float = 0, teacherEntropy: Float = 0, argmax: Int = 0, teacherArgmax: Int = 0, rank: Int = 0,
        teacherRank: Int = 0
    ) {
        self.logProbability = logProbability
        self.entropy = entropy
        self.reverseKL = reverseKL
        self.forwardKL = forwardKL
        self.teacherLogProbability = teacherLogProbability
        self.teacherEntropy = teacherEntropy
        self.argmax = argmax
        self.teacherArgmax = teacherArgmax
        self.rank = rank
        self.teacherRank = teacherRank
    }

    /// The same with a teacher whose log-probability of the target alone is known. Measures that need its whole row are NaN, or no token.
    package func beside(teacherLogProbability: Float) -> RowMeasures {
        var known = self
        known.teacherLogProbability = teacherLogProbability
        (known.reverseKL, known.forwardKL, known.teacherEntropy) = (.nan, .nan, .nan)
        (known.teacherArgmax, known.teacherRank) = (-1, 0)
        return known
    }

    /// Whether the teacher's whole row was measured.
    package var knowsTeacher: Bool { teacherArgmax >= 0 }
}

/// Measures each row of student logits [R, V] against `targets` and, where given, the teacher's logits [R, V].
package func measureRows(_ student: Tensor, teacher: Tensor?, targets: [Int32]) -> [RowMeasures] {
    precondition(targets.count == student.rows, "\(targets.count) targets for logits \(student.shape)")
    precondition(
        targets.allSatisfy { $0 >= 0 && $0 < student.columns }, "a target outside the vocabulary of \(student.columns)")
    var raw = [ck_row_measures](repeating: ck_row_measures(), count: student.rows)
    unsafe ck_measure_rows(&raw, student.pointer, teacher?.pointer, targets, student.rows, student.columns)
    return raw.map {
        RowMeasures(
            logProbability: $0.log_probability, entropy: $0.entropy, reverseKL: teacher == nil ? 0 : $0.reverse_kl,
            forwardKL: teacher == nil ? 0 : $0.forward_kl,
            teacherLogProbability: teacher == nil ? 0 : $0.teacher_log_probability,
            teacherEntropy: teacher == nil ? 0 : $0.teacher_entropy, argmax: Int($0.argmax),
            teacherArgmax: teacher == nil ? 0 : Int($0.teacher_argmax), rank: Int($0.rank), teacherRank: teacher == nil ? 0 : Int($0.teacher_rank))
    }
}

/// Turns student logits [R, V] into the gradient, with respect to them, of
///     Σ a·KL(student ‖ teacher) + b·KL(teacher ‖ student) − c·log p(target)
/// in place: the logits must have been made for this call.
package func overwriteWithGradient(
    _ student: Tensor, teacher: Tensor?, targets: [Int32], reverseKL a: [Float], forwardKL b: [Float],
    logProbability c: [Float]
) {
    let rows = student.rows
    precondition(targets.count == rows && a.count == rows && b.count == rows && c.count == rows)
    unsafe ck_measure_rows_backward(student.pointer, teacher?.pointer, targets, a, b, c, rows, student.columns)
}

/// The largest element's index of each row.
package func argmaxRows(_ x: Tensor) -> [Int32] {
    var indices = [Int32](repeating: 0, count: x.rows)
    unsafe ck_argmax(&indices, x.pointer, x.rows, x.columns)
    return indices
}

/// log Σ exp of each row.
package func logSumExpRows(_ x: Tensor) -> [Float] {
    var result = [Float](repeating: 0, count: x.rows)
    unsafe ck_logsumexp(&result, x.pointer, x.rows, x.columns)
    return result
}

/// Row `row` of logits at a temperature, summed for a draw: exp(scale · (x − top)) over blocks of ``block`` words.
package struct DrawSums {
    package static let block = Int(ck_sum_block)
    /// The first of the largest.
    package let best: Int
    package let sums: [Double]

    package init(_ x: Tensor, row: Int, scale: Float) {
        best = argmax(x, row: row)
        let top = x[row, best]
        sums = unsafe Array(unsafeUninitializedCapacity: (x.columns + Self.block - 1) / Self.block) { sums, count in
            unsafe ck_exp_sums(sums.baseAddress, x.row(row), x.columns, top, scale)
            count = sums.count
        }
    }
}

/// Row `row` of logits with −∞ for what is not allowed, [1, vocabulary].
///
/// - Parameter allowed: a bit each word, 64 in an element, the lowest first.
package func masked(_ x: Tensor, row: Int, allowed: [UInt64]) -> Tensor {
    precondition(allowed.count * 64 >= x.columns, "\(allowed.count) words of 64 bits for logits \(x.shape)")
    let result = Tensor(uninitialized: 1, x.columns)
    unsafe ck_mask(result.pointer, x.row(row), allowed, x.columns)
    return result
}

/// Some of the logits of row `row`, [1, columns].
package func gathered(_ x: Tensor, row: Int, _ columns: [Int32]) -> Tensor {
    let result = Tensor(uninitialized: 1, columns.count)
    let values = unsafe x.row(row)
    for (place, column) in columns.enumerated() { unsafe result.pointer[place] = values[Int(column)] }
    return result
}

/// Whether the softmax of row `row` of logits exists: no logit is NaN or +∞, and one at least is not −∞.
package func isDistribution(_ x: Tensor, row: Int) -> Bool {
    let values = unsafe UnsafeBufferPointer(start: x.row(row), count: x.columns)
    // 0 · x is NaN for NaN and infinities, 0 for all else; a sum of lanes keeps that.
    var lanes = SIMD16<Float>()
    var index = 0
    while index + 16 <= values.count {
        lanes += unsafe UnsafeRawPointer(values.baseAddress! + index).loadUnaligned(as: SIMD16<Float>.self) * 0
        index += 16
    }
    var rest = lanes.sum()
    while index < values.count {
        rest += unsafe values[index] * 0
        index += 1
    }
    if rest == 0 { return values.count > 0 }
    return unsafe values.contains { $0 > -.infinity } && values.allSatisfy { $0 < .infinity }
}

/// The index of the largest element of one row, the first where several are equal.
package func argmax(_ x: Tensor, row: Int) -> Int {
    var index: Int32 = 0
    unsafe ck_argmax(&index, x.row(row), 1, x.columns)
    return Int(index)
}
