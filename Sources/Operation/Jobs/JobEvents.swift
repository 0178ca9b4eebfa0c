import Synchronization

/// Who listens to which job. Events that are stored pass through here under one lock, so that a listener who joins in
/// the middle gets every event once: first those of the store, then those that come.
final class JobEvents: Sendable {
    private struct Listeners {
        var next = 0
        var streams: [String: [Int: AsyncStream<JobEvent>.Continuation]] = [:]
    }

    private let listeners = Mutex(Listeners())

    /// Runs `record` and hands what it gives to those who listen; the streams end after a final state.
    func publish(_ record: () throws -> JobEvent) rethrows {
        try listeners.withLock { listeners in
            let event = try record()
            let ends = event.kind == .state && JobState(rawValue: event.message)?.isFinal == true
            for stream in listeners.streams[event.jobID, default: [:]].values {
                stream.yield(event)
                if ends { stream.finish() }
            }
            if ends { listeners.streams[event.jobID] = nil }
        }
    }

    /// The events that `replay` gives, then those that are published; ends with the job.
    ///
    /// - Parameter replay: what the store has, oldest first, and whether the job has ended.
    func stream(job id: String, replay: () throws -> (events: [JobEvent], ended: Bool)) throws -> AsyncStream<JobEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: JobEvent.self)
        try listeners.withLock { listeners in
            let (events, ended) = try replay()
            for event in events { continuation.yield(event) }
            if ended {
                continuation.finish()
                return
            }
            let key = listeners.next
            listeners.next += 1
            listeners.streams[id, default: [:]][key] = continuation
            continuation.onTermination = { [weak self] _ in
                // Not at once: the end of a stream is also told while the lock is held.
                Task { self?.forget(id, key) }
            }
        }
        return stream
    }

    private func forget(_ id: String, _ key: Int) {
        listeners.withLock { listeners in
            listeners.streams[id]?[key] = nil
            if listeners.streams[id]?.isEmpty == true { listeners.streams[id] = nil }
        }
    }

    /// Ends every stream, when the server stops.
    func finish() {
        listeners.withLock { listeners in
            for stream in listeners.streams.values.flatMap(\.values) { stream.finish() }
            listeners.streams = [:]
        }
    }
}
