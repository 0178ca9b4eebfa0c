import Tensors

/// Imitation: −Σ_t log π(y_t) over a given answer, the reference or the teacher's own.
package struct CrossEntropy: LossTerm, Equatable {
    /// `.gold` or `.teacher`.
    package let source: AnswerSource
    package var reduction: Reduction

    package init(of source: AnswerSource, reduction: Reduction = .sum) {
        self.source = source
        self.reduction = reduction
    }

    package func coefficients(_ sequence: ScoredSequence, in batch: BatchCounts) -> TokenCoefficients {
        var result = TokenCoefficients(count: sequence.measures.count)
        let factor = reduction.factor(sequence.measures.count)
        result.logProbability = Array(repeating: factor, count: sequence.measures.count)
        result.loss = sequence.measures.reduce(0) { $0 - Double(factor) * Double($1.logProbability) }
        return result
    }
}
