/// Every parameter of the CORD objective (CORD.md; arXiv 2601.16547, equations 2 to 10), with the paper's values as defaults.

/// What a training step minimises.
///
///     L = token_coefficient · Σ_t w_t D_t  +  sequence_coefficient · (−1/N Σ_i A_i log π(y_i | audio))
///
/// The baselines are values of `method`; those that draw no audio rollouts ignore the parameters of rollouts by definition.
package struct CordObjective: Codable, Equatable, Sendable {
    package enum Method: String, Codable, CaseIterable, Sendable {
        case cord
        /// On-policy reverse KL alone, without weights.
        case opd
        /// With the position weights only.
        case opdPosition = "opd_position"
        /// With the top-K weights only.
        case opdTopK = "opd_top_k"
        /// With both weights.
        case opdWeighted = "opd_weighted"
        /// The sequence term alone.
        case grpo
        /// KL from the teacher on the teacher's own answers.
        case forwardKL = "forward_kl"
        /// Cross entropy on gold answers.
        case supervised
        /// Cross entropy on the teacher's own answers.
        case selfDistillation = "self_distillation"
    }

    package enum Teacher: String, Codable, CaseIterable, Sendable { case frozen, current }
    package enum Reference: String, Codable, CaseIterable, Sendable { case teacher, gold }
    package enum Reduction: String, Codable, CaseIterable, Sendable { case sum, mean }

    package var method: Method
    /// K: how many positions of the largest divergence are weighted by α.
    package var topK: Int
    /// α.
    package var alpha: Double
    /// β: the position weight falls linearly from it to 1.
    package var beta: Double
    /// Of the rollout of the token term.
    package var tokenTemperature: Double
    /// Of the rollouts of the sequence term.
    package var sequenceTemperature: Double
    /// N.
    package var rollouts: Int
    package var maxRolloutTokens: Int
    package var tokenCoefficient: Double
    package var sequenceCoefficient: Double
    package var teacher: Teacher
    /// What the judge compares a rollout with.
    package var reference: Reference
    package var judge: JudgeOptions?
    /// Over the positions of the token term.
    package var reduction: Reduction
    /// Whether advantages are divided by their standard deviation.
    package var divideByDeviation: Bool
    /// ε of the clipped ratio; no clipping where absent.
    package var clipRatio: Double?

    package init(
        method: Method = .cord, topK: Int = 20, alpha: Double = 2, beta: Double = 2, tokenTemperature: Double = 1,
        sequenceTemperature: Double = 1.5, rollouts: Int = 4, maxRolloutTokens: Int = 200,
        tokenCoefficient: Double = 1, sequenceCoefficient: Double = 1, teacher: Teacher = .frozen,
        reference: Reference = .teacher, judge: JudgeOptions? = nil, reduction: Reduction = .sum,
        divideByDeviation: Bool = false, clipRatio: Double? = nil
    ) {
        self.method = method
        self.topK = topK
        self.alpha = alpha
        self.beta = beta
        self.tokenTemperature = tokenTemperature
        self.sequenceTemperature = sequenceTemperature
        self.rollouts = rollouts
        self.maxRolloutTokens = maxRolloutTokens
        self.tokenCoefficient = tokenCoefficient
        self.sequenceCoefficient = sequenceCoefficient
        self.teacher = teacher
        self.reference = reference
        self.judge = judge
        self.reduction = reduction
        self.divideByDeviation = divideByDeviation
        self.clipRatio = clipRatio
    }

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        method = try fields.choice("method") ?? .cord
        topK = try fields.integer("top_k", in: 0...100000) ?? 20
        alpha = try fields.number("alpha", in: 0...1000) ?? 2
        beta = try fields.number("beta", in: 0...1000) ?? 2
        tokenTemperature = try fields.positive("token_temperature", upTo: 10, atLeast: .leastNonzeroMagnitude) ?? 1
        sequenceTemperature = try fields.positive("sequence_temperature", upTo: 10, atLeast: .leastNonzeroMagnitude) ?? 1.5
        rollouts = try fields.integer("rollouts", in: 1...256) ?? 4
        maxRolloutTokens = try fields.integer("max_rollout_tokens", in: 1...100000) ?? 200
        tokenCoefficient = try fields.number("token_coefficient", in: 0...1000000.0) ?? 1
        sequenceCoefficient = try fields.number("sequence_coefficient", in: 0...1000000.0) ?? 1
        teacher = try fields.choice("teacher") ?? .frozen
        reference = try fields.choice("reference") ?? .teacher
        judge = try fields.optional("judge", "an object")
        reduction = try fields.choice("reduction") ?? .sum
        divideByDeviation = try fields.flag("divide_by_deviation") ?? false
        clipRatio = try fields.positive("clip_ratio", upTo: 10)
        try fields.end()
    }

    private enum CodingKeys: String, CodingKey {
        case method, alpha, beta, rollouts, teacher, reference, judge, reduction
        case topK = "top_k"
        case tokenTemperature = "token_temperature"
        case sequenceTemperature = "sequence_temperature"
        case maxRolloutTokens = "max_rollout_tokens"
        case tokenCoefficient = "token_coefficient"
        case sequenceCoefficient = "sequence_coefficient"
        case divideByDeviation = "divide_by_deviation"
        case clipRatio = "clip_ratio"
    }
}

/// How parameters move: AdamW, and which of them.
package struct OptimizerOptions: Codable, Equatable, Sendable {
    package enum Module: String, Codable, CaseIterable, Sendable { case decoder, projector, encoder }

    package var learningRate: Double
    package var beta1: Double
    package var beta2: Double
    package var epsilon: Double
    package var weightDecay: Double
    /// Gradients are scaled down to this norm; untouched where absent.
    package var maxGradNorm: Double?
    /// The server's default where absent; only counts when a new adapter begins.
    package var loraRank: Int?
    package var loraAlpha: Double?
    package var train: [Module]
    /// Whether the parameters themselves are trained instead of an adapter.
    package var full: Bool

    package init(
        learningRate: Double = 3e-5, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 0.01, maxGradNorm: Double? = nil, loraRank: Int? = nil, loraAlpha: Double? = nil,
        train: [Module] = [.decoder], full: Bool = false
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.maxGradNorm = maxGradNorm
        self.loraRank = loraRank
        self.loraAlpha = loraAlpha
        self.train = train
        self.full = full
    }

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        learningRate = try fields.positive("learning_rate", upTo: 1) ?? 3e-5
        beta1 = try fields.number("beta1", in: 0...1) ?? 0.9
        beta2 = try fields.number("beta2", in: 0...1) ?? 0.999
        for (name, value) in [("beta1", beta1), ("beta2", beta2)] where value == 1 {
            throw fields.invalid(name, expected: "a number of at least 0, below 1")
        }
        epsilon = try fields.positive("epsilon", upTo: 1) ?? 1e-8
        weightDecay = try fields.number("weight_decay", in: 0...1) ?? 0.01
        maxGradNorm = try fields.positive("max_grad_norm", upTo: 1e9)
        loraRank = try fields.integer("lora_rank", in: 1...4096)
        loraAlpha = try fields.positive("lora_alpha", upTo: 1e6)
        train = try fields.optional("train", "an array of module names") ?? [.decoder]
        full = try fields.flag("full") ?? false
        try fields.end()
    }

    private enum CodingKeys: String, CodingKey {
        case beta1, beta2, epsilon, train, full
        case learningRate = "learning_rate"
        case weightDecay = "weight_decay"
        case maxGradNorm = "max_grad_norm"
        case loraRank = "lora_rank"
        case loraAlpha = "lora_alpha"
    }
}
