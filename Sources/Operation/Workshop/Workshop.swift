import API
import Files
import Foundation
package import Jobs
import Judging
import Workers

/// Everything that outlives the process and works on it: the store, its weight versions, the learner and the job runner.
package final class Workshop: Sendable {
    package let store: Store
    package let runner: JobRunner
    package let versions: StoredVersions
    package let learner: Learner
    package let fineTuning: FineTuning
    package let measuring: Measuring
    package let batches: Batches
    package let benchmarks: Benchmarks
    package let clips: Clips
    package let rows: TrainingRows
    let judges: Judges
    package let metrics = TrainingMetrics()
    let runtime: Runtime
    /// What opening the folder did with its contents.
    package let settlement: Settlement
    private let folder: DataFolder

    /// The runner's lanes. Jobs of one lane run one after another.
    package enum Lane {
        package static let training = "training"
        package static let measuring = "measuring"
        package static let batches = "batches"
        package static let all = [training, measuring, batches]
    }

    /// Opens the data folder, repairs what a crash left, and puts the promoted version in force. Blocks.
    ///
    /// - Parameters:
    ///   - store: The folder's store if it is open already; nil opens it.
    ///   - hidden: Folders whose location must not appear in jobs and steps.
    ///   - condition: Told if the promoted version cannot be read; the base weights answer then.
    ///   - refusal: The request refusal that corresponds to an error, for failing gap runs; nil for a fault of the server.
    ///   - answering: Answers the requests of batches.
    /// - Throws: ``DataFolderError`` or `StoreError`.
    package init(
        _ folder: DataFolder, store opened: Store? = nil, runtime: Runtime, settings: WorkshopSettings = WorkshopSettings(),
        hiding hidden: OperatorFolders, condition: Condition = Condition(),
        refusal: @escaping @Sendable (any Error) -> JobFailure? = { _ in nil },
        answering: @escaping BatchAnswering
    ) throws {
        self.folder = folder
        self.runtime = runtime
        store = try opened ?? Store(folder: folder.url, accepting: settings.acceptsStore)
        settlement = try store.settle()
        runner = JobRunner(
            store: store, lanes: Dictionary(uniqueKeysWithValues: Lane.all.map { ($0, settings.jobQueue) }),
            executor: WorkExecutor(name: "jobs", width: 2), publicWords: hidden.hidden)
        versions = try StoredVersions(store: store, runtime: runtime, condition: condition)
        // A full disk must not stop the server from answering. The next start stores them.
        for name in settings.keptAdapters { try? versions.keep(adapter: name) }
        clips = Clips(store: store, folder: settings.audioFolder.map { AllowedFolder($0) })
        rows = TrainingRows(clips: clips)
        judges = Judges(
            engine: runtime.engine, versions: runtime.versions, endpoints: settings.judgeEndpoints, key: settings.judgeKey,
            rewards: settings.rewards)
        learner = Learner(
            store: store, versions: versions, runtime: runtime, judges: judges, clips: clips, folders: hidden,
            metrics: metrics, queue: settings.stepQueue)
        benchmarks = Benchmarks(clips: clips)
        measuring = Measuring(store: store, runtime: runtime, benchmarks: benchmarks, judges: judges, refusal: refusal)
        batches = Batches(store: store, runtime: runtime, window: settings.batchWindow, answering: answering)
        fineTuning = FineTuning(
            store: store, runtime: runtime, versions: versions, judges: judges, clips: clips, metrics: metrics,
            gate: PromotionDecision(store: store, runtime: runtime, versions: versions, measuring: measuring))
    }

    /// Continues interrupted jobs and starts those that wait.
    package func start() async throws {
        await runner.register(kind: FineTuning.kind, lane: Lane.training) { [fineTuning, weak runner] job in
            do { return try await Self.naming("Training") { try await fineTuning.run(job) } } catch let error as RewardError {
                // The job resumes at the same place once the reward is mended.
                try job.event("The job is paused until it is resumed: \(error)", level: .error)
                _ = try await runner?.pause(job.job.id)
                throw CancellationError()
            }
        }
        await runner.register(kind: Measuring.kind, lane: Lane.measuring) { [measuring] job in
            try await Self.naming("Measuring") { try await measuring.run(job) }
        }
        await runner.register(kind: Batches.kind, lane: Lane.batches) { [batches] job in
            try await Self.naming("Answering a batch") { try await batches.run(job) }
        }
        try await runner.start()
    }

    /// Queues a request that passes `check`, or finds the job queued earlier under `key` for the same request. The latter is not checked again: a
    /// retry gets its answer even if something was deleted meanwhile.
    package func submit(
        _ kind: String, id: Identifier, _ wanted: some Encodable & Sendable, key: String?, check: () throws -> Void
    ) async throws -> Job {
        let request = try WireEncoder.encode(wanted)
        if let key, let earlier = try store.job(kind: kind, idempotencyKey: key, request: request) { return earlier }
        try check()
        return try await runner.submit(id: id.random(), kind: kind, request: request, idempotencyKey: key)
    }

    /// Marks failures of the disk, after which the runner tries the job again, apart from failures of the job itself.
    private static func naming(_ attempted: String, _ work: () async throws -> Data) async throws -> Data {
        do { return try await work() } catch {
            throw StoreError(storage: error, attempted: attempted) ?? error
        }
    }

    /// Tells running jobs to save and stop, and waits until they have.
    package func drain() async { await runner.drain() }

    /// Closes the store. Call it when everything has been answered; the folder can then be copied.
    package func close() throws { try store.close() }
}
