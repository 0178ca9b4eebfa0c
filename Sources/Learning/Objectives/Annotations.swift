package import Tensors

/// What a loss says about tokens, and what it is told about them.
///
/// A term never sees a model: it receives measures of each token (``ScoredSequence``) and answers with coefficients
/// (``TokenCoefficients``). The trainer never sees a term's formula: it minimises
///
///     Σ_t a_t · KL(student ‖ teacher)_t + b_t · KL(teacher ‖ student)_t − c_t · log π(y_t) − e_t · H(student)_t
///
/// For answers of a group, "teacher" is the reference: the weights that the training began with, given what the student is given.

/// Whose answer a sequence is.
package enum AnswerSource: Sendable, CaseIterable {
    /// One rollout of the student.
    case student
    /// A group of the student's rollouts, whose rewards are compared with one another.
    case group
    /// The teacher's own answer.
    case teacher
    /// The right answer.
    case gold
    /// The frozen teacher's answer to a replayed prompt, which the student is given alike.
    case replay

    /// The word of reports: `token` and `sequence` are the terms of the paper that read these answers.
    package var role: String {
        switch self {
        case .student: "token"
        case .group: "sequence"
        case .teacher, .gold: "target"
        case .replay: "replay"
        }
    }
}

/// One answer of a pair as it was scored: token t has `measures[t]`.
package struct ScoredSequence: Sendable {
    package let source: AnswerSource
    package let measures: [RowMeasures]
    /// Of the policy that ratios are taken against: the sampler's, or the trainer's before the first of several updates. Nil where nobody
    /// said: the token then counts as on-policy.
    package let samplerLogProbabilities: [Float?]
    /// Of the distribution that each token was drawn from, at its temperature; nil where nobody said.
    package let behaviourLogProbabilities: [Float?]
    /// A_i, where rewards are known.
    package let advantage: Float
    /// Rollouts of its group, N.
    package let groupSize: Int

    package init(
        source: AnswerSource, measures: [RowMeasures], samplerLogProbabilities: [Float?] = [],
        behaviourLogProbabilities: [Float?] = [], advantage: Float = 0, groupSize: Int = 1
    ) {
        self.source = source
        self.measures = measures
        self.samplerLogProbabilities = samplerLogProbabilities
        self.behaviourLogProbabilities = behaviourLogProbabilities
        self.advantage = advantage
        self.groupSize = groupSize
    }
}

/// Constants a, b, c, e of every token of one sequence, and the value of the loss that they stand for.
package struct TokenCoefficients: Sendable, Equatable {
    package var reverseKL: [Float]
    package var forwardKL: [Float]
    package var logProbability: [Float]
    package var entropy: [Float]
    package var loss: Double

    package init(count: Int) {
        reverseKL = Array(repeating: 0, count: count)
        forwardKL = reverseKL
        logProbability = reverseKL
        entropy = reverseKL
        loss = 0
    }

    /// The same loss `factor` times as large.
    package func scaled(by factor: Double) -> TokenCoefficients {
        var result = self
        for t in reverseKL.indices {
            result.reverseKL[t] *= Float(factor)
            result.forwardKL[t] *= Float(factor)
            result.logProbability[t] *= Float(factor)
            result.entropy[t] *= Float(factor)
        }
        result.loss *= factor
        return result
    }

    /// Appends the tokens of another sequence.
    package mutating func append(_ other: TokenCoefficients) {
        reverseKL += other.reverseKL
        forwardKL += other.forwardKL
        logProbability += other.logProbability
        entropy += other.entropy
        loss += other.loss
    }

    /// The sum of two losses of the same tokens.
    static func + (a: TokenCoefficients, b: TokenCoefficients) -> TokenCoefficients {
        var sum = a
        for t in a.reverseKL.indices {
            sum.reverseKL[t] += b.reverseKL[t]
            sum.forwardKL[t] += b.forwardKL[t]
            sum.logProbability[t] += b.logProbability[t]
            sum.entropy[t] += b.entropy[t]
        }
        sum.loss += b.loss
        return sum
    }
}

/// What a loss must know of the whole step.
package struct BatchCounts: Sendable, Equatable {
    /// Pairs that take part; the loss is their mean.
    package var pairs: Int
    /// Tokens of all rollouts of all groups, those without advantage included.
    package var sequenceTokens: Int
    /// Replayed prompts that take part; their term is a mean of its own.
    package var replays: Int

    package init(pairs: Int, sequenceTokens: Int = 0, replays: Int = 0) {
        self.pairs = pairs
        self.sequenceTokens = sequenceTokens
        self.replays = replays
    }

    /// What makes a mean over pairs one over what has answers of a source.
    func scale(_ source: AnswerSource) -> Double { source == .replay ? Double(pairs) / Double(max(1, replays)) : 1 }
}

/// How a sum over the tokens of one sequence is taken.
package enum Reduction: String, Sendable, Codable, CaseIterable {
    /// As the paper writes it.
    case sum
    case mean

    package func factor(_ count: Int) -> Float { self == .sum ? 1 : 1 / Float(max(1, count)) }
}
