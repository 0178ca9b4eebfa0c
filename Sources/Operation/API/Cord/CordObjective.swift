package import Objectives
package import Weights

/// What a training step minimises, with every parameter at the paper's value (CORD.md; arXiv 2601.16547, equations 2 to 10), and who
/// judges the rollouts.
package struct CordObjective: Codable, Equatable, Sendable {
    package var loss: Objective
    package var judge: JudgeOptions?
    /// A reward callback of the operator's, by name, in the judge's place.
    package var reward: String?

    package init(_ loss: Objective = Objective(), judge: JudgeOptions? = nil) {
        self.loss = loss
        self.judge = judge
    }

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        loss = Objective(try fields.choice("method") ?? .cord)
        loss.topK = try fields.integer(.topK) ?? loss.topK
        loss.topKShare = try fields.number(.topKShare)
        loss.alpha = try fields.number(.alpha) ?? loss.alpha
        loss.beta = try fields.number(.beta) ?? loss.beta
        loss.tokenTemperature = try fields.number(.tokenTemperature) ?? loss.tokenTemperature
        loss.sequenceTemperature = try fields.number(.sequenceTemperature) ?? loss.sequenceTemperature
        loss.teacherTemperature = try fields.number(.teacherTemperature) ?? loss.teacherTemperature
        loss.rollouts = try fields.integer(.rollouts) ?? loss.rollouts
        loss.maxRolloutTokens = try fields.integer(.maxRolloutTokens) ?? loss.maxRolloutTokens
        loss.tokenCoefficient = try fields.number(.tokenCoefficient) ?? loss.tokenCoefficient
        loss.sequenceCoefficient = try fields.number(.sequenceCoefficient) ?? loss.sequenceCoefficient
        loss.teacher = try fields.choice("teacher") ?? loss.teacher
        loss.reference = try fields.choice("reference") ?? loss.reference
        judge = try fields.optional("judge", "an object")
        reward = try fields.text("reward", maxLength: 128)
        if reward != nil, judge != nil { throw fields.invalid("reward", expected: "nothing beside `judge`") }
        if reward != nil, !loss.needs(.rewards, of: .group) {
            throw fields.invalid("reward", expected: "nothing in the method \"\(loss.method.rawValue)\", which has no rewards")
        }
        loss.reduction = try fields.choice("reduction") ?? loss.reduction
        loss.dividesByDeviation = try fields.flag("divide_by_deviation") ?? loss.dividesByDeviation
        loss.clipRatio = try fields.number(.clipRatio)
        loss.normalisation = try fields.choice("normalisation") ?? loss.normalisation
        loss.estimator = try fields.choice("estimator") ?? loss.estimator
        loss.importanceBound = try fields.number(.importanceBound) ?? loss.importanceBound
        loss.referenceCoefficient = try fields.number(.referenceCoefficient) ?? loss.referenceCoefficient
        loss.entropyCoefficient = try fields.number(.entropyCoefficient) ?? loss.entropyCoefficient
        loss.updatesPerRollout = try fields.integer(.updatesPerRollout) ?? loss.updatesPerRollout
        loss.replayWeight = try fields.number(.replayWeight) ?? loss.replayWeight
        loss.replayTranscripts = try fields.number(.replayTranscripts) ?? loss.replayTranscripts
        if loss.replayWeight == 0, loss.replayTranscripts > 0 {
            throw fields.invalid("replay_transcripts", expected: "0 beside the `replay_weight` 0, which replays nothing")
        }
        try fields.end()
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(loss.method, forKey: .method)
        try container.encode(loss.topK, forKey: .topK)
        try container.encodeIfPresent(loss.topKShare, forKey: .topKShare)
        try container.encode(loss.alpha, forKey: .alpha)
        try container.encode(loss.beta, forKey: .beta)
        try container.encode(loss.tokenTemperature, forKey: .tokenTemperature)
        try container.encode(loss.sequenceTemperature, forKey: .sequenceTemperature)
        try container.encode(loss.rollouts, forKey: .rollouts)
        try container.encode(loss.maxRolloutTokens, forKey: .maxRolloutTokens)
        try container.encode(loss.tokenCoefficient, forKey: .tokenCoefficient)
        try container.encode(loss.sequenceCoefficient, forKey: .sequenceCoefficient)
        try container.encode(loss.teacher, forKey: .teacher)
        try container.encode(loss.reference, forKey: .reference)
        try container.encodeIfPresent(judge, forKey: .judge)
        try container.encodeIfPresent(reward, forKey: .reward)
        try container.encode(loss.reduction, forKey: .reduction)
        try container.encode(loss.dividesByDeviation, forKey: .divideByDeviation)
        try container.encodeIfPresent(loss.clipRatio, forKey: .clipRatio)
        // Members that came later, where they say something: what was stored before stays as it is.
        func encode<Value: Encodable & Equatable>(_ value: Value, _ initial: Value, _ key: CodingKeys) throws {
            if value != initial { try container.encode(value, forKey: key) }
        }
        let initial = Objective()
        try encode(loss.teacherTemperature, initial.teacherTemperature, .teacherTemperature)
        try encode(loss.normalisation, initial.normalisation, .normalisation)
        try encode(loss.estimator, initial.estimator, .estimator)
        try encode(loss.importanceBound, initial.importanceBound, .importanceBound)
        try encode(loss.referenceCoefficient, initial.referenceCoefficient, .referenceCoefficient)
        try encode(loss.entropyCoefficient, initial.entropyCoefficient, .entropyCoefficient)
        try encode(loss.updatesPerRollout, initial.updatesPerRollout, .updatesPerRollout)
        try encode(loss.replayWeight, initial.replayWeight, .replayWeight)
        try encode(loss.replayTranscripts, initial.replayTranscripts, .replayTranscripts)
    }

    private enum CodingKeys: String, CodingKey {
        case method, alpha, beta, rollouts, teacher, reference, judge, reward, reduction, topK, tokenTemperature, sequenceTemperature
        case maxRolloutTokens, tokenCoefficient, sequenceCoefficient, divideByDeviation, clipRatio, topKShare, teacherTemperature, normalisation
        case estimator, importanceBound, referenceCoefficient, entropyCoefficient, updatesPerRollout, replayWeight, replayTranscripts
    }
}

/// How parameters move: AdamW, and which of them.
package struct OptimizerOptions: Codable, Equatable, Sendable {
    package enum Module: String, Codable, CaseIterable, Sendable { case decoder, projector, encoder }

    package var learningRate = 3e-5
    package var beta1 = 0.9
    package var beta2 = 0.999
    package var epsilon = 1e-8
    package var weightDecay = 0.01
    /// Gradients are scaled down to this norm; untouched where absent.
    package var maxGradNorm: Double?
    /// The server's default where absent; only counts when a new adapter begins.
    package var loraRank: Int?
    package var loraAlpha: Double?
    /// peft's: whether alpha is over √rank in place of the rank.
    package var useRslora: Bool?
    /// peft's: what of their input adapters do not see while they are trained.
    package var loraDropout: Double?
    /// peft's: linear layers that get adapters, by name or expression; all of what is trained where absent.
    package var targetModules: TargetModules?
    /// peft's: other ranks, by expressions for ends of names.
    package var rankPattern: [String: Int]?
    /// peft's: other alphas, in the same way.
    package var alphaPattern: [String: Double]?
    package var train = [Module.decoder]
    /// Whether the parameters themselves are trained instead of an adapter.
    package var full = false

    package init(learningRate: Double = 3e-5) { self.learningRate = learningRate }

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        learningRate = try fields.number(.learningRate) ?? learningRate
        beta1 = try fields.number(.beta1) ?? beta1
        beta2 = try fields.number(.beta2) ?? beta2
        epsilon = try fields.number(.epsilon) ?? epsilon
        weightDecay = try fields.number(.weightDecay) ?? weightDecay
        maxGradNorm = try fields.number(.maxGradNorm)
        loraRank = try fields.integer(.loraRank)
        loraAlpha = try fields.number(.loraAlpha)
        useRslora = try fields.flag("use_rslora")
        loraDropout = try fields.number(.loraDropout)
        targetModules = try fields.targetModules("target_modules")
        rankPattern = try fields.optional("rank_pattern", "an object of ranks")
        for (pattern, rank) in rankPattern ?? [:] where !(1...4096).contains(rank) || pattern.count > 512 {
            throw fields.invalid("rank_pattern", expected: "ranks from 1 to 4096, by expressions of at most 512 characters")
        }
        alphaPattern = try fields.optional("alpha_pattern", "an object of numbers")
        for (pattern, alpha) in alphaPattern ?? [:] where !NumericOption.loraAlpha.allows(alpha) || pattern.count > 512 {
            throw fields.invalid("alpha_pattern", expected: "alphas above 0, at most 1000000, by expressions of at most 512 characters")
        }
        train = try fields.optional("train", "an array of module names") ?? train
        full = try fields.flag("full") ?? full
        try fields.end()
    }
}

extension Fields {
    /// A regular expression or `all-linear`, or an array of names.
    fileprivate func targetModules(_ name: String) throws -> TargetModules? {
        let expected = "a regular expression, \"all-linear\" or an array of names, of 1 to 1024 characters each"
        guard let targets: TargetModules = try optional(name, expected) else { return nil }
        let texts: [String] =
            switch targets {
            case .allLinear: ["all-linear"]
            case .names(let names): names
            case .expression(let text): [text]
            }
        guard (1...256).contains(texts.count), texts.allSatisfy({ (1...1024).contains($0.unicodeScalars.count) }) else {
            throw invalid(name, expected: expected)
        }
        return targets
    }
}
