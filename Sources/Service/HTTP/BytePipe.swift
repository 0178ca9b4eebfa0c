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
        /// The reader has gone; writers throw.
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

    /// - Parameter wake: Called when bytes arrive, once for each ``read(into:whenEmpty:)`` that found nothing.
    package init(capacity: Int = 64 << 10, wake: @escaping @Sendable () -> Void) {
        self.capacity = capacity
        self.wake = wake
    }

    /// Passes bytes to the reader; suspends while the buffer is full.
    ///
    /// - Throws: `CancellationError` if the task is cancelled or the reader has gone.
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
                    // A cancellation before this lock found no continuation to resume, so it is checked here.
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

    /// Ends the body; the reader ends after the buffered bytes.
    package func finish() { end(.finished) }

    /// Aborts the body; the reader sends the buffered bytes and breaks the connection.
    package func fail() { end(.failed) }

    private func end(_ end: End) {
        let wakes = state.withLock { state in
            if state.end == nil { state.end = end }
            defer { state.readerWaits = false }
            return state.readerWaits
        }
        if wakes { wake() }
    }

    /// Called when the reader has gone: current and later writers get `CancellationError`.
    package func close() {
        let writers = state.withLock { state in
            state.isClosed = true
            state.buffer = []
            state.start = 0
            return state.takeWriters()
        }
        for writer in writers { writer.resume(throwing: CancellationError()) }
    }

    /// The number of bytes written so far.
    package var total: Int { state.withLock { $0.total } }

    package enum Read: Equatable {
        case bytes(Int)
        case end
        case failed
        case empty
    }

    /// Moves the buffered bytes into `target`, without waiting.
    ///
    /// - Parameter whenEmpty: Called under the pipe's lock, so that no write can come between finding nothing and suspending; `false` refuses to
    ///   wait and fails the read.
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
