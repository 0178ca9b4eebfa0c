package import Tensors

/// One part of a loss. It reads the answers of one source and gives each token its coefficients.
package protocol LossTerm: Sendable {
    /// The source of the answers that it reads.
    var source: AnswerSource { get }
    /// What it needs to know about them besides the student's log-probabilities.
    var needs: Set<TermNeed> { get }

    /// The loss of one sequence and its tokens' coefficients, before the mean over pairs.
    func coefficients(_ sequence: ScoredSequence, in batch: BatchCounts) -> TokenCoefficients

    /// The divergence between student and teacher at a token, in nats, for reports. Called only for terms that need the teacher's
    /// log-probabilities.
    func divergence(_ token: RowMeasures) -> Float

    /// The weights w_t for reports; nil for a term without weights.
    func weights(_ sequence: ScoredSequence) -> [Float]?
}

extension LossTerm {
    package var needs: Set<TermNeed> { [] }
    package func divergence(_ token: RowMeasures) -> Float { token.reverseKL }
    package func weights(_ sequence: ScoredSequence) -> [Float]? { nil }
}

/// What the trainer must compute about answers for a term.
package enum TermNeed: Sendable {
    /// The teacher's log-probabilities at every token: a second forward pass.
    case teacherLogProbabilities
    /// The judge's rewards, as advantages within the group.
    case rewards
    /// The log-probabilities of the initial weights of the training, after the same prompt.
    case referenceLogProbabilities
}

/// A term with its factor in the loss.
package struct WeightedTerm: Sendable {
    package let term: any LossTerm
    package let coefficient: Double

    init(_ term: any LossTerm, coefficient: Double = 1) {
        self.term = term
        self.coefficient = coefficient
    }
}
