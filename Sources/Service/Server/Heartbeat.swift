import Synchronization
import Workers

/// Whether tasks get their turn: a task like those of requests waits as they wait, on the same timers and threads, and notes
/// when it ran. Whoever asks for the server's health reads that note and waits for nothing.
///
///     timer ─ task on the cooperative threads ─ beat ─┐
///     /health on the connection's thread ─────────────┴─ is the last beat too long ago?
package final class Heartbeat: Sendable {
    package static let interval = Duration.milliseconds(200)
    /// The age of the last beat from which requests must be taken to wait.
    package static let patience = Duration.seconds(2)

    private let origin = SuspendingClock.now
    /// Nanoseconds from the origin to the last beat.
    private let last = Atomic<Int64>(0)
    private let task = Mutex<Task<Void, Never>?>(nil)

    package init() {}

    deinit { stop() }

    /// Beats from now on.
    package func start() {
        beat()
        let beating = Task.detached { [weak self] in
            while !Task.isCancelled {
                self?.beat()
                await pause(for: Self.interval)
            }
        }
        task.withLock { running in
            running?.cancel()
            running = beating
        }
    }

    package func stop() { task.withLock { $0?.cancel() } }

    package func beat(at now: SuspendingClock.Instant = .now) { last.store(age(at: now), ordering: .releasing) }

    package func isLate(at now: SuspendingClock.Instant = .now) -> Bool {
        age(at: now) - last.load(ordering: .acquiring) > Int64(Self.patience.inSeconds * 1e9)
    }

    private func age(at now: SuspendingClock.Instant) -> Int64 {
        let (seconds, attoseconds) = (now - origin).components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
