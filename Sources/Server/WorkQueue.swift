import Foundation
import Synchronization

/// Runs what occupies a thread for long, such as decoding, on threads of its own: neither Swift's cooperative threads nor those of
/// the HTTP server nor the engine's wait for it.
final class WorkQueue: Sendable {
    private let queue: OperationQueue

    init(name: String, width: Int) {
        queue = OperationQueue()
        queue.name = name
        queue.maxConcurrentOperationCount = max(1, width)
    }

    /// - Throws: What `body` throws, or `CancellationError` when the task was cancelled before its turn came.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        let isCancelled = Flag()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                queue.addOperation {
                    continuation.resume(
                        with: Result {
                            if isCancelled.value.load(ordering: .relaxed) { throw CancellationError() }
                            return try body()
                        })
                }
            }
        } onCancel: {
            isCancelled.value.store(true, ordering: .relaxed)
        }
    }

    private final class Flag: Sendable { let value = Atomic(false) }
}
