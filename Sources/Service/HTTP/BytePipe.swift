internal import Synchronization

/// A bounded buffer between the task that produces a body and the connection that sends it.
///
///     write ─▶ [ at most capacity, plus one chunk ] ─▶ read
///     waits while full                                 waits while empty, until `wake`
///
/// Any number of tasks may write; one reader reads.
package final class BytePipe: Sendable {
    private enum End { case finished, failed }

    private struct State {
        var buffer: [UInt8] = []
        var start = 0
        var end: End?
        /// The reader has gone: writers throw.
        var isClosed = false
        var readerWaits = false
        var total = 0
        var nextTicket = 0
        var writers: [Int: CheckedContinuation<Void, any Error>] = [:]

        var count: Int { buffer.count - start }

        mutating func takeWriters() -> [CheckedContinuation<Void, any Error>] {
            defer { writers.removeAll() }
            return Array(writers.values)
        }
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let wake: @Sendable () -> Void

    /// - Parameter wake: Called once for each ``read(into:whenEmpty:)`` that found nothing, when there is something.
    package init(capacity: Int = 64 << 10, wake: @escaping @Sendable () -> Void) {
        self.capacity = capacity
        self.wake = wake
    }

    /// Hands bytes to the reader; suspends while it lags behind.
    ///
    /// - Throws: `CancellationError` when the task is cancelled or the reader has gone.
    package func write(_ bytes: [UInt8]) async throws {
        if bytes.isEmpty { return }
        while true {
            try Task.checkCancellation()
            let (written, wakes) = try state.withLock { state in
                if state.isClosed || state.end != nil { throw CancellationError() }
                guard state.count < capacity else { return (false, false) }
                state.buffer += bytes
                state.total += bytes.count
                defer { state.readerWaits = false }
                return (true, state.readerWaits)
            }
            if wakes { wake() }
            if written { return }
            try await waitForRoom()
        }
    }

    package func write(_ text: String) async throws { try await write(Array(text.utf8)) }

    private func waitForRoom() async throws {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let result: Result<Void, any Error>? = state.withLock { state in
                    // A cancellation before this lock found no continuation to end, so it is looked for here.
                    if state.isClosed || Task.isCancelled { return .failure(CancellationError()) }
                    if state.count < capacity { return .success(()) }
                    state.writers[ticket] = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            state.withLock { $0.writers.removeValue(forKey: ticket) }?.resume(throwing: CancellationError())
        }
    }

    /// No more bytes will come; the reader ends after those in the buffer.
    package func finish() { end(.finished) }

    /// The body broke off: the reader sends what there is and breaks the connection.
    package func fail() { end(.failed) }

    private func end(_ end: End) {
        let wakes = state.withLock { state in
            if state.end == nil { state.end = end }
            defer { state.readerWaits = false }
            return state.readerWaits
        }
        if wakes { wake() }
    }

    /// The reader has gone: waiting and later writers get `CancellationError`.
    package func close() {
        let writers = state.withLock { state in
            state.isClosed = true
            state.buffer = []
            state.start = 0
            return state.takeWriters()
        }
        for writer in writers { writer.resume(throwing: CancellationError()) }
    }

    /// How many bytes were written so far.
    package var total: Int { state.withLock { $0.total } }

    package enum Read: Equatable {
        case bytes(Int)
        case end
        case failed
        case empty
    }

    /// Moves what there is into `target`, without waiting.
    ///
    /// - Parameter whenEmpty: Called under the pipe's lock, so that no write falls between finding nothing and falling
    ///   asleep; `false` refuses to wait and fails the read.
    package func read(into target: UnsafeMutableRawBufferPointer, whenEmpty: () -> Bool) -> Read {
        let (read, writers): (Read, [CheckedContinuation<Void, any Error>]) = state.withLock { state in
            if state.isClosed { return (.failed, []) }
            if state.count == 0 {
                switch state.end {
                case .finished: return (.end, [])
                case .failed: return (.failed, [])
                case nil:
                    state.readerWaits = true
                    return (whenEmpty() ? .empty : .failed, [])
                }
            }
            let count = min(state.count, target.count)
            unsafe target.copyBytes(from: state.buffer[state.start..<state.start + count])
            state.start += count
            if state.start == state.buffer.count {
                state.buffer.removeAll(keepingCapacity: true)
                state.start = 0
            }
            return (.bytes(count), state.count <= capacity / 2 ? state.takeWriters() : [])
        }
        for writer in writers { writer.resume() }
        return read
    }
}
