package import Audio
package import Objectives
package import Tensors

/// The result of one step.
package struct StepReport: Sendable {
    /// The number of steps so far, including this one.
    package let step: Int
    package let metrics: StepMetrics
    /// In the order of the batch.
    package let pairs: [PairOutcome]
    /// The prompts that were replayed.
    package var replays: [PairOutcome] = []
    package let timings: StepTimings
    /// Why the weights did not change, or kept the state of an earlier update; nil if the step was taken.
    package let dropped: String?
}

/// The metrics that researchers plot, under the names of the HTTP interface. Terms that the objective does not have are nil.
package struct StepMetrics: Sendable, Equatable, Codable {
    package var loss = 0.0
    package var tokenLoss: Double?
    package var sequenceLoss: Double?
    /// The mean divergence over the positions compared with the teacher, in nats: D_t, or the forward KL for that method.
    package var klMean: Double?
    package var rewardMean: Double?
    /// The share of compared positions where both distributions have the same likeliest token.
    package var teacherAgreement: Double?
    /// The gradient norm before clipping.
    package var gradNorm = 0.0
    package var learningRate = 0.0
    /// Tokens sampled for this step, without the teacher's answers.
    package var rolloutTokens = 0
    /// Tokens with a gradient.
    package var trainTokens = 0
    /// The largest difference between sampler and trainer for the same token.
    package var logProbabilityDifferenceMax: Double?
    /// The mean length T of the step's rollouts.
    package var rolloutLengthMean: Double?
    /// The share of the token term's positions with weight α. At 1, α only scales the term.
    package var topKShare: Double?
    /// The share of the group's tokens whose ratio was clipped in the step's last update.
    package var clipFraction: Double?
    /// The mean KL(π ‖ initial weights) over the group's tokens, if it is part of the loss.
    package var referenceKLMean: Double?
    /// The mean entropy of π over the group's tokens in nats, if it or the KL is part of the loss.
    package var entropyMean: Double?
    /// The part of the loss that comes from replayed prompts.
    package var replayLoss: Double?
    /// The mean KL(frozen teacher ‖ π) over the answer tokens of replayed prompts, in nats.
    package var replayKL: Double?

    /// The objective's numbers by name, for logs.
    package var values: [(name: String, value: Double)] {
        [
            ("loss", loss), ("token_loss", tokenLoss), ("sequence_loss", sequenceLoss), ("kl_mean", klMean), ("reward_mean", rewardMean),
            ("teacher_agreement", teacherAgreement), ("grad_norm", gradNorm), ("learning_rate", learningRate),
            ("logprob_difference_max", logProbabilityDifferenceMax), ("rollout_length_mean", rolloutLengthMean), ("top_k_share", topKShare),
            ("clip_fraction", clipFraction), ("reference_kl_mean", referenceKLMean), ("entropy_mean", entropyMean),
            ("replay_loss", replayLoss), ("replay_kl", replayKL),
        ].compactMap { name, value in value.map { (name, $0) } }
    }

    private enum CodingKeys: String, CodingKey {
        case loss
        case tokenLoss = "token_loss"
        case sequenceLoss = "sequence_loss"
        case klMean = "kl_mean"
        case rewardMean = "reward_mean"
        case teacherAgreement = "teacher_agreement"
        case gradNorm = "grad_norm"
        case learningRate = "learning_rate"
        case rolloutTokens = "rollout_tokens"
        case trainTokens = "train_tokens"
        case logProbabilityDifferenceMax = "logprob_difference_max"
        case rolloutLengthMean = "rollout_length_mean"
        case topKShare = "top_k_share"
        case clipFraction = "clip_fraction"
        case referenceKLMean = "reference_kl_mean"
        case entropyMean = "entropy_mean"
        case replayLoss = "replay_loss"
        case replayKL = "replay_kl"
    }
}

/// Durations in seconds.
package struct StepTimings: Sendable, Equatable, Codable {
    package var rollouts = 0.0
    package var scoring = 0.0
    package var backward = 0.0
    package var optimizer = 0.0
    package var total = 0.0
}

/// The outcome of one pair.
package struct PairOutcome: Sendable {
    package let id: String
    package let index: Int
    /// Why the pair was skipped; nil if it was used.
    package var reason: String?
    /// The decoded clip's source, if it could be decoded.
    package var heard: AudioSource?
    /// The number of embeddings of the clip in the prompt.
    package var audioTokens = 0
    package var teacherAnswer: String?
    package var rewardMean: Double?
    package var klMean: Double?
    package var rollouts: [RolloutOutcome] = []

    package var isApplied: Bool { reason == nil }
}

/// An answer that took part.
package struct RolloutOutcome: Sendable {
    package let source: AnswerSource
    package let text: String
    /// The number of tokens before the end of the turn.
    package let tokenCount: Int
    /// Whether the answer was cut before its end.
    package var isCut = false
    package var reward: Double?
    package var advantage: Double?
    /// Empty for a rollout with zero advantage, which was not scored.
    package var tokens: [TokenOutcome] = []
}

/// One position of an answer.
package struct TokenOutcome: Sendable {
    package let token: Int32
    /// The sampler's log-probability, or the trainer's if the sampler gave none.
    package let logProbability: Float
    /// D_t, if the position was compared with the teacher.
    package let divergence: Float?
    /// w_t.
    package let weight: Float?
    package let measures: RowMeasures
    /// Whether the measures include the teacher's or the reference's.
    package let isCompared: Bool
    /// The coefficients, in the mean over the step's pairs.
    package let coefficients: Coefficients

    /// The constants of ``TokenCoefficients`` at one position.
    package struct Coefficients: Sendable {
        package let reverseKL: Float
        package let forwardKL: Float
        package let logProbability: Float
        package let entropy: Float
    }
}
