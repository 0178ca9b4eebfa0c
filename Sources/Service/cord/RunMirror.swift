import Synchronization
import Training

/// Keeps a mirror abreast of a run without holding it up: a mirror that fails is told of once, and caught up with later.
final class RunMirror: Sendable {
    private struct State {
        var sending: Task<Void, Never>?
        var isTold = false
    }

    private let mirror: MLflowMirror
    private let state = Mutex(State())

    init(_ mirror: MLflowMirror) { self.mirror = mirror }

    /// Sends what is new in the background, unless that is going on already.
    func follow() {
        state.withLock { state in
            guard state.sending == nil else { return }
            state.sending = Task {
                await send(nil)
                self.state.withLock { $0.sending = nil }
            }
        }
    }

    /// Sends the rest, and how the run ended.
    func end(_ status: MLflowMirror.Status) async {
        await state.withLock { $0.sending }?.value
        await send(status)
    }

    private func send(_ status: MLflowMirror.Status?) async {
        do { try await mirror.send(status) } catch {
            let isFirst = state.withLock { state in
                defer { state.isTold = true }
                return !state.isTold
            }
            if isFirst || status != nil {
                Terminal.say("MLflow has not been told everything: \(error). The run's own files have it; cord train mirror DIR sends the rest.")
            }
        }
    }
}
