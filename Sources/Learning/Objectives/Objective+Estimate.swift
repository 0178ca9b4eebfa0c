extension Objective {
    /// A sentence for logs about what the sequence term, or a sampled token term, estimates; nil for a method without one.
    package var estimate: String? {
        if method == .opdSampled { return "token term: log π − log teacher of the sampled tokens, an unbiased estimate of D_t that varies more" }
        guard reads(.group) else { return nil }
        let drawn = "rollouts drawn at temperature \(sequenceTemperature)"
        let scored =
            switch estimator {
            case .unitTemperature where sequenceTemperature == 1: "log π of \(drawn): on-policy"
            case .unitTemperature: "log π at temperature 1 of \(drawn), as the paper reads: off-policy and biased"
            case .samplingTemperature: "log π at the same temperature of \(drawn): on-policy"
            case .importance: "log π at temperature 1 of \(drawn), each token weighted by π / sampler up to \(importanceBound)"
            }
        let clipped = clipRatio.map {
            ", ratios clipped to 1 ± \($0)" + (updatesPerRollout == 1 ? " (with one update per rollout they are 1, and nothing is clipped)" : "")
        }
        return "sequence term: \(scored)\(clipped ?? "")" + (updatesPerRollout == 1 ? "" : ", \(updatesPerRollout) updates per rollout")
    }
}
