package import Foundation
import Generation
import Randomness
import Weights

/// A training over many pairs: epochs of shuffled batches, metrics, checkpoints; it can be stopped anywhere and goes on from the
/// last checkpoint with the same bits.
///
///     directory/metrics.jsonl            one line a step
///     directory/events.out.tfevents.…    the same for TensorBoard, where asked for
///     directory/checkpoints/step-….safetensors
package struct TrainingRun: Sendable {
    package struct Settings: Sendable, Equatable {
        package var batchSize = 8
        /// Ignored where ``steps`` is given.
        package var epochs = 1
        package var steps: Int?
        package var checkpointEvery = 50
        /// Checkpoints kept, the newest.
        package var checkpointsKept = 2
        package var writesEvents = false

        package init() {}
    }

    /// What is told after each step.
    package struct Progress: Sendable {
        package let step: Int
        package let totalSteps: Int
        package let epoch: Int
        /// Nil where no pair of the batch could be used.
        package let report: StepReport?
        /// Why the step was skipped or dropped.
        package let problem: String?
    }

    package let pairs: [TrainingPair]
    package let settings: Settings
    package let directory: URL
    private let content: String?

    /// - Parameter content: ``CheckedPairs/content``, to which a resumed run is held.
    package init(pairs: [TrainingPair], content: String? = nil, settings: Settings, directory: URL) throws {
        if pairs.isEmpty { throw TrainingError.options("there are no pairs") }
        for (name, value) in [
            ("batch size", settings.batchSize), ("epochs", settings.epochs), ("steps", settings.steps ?? 1),
            ("steps between checkpoints", settings.checkpointEvery), ("checkpoints kept", settings.checkpointsKept),
        ] where !(1...1 << 32).contains(value) {
            throw TrainingError.options("\(name): expected 1 to \(1 << 32), found \(value)")
        }
        self.pairs = pairs
        self.content = content
        self.settings = settings
        self.directory = directory
    }

    package var batchesPerEpoch: Int { (pairs.count + settings.batchSize - 1) / settings.batchSize }
    package var totalSteps: Int { settings.steps ?? settings.epochs * batchesPerEpoch }

    /// Trains to the end. Resumes from the newest checkpoint in the directory where there is one. A cancelled task saves a checkpoint
    /// before it throws. A run in which no step could be taken throws at its end.
    package func run(
        _ trainer: Trainer, progress: @Sendable (Progress) async throws -> Void = { _ in }
    ) async throws {
        try FileManager.default.createDirectory(at: checkpoints, withIntermediateDirectories: true)
        let start = try await resume(trainer)
        let seed = await trainer.options.seed
        var log = try MetricsLog(directory: directory, after: start, writesEvents: settings.writesEvents)
        var saved = start
        var problem: String?
        do {
            for step in start..<max(start, totalSteps) {
                try Task.checkCancellation()
                let epoch = step / batchesPerEpoch
                let report: StepReport?
                (report, problem) = try await take(batch(step, seed: seed), trainer)
                try log.append(step: step + 1, epoch: epoch, report, problem: problem)
                if (step + 1) % settings.checkpointEvery == 0 || step + 1 == totalSteps {
                    try await save(trainer, step: step + 1)
                    saved = step + 1
                }
                try await progress(
                    Progress(
                        step: step + 1, totalSteps: totalSteps, epoch: epoch, report: report, problem: problem))
            }
        } catch {
            let steps = await trainer.steps
            if steps > saved { try await save(trainer, step: steps) }
            throw error
        }
        if await trainer.updates == 0, let problem { throw TrainingError.nothingLearnt(reason: problem) }
    }

    private func take(_ batch: [TrainingPair], _ trainer: Trainer) async throws -> (StepReport?, String?) {
        do {
            let report = try await trainer.step(batch)
            return (report, report.dropped)
        } catch let error as TrainingError {
            guard case .noUsablePair = error else { throw error }
            await trainer.skipStep()
            return (nil, "\(error)")
        }
    }

    /// The pairs of a step: every epoch is a permutation of its own.
    package func batch(_ step: Int, seed: UInt64) -> [TrainingPair] {
        let epoch = step / batchesPerEpoch
        var random = RandomStream(seed: seed ^ 0x5eed_0fda_7a00_0000, index: epoch)
        let order = pairs.indices.shuffled(using: &random)
        let first = step % batchesPerEpoch * settings.batchSize
        return order[first..<min(pairs.count, first + settings.batchSize)].map { pairs[$0] }
    }

    private var checkpoints: URL { directory.appendingPathComponent("checkpoints") }

    private func cursor(step: Int) -> DataCursor {
        var digest: UInt64 = 0xcbf2_9ce4_8422_2325
        for pair in pairs {
            for byte in Array(pair.id.utf8) + [0] { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        return DataCursor(
            epoch: step / batchesPerEpoch, batch: step % batchesPerEpoch, batchSize: settings.batchSize,
            pairs: pairs.count, digest: String(digest, radix: 16), content: content)
    }

    private func save(_ trainer: Trainer, step: Int) async throws {
        let digits = String(step)
        let name = "step-" + String(repeating: "0", count: max(0, 7 - digits.count)) + digits + ".safetensors"
        try await trainer.save(to: checkpoints.appendingPathComponent(name), cursor: cursor(step: step))
        for old in try files().dropLast(settings.checkpointsKept) { try FileManager.default.removeItem(at: old) }
    }

    private func resume(_ trainer: Trainer) async throws -> Int {
        guard let newest = try files().last else { return 0 }
        let found = try await trainer.restore(from: newest)
        let step = await trainer.steps
        let conflict = found.map { $0.conflict(with: cursor(step: step)) } ?? "it is no checkpoint of a run"
        if let conflict { throw TrainingError.checkpoint(path: newest.path, reason: conflict) }
        return step
    }

    /// Checkpoints, oldest first.
    private func files() throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: checkpoints, includingPropertiesForKeys: nil)
            .filter { $0.lastPathComponent.hasPrefix("step-") && $0.pathExtension == "safetensors" }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
    }
}
