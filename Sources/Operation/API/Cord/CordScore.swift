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

    package init(createdAt: Int, model: String, weightVersion: String?, metrics: CordMetrics, pairs: [CordPairOutcome], timings: CordTimings) {
        (self.createdAt, self.model, self.weightVersion, self.metrics, self.pairs) = (createdAt, model, weightVersion, metrics, pairs)
        self.timings = timings
    }
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

    package init(
        logprob: Double, entropy: Double, rank: Int, reverseKl: Double?, forwardKl: Double?, teacherLogprob: Double?, teacherEntropy: Double?,
        teacherRank: Int?, coefficients: CordCoefficients
    ) {
        (self.logprob, self.entropy, self.reverseKl, self.forwardKl, self.teacherLogprob) = (logprob, entropy, reverseKl, forwardKl, teacherLogprob)
        (self.teacherEntropy, self.rank, self.teacherRank, self.coefficients) = (teacherEntropy, rank, teacherRank, coefficients)
    }
}

/// The constants of a token in the step's loss, whose gradient is that of
/// Σ reverse_kl · KL(student ‖ teacher) + forward_kl · KL(teacher ‖ student) − logprob · log π − entropy · H.
package struct CordCoefficients: Codable, Equatable, Sendable {
    package var logprob: Double
    package var reverseKl: Double
    package var forwardKl: Double
    package var entropy: Double

    package init(logprob: Double, reverseKl: Double, forwardKl: Double, entropy: Double) {
        (self.logprob, self.reverseKl, self.forwardKl, self.entropy) = (logprob, reverseKl, forwardKl, entropy)
    }
}
