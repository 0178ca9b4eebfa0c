/// What `POST /v1/cord/steps` answers, and `GET /v1/cord/steps/{id}` again.

/// A step that was taken; the version that it made answers the next request.
package struct CordStep: Codable, Equatable, Sendable {
    package var id: String
    package var object = "cord.step"
    package var createdAt: Int
    /// How many steps lie behind the version, this one included.
    package var step: Int
    package var model: String
    package var weightVersion: String
    package var parentVersion: String?
    package var metrics: CordMetrics
    /// In the order of the request.
    package var pairs: [CordPairOutcome]
    /// Of the prompts that were replayed; absent without them.
    package var replays: [CordPairOutcome]?
    package var timings: CordTimings

    package init(
        id: String, createdAt: Int, step: Int, model: String, weightVersion: String, parentVersion: String? = nil, metrics: CordMetrics,
        pairs: [CordPairOutcome], timings: CordTimings
    ) {
        (self.id, self.createdAt, self.step, self.model, self.weightVersion) = (id, createdAt, step, model, weightVersion)
        (self.parentVersion, self.metrics, self.pairs, self.timings) = (parentVersion, metrics, pairs, timings)
    }
}

/// What a researcher plots. A term that the method does not have is null.
package struct CordMetrics: Codable, Equatable, Sendable {
    package var loss: Double
    package var tokenLoss: Double?
    package var sequenceLoss: Double?
    /// Mean of D_t over the rollouts' positions, in nats.
    package var klMean: Double?
    package var rewardMean: Double?
    /// Share of positions where both distributions' likeliest token is the same.
    package var teacherAgreement: Double?
    /// Before any clipping.
    package var gradNorm: Double
    package var learningRate: Double
    package var rolloutTokens: Int
    package var trainTokens: Int
    /// Between the sampler's and the trainer's log-probabilities of the rollouts.
    package var logprobDifferenceMax: Double?
    /// Mean T.
    package var rolloutLengthMean: Double?
    /// Share of positions that weigh α; where it is 1, α only scales the token term.
    package var topKShare: Double?
    /// Share of the group's tokens whose ratio was clipped in the last update.
    package var clipFraction: Double?
    package var referenceKlMean: Double?
    package var entropyMean: Double?
    package var replayLoss: Double?
    package var replayKl: Double?

    package init(
        loss: Double, tokenLoss: Double? = nil, sequenceLoss: Double? = nil, klMean: Double? = nil, rewardMean: Double? = nil,
        teacherAgreement: Double? = nil, gradNorm: Double, learningRate: Double, rolloutTokens: Int, trainTokens: Int,
        logprobDifferenceMax: Double? = nil
    ) {
        (self.loss, self.tokenLoss, self.sequenceLoss, self.klMean, self.rewardMean) = (loss, tokenLoss, sequenceLoss, klMean, rewardMean)
        (self.teacherAgreement, self.gradNorm, self.learningRate, self.rolloutTokens) = (teacherAgreement, gradNorm, learningRate, rolloutTokens)
        (self.trainTokens, self.logprobDifferenceMax) = (trainTokens, logprobDifferenceMax)
    }
}

/// What became of one pair.
package struct CordPairOutcome: Codable, Equatable, Sendable {
    package var id: String?
    /// In the request.
    package var index: Int
    package var status: CordPairStatus
    /// Why it was skipped.
    package var reason: String?
    package var audio: HeardAudio?
    package var teacherAnswer: String?
    package var rewardMean: Double?
    package var klMean: Double?
    /// With `include: ["rollouts"]`.
    package var rollouts: [CordRollout]?

    package init(
        id: String? = nil, index: Int, status: CordPairStatus, reason: String? = nil, audio: HeardAudio? = nil, teacherAnswer: String? = nil,
        rewardMean: Double? = nil, klMean: Double? = nil, rollouts: [CordRollout]? = nil
    ) {
        (self.id, self.index, self.status, self.reason, self.audio, self.teacherAnswer) = (id, index, status, reason, audio, teacherAnswer)
        (self.rewardMean, self.klMean, self.rollouts) = (rewardMean, klMean, rollouts)
    }
}

package enum CordPairStatus: String, Codable, CaseIterable, Sendable { case applied, skipped }

/// An answer to the audio that took part.
package struct CordRollout: Codable, Equatable, Sendable {
    /// The term that it belongs to: `token`, `sequence`, `target` or `replay`.
    package var role: String
    package var text: String
    package var tokenCount: Int
    /// `stop` or `length`.
    package var finishReason: String?
    package var reward: Double?
    package var advantage: Double?
    /// With `include: ["tokens"]`.
    package var tokens: [CordToken]?

    package init(role: String, text: String, tokenCount: Int, reward: Double? = nil, advantage: Double? = nil, tokens: [CordToken]? = nil) {
        (self.role, self.text, self.tokenCount, self.reward, self.advantage, self.tokens) = (role, text, tokenCount, reward, advantage, tokens)
    }
}

/// One position of a rollout.
package struct CordToken: Codable, Equatable, Sendable {
    package var token: Int
    package var text: String
    /// The sampler's.
    package var logprob: Double
    /// D_t.
    package var divergence: Double?
    /// w_t.
    package var weight: Double?
    /// Of `POST /v1/cord/score`.
    package var measured: CordMeasures?

    package init(token: Int, text: String, logprob: Double, divergence: Double? = nil, weight: Double? = nil) {
        (self.token, self.text, self.logprob, self.divergence, self.weight) = (token, text, logprob, divergence, weight)
    }
}

/// Seconds.
package struct CordTimings: Codable, Equatable, Sendable {
    package var queue: Double
    package var rollouts: Double
    package var scoring: Double
    package var backward: Double
    package var optimizer: Double
    package var publish: Double
    package var total: Double

    package init(queue: Double, rollouts: Double, scoring: Double, backward: Double, optimizer: Double, publish: Double, total: Double) {
        (self.queue, self.rollouts, self.scoring, self.backward, self.optimizer) = (queue, rollouts, scoring, backward, optimizer)
        (self.publish, self.total) = (publish, total)
    }
}
