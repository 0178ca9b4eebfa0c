package import Foundation
import Synchronization

/// A handler's access to its job.
///
/// A handler returns its result, throws a ``JobFailure`` or any other error, or throws `CancellationError` soon after `Task.isCancelled` turns
/// true. Before that it may save a checkpoint, from which a paused job, or one whose server stopped, continues. Continuing from its last checkpoint
/// must give the same result as running without an interruption.
package final class JobContext: Sendable {
    /// The job as it was when this attempt began; the attempt continues from `checkpoint`.
    package let job: Job
    package let store: Store
    private let events: JobEvents
    private let lastWrite: Mutex<ContinuousClock.Instant?> = Mutex(nil)
    private let interval: Duration
    private let publicWords: @Sendable (String) -> String

    init(
        job: Job, store: Store, events: JobEvents, interval: Duration, publicWords: @escaping @Sendable (String) -> String
    ) {
        self.job = job
        self.store = store
        self.events = events
        self.interval = interval
        self.publicWords = publicWords
    }

    /// Reports progress to listeners. The store is updated at most once per interval, and at the end.
    package func progress(done: Int, total: Int) throws {
        let now = ContinuousClock.now
        let due = lastWrite.withLock { last in
            if let last, now - last < interval, done < total { return false }
            last = now
            return true
        }
        guard due else { return }
        try store.progress(job: job.id, attempt: job.attempt, done: done, total: total)
        events.publish {
            JobEvent(
                id: Identifier.event.random(), jobID: job.id, createdAt: Date(), level: .info, kind: .progress,
                message: "\(done) of \(total)", data: Data(#"{"done":\#(done),"total":\#(total)}"#.utf8))
        }
    }

    /// Adds to the job's history.
    package func event(
        _ message: String, level: JobEvent.Level = .info, kind: JobEvent.Kind = .message, data: Data? = nil
    ) throws {
        try events.publish {
            try store.addEvent(job: job.id, level: level, kind: kind, message: publicWords(message), data: data)
        }
    }

    /// Saves the state to continue from, and the version that belongs to it, together or not at all.
    @discardableResult
    package func save(
        checkpoint: Data, step: Int? = nil, version: NewVersion? = nil, metrics: Data? = nil
    ) throws -> WeightVersionRecord? {
        try store.save(
            checkpoint: checkpoint, job: job.id, attempt: job.attempt, step: step, version: version, metrics: metrics)
    }
}

/// The work of one kind of job.
package typealias JobHandler = @Sendable (JobContext) async throws -> Data
