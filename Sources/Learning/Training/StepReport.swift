package import Audio
package import Objectives
package import Tensors

/// What one step did.
package struct StepReport: Sendable {
    /// Steps so far, this one included.
    package let step: Int
    package let metrics: StepMetrics
    /// In the order of the batch.
    package let pairs: [PairOutcome]
    /// Prompts that were replayed beside them.
    package var replays: [PairOutcome] = []
    package let timings: StepTimings
    /// Why the weights were left as they were, or stayed where the updates before had put them; nil where the step was taken.
    package let dropped: String?
}

/// The numbers that a researcher plots, under the names of the HTTP interface. A term that the objective does not have is nil.
package struct StepMetrics: Sendable, Equatable, Codable {
    package var loss = 0.0
    package var tokenLoss: Double?
    package var sequenceLoss: Double?
    /// Mean divergence of the positions that were compared with the teacher, in nats: D_t, or the forward KL for that method.
    package var klMean: Double?
    package var rewardMean: Double?
    /// Share of compared positions where both distributions' likeliest token is the same.
    package var teacherAgreement: Double?
    /// Before any clipping.
    package var gradNorm = 0.0
    package var learningRate = 0.0
    /// Sampled for this step, the teacher's answers not counted.
    package var rolloutTokens = 0
    /// That had a gradient.
    package var trainTokens = 0
    /// Between sampler and trainer, of the same tokens.
    package var logProbabilityDifferenceMax: Double?
    /// Mean T of the step's rollouts.
    package var rolloutLengthMean: Double?
    /// Share of the token term's positions that weigh α: where it is 1, α only scales the term.
    package var topKShare: Double?
    /// Share of the group's tokens whose ratio was clipped, in the step's last update.
    package var clipFraction: Double?
    /// Mean KL(π ‖ first weights) over the group's tokens, where it is part of the loss.
    package var referenceKLMean: Double?
    /// Mean entropy of π over the group's tokens, where it or the KL is part of the loss, in nats.
    package var entropyMean: Double?
    /// The part of the loss that replayed prompts are.
    package var replayLoss: Double?
    /// Mean KL(frozen teacher ‖ π) over the tokens of replayed prompts' answers, in nats.
    package var replayKL: Double?

    /// The numbers under their names, for logs: those that the objective has.
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

/// Seconds.
package struct StepTimings: Sendable, Equatable, Codable {
    package var rollouts = 0.0
    package var scoring = 0.0
    package var backward = 0.0
    package var optimizer = 0.0
    package var total = 0.0
}

/// What became of one pair.
package struct PairOutcome: Sendable {
    package let id: String
    package let index: Int
    /// Why it was left out; nil where it was applied.
    package var reason: String?
    /// What was heard, where the clip could be decoded.
    package var heard: AudioSource?
    /// Embeddings that the clip has in the prompt.
    package var audioTokens = 0
    package var teacherAnswer: String?
    package var rewardMean: Double?
    package var klMean: Double?
    package var rollouts: [RolloutOutcome] = []

    package var isApplied: Bool { reason == nil }
}

/// One answer that took part.
package struct RolloutOutcome: Sendable {
    package let source: AnswerSource
    package let text: String
    /// Before the end of the turn.
    package let tokenCount: Int
    /// Whether it was cut before its end.
    package var isCut = false
    package var reward: Double?
    package var advantage: Double?
    /// Empty for a rollout whose advantage is zero: it was not scored.
    package var tokens: [TokenOutcome] = []
}

/// One position of an answer.
package struct TokenOutcome: Sendable {
    package let token: Int32
    /// The sampler's log-probability, the trainer's where the sampler gave none.
    package let logProbability: Float
    /// D_t, where the position was compared with the teacher.
    package let divergence: Float?
    /// w_t.
    package let weight: Float?
    package let measures: RowMeasures
    /// Whether the measures have a teacher's part, or the reference's.
    package let isCompared: Bool
    /// In the mean over the step's pairs.
    package let coefficients: Coefficients

    /// Constants of ``TokenCoefficients`` at one position.
    package struct Coefficients: Sendable {
        package let reverseKL: Float
        package let forwardKL: Float
        package let logProbability: Float
        package let entropy: Float
    }
}
