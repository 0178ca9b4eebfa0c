import Tensors

/// On-policy distillation: Σ_t w_t · KL(student ‖ teacher)_t over a rollout of the student (CORD, equations 2 and 4 to 6).
///
/// Without importance weights this is OPD, the reverse KL of GKD (Agarwal et al., 2024) at β = 1.
package struct ReverseKL: LossTerm, Equatable {
    package var source: AnswerSource { .student }
    package var needs: Set<TermNeed> { [.teacherLogProbabilities] }
    package var importance: TokenImportance?
    package var reduction: Reduction

    package init(importance: TokenImportance? = nil, reduction: Reduction = .sum) {
        self.importance = importance
        self.reduction = reduction
    }

    /// The weights w_t, computed from the divergences; all 1 without importance weights.
    package func weights(divergences: [Float]) -> [Float] {
        importance?.weights(divergences: divergences) ?? Array(repeating: 1, count: divergences.count)
    }

    package func weights(_ sequence: ScoredSequence) -> [Float]? { weights(divergences: sequence.measures.map(\.reverseKL)) }

    package func coefficients(_ sequence: ScoredSequence, in batch: BatchCounts) -> TokenCoefficients {
        var result = TokenCoefficients(count: sequence.measures.count)
        let factor = reduction.factor(sequence.measures.count)
        result.reverseKL = weights(divergences: sequence.measures.map(\.reverseKL)).map { $0 * factor }
        for (weight, row) in zip(result.reverseKL, sequence.measures) {
            result.loss += Double(weight) * Double(row.reverseKL)
        }
        return result
    }
}
