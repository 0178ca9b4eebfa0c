package import Tensors

/// One part of a loss: it reads the answers of one source, and gives each of their tokens its constants.
package protocol LossTerm: Sendable {
    /// Whose answers it reads.
    var source: AnswerSource { get }
    /// What it must know of them beside the student's log-probabilities.
    var needs: Set<TermNeed> { get }

    /// The loss of one sequence with the coefficients of its tokens, before the mean over pairs.
    func coefficients(_ sequence: ScoredSequence, in batch: BatchCounts) -> TokenCoefficients

    /// How far student and teacher are apart at a token, in nats, as reports show it. Only asked of terms that need the teacher's
    /// log-probabilities.
    func divergence(_ token: RowMeasures) -> Float

    /// w_t of each token, as reports show it; nil for a term without weights.
    func weights(_ sequence: ScoredSequence) -> [Float]?
}

extension LossTerm {
    package var needs: Set<TermNeed> { [] }
    package func divergence(_ token: RowMeasures) -> Float { token.reverseKL }
    package func weights(_ sequence: ScoredSequence) -> [Float]? { nil }
}

/// What the trainer must find out about answers for a term.
package enum TermNeed: Sendable {
    /// The teacher's log-probabilities at every token: a second forward pass.
    case teacherLogProbabilities
    /// The judge's rewards, as advantages within the group.
    case rewards
    /// The log-probabilities of the weights that the training began with, after the same prompt.
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
