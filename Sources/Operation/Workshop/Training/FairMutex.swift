/// A mutex for tasks that admits them in order of arrival, with a bounded number of waiters.
actor FairMutex {
    private let limit: Int
    private var isTaken = false
    private var next = 0
    private var line: [(number: Int, continuation: CheckedContinuation<Void, any Error>)] = []

    init(limit: Int) { self.limit = limit }

    /// Waits until the caller holds the mutex, until it calls ``leave()``.
    ///
    /// - Throws: ``LineFull``; `CancellationError` if the task is cancelled while it waits.
    func enter() async throws {
        try Task.checkCancellation()
        if !isTaken {
            isTaken = true
            return
        }
        guard line.count < limit else { throw LineFull(waiting: line.count) }
        let number = next
        next += 1
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { line.append((number, $0)) }
        } onCancel: {
            Task { await self.giveUp(number) }
        }
    }

    func leave() {
        if line.isEmpty { isTaken = false } else { line.removeFirst().continuation.resume() }
    }

    private func giveUp(_ number: Int) {
        guard let place = line.firstIndex(where: { $0.number == number }) else { return }
        line.remove(at: place).continuation.resume(throwing: CancellationError())
    }
}

struct LineFull: Error { let waiting: Int }
