import Glibc
import Tensors

/// The sequence term, −(1/N) Σ_i A_i Σ_t w_t log π(y_i,t) (CORD, equation 10, with w = 1), or its clipped form (PPO; Schulman et al., 2017)
///
///     −(1/N) Σ_i Σ_t w_t min(ρ A_i, clip(ρ, 1 − ε, 1 + ε) A_i),   ρ = π(y_i,t) / π_old(y_i,t)
///
/// with, for each token of the group, β KL(π ‖ π_reference) − η H(π). Weights w and advantages are constants.
package struct PolicyGradient: LossTerm, Equatable {
    /// Which π is scored on rollouts drawn from μ at a temperature T.
    package enum Estimator: String, Sendable, Codable, CaseIterable {
        /// π at temperature 1 and w = 1, as in the paper. For T ≠ 1 the rollouts are off-policy without a correction, so the estimate is biased.
        case unitTemperature = "unit_temperature"
        /// π at temperature T and w = 1: on-policy, the gradient of the expected reward of the sampled answers. KL and entropy are taken at T as
        /// well.
        case samplingTemperature = "sampling_temperature"
        /// π at temperature 1 and w_t = min(C, π_old(y_t) / μ(y_t)): truncated importance weights per token (Ionides, 2008). The remaining bias
        /// comes from the bound, and from ignoring the ratios of earlier tokens.
        case importance
    }

    /// The divisor of the sum over a rollout's tokens.
    package enum Normalisation: String, Sendable, Codable, CaseIterable {
        /// None, as in the paper.
        case sum
        /// The rollout's length, as in GRPO.
        case sequence
        /// The number of tokens in all rollouts of the step, instead of the group's size and the step's pairs, as in DAPO.
        case tokens
        /// The maximum rollout length, as in Dr. GRPO.
        case constant
    }

    package var source: AnswerSource { .group }
    package var needs: Set<TermNeed> { referenceCoefficient > 0 ? [.rewards, .referenceLogProbabilities] : [.rewards] }

    package var estimator: Estimator
    /// C.
    package var importanceBound: Double
    /// ε; nil uses no ratio.
    package var clipRatio: Double?
    /// β.
    package var referenceCoefficient: Double
    /// η.
    package var entropyCoefficient: Double
    package var normalisation: Normalisation
    package var maxTokens: Int

    package init(
        estimator: Estimator = .unitTemperature, importanceBound: Double = 2, clipRatio: Double? = nil, referenceCoefficient: Double = 0,
        entropyCoefficient: Double = 0, normalisation: Normalisation = .sum, maxTokens: Int = 200
    ) {
        self.estimator = estimator
        self.importanceBound = importanceBound
        self.clipRatio = clipRatio
        self.referenceCoefficient = referenceCoefficient
        self.entropyCoefficient = entropyCoefficient
        self.normalisation = normalisation
        self.maxTokens = maxTokens
    }

    package func coefficients(_ sequence: ScoredSequence, in batch: BatchCounts) -> TokenCoefficients {
        let count = sequence.measures.count
        let advantage = Double(sequence.advantage)
        let share = share(sequence, in: batch)
        var result = TokenCoefficients(count: count)
        for (t, row) in sequence.measures.enumerated() {
            let now = Double(row.logProbability)
            let old = known(sequence.samplerLogProbabilities, t) ?? now
            let scale = share * weight(old: old, behaviour: known(sequence.behaviourLogProbabilities, t))
            if let clipRatio {
                let ratio = exp(now - old)
                let clipped = min(max(ratio, 1 - clipRatio), 1 + clipRatio)
                result.loss -= scale * min(ratio * advantage, clipped * advantage)
                if ratio * advantage <= clipped * advantage { result.logProbability[t] = Float(scale * advantage * ratio) }
            } else {
                result.logProbability[t] = Float(advantage * scale)
                result.loss -= advantage * scale * now
            }
            if referenceCoefficient > 0 {
                result.reverseKL[t] = Float(share * referenceCoefficient)
                result.loss += share * referenceCoefficient * Double(row.reverseKL)
            }
            if entropyCoefficient > 0 {
                result.entropy[t] = Float(share * entropyCoefficient)
                result.loss -= share * entropyCoefficient * Double(row.entropy)
            }
        }
        return result
    }

    /// w_t. A token whose sampling distribution is unknown has weight 1.
    private func weight(old: Double, behaviour: Double?) -> Double {
        guard estimator == .importance, let behaviour else { return 1 }
        return min(importanceBound, exp(old - behaviour))
    }

    private func known(_ values: [Float?], _ t: Int) -> Double? { t < values.count ? values[t].map(Double.init) : nil }

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
