import Synchronization

/// The listeners of each job. Stored events are published here under one lock, so that a listener who joins in the middle gets every event once:
/// first those of the store, then new ones.
final class JobEvents: Sendable {
    private struct Listeners {
        var next = 0
        var streams: [String: [Int: AsyncStream<JobEvent>.Continuation]] = [:]
    }

    private let listeners = Mutex(Listeners())

    /// Runs `record` and passes its event to the listeners; the streams end after a final state.
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
    /// - Parameter replay: The stored events, oldest first, and whether the job has ended.
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
                // Not at once, because the end of a stream is also reported while the lock is held.
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

    /// Ends every stream when the server stops.
    func finish() {
        listeners.withLock { listeners in
            for stream in listeners.streams.values.flatMap(\.values) { stream.finish() }
            listeners.streams = [:]
        }
    }
}
