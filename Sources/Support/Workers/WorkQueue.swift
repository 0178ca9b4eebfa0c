import Synchronization

/// A bounded queue, with threads of its own, for work that occupies a thread for long, such as decoding.
///
///     run ─ line (bounded) ─ thread: body(cancellation) ─ result
///       └ full: ``Full``        cancelled in the line: leaves it; on a thread: the body looks, block by block
package final class WorkQueue: Sendable {
    /// The queue is full.
    package struct Full: Error, Equatable, CustomStringConvertible {
        package let name: String
        package let waiting: Int

        package var description: String {
            "\(waiting) requests wait for \(name) already, as many as may; try again in a moment."
        }
    }

    private let threads: WorkerThreads
    private let limit: Int
    private let abandons: Bool

    /// - Parameters:
    ///   - name: The name of the work in errors and metrics: `hearing`.
    ///   - width: The most threads.
    ///   - limit: How many calls of ``run(_:)`` may wait for a thread.
    ///   - abandons: Whether a cancelled caller goes on at once, for work that cannot be stopped, as a look-up of a name: such work
    ///     ends in its own time and keeps its thread until then.
    package init(name: String, width: Int, limit: Int = .max, abandons: Bool = false) {
        threads = WorkerThreads(name: name, count: width)
        self.limit = limit
        self.abandons = abandons
    }

    package var name: String { threads.name }
    package var waiting: Int { threads.waiting }

    package func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await run { _ in try body() }
    }

    /// - Throws: What `body` throws; ``Full``; `CancellationError` when the task was cancelled before its turn came.
    package func run<Value: Sendable>(_ body: @escaping @Sendable (Cancellation) throws -> Value) async throws -> Value {
        let call = Call<Value>()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                call.continuation.withLock { $0 = continuation }
                let number = threads.append(limit: limit) {
                    call.end(
                        Result {
                            try call.cancellation.check()
                            return try body(call.cancellation)
                        })
                }
                guard let number else { return call.end(.failure(Full(name: name, waiting: limit))) }
                call.number.store(Int64(bitPattern: number), ordering: .sequentiallyConsistent)
                if call.cancellation.isCancelled { leave(call) }
            }
        } onCancel: {
            call.cancellation.cancel()
            leave(call)
        }
    }

    private func leave<Value>(_ call: Call<Value>) {
        let number = call.number.load(ordering: .sequentiallyConsistent)
        guard number >= 0 else { return }
        if threads.remove(UInt64(number)) || abandons { call.end(.failure(CancellationError())) }
    }

    private final class Call<Value: Sendable>: Sendable {
        let continuation = Mutex<CheckedContinuation<Value, any Error>?>(nil)
        let cancellation = Cancellation()
        /// In the line; below 0 before it has one.
        let number = Atomic<Int64>(-1)

        /// The first end counts.
        func end(_ result: Result<Value, any Error>) {
            let continuation = continuation.withLock { continuation in
                defer { continuation = nil }
                return continuation
            }
            continuation?.resume(with: result)
        }
    }
}

/// Whether the requester of a piece of work has stopped waiting for it.
package final class Cancellation: Sendable {
    private let flag = Atomic(false)

    package init() {}

    package var isCancelled: Bool { flag.load(ordering: .sequentiallyConsistent) }

    package func cancel() { flag.store(true, ordering: .sequentiallyConsistent) }

    /// - Throws: `CancellationError`
    package func check() throws { if isCancelled { throw CancellationError() } }
}
