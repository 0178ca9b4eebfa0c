import Objectives

/// `POST /v1/fine_tuning/jobs`: OpenAI's request, with the method `cord` beside `supervised`.
package struct FineTuningRequest: WireObject, Encodable, Equatable, Sendable {
    package var model: String
    package var trainingFile: String
    package var validationFile: String?
    package var method: FineTuningMethod
    /// Becomes part of the tuned model's name.
    package var suffix: String?
    package var seed: Int?
    package var metadata: [String: String] = [:]
    package var cord: FineTuningOptions

    package init(model: String, trainingFile: String, method: FineTuningMethod, suffix: String?, cord: FineTuningOptions) {
        (self.model, self.trainingFile, self.method, self.suffix, self.cord) = (model, trainingFile, method, suffix, cord)
    }

    package init(_ fields: Fields) throws {
        model = try fields.name("model")
        trainingFile = try fields.name("training_file", maxLength: 128)
        validationFile = try fields.text("validation_file", maxLength: 128)
        let method: FineTuningMethod? = try fields.optional("method", "an object with a `type`")
        // The older place of OpenAI's supervised hyperparameters.
        let older: Hyperparameters? = try fields.optional("hyperparameters", "an object")
        if method != nil, older != nil {
            throw fields.invalid("hyperparameters", expected: "nothing beside `method`, which has them")
        }
        self.method = method ?? FineTuningMethod(type: .supervised, hyperparameters: older ?? Hyperparameters())
        suffix = try fields.text("suffix", maxLength: 64)
        if let suffix, !suffix.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }) {
            throw fields.invalid("suffix", expected: "letters, digits, `-`, `_` and `.`")
        }
        seed = try fields.integer("seed", in: 0...Int.max)
        metadata = try fields.metadata() ?? metadata
        cord = try fields.optional("cord", "an object") ?? FineTuningOptions()
        try fields.refuse("integrations", because: "no other service is told about a job; its result_files have metrics.jsonl")
    }
}

/// The training method: `{"type": "cord", "cord": {"hyperparameters": {…}}}`.
package struct FineTuningMethod: WireObject, Encodable, Equatable, Sendable {
    package enum Kind: String, Codable, CaseIterable, Sendable { case cord, supervised }

    package var type: Kind
    package var hyperparameters: Hyperparameters

    package init(type: Kind, hyperparameters: Hyperparameters = Hyperparameters()) { (self.type, self.hyperparameters) = (type, hyperparameters) }

    package init(_ fields: Fields) throws {
        type = try fields.requiredChoice("type")
        let told = try fields.object(type.rawValue) { try $0.optional("hyperparameters", "an object", as: Hyperparameters.self) }
        hyperparameters = told.flatMap(\.self) ?? Hyperparameters()
        if type == .supervised, hyperparameters.objective != nil {
            throw WireError.value(
                fields.place("supervised.hyperparameters.objective"), expected: "nothing in the method \"supervised\"",
                found: "an objective")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(type, forKey: .type)
        try container.encode(Body(hyperparameters: hyperparameters), forKey: type == .cord ? .cord : .supervised)
    }

    private enum CodingKeys: String, CodingKey { case type, cord, supervised }

    private struct Body: Encodable { let hyperparameters: Hyperparameters }
}

/// OpenAI's three hyperparameters, each a number or `"auto"` (absent here), and those of this server.
package struct Hyperparameters: WireObject, Encodable, Equatable, Sendable {
    /// How the learning rate changes after the warm-up.
    package enum Schedule: String, Codable, CaseIterable, Sendable { case constant, linear, cosine }

    package var batchSize: Int?
    package var learningRateMultiplier: Double?
    package var nEpochs: Int?
    /// The number of steps, which may be fewer or more than `n_epochs` gives.
    package var steps: Int?
    package var warmupSteps: Int?
    /// Constant if absent. `linear` and `cosine` fall to zero at the job's last step.
    package var schedule: Schedule?
    package var checkpointEvery: Int?
    /// The number of steps between validations; the interval of checkpoints if absent.
    package var evalEvery: Int?
    /// The replay rows of a step, as a share of its pairs.
    package var replayShare: Double?
    package var objective: CordObjective?
    package var optimizer: OptimizerOptions?
    /// If absent, all steps are taken.
    package var earlyStopping: EarlyStoppingOptions?

    package init() {}

    package init(_ fields: Fields) throws {
        func chosen(_ name: String) -> Bool {
            (try? fields.text(name)) != "auto"
        }
        batchSize = chosen("batch_size") ? try fields.integer(.batchSize) : nil
        learningRateMultiplier =
            chosen("learning_rate_multiplier") ? try fields.positive("learning_rate_multiplier", upTo: 1000) : nil
        nEpochs = chosen("n_epochs") ? try fields.integer(.epochs) : nil
        steps = try fields.integer(.steps)
        warmupSteps = try fields.integer(.warmupSteps)
        schedule = try fields.choice("schedule")
        checkpointEvery = try fields.integer(.checkpointEvery)
        evalEvery = try fields.integer(.evalEvery)
        replayShare = try fields.number(.replayShare)
        objective = try fields.optional("objective", "an object")
        optimizer = try fields.optional("optimizer", "an object")
        earlyStopping = try fields.optional("early_stopping", "an object with `patience`")
    }
}

/// The rule by which a job ends before its last step: `{"patience": 3, "criterion": "gap", "min_change": 0.01}`.
package struct EarlyStoppingOptions: WireObject, Encodable, Equatable, Sendable {
    /// The validation measure, which falls as weights improve.
    package enum Criterion: String, Codable, CaseIterable, Sendable {
        /// Typed accuracy minus spoken accuracy.
        case gap
        /// 1 − typed accuracy.
        case textLoss = "text_loss"
        case klMean = "kl_mean"
        case loss
    }

    /// The number of consecutive validations without improvement.
    package var patience: Int
    /// `kl_mean` if absent; `loss` for the method `supervised`.
    package var criterion: Criterion?
    package var minChange: Double?

    package init(_ fields: Fields) throws {
        guard let patience = try fields.integer(.patience) else {
            throw fields.missing("patience", "validations in a row that are not better")
        }
        self.patience = patience
        criterion = try fields.choice("criterion")
        minChange = try fields.number(.minChange)
    }
}

/// The extension `cord` of a job request.
package struct FineTuningOptions: WireObject, Encodable, Equatable, Sendable {
    package var promote: PromotionGate?
    package var tensorboard = false
    /// How many unusable lines of a file may be skipped. None if absent: one such line then fails the job.
    package var maxSkipped: Int?
    /// The number of validation pairs to use, drawn by the seed; all if absent.
    package var validationPairs: Int?
    /// Whether every rollout is written token by token to a result file.
    package var tokenLog: Bool?
    /// How many of the newest checkpoints keep their versions; three if absent.
    package var keepCheckpoints: Int?
    /// Rules that select the checkpoints to keep, instead of a number: `last:N`, `every:N`, `best`.
    package var keep: [String]?
    /// The measure that `best` refers to; that of early stopping if absent.
    package var criterion: EarlyStoppingOptions.Criterion?
    /// The teacher, if it is not the version that the job begins with: another version, or `base` for the model itself.
    package var teacher: String?
    /// The uploaded file of prompts on which the weights are held to the frozen teacher.
    package var replayFile: String?

    package init(promote: PromotionGate? = nil) { self.promote = promote }

    package init(_ fields: Fields) throws {
        promote = try fields.optional("promote", "an object with `if`")
        tensorboard = try fields.flag("tensorboard") ?? tensorboard
        maxSkipped = try fields.integer("max_skipped", in: 0...Int.max)
        validationPairs = try fields.integer(.validationPairs)
        tokenLog = try fields.flag("token_log")
        keepCheckpoints = try fields.integer(.keepCheckpoints)
        keep = try fields.optional("keep", "an array of rules")
        if let keep, !(1...16).contains(keep.count) || keep.contains(where: { $0.count > 32 }) {
            throw fields.invalid("keep", expected: "1 to 16 rules like \"last:3\", \"every:500\" or \"best\"")
        }
        if keep != nil, keepCheckpoints != nil { throw fields.invalid("keep", expected: "nothing beside `keep_checkpoints`") }
        criterion = try fields.choice("criterion")
        teacher = try fields.text("teacher", maxLength: 512)
        if teacher?.isEmpty == true { throw fields.invalid("teacher", expected: "a version's name, or \"base\"") }
        replayFile = try fields.text("replay_file", maxLength: 128)
        if replayFile?.isEmpty == true { throw fields.invalid("replay_file", expected: "the id of an uploaded file") }
    }
}

/// The condition under which a job's version is promoted: `{"if": "gap_reduced", "max_text_drop": points}`.
package struct PromotionGate: WireObject, Encodable, Equatable, Sendable {
    package enum Condition: String, Codable, CaseIterable, Sendable {
        case gapReduced = "gap_reduced"
        case always
    }

    package var condition: Condition
    /// The largest accepted drop of text accuracy, in points.
    package var maxTextDrop = 1.0
    /// The built-in benchmark if absent.
    package var benchmark: String?
    package var limit: Int?
    /// Further sets to measure, which the training should not harm.
    package var retain: [String]?
    /// The largest accepted drop of accuracy on any of them, in points.
    package var maxRetentionDrop: Double?

    package init(_ condition: Condition) { self.condition = condition }

    package init(_ fields: Fields) throws {
        condition = try fields.requiredChoice("if")
        maxTextDrop = try fields.number("max_text_drop", in: 0...100) ?? maxTextDrop
        benchmark = try fields.text("benchmark", maxLength: 512)
        limit = try fields.integer("limit", in: 1...Int.max)
        retain = try fields.sets("retain")
        maxRetentionDrop = try fields.number("max_retention_drop", in: 0...100)
        if maxRetentionDrop != nil, retain?.isEmpty ?? true {
            throw fields.invalid("max_retention_drop", expected: "nothing without `retain`")
        }
    }

    private enum CodingKeys: String, CodingKey {
        case benchmark, limit, maxTextDrop, retain, maxRetentionDrop
        case condition = "if"
    }
}
