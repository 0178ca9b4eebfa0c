package import Tensors

/// What a loss says about tokens, and what it is told about them.
///
/// An objective never sees a model: it receives measures of each token (``ScoredSequence``) and answers with coefficients
/// (``TokenCoefficients``). The trainer never sees an objective's formula: it minimises
///
///     Σ_t a_t · KL(student ‖ teacher)_t + b_t · KL(teacher ‖ student)_t − c_t · log π(y_t)

/// Why a sequence takes part in a step.
package enum SequenceRole: String, Sendable, Codable {
    /// The student's rollout of the token term.
    case token
    /// A rollout of the group of the sequence term.
    case sequence
    /// An answer to be imitated: gold, or the teacher's own.
    case target
}

/// One answer of a pair as it was scored: token t has `measures[t]`.
package struct ScoredSequence: Sendable {
    package let role: SequenceRole
    package let measures: [RowMeasures]
    /// What the sampler gave each token; nil where it did not say.
    package let samplerLogProbabilities: [Float?]
    /// A_i, for the sequence term.
    package let advantage: Float
    /// Rollouts of its group, N.
    package let groupSize: Int

    package init(
        role: SequenceRole, measures: [RowMeasures], samplerLogProbabilities: [Float?] = [], advantage: Float = 0,
        groupSize: Int = 1
    ) {
        self.role = role
        self.measures = measures
        self.samplerLogProbabilities = samplerLogProbabilities
        self.advantage = advantage
        self.groupSize = groupSize
    }
}

/// Constants a, b, c of every token of one sequence, and the value of the loss that they stand for.
package struct TokenCoefficients: Sendable, Equatable {
    package var reverseKL: [Float]
    package var forwardKL: [Float]
    package var logProbability: [Float]
    package var loss: Double

    package init(count: Int) {
        reverseKL = Array(repeating: 0, count: count)
        forwardKL = reverseKL
        logProbability = reverseKL
        loss = 0
    }

    /// The same loss `factor` times as large.
    package func scaled(by factor: Double) -> TokenCoefficients {
        var result = self
        for t in reverseKL.indices {
            result.reverseKL[t] *= Float(factor)
            result.forwardKL[t] *= Float(factor)
            result.logProbability[t] *= Float(factor)
        }
        result.loss *= factor
        return result
    }
}

/// What a loss must know of the whole step.
package struct BatchCounts: Sendable, Equatable {
    /// Pairs that take part; the loss is their mean.
    package var pairs: Int
    /// Tokens of all rollouts of all groups, those without advantage included.
    package var sequenceTokens: Int

    package init(pairs: Int, sequenceTokens: Int = 0) {
        self.pairs = pairs
        self.sequenceTokens = sequenceTokens
    }
}

/// How a sum over the tokens of one sequence is taken.
package enum Reduction: String, Sendable, Codable, CaseIterable {
    /// As the paper writes it.
    case sum
    case mean

    package func factor(_ count: Int) -> Float { self == .sum ? 1 : 1 / Float(max(1, count)) }
}
