package import Tensors

/// Off-policy distillation: Σ_t KL(teacher ‖ student)_t over an answer of the teacher.
package struct ForwardKL: LossTerm, Equatable {
    package var source: AnswerSource { .teacher }
    package var needs: Set<TermNeed> { [.teacherLogProbabilities] }
    package var reduction: Reduction

    package init(reduction: Reduction = .sum) { self.reduction = reduction }

    package func divergence(_ token: RowMeasures) -> Float { token.forwardKL }

    package func coefficients(_ sequence: ScoredSequence, in batch: BatchCounts) -> TokenCoefficients {
        var result = TokenCoefficients(count: sequence.measures.count)
        let factor = reduction.factor(sequence.measures.count)
        result.forwardKL = Array(repeating: factor, count: sequence.measures.count)
        result.loss = sequence.measures.reduce(0) { $0 + Double(factor) * Double($1.forwardKL) }
        return result
    }
}
