package import Generation
package import Objectives
import Randomness
package import Tensors

/// A pair whose answers are fixed: what the model learns from.
package struct PreparedPair: Sendable {
    package struct Answer: Sendable {
        package let source: AnswerSource
        package let tokens: [Int32]
        /// As ``ScoredSequence`` has them.
        package var samplerLogProbabilities: [Float?]
        package var behaviourLogProbabilities: [Float?]
        package let advantage: Float
        /// Rollouts of its group, those without advantage included.
        package let groupSize: Int

        package init(
            source: AnswerSource, tokens: [Int32], samplerLogProbabilities: [Float?] = [], behaviourLogProbabilities: [Float?] = [],
            advantage: Float = 0, groupSize: Int = 1
        ) {
            self.source = source
            self.tokens = tokens
            self.samplerLogProbabilities = samplerLogProbabilities
            self.behaviourLogProbabilities = behaviourLogProbabilities
            self.advantage = advantage
            self.groupSize = groupSize
        }
    }

    /// What the student is given: the spoken question.
    package let prompt: Prompt
    /// What the teacher is given: the typed one.
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

    /// The same pair for an update of its own: what it draws is drawn anew.
    func drawing(_ update: Int) -> PreparedPair {
        var pair = self
        pair.stream = RandomStream(seed: stream, index: update).first
        return pair
    }

    /// The same answers for a later update: its ratios are taken against the weights that scored them first.
    package func against(_ scored: [ScoredAnswer]) -> PreparedPair {
        var later = self
        for (place, answer) in scored.enumerated() {
            later.answers[place].samplerLogProbabilities = answer.measures.map(\.logProbability)
            later.answers[place].behaviourLogProbabilities = answer.behaviourLogProbabilities
        }
        return later
    }
}

/// How one answer of a pair scored, and what it added to the loss.
package struct ScoredAnswer: Sendable {
    package let measures: [RowMeasures]
    package let coefficients: TokenCoefficients
    /// Of the distribution that each token was drawn from, where the objective asks for it.
    package let behaviourLogProbabilities: [Float?]
    /// w_t of the token term.
    package let weights: [Float]?
    /// The largest |sampler − trainer| log-probability difference, where the sampler's are known.
    package let logProbabilityDifference: Float?
}
