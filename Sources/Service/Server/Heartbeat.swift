import Synchronization
import Workers

/// Measures whether tasks are scheduled in time: a task that waits as requests do, on the same timers and threads, records when it ran. A health
/// check reads that record and waits for nothing.
///
///     timer ─ task on the cooperative threads ─ beat ─┐
///     /health on the connection's thread ─────────────┴─ is the last beat too long ago?
package final class Heartbeat: Sendable {
    package static let interval = Duration.milliseconds(200)
    /// The age of the last beat above which requests must be assumed to wait.
    package static let patience = Duration.seconds(2)

    private let origin = SuspendingClock.now
    /// Nanoseconds from the origin to the last beat.
    private let last = Atomic<Int64>(0)
    private let task = Mutex<Task<Void, Never>?>(nil)

    package init() {}

    deinit { stop() }

    /// Starts the beats.
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
