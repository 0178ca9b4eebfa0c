/// Lets one in at a time, in the order of arrival; the others wait in a line of bounded length.
actor FairMutex {
    private let limit: Int
    private var isTaken = false
    private var next = 0
    private var line: [(number: Int, continuation: CheckedContinuation<Void, any Error>)] = []

    init(limit: Int) { self.limit = limit }

    /// Returns when the caller holds the mutex, until ``leave()``.
    ///
    /// - Throws: ``LineFull``; `CancellationError` where the task is cancelled while it waits.
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
