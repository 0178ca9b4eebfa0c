import Foundation
import HTTP
package import Jobs

/// Everything that outlives the process and what works on it: the store, its weight versions, the learner, the job runner.
package final class Workshop: Sendable {
    package let store: Store
    package let runner: JobRunner
    package let versions: StoredVersions
    package let learner: Learner
    package let fineTuning: FineTuning
    package let measuring: Measuring
    let clips: Clips
    let judges: Judges
    let metrics = TrainingMetrics()
    private let folder: DataFolder

    /// Lanes of the runner: jobs of one lane run one after another.
    package enum Lane {
        package static let training = "training"
        package static let measuring = "measuring"
    }

    /// Opens the data folder, sweeps what a crash left, and puts the promoted version in force. Blocks.
    ///
    /// - Throws: ``DataFolderError``, `StoreError`, or why the promoted version cannot be read.
    package init(_ folder: DataFolder, runtime: Runtime, configuration: ServerConfiguration) throws {
        self.folder = folder
        store = try Store(folder: folder.url)
        try store.collectGarbage()
        runner = JobRunner(
            store: store, lanes: [Lane.training: configuration.jobQueue, Lane.measuring: configuration.jobQueue])
        versions = try StoredVersions(store: store, runtime: runtime)
        clips = Clips(store: store, folder: configuration.audioFolder)
        judges = Judges(
            engine: runtime.engine, versions: runtime.versions, endpoints: configuration.judgeEndpoints,
            key: configuration.judgeKey)
        learner = Learner(
            store: store, versions: versions, runtime: runtime, judges: judges, clips: clips, metrics: metrics,
            queue: configuration.stepQueue)
        measuring = Measuring(store: store, runtime: runtime, judges: judges)
        fineTuning = FineTuning(
            store: store, runtime: runtime, versions: versions, judges: judges, clips: clips, metrics: metrics,
            gate: PromotionDecision(store: store, runtime: runtime, versions: versions))
    }

    /// Continues interrupted jobs and takes those that wait.
    package func start() async throws {
        await runner.register(kind: FineTuning.kind, lane: Lane.training) { [fineTuning] in try await fineTuning.run($0) }
        await runner.register(kind: Measuring.kind, lane: Lane.measuring) { [measuring] in try await measuring.run($0) }
        try await runner.start()
    }

    /// Tells running jobs to save and stop, and returns when they have.
    package func drain() async { await runner.drain() }
}
