package import Foundation
import Synchronization

/// What a handler is given: its job, and the ways to tell how it goes.
///
/// A handler returns its result, throws a ``JobFailure`` or any other error, or throws `CancellationError` soon after
/// `Task.isCancelled` turns true. Before that it may save a checkpoint: a paused job, or one whose server stops,
/// continues from it. A handler must give the same result from its last checkpoint as without the interruption.
package final class JobContext: Sendable {
    /// As it was when this attempt began; `checkpoint` is what to continue from.
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

    /// Tells listeners how far the work is. The store is told at most once per interval, and at the end.
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

    /// Saves what to continue from, and the version of that moment with it: both or neither.
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
