import Glibc
package import Tensors

/// On-policy distillation from a teacher of which only the sampled tokens' log-probabilities are known: an estimate of Σ_t D_t
///
///     Σ_t ρ_t (log π(y_t) − log q(y_t)),   with the gradient   Σ_t ρ_t (log π(y_t) − log q(y_t)) ∇ log π(y_t)
///
/// Over rollouts drawn at temperature 1 the mean of both is that of the reverse KL at every position; single values vary more, and may be negative.
/// ρ = π(y_t) / π_old(y_t) is 1 in a step's first update. This is the policy gradient with a reward per token, as in MiniLLM's single-step term
/// (Gu et al., 2023).
package struct SampledReverseKL: LossTerm, Equatable {
    package var source: AnswerSource { .student }
    package var needs: Set<TermNeed> { [.teacherLogProbabilities] }
    package var reduction: Reduction

    package init(reduction: Reduction = .sum) { self.reduction = reduction }

    package func divergence(_ token: RowMeasures) -> Float { token.logProbability - token.teacherLogProbability }

    package func coefficients(_ sequence: ScoredSequence, in batch: BatchCounts) -> TokenCoefficients {
        var result = TokenCoefficients(count: sequence.measures.count)
        let factor = Double(reduction.factor(sequence.measures.count))
        for (t, row) in sequence.measures.enumerated() {
            let old = (t < sequence.samplerLogProbabilities.count ? sequence.samplerLogProbabilities[t] : nil) ?? row.logProbability
            let ratio = exp(Double(row.logProbability) - Double(old))
            let value = factor * ratio * (Double(row.logProbability) - Double(row.teacherLogProbability))
            result.logProbability[t] = Float(-value)
            result.loss += value
        }
        return result
    }
}
