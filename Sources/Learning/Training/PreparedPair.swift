package import Generation
package import Objectives
import Randomness
package import Tensors

/// A pair with fixed answers: the input of a gradient pass.
package struct PreparedPair: Sendable {
    package struct Answer: Sendable {
        package let source: AnswerSource
        package let tokens: [Int32]
        /// As in ``ScoredSequence``.
        package var samplerLogProbabilities: [Float?]
        package var behaviourLogProbabilities: [Float?]
        /// log q of each token by a teacher that is not computed here; nil if it is.
        package let teacherLogProbabilities: [Float]?
        package let advantage: Float
        /// The number of rollouts in its group, including those without advantage.
        package let groupSize: Int

        package init(
            source: AnswerSource, tokens: [Int32], samplerLogProbabilities: [Float?] = [], behaviourLogProbabilities: [Float?] = [],
            teacherLogProbabilities: [Float]? = nil, advantage: Float = 0, groupSize: Int = 1
        ) {
            precondition(teacherLogProbabilities.map { $0.count == tokens.count } ?? true, "a log-probability a token")
            self.source = source
            self.tokens = tokens
            self.samplerLogProbabilities = samplerLogProbabilities
            self.behaviourLogProbabilities = behaviourLogProbabilities
            self.teacherLogProbabilities = teacherLogProbabilities
            self.advantage = advantage
            self.groupSize = groupSize
        }
    }

    /// The student's prompt: the spoken question.
    package let prompt: Prompt
    /// The teacher's prompt: the typed question.
    package let teacherPrompt: Prompt
    package var answers: [Answer]
    /// Names the random choices of the pair's pass.
    package var stream: UInt64

    package init(prompt: Prompt, teacherPrompt: Prompt, answers: [Answer], stream: UInt64 = 0) {
        self.prompt = prompt
        self.teacherPrompt = teacherPrompt
        self.answers = answers
        self.stream = stream
    }

    /// The same pair for another update, with new random choices.
    func drawing(_ update: Int) -> PreparedPair {
        var pair = self
        pair.stream = RandomStream(seed: stream, index: update).first
        return pair
    }

    /// The same answers for a later update, whose ratios refer to the weights that scored them first.
    package func against(_ scored: [ScoredAnswer]) -> PreparedPair {
        var later = self
        for (place, answer) in scored.enumerated() {
            later.answers[place].samplerLogProbabilities = answer.measures.map(\.logProbability)
            later.answers[place].behaviourLogProbabilities = answer.behaviourLogProbabilities
        }
        return later
    }
}

/// The scores of one answer of a pair, and its contribution to the loss.
package struct ScoredAnswer: Sendable {
    package let measures: [RowMeasures]
    package let coefficients: TokenCoefficients
    /// Log-probabilities under each token's sampling distribution, if the objective needs them.
    package let behaviourLogProbabilities: [Float?]
    /// The weights w_t of the token term.
    package let weights: [Float]?
    /// The largest difference between the sampler's and the trainer's log-probabilities, if the sampler's are known.
    package let logProbabilityDifference: Float?
}
