package import Objectives
package import Weights

/// The objective of a training step, and the judge of its rollouts. Every parameter defaults to the paper's value (CORD.md; arXiv 2601.16547,
/// equations 2 to 10).
package struct CordObjective: WireObject, Encodable, Equatable, Sendable {
    package var loss: Objective
    package var judge: JudgeOptions?
    /// The name of an operator's reward callback, used instead of the judge.
    package var reward: String?

    package init(_ loss: Objective = Objective(), judge: JudgeOptions? = nil) { (self.loss, self.judge) = (loss, judge) }

    package init(_ fields: Fields) throws {
        loss = Objective(try fields.choice("method") ?? .cord)
        for member in Self.members { try member.read(&loss, fields) }
        if let (option, expected) = loss.contradiction { throw fields.invalid(option.name, expected: expected) }
        judge = try fields.optional("judge", "an object")
        reward = try fields.text("reward", maxLength: 128)
        if reward != nil, judge != nil { throw fields.invalid("reward", expected: "nothing beside `judge`") }
        if reward != nil, !loss.needs(.rewards, of: .group) {
            throw fields.invalid("reward", expected: "nothing in the method \"\(loss.method.rawValue)\", which has no rewards")
        }
        if loss.replayWeight == 0, loss.replayTranscripts > 0 {
            throw fields.invalid("replay_transcripts", expected: "0 beside the `replay_weight` 0, which replays nothing")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Fields.Name.self)
        try container.encode(loss.method, forKey: Fields.Name(stringValue: "method"))
        for member in Self.members { try member.write(loss, &container) }
        try container.encodeIfPresent(judge, forKey: Fields.Name(stringValue: "judge"))
        try container.encodeIfPresent(reward, forKey: Fields.Name(stringValue: "reward"))
    }

    /// The members of the loss besides its method.
    private static var members: [Member] {
        [
            .integer(.topK, \.topK), Member("top_k_share", \.topKShare, isLater: true) { try $0.number(.topKShare) },
            .number(.alpha, \.alpha), .number(.beta, \.beta), .number(.tokenTemperature, \.tokenTemperature),
            .number(.sequenceTemperature, \.sequenceTemperature), .number(.teacherTemperature, \.teacherTemperature, isLater: true),
            .integer(.rollouts, \.rollouts), .integer(.maxRolloutTokens, \.maxRolloutTokens),
            .number(.tokenCoefficient, \.tokenCoefficient), .number(.sequenceCoefficient, \.sequenceCoefficient),
            Member("teacher", \.teacher) { try $0.choice("teacher") }, Member("reference", \.reference) { try $0.choice("reference") },
            Member("reduction", \.reduction) { try $0.choice("reduction") },
            Member("divide_by_deviation", \.dividesByDeviation) { try $0.flag("divide_by_deviation") },
            Member("clip_ratio", \.clipRatio, isLater: true) { try $0.number(.clipRatio) },
            Member("normalisation", \.normalisation, isLater: true) { try $0.choice("normalisation") },
            Member("estimator", \.estimator, isLater: true) { try $0.choice("estimator") },
            .number(.importanceBound, \.importanceBound, isLater: true), .number(.referenceCoefficient, \.referenceCoefficient, isLater: true),
            .number(.entropyCoefficient, \.entropyCoefficient, isLater: true), .integer(.updatesPerRollout, \.updatesPerRollout, isLater: true),
            .number(.replayWeight, \.replayWeight, isLater: true), .number(.replayTranscripts, \.replayTranscripts, isLater: true),
        ]
    }

    /// One member of the wire and of ``Objective``. Later members are written only if they differ from their default, so stored objectives keep
    /// their bytes.
    private struct Member {
        let read: (inout Objective, Fields) throws -> Void
        let write: (Objective, inout KeyedEncodingContainer<Fields.Name>) throws -> Void

        init<Value: Encodable & Equatable>(
            _ name: String, _ path: WritableKeyPath<Objective, Value>, isLater: Bool = false, _ value: @escaping (Fields) throws -> Value?
        ) {
            read = { loss, fields in if let value = try value(fields) { loss[keyPath: path] = value } }
            write = { loss, container in
                if isLater, loss[keyPath: path] == Objective()[keyPath: path] { return }
                try container.encode(loss[keyPath: path], forKey: Fields.Name(stringValue: name))
            }
        }

        static func number(_ option: NumericOption, _ path: WritableKeyPath<Objective, Double>, isLater: Bool = false) -> Member {
            Member(option.name, path, isLater: isLater) { try $0.number(option) }
        }

        static func integer(_ option: NumericOption, _ path: WritableKeyPath<Objective, Int>, isLater: Bool = false) -> Member {
            Member(option.name, path, isLater: isLater) { try $0.integer(option) }
        }
    }
}

/// The optimiser, AdamW, and the parameters that it updates.
package struct OptimizerOptions: WireObject, Encodable, Equatable, Sendable {
    package enum Module: String, Codable, CaseIterable, Sendable { case decoder, projector, encoder }

    package var learningRate = 3e-5
    package var beta1 = 0.9
    package var beta2 = 0.999
    package var epsilon = 1e-8
    package var weightDecay = 0.01
    /// The norm to which gradients are clipped; absent for no clipping.
    package var maxGradNorm: Double?
    /// The server's default if absent. It matters only when a new adapter begins.
    package var loraRank: Int?
    package var loraAlpha: Double?
    /// peft's: whether the scale is alpha / √rank instead of alpha / rank.
    package var useRslora: Bool?
    /// peft's: the dropout probability of the adapters' input during training.
    package var loraDropout: Double?
    /// peft's: the linear layers that get adapters, by name or expression; all trained layers if absent.
    package var targetModules: TargetModules?
    /// peft's: ranks that differ, by expressions for the ends of module names.
    package var rankPattern: [String: Int]?
    /// peft's: alphas that differ, in the same way.
    package var alphaPattern: [String: Double]?
    package var train = [Module.decoder]
    /// Whether the parameters themselves are trained instead of an adapter.
    package var full = false

    package init(learningRate: Double = 3e-5) { self.learningRate = learningRate }

    package init(_ fields: Fields) throws {
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
