package import API

/// The response of `POST /v1/cord/steps`, and later of `GET /v1/cord/steps/{id}`.

/// A step that was taken. Its version answers from the next request on.
package struct CordStep: Codable, Equatable, Sendable {
    package var id: String
    package var object = "cord.step"
    package var createdAt: Int
    /// The number of steps behind the version, including this one.
    package var step: Int
    package var model: String
    package var weightVersion: String
    package var parentVersion: String?
    package var metrics: CordMetrics
    /// In the order of the request.
    package var pairs: [CordPairOutcome]
    /// The replayed prompts; absent if there are none.
    package var replays: [CordPairOutcome]?
    package var timings: CordTimings
}

/// The metrics that researchers plot. Terms that the method does not have are null.
package struct CordMetrics: Codable, Equatable, Sendable {
    package var loss: Double
    package var tokenLoss: Double?
    package var sequenceLoss: Double?
    /// The mean of D_t over the rollouts' positions, in nats.
    package var klMean: Double?
    package var rewardMean: Double?
    /// The share of positions where student and teacher have the same likeliest token.
    package var teacherAgreement: Double?
    /// The gradient norm before clipping.
    package var gradNorm: Double
    package var learningRate: Double
    package var rolloutTokens: Int
    package var trainTokens: Int
    /// The largest difference between the sampler's and the trainer's log-probabilities of the rollouts.
    package var logprobDifferenceMax: Double?
    /// The mean rollout length T, in tokens.
    package var rolloutLengthMean: Double?
    /// The share of positions with weight α. At 1, α only scales the token term.
    package var topKShare: Double?
    /// The share of the group's tokens whose ratio was clipped in the last update.
    package var clipFraction: Double?
    package var referenceKlMean: Double?
    package var entropyMean: Double?
    package var replayLoss: Double?
    package var replayKl: Double?
}

/// The outcome of one pair.
package struct CordPairOutcome: Codable, Equatable, Sendable {
    package var id: String?
    /// The pair's index in the request.
    package var index: Int
    package var status: CordPairStatus
    /// Why the pair was skipped.
    package var reason: String?
    package var audio: HeardAudio?
    package var teacherAnswer: String?
    package var rewardMean: Double?
    package var klMean: Double?
    /// Present with `include: ["rollouts"]`.
    package var rollouts: [CordRollout]?
}

package enum CordPairStatus: String, Codable, CaseIterable, Sendable { case applied, skipped }

/// An answer to the audio that took part in the step.
package struct CordRollout: Codable, Equatable, Sendable {
    /// The term that the rollout belongs to: `token`, `sequence`, `target` or `replay`.
    package var role: String
    package var text: String
    package var tokenCount: Int
    /// `stop` or `length`.
    package var finishReason: String?
    package var reward: Double?
    package var advantage: Double?
    /// Present with `include: ["tokens"]`.
    package var tokens: [CordToken]?
}

/// One position of a rollout.
package struct CordToken: Codable, Equatable, Sendable {
    package var token: Int
    package var text: String
    /// The sampler's log-probability.
    package var logprob: Double
    /// D_t.
    package var divergence: Double?
    /// w_t.
    package var weight: Double?
    /// Present in `POST /v1/cord/score`.
    package var measured: CordMeasures?
}

/// Durations in seconds.
package struct CordTimings: Codable, Equatable, Sendable {
    package var queue: Double
    package var rollouts: Double
    package var scoring: Double
    package var backward: Double
    package var optimizer: Double
    package var publish: Double
    package var total: Double
}
