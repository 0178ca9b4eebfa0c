package import Tensors

/// Off-policy distillation: Σ_t KL(teacher ‖ student)_t over an answer of the teacher.
///
/// On a replayed prompt it keeps the student where it was, as in Learning without Forgetting (Li and Hoiem, 2016).
package struct ForwardKL: LossTerm, Equatable {
    /// `.teacher` or `.replay`.
    package let source: AnswerSource
    package var needs: Set<TermNeed> { [.teacherLogProbabilities] }
    package var reduction: Reduction

    package init(of source: AnswerSource = .teacher, reduction: Reduction = .sum) {
        self.source = source
        self.reduction = reduction
    }

    package func divergence(_ token: RowMeasures) -> Float { token.forwardKL }

    package func coefficients(_ sequence: ScoredSequence, in batch: BatchCounts) -> TokenCoefficients {
        var result = TokenCoefficients(count: sequence.measures.count)
        let factor = reduction.factor(sequence.measures.count)
        result.forwardKL = Array(repeating: factor, count: sequence.measures.count)
        result.loss = sequence.measures.reduce(0) { $0 + Double(factor) * Double($1.forwardKL) }
        return result
    }
}
