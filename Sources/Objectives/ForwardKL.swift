import Tensors

/// Off-policy distillation: Σ_t KL(teacher ‖ student)_t over an answer of the teacher.
package struct ForwardKL: Sendable, Equatable {
    package var reduction: Reduction

    package init(reduction: Reduction = .sum) { self.reduction = reduction }

    package func coefficients(_ sequence: ScoredSequence) -> TokenCoefficients {
        var result = TokenCoefficients(count: sequence.measures.count)
        let factor = reduction.factor(sequence.measures.count)
        result.forwardKL = Array(repeating: factor, count: sequence.measures.count)
        result.loss = sequence.measures.reduce(0) { $0 + Double(factor) * Double($1.forwardKL) }
        return result
    }
}
