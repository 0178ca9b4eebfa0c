import Generation
import Synchronization

/// Tells which answer of a request ends last.
final class Ending: Sendable {
    private let state: Mutex<(left: Int, last: (Int, FinishReason))>

    init(_ count: Int) { state = Mutex((count, (0, .stop))) }

    func isLast(_ choice: Int, _ reason: FinishReason) -> Bool {
        state.withLock { state in
            state.left -= 1
            state.last = (choice, reason)
            return state.left == 0
        }
    }

    var last: (choice: Int, reason: FinishReason) { state.withLock { $0.last } }
}
