package import Tensors

/// The interface between the trainer and a loss.
///
/// A term never sees a model. It receives the measures of each token (``ScoredSequence``) and returns coefficients (``TokenCoefficients``). The
/// trainer never sees a term's formula. It minimises
///
///     Σ_t a_t · KL(student ‖ teacher)_t + b_t · KL(teacher ‖ student)_t − c_t · log π(y_t) − e_t · H(student)_t
///
/// For a group's answers, "teacher" means the reference: the initial weights of the training, given the student's prompt.

/// The source of an answer.
package enum AnswerSource: Sendable, CaseIterable {
    /// One rollout of the student.
    case student
    /// A group of the student's rollouts, whose rewards are compared with each other.
    case group
    /// The teacher's own answer.
    case teacher
    /// The reference answer.
    case gold
    /// The frozen teacher's answer to a replayed prompt, which student and teacher both receive.
    case replay

    /// The name in reports. `token` and `sequence` are the paper's terms that read these answers.
    package var role: String {
        switch self {
        case .student: "token"
        case .group: "sequence"
        case .teacher, .gold: "target"
        case .replay: "replay"
        }
    }
}

/// One scored answer of a pair; token t has `measures[t]`.
package struct ScoredSequence: Sendable {
    package let source: AnswerSource
    package let measures: [RowMeasures]
    /// Log-probabilities under the policy of the ratios: the sampler's, or the trainer's before the first of several updates. A nil token counts as
    /// on-policy.
    package let samplerLogProbabilities: [Float?]
    /// Log-probabilities under the distribution that each token was drawn from, at its temperature; nil if unknown.
    package let behaviourLogProbabilities: [Float?]
    /// A_i, if rewards are known.
    package let advantage: Float
    /// The number of rollouts in its group, N.
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

/// The constants a, b, c, e of every token of a sequence, and the loss value that they stand for.
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

    /// The same loss multiplied by `factor`.
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

/// The counts of a whole step that a loss needs.
package struct BatchCounts: Sendable, Equatable {
    /// The number of pairs that take part; the loss is their mean.
    package var pairs: Int
    /// The number of tokens in all rollouts of all groups, including those without advantage.
    package var sequenceTokens: Int
    /// The number of replayed prompts that take part; their term is a separate mean.
    package var replays: Int

    package init(pairs: Int, sequenceTokens: Int = 0, replays: Int = 0) {
        self.pairs = pairs
        self.sequenceTokens = sequenceTokens
        self.replays = replays
    }

    /// The factor that turns a mean over pairs into one over the answers of a source.
    func scale(_ source: AnswerSource) -> Double { source == .replay ? Double(pairs) / Double(max(1, replays)) : 1 }
}

/// How the values of one sequence's tokens are reduced.
package enum Reduction: String, Sendable, Codable, CaseIterable {
    /// The sum, as in the paper.
    case sum
    case mean

    package func factor(_ count: Int) -> Float { self == .sum ? 1 : 1 / Float(max(1, count)) }
}
