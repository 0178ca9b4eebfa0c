/// The response of `POST /v1/cord/score`: what a step would learn from. Nothing is changed.
package struct CordScore: Codable, Equatable, Sendable {
    package var object = "cord.score"
    package var createdAt: Int
    package var model: String
    /// The version that was scored; absent for the base.
    package var weightVersion: String?
    package var metrics: CordMetrics
    /// In the order of the request.
    package var pairs: [CordPairOutcome]
    /// The replayed prompts; absent if there are none.
    package var replays: [CordPairOutcome]?
    package var timings: CordTimings
}

/// The measures behind a token's loss. The teacher's are absent if the token was compared with nothing.
package struct CordMeasures: Codable, Equatable, Sendable {
    /// The trainer's log-probability, at the temperature at which the token is scored.
    package var logprob: Double
    package var entropy: Double
    /// The token's place among all, by probability: 1 for the likeliest. Tokens of equal probability share the better rank.
    package var rank: Int?
    /// KL(student ‖ teacher); in a group, the divergence from the initial weights.
    package var reverseKl: Double?
    package var forwardKl: Double?
    package var teacherLogprob: Double?
    package var teacherEntropy: Double?
    package var teacherRank: Int?
    package var coefficients: CordCoefficients
}

/// The constants of a token in the step's loss, whose gradient is that of
/// Σ reverse_kl · KL(student ‖ teacher) + forward_kl · KL(teacher ‖ student) − logprob · log π − entropy · H.
package struct CordCoefficients: Codable, Equatable, Sendable {
    package var logprob: Double
    package var reverseKl: Double
    package var forwardKl: Double
    package var entropy: Double
}
