import Glibc
import Tensors

/// The sequence term, −(1/N) Σ_i A_i Σ_t log π(y_i,t) (CORD, equation 10), or its clipped form (PPO; Schulman et al., 2017)
///
///     −(1/N) Σ_i Σ_t min(ρ A_i, clip(ρ, 1 − ε, 1 + ε) A_i),   ρ = π(y_i,t) / π_sampler(y_i,t)
package struct PolicyGradient: LossTerm, Equatable {
    /// What the sum over a rollout's tokens is divided by.
    package enum Normalisation: String, Sendable, Codable, CaseIterable {
        /// Nothing, as the paper writes it.
        case sum
        /// The rollout's length: GRPO.
        case sequence
        /// The tokens of all rollouts of the step, instead of the group's size and the step's pairs: DAPO.
        case tokens
        /// The most tokens that a rollout may have: Dr. GRPO.
        case constant
    }

    package var source: AnswerSource { .group }
    package var needs: Set<TermNeed> { [.rewards] }

    /// ε; nil for no ratio at all.
    package var clipRatio: Double?
    package var normalisation: Normalisation
    package var maxTokens: Int

    package init(clipRatio: Double? = nil, normalisation: Normalisation = .sum, maxTokens: Int = 200) {
        self.clipRatio = clipRatio
        self.normalisation = normalisation
        self.maxTokens = maxTokens
    }

    package func coefficients(_ sequence: ScoredSequence, in batch: BatchCounts) -> TokenCoefficients {
        let count = sequence.measures.count
        let advantage = Double(sequence.advantage)
        let share = share(sequence, in: batch)
        var result = TokenCoefficients(count: count)
        for (t, row) in sequence.measures.enumerated() {
            guard let clipRatio else {
                result.logProbability[t] = Float(advantage * share)
                result.loss -= advantage * share * Double(row.logProbability)
                continue
            }
            // A token whose sampler probability is unknown counts as on-policy.
            let sampled = t < sequence.samplerLogProbabilities.count ? sequence.samplerLogProbabilities[t] : nil
            let ratio = exp(Double(row.logProbability) - Double(sampled ?? row.logProbability))
            let clipped = min(max(ratio, 1 - clipRatio), 1 + clipRatio)
            result.loss -= share * min(ratio * advantage, clipped * advantage)
            if ratio * advantage <= clipped * advantage { result.logProbability[t] = Float(share * advantage * ratio) }
        }
        return result
    }

    private func share(_ sequence: ScoredSequence, in batch: BatchCounts) -> Double {
        let group = 1 / Double(max(1, sequence.groupSize))
        return switch normalisation {
        case .sum: group
        case .sequence: group / Double(max(1, sequence.measures.count))
        case .tokens: Double(batch.pairs) / Double(max(1, batch.sequenceTokens))
        case .constant: group / Double(max(1, maxTokens))
        }
    }
}
