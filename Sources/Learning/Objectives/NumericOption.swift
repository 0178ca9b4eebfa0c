/// A numeric training option and its range. HTTP steps, jobs and the command line share this one table.
///
/// Defaults are those of ``Objective`` and of the other option types.
package struct NumericOption: Sendable, Equatable {
    /// The name in requests.
    package let name: String
    /// The name on the command line, without dashes.
    package let flag: String
    package let least: Double
    package let most: Double
    package let isInteger: Bool
    /// Whether `most` itself is excluded.
    package let isOpen: Bool

    private init(_ name: String, _ range: ClosedRange<Double>, flag: String? = nil, isInteger: Bool = false, isOpen: Bool = false) {
        self.name = name
        self.flag = flag ?? name.split(separator: "_").joined(separator: "-")
        (least, most) = (range.lowerBound, range.upperBound)
        self.isInteger = isInteger
        self.isOpen = isOpen
    }

    private init(_ name: String, _ range: ClosedRange<Int>, flag: String? = nil) {
        self.init(name, Double(range.lowerBound)...Double(range.upperBound), flag: flag, isInteger: true)
    }

    package func allows(_ value: Double) -> Bool { value >= least && (isOpen ? value < most : value <= most) }

    /// The accepted range, in words.
    package var expected: String {
        func short(_ value: Double) -> String { value.rounded() == value && abs(value) <= 1e15 ? String(Int(value)) : String(value) }
        if isOpen { return "a number of at least \(short(least)), below \(short(most))" }
        if least > 0, least < 1 { return "a number above 0, at most \(short(most))" }
        return "\(isInteger ? "an integer" : "a number") from \(short(least)) to \(short(most))"
    }
}

/// Options of the objective.
extension NumericOption {
    package static let topK = NumericOption("top_k", 0...100_000)
    package static let topKShare = NumericOption("top_k_share", 0.0...1)
    package static let alpha = NumericOption("alpha", 0.0...1000)
    package static let beta = NumericOption("beta", 0.0...1000)
    package static let tokenTemperature = NumericOption("token_temperature", .leastNonzeroMagnitude...10)
    package static let sequenceTemperature = NumericOption("sequence_temperature", .leastNonzeroMagnitude...10)
    package static let teacherTemperature = NumericOption("teacher_temperature", 0.0...10)
    package static let rollouts = NumericOption("rollouts", 1...256)
    package static let maxRolloutTokens = NumericOption("max_rollout_tokens", 1...100_000)
    package static let tokenCoefficient = NumericOption("token_coefficient", 0.0...1e6)
    package static let sequenceCoefficient = NumericOption("sequence_coefficient", 0.0...1e6)
    package static let clipRatio = NumericOption("clip_ratio", 1e-30...10)
    package static let importanceBound = NumericOption("importance_bound", 1e-30...1e6)
    package static let referenceCoefficient = NumericOption("reference_coefficient", 0.0...1e6)
    package static let entropyCoefficient = NumericOption("entropy_coefficient", 0.0...1e6)
    package static let updatesPerRollout = NumericOption("updates_per_rollout", 1...64)
    package static let replayWeight = NumericOption("replay_weight", 0.0...1e6)
    package static let replayTranscripts = NumericOption("replay_transcripts", 0.0...1)

    package static let objective = [
        topK, topKShare, alpha, beta, tokenTemperature, sequenceTemperature, teacherTemperature, rollouts, maxRolloutTokens, tokenCoefficient,
        sequenceCoefficient, clipRatio, importanceBound, referenceCoefficient, entropyCoefficient, updatesPerRollout,
        replayWeight, replayTranscripts,
    ]
}

/// Options of the optimiser and of the adapters. Minima lie above what Float, in which models compute, rounds to 0.
extension NumericOption {
    package static let learningRate = NumericOption("learning_rate", 1e-30...1)
    package static let beta1 = NumericOption("beta1", 0.0...1, isOpen: true)
    package static let beta2 = NumericOption("beta2", 0.0...1, isOpen: true)
    package static let epsilon = NumericOption("epsilon", 1e-30...1)
    package static let weightDecay = NumericOption("weight_decay", 0.0...1)
    package static let maxGradNorm = NumericOption("max_grad_norm", 1e-30...1e9)
    package static let loraRank = NumericOption("lora_rank", 1...4096)
    package static let loraAlpha = NumericOption("lora_alpha", 1e-30...1e6)
    package static let loraDropout = NumericOption("lora_dropout", 0.0...1, isOpen: true)

    package static let optimizer = [
        learningRate, beta1, beta2, epsilon, weightDecay, maxGradNorm, loraRank, loraAlpha, loraDropout,
    ]
}

/// Options of a run over a file, which jobs and the command line have and steps do not.
extension NumericOption {
    package static let batchSize = NumericOption("batch_size", 1...1024)
    package static let epochs = NumericOption("n_epochs", 1...1000, flag: "epochs")
    package static let steps = NumericOption("steps", 1...1_000_000)
    package static let warmupSteps = NumericOption("warmup_steps", 0...1_000_000)
    package static let checkpointEvery = NumericOption("checkpoint_every", 1...1_000_000)
    package static let evalEvery = NumericOption("eval_every", 1...1_000_000)
    package static let replayShare = NumericOption("replay_share", 1e-6...16)

    package static let hyperparameters = [batchSize, epochs, steps, warmupSteps, checkpointEvery, evalEvery, replayShare]

    package static let patience = NumericOption("patience", 1...1_000_000)
    package static let minChange = NumericOption("min_change", 0.0...1e6)

    package static let earlyStopping = [patience, minChange]

    package static let validationPairs = NumericOption("validation_pairs", 1...1 << 32, flag: "eval-pairs")
    package static let keepCheckpoints = NumericOption("keep_checkpoints", 1...1_000_000, flag: "checkpoints")

    package static let job = [validationPairs, keepCheckpoints]
}
