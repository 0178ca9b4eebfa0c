/// What `POST /v1/cord/score` answers: what a step would have learnt from. Nothing was changed.
package struct CordScore: Codable, Equatable, Sendable {
    package var object = "cord.score"
    package var createdAt: Int
    package var model: String
    /// The version that was scored; absent for the base.
    package var weightVersion: String?
    package var metrics: CordMetrics
    /// In the order of the request.
    package var pairs: [CordPairOutcome]
    /// Of the prompts that were replayed; absent without them.
    package var replays: [CordPairOutcome]?
    package var timings: CordTimings

    package init(createdAt: Int, model: String, weightVersion: String?, metrics: CordMetrics, pairs: [CordPairOutcome], timings: CordTimings) {
        (self.createdAt, self.model, self.weightVersion, self.metrics, self.pairs) = (createdAt, model, weightVersion, metrics, pairs)
        self.timings = timings
    }
}

/// What a token's loss is made of. Of a token that was compared with nothing, the teacher's are absent.
package struct CordMeasures: Codable, Equatable, Sendable {
    /// The trainer's, at the temperature at which the token is scored.
    package var logprob: Double
    package var entropy: Double
    /// KL(student ‖ teacher); of a group's tokens, to the first weights.
    package var reverseKl: Double?
    package var forwardKl: Double?
    package var teacherLogprob: Double?
    package var teacherEntropy: Double?
    package var coefficients: CordCoefficients

    package init(
        logprob: Double, entropy: Double, reverseKl: Double?, forwardKl: Double?, teacherLogprob: Double?, teacherEntropy: Double?,
        coefficients: CordCoefficients
    ) {
        (self.logprob, self.entropy, self.reverseKl, self.forwardKl, self.teacherLogprob) = (logprob, entropy, reverseKl, forwardKl, teacherLogprob)
        (self.teacherEntropy, self.coefficients) = (teacherEntropy, coefficients)
    }
}

/// Constants of a token in the step's loss, whose gradient is that of
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
