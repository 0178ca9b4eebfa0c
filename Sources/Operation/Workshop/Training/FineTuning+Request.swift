package import API
import Generation
import Jobs
import Objectives
import Training

/// Validation of a job request.
extension FineTuning {
    /// Refuses what can be refused before the job is queued.
    package func check(_ wanted: FineTuningRequest) throws {
        let parent = try versions.record(wanted.model)
        for (parameter, id) in [
            ("training_file", wanted.trainingFile), ("validation_file", wanted.validationFile), ("cord.replay_file", wanted.cord.replayFile),
        ] {
            guard let id else { continue }
            do { _ = try store.file(id: id) } catch StoreError.notFound {
                throw WorkshopError(.notFound, "\(parameter): there is no file \"\(id)\"; upload it with POST /v1/files.", at: parameter)
            }
        }
        let optimizer = wanted.method.hyperparameters.optimizer ?? OptimizerOptions()
        try optimizer.refuseUnused()
        try recipe(wanted).check(optimizer, against: try parent.map { try versions.version($0) }, in: runtime.model.model)
        if wanted.method.hyperparameters.earlyStopping != nil, wanted.validationFile == nil {
            throw WorkshopError(.missingValue, "early_stopping compares validations: give a validation_file.", at: "validation_file")
        }
        if wanted.method.hyperparameters.evalEvery != nil, wanted.validationFile == nil {
            throw WorkshopError(.missingValue, "eval_every is the steps between validations: give a validation_file.", at: "validation_file")
        }
        if wanted.method.hyperparameters.replayShare != nil, wanted.cord.replayFile == nil {
            throw WorkshopError(.missingValue, "replay_share is of the rows of a file: give a cord.replay_file.", at: "cord.replay_file")
        }
        if wanted.cord.replayFile != nil, try recipe(wanted).options.objective.replayWeight == 0 {
            throw WorkshopError(
                .invalidValue, "cord.replay_file: expected nothing beside the `replay_weight` 0, which replays nothing.", at: "cord.replay_file")
        }
        if try Self.rules(wanted).contains(.best), wanted.validationFile == nil {
            throw WorkshopError(.missingValue, "The best checkpoint is found by validations: give a validation_file.", at: "validation_file")
        }
        _ = try teacher(wanted)
        if wanted.cord.teacher != nil, try recipe(wanted).options.objective.teacher == .current {
            throw WorkshopError(
                .invalidValue, "cord.teacher: expected nothing beside the teacher `current`, which is the weights as they are.", at: "cord.teacher")
        }
        _ = try judges.reward(wanted.method.hyperparameters.objective?.reward)
        if let wanted = wanted.cord.promote { try gate.check(wanted) }
    }

    func recipe(_ wanted: FineTuningRequest) throws -> TrainingRecipe {
        let hyper = wanted.method.hyperparameters
        var objective = hyper.objective ?? CordObjective()
        if wanted.method.type == .supervised { objective.loss.method = .supervised }
        var optimizer = hyper.optimizer ?? OptimizerOptions()
        optimizer.learningRate *= hyper.learningRateMultiplier ?? 1
        return try TrainingRecipe(objective, optimizer, seed: wanted.seed)
    }

    /// The version that teaches instead of the parent; nil for the base, and if the job names none.
    func teacher(_ wanted: FineTuningRequest) throws -> WeightVersionRecord? {
        guard let name = wanted.cord.teacher, name != "base" else { return nil }
        if name.hasPrefix("http://") || name.hasPrefix("https://") {
            throw WorkshopError(
                .invalidValue,
                "cord.teacher: expected a version's name or \"base\"; a server asks no address that a client names. cord train has --teacher-endpoint.",
                at: "cord.teacher")
        }
        return try versions.record(name)
    }

    /// The rules for which checkpoints keep their versions.
    static func rules(_ wanted: FineTuningRequest) throws(WorkshopError) -> [KeepRule] {
        guard let keep = wanted.cord.keep else { return [.last(wanted.cord.keepCheckpoints ?? 3)] }
        return try keep.enumerated().map { index, text throws(WorkshopError) in
            if let rule = KeepRule(text) { return rule }
            let place = "cord.keep[\(index)]"
            throw WorkshopError(.invalidValue, "\(place): expected last:N, every:N or best, found \"\(text)\".", at: place)
        }
    }

    static func criterion(_ wanted: FineTuningRequest, for objective: Objective) -> Criterion {
        Criterion(wanted.cord.criterion ?? wanted.method.hyperparameters.earlyStopping?.criterion, for: objective)
    }
}

extension Schedule.Shape {
    init(_ schedule: Hyperparameters.Schedule) {
        self =
            switch schedule {
            case .constant: .constant
            case .linear: .linear
            case .cosine: .cosine
            }
    }
}

extension Criterion {
    init(_ wanted: EarlyStoppingOptions.Criterion?, for objective: Objective) {
        self =
            switch wanted {
            case .gap: .gap
            case .textLoss: .textLoss
            case .klMean: .klMean
            case .loss: .loss
            case nil: objective.reads(.gold) ? .loss : .klMean
            }
    }
}

extension EarlyStopping {
    init(_ wanted: EarlyStoppingOptions, for objective: Objective) {
        self.init(Criterion(wanted.criterion, for: objective), patience: wanted.patience, minimumChange: wanted.minChange ?? 0)
    }
}
