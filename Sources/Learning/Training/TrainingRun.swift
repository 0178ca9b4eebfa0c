package import Foundation
import Generation
import Randomness
import Weights

/// A training over many pairs: epochs of shuffled batches, with metrics and checkpoints. It can be stopped anywhere and resumes from the last
/// checkpoint with the same bits.
///
///     directory/run.json                 what the run is (``RunRecord``), written first
///     directory/metrics.jsonl            one line a step
///     directory/validation.jsonl         one line a validation, the first of them before the first step
///     directory/tokens/step-….jsonl      every rollout token by token, where asked for
///     directory/rewards.jsonl            what a ``Reward`` has given
///     directory/events.out.tfevents.…    both for TensorBoard, where asked for
///     directory/checkpoints/step-….safetensors
///     directory/checkpoints/step-…       the adapters of that step as a PEFT directory, where rules keep checkpoints
package struct TrainingRun: Sendable {
    package struct Settings: Sendable, Equatable, Codable {
        package var batchSize = 8
        /// Ignored if ``steps`` is set.
        package var epochs = 1
        package var steps: Int?
        package var checkpointEvery = 50
        /// The number of newest checkpoints to keep.
        package var checkpointsKept = 2
        /// Steps between validations; nil validates only before and after the run.
        package var validateEvery: Int?
        /// The number of validation pairs, drawn once by the seed; nil for all.
        package var validationPairs: Int?
        package var writesEvents = false
        /// Whether the run writes a ``TokenLog``.
        package var writesTokens = false
        /// If nil, the run takes all of its steps.
        package var stopping: EarlyStopping?
        /// Replaces ``checkpointsKept``. Kept checkpoints of adapters are also written as PEFT directories.
        package var keep: [KeepRule]?
        /// The measure that ``KeepRule/best`` refers to.
        package var criterion: Criterion?
        /// The replayed rows of a step, as a share of its pairs; ``defaultReplayShare`` if nil.
        package var replayShare: Double?

        package static let defaultReplayShare = 0.5

        package init() {}
    }

    /// Reported after each step, and for a validation before the first.
    package struct Progress: Sendable {
        package let step: Int
        package let totalSteps: Int
        package let epoch: Int
        /// Nil if no pair of the batch could be used, and before the first step.
        package let report: StepReport?
        /// Why the step was skipped or dropped.
        package let problem: String?
        /// The validation, if one was due.
        package let validation: Validation?
        /// Why the run ends here, before its last step.
        package var stopped: String?

        /// Whether this is the last step.
        package var isLast: Bool { step == totalSteps || stopped != nil }
    }

    package let pairs: [TrainingPair]
    package let validation: [TrainingPair]
    /// Rows of ``RowUse/replay``.
    package let replay: CheckedPairs?
    package let settings: Settings
    package let directory: URL
    let content: String?
    let machine: RunMachine
    let acceptsOtherMachine: Bool

    /// - Parameters:
    ///   - content: ``CheckedPairs/content``, which a resumed run must match.
    ///   - validation: Pairs held out for validation; empty for none.
    ///   - replay: Prompts that are replayed with the pairs.
    ///   - acceptsOtherMachine: Whether to resume a run that began with other kernels, which give other bits.
    package init(
        pairs: [TrainingPair], content: String? = nil, validation: [TrainingPair] = [], replay: CheckedPairs? = nil, settings: Settings,
        directory: URL, machine: RunMachine = .current, acceptsOtherMachine: Bool = false
    ) throws {
        if pairs.isEmpty { throw TrainingError.options("there are no pairs") }
        for (name, value) in [
            ("batch size", settings.batchSize), ("epochs", settings.epochs), ("steps", settings.steps ?? 1),
            ("steps between checkpoints", settings.checkpointEvery), ("checkpoints kept", settings.checkpointsKept),
            ("steps between validations", settings.validateEvery ?? 1), ("pairs of a validation", settings.validationPairs ?? 1),
        ] where !(1...1 << 32).contains(value) {
            throw TrainingError.options("\(name): expected 1 to \(1 << 32), found \(value)")
        }
        try Self.check(settings, validates: !validation.isEmpty)
        self.pairs = pairs
        self.content = content
        self.validation = validation
        self.replay = replay
        self.settings = settings
        self.directory = directory
        self.machine = machine
        self.acceptsOtherMachine = acceptsOtherMachine
    }

    private static func check(_ settings: Settings, validates: Bool) throws(TrainingError) {
        if let stopping = settings.stopping {
            if !validates || settings.validateEvery == nil {
                throw .options("early stopping compares validations: it needs pairs to validate on and the steps between validations")
            }
            if stopping.patience < 1 { throw .options("patience: expected at least 1, found \(stopping.patience)") }
            if !(0...1e6).contains(stopping.minimumChange) {
                throw .options("least change: expected 0 to 1000000, found \(stopping.minimumChange)")
            }
        }
        if let share = settings.replayShare, !(1e-6...16).contains(share) {
            throw .options("share of replayed rows: expected 0.000001 to 16, found \(share)")
        }
        if settings.keep?.contains(.best) == true, !validates || settings.criterion == nil {
            throw .options("the best checkpoint is found by validations: it needs pairs to validate on and a criterion")
        }
    }

    package var batchesPerEpoch: Int { (pairs.count + settings.batchSize - 1) / settings.batchSize }
    package var totalSteps: Int { settings.steps ?? settings.epochs * batchesPerEpoch }

    /// Trains to the end. Resumes from the newest checkpoint in the directory, if there is one. A cancelled task saves a checkpoint before it
    /// throws. A run without a single successful step throws at its end.
    ///
    /// - Parameters:
    ///   - subject: The model and program for ``RunRecord``.
    ///   - skipped: Skipped lines of the manifest.
    @discardableResult
    package func run(
        _ trainer: Trainer, subject: RunRecord.Subject? = nil, skipped: [PairManifest.Problem] = [],
        progress: @Sendable (Progress) async throws -> Void = { _ in }
    ) async throws -> RunResult {
        try FileManager.default.createDirectory(at: checkpoints, withIntermediateDirectories: true)
        let start = try await resume(trainer)
        var record = try await record(trainer, subject, skipped, from: start)
        try record.write(to: directory)
        let seed = await trainer.options.seed
        var log = try MetricsLog(
            directory: directory, after: start, validates: !validation.isEmpty, writesEvents: settings.writesEvents)
        let tokens = settings.writesTokens ? try TokenLog(directory: directory) : nil
        var saved = start
        var problem: String?
        var history = try MetricsLog.validationLines(of: directory).map { (step: $0.step, validation: $0.validation) }
        var end = max(start, totalSteps)
        do {
            if start == 0, let first = try await validate(trainer, step: 0, &log) {
                history.append((0, first))
                try await progress(Progress(step: 0, totalSteps: totalSteps, epoch: 0, report: nil, problem: nil, validation: first))
            }
            for step in start..<max(start, totalSteps) {
                try Task.checkCancellation()
                if try settings.stopping?.reason(after: history.map(\.validation)) != nil {
                    end = step
                    break
                }
                let epoch = step / batchesPerEpoch
                let report: StepReport?
                (report, problem) = try await take(step, seed: seed, trainer)
                try log.append(step: step + 1, epoch: epoch, report, problem: problem)
                if let report { try tokens?.write(step: step + 1, report) }
                let validation = try await validate(trainer, step: step + 1, &log)
                if let validation { history.append((step + 1, validation)) }
                var told = Progress(
                    step: step + 1, totalSteps: totalSteps, epoch: epoch, report: report, problem: problem, validation: validation)
                if step + 1 < totalSteps { told.stopped = try settings.stopping?.reason(after: history.map(\.validation)) }
                let isCompared = validation != nil && settings.keep?.contains(.best) == true
                if (step + 1) % settings.checkpointEvery == 0 || told.isLast || isCompared {
                    try await save(trainer, step: step + 1, best: settings.criterion?.best(of: history))
                    saved = step + 1
                }
                try await progress(told)
            }
        } catch {
            let steps = await trainer.steps
            if steps > saved { try await save(trainer, step: steps, best: settings.criterion?.best(of: history)) }
            throw error
        }
        let updates = await trainer.updates
        if updates == 0, let problem { throw TrainingError.nothingLearnt(reason: problem) }
        let result = RunResult(
            finished: Date(), steps: end, updates: updates, leftOut: try MetricsLog.leftOut(directory),
            validation: try MetricsLog.validation(directory, at: end),
            stopped: end < totalSteps ? try settings.stopping?.reason(after: history.map(\.validation)) : nil)
        record.result = result
        try record.write(to: directory)
        return result
    }

    private func take(_ step: Int, seed: UInt64, _ trainer: Trainer) async throws -> (StepReport?, String?) {
        do {
            let report = try await trainer.step(batch(step, seed: seed), replaying: replayed(step, seed: seed))
            return (report, report.dropped)
        } catch let error as TrainingError {
            guard case .noUsablePair = error else { throw error }
            await trainer.skipStep()
            return (nil, "\(error)")
        }
    }

    /// The validation due after a step; nil if none is due.
    private func validate(_ trainer: Trainer, step: Int, _ log: inout MetricsLog) async throws -> Validation? {
        let isDue = step == 0 || step == totalSteps || settings.validateEvery.map { step % $0 == 0 } ?? false
        guard isDue, !validation.isEmpty else { return nil }
        let result = try await trainer.validate(sample(seed: trainer.options.seed))
        try log.append(step: step, result)
        return result
    }

    /// The pairs of every validation.
    private func sample(seed: UInt64) -> [TrainingPair] {
        guard let count = settings.validationPairs, count < validation.count else { return validation }
        var random = RandomStream(seed: seed, part: "validation")
        return random.sample(count, of: Array(validation.indices)).sorted().map { validation[$0] }
    }

    /// The pairs of a step. Every epoch is a new permutation.
    package func batch(_ step: Int, seed: UInt64) -> [TrainingPair] {
        let epoch = step / batchesPerEpoch
        var random = RandomStream(seed: seed ^ 0x5eed_0fda_7a00_0000, index: epoch)
        let order = pairs.indices.shuffled(using: &random)
        let first = step % batchesPerEpoch * settings.batchSize
        return order[first..<min(pairs.count, first + settings.batchSize)].map { pairs[$0] }
    }

    /// The number of rows replayed per step.
    package var replayedRows: Int { max(1, Int(((settings.replayShare ?? Settings.defaultReplayShare) * Double(settings.batchSize)).rounded())) }

    /// The rows replayed in a step. Every pass over them is a new permutation.
    package func replayed(_ step: Int, seed: UInt64) -> [TrainingPair] {
        guard let rows = replay?.pairs, !rows.isEmpty else { return [] }
        let count = replayedRows
        var (order, pass): ([Int], Int) = ([], -1)
        return (step * count..<(step + 1) * count).map { place in
            if place / rows.count != pass {
                pass = place / rows.count
                var random = RandomStream(seed: RandomStream(seed: seed, part: "replay").first, index: pass)
                order = rows.indices.shuffled(using: &random)
            }
            return rows[order[place % rows.count]]
        }
    }

    /// The record of the run at its start; when resuming, the original one with what was added now.
    private func record(
        _ trainer: Trainer, _ subject: RunRecord.Subject?, _ skipped: [PairManifest.Problem], from start: Int
    ) async throws -> RunRecord {
        let options = await trainer.options
        let pairs = RunRecord.Pairs(
            count: pairs.count, content: content, skipped: skipped, validation: validation.count, replayed: replay?.pairs.count,
            replayedContent: replay?.content)
        let frozen = try await trainer.frozen
        var record = RunRecord(
            subject: subject, machine: machine, options: options, plan: trainer.plan, frozen: frozen.isEmpty ? nil : frozen, settings: settings,
            pairs: pairs)
        guard start > 0 else { return record }
        if let begun = RunRecord(directory: directory) {
            if let now = subject?.modelDigest, let then = begun.subject?.modelDigest, now != then {
                throw TrainingError.checkpoint(
                    path: directory.path, reason: "the run began with other weights of the model \(record.subject?.model ?? "")")
            }
            (record.started, record.subject, record.machine) = (begun.started, begun.subject, begun.machine)
            record.resumptions = begun.resumptions
        }
        record.resumptions.append(RunRecord.Resumption(step: start, date: Date(), software: subject?.software, machine: machine))
        return record
    }

    /// The file in which a run's reward remembers its results.
    package static func rewards(of directory: URL) -> URL { directory.appendingPathComponent("rewards.jsonl") }
}
