import API
import Foundation
import HTTP
package import Jobs
import Workers

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
    let runtime: Runtime
    /// What opening the folder did with its contents.
    package let settlement: Settlement
    private let folder: DataFolder
    private let paths: ServerPaths

    /// Lanes of the runner: jobs of one lane run one after another.
    package enum Lane {
        package static let training = "training"
        package static let measuring = "measuring"
    }

    /// Opens the data folder, settles what a crash left, and puts the promoted version in force. Blocks.
    ///
    /// - Parameters:
    ///   - store: the folder's, opened already; opened here where nil.
    ///   - condition: told where the promoted version cannot be read; the base weights answer then.
    /// - Throws: ``DataFolderError`` or `StoreError`.
    package init(
        _ folder: DataFolder, store opened: Store? = nil, runtime: Runtime, configuration: ServerConfiguration,
        condition: ServerCondition = ServerCondition()
    ) throws {
        self.folder = folder
        self.runtime = runtime
        paths = ServerPaths(configuration)
        store = try opened ?? Store(folder: folder.url, accepting: configuration.acceptsStore)
        settlement = try store.settle()
        runner = JobRunner(
            store: store, lanes: [Lane.training: configuration.jobQueue, Lane.measuring: configuration.jobQueue],
            executor: WorkExecutor(name: "jobs", width: 2))
        versions = try StoredVersions(store: store, runtime: runtime, condition: condition)
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
            gate: PromotionDecision(store: store, runtime: runtime, versions: versions, measuring: measuring))
    }

    /// Continues interrupted jobs and takes those that wait.
    package func start() async throws {
        await runner.register(kind: FineTuning.kind, lane: Lane.training) { [fineTuning, paths] job in
            try await Self.telling("Training", paths) { try await fineTuning.run(job) }
        }
        await runner.register(kind: Measuring.kind, lane: Lane.measuring) { [measuring, paths] job in
            try await Self.telling("Measuring", paths) { try await measuring.run(job) }
        }
        try await runner.start()
    }

    /// Queues what `check` lets pass, or finds what was queued under `key` for the same request: that is not checked again, so
    /// that a retry gets its answer whatever was deleted meanwhile.
    func submit(
        _ kind: String, id: Identifier, _ wanted: some Encodable & Sendable, key: String?, check: () throws -> Void
    ) async throws -> Job {
        let request = try WireEncoder.encode(wanted)
        if let key, let earlier = try store.job(kind: kind, idempotencyKey: key, request: request) { return earlier }
        try check()
        return try await runner.submit(id: id.random(), kind: kind, request: request, idempotencyKey: key)
    }

    /// Lets the runner know failures of the disk, after which a job is tried again, from its own; what clients read of the latter
    /// names no folder of the operator's.
    private static func telling(_ attempted: String, _ paths: ServerPaths, _ work: () async throws -> Data) async throws -> Data {
        do {
            return try await work()
        } catch let failure as JobFailure {
            throw JobFailure(code: failure.code, message: paths.hidden(in: failure.message))
        } catch {
            if let failure = StoreError(storage: error, attempted: attempted) { throw failure }
            if error is CancellationError || error is StoreError { throw error }
            throw JobFailure(code: "internal_error", message: paths.hidden(in: "\(error)"))
        }
    }

    /// Tells running jobs to save and stop, and returns when they have.
    package func drain() async { await runner.drain() }

    /// Closes the store, after everything has been answered: the folder can be copied then.
    package func close() throws { try store.close() }
}
