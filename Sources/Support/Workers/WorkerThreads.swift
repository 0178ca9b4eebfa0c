import Dispatch
import Foundation
import Glibc
import Synchronization

/// Threads that take jobs from a line, in the order of arrival. They are separate, so that work which blocks or computes on them keeps
/// neither Swift's cooperative threads nor Dispatch's from the tasks, timers and signals that need those.
///
/// A thread starts when a job comes and all others are busy, and all end with the value.
package final class WorkerThreads: Sendable {
    private struct Job {
        let number: UInt64
        let run: @Sendable () -> Void
    }

    private struct Line {
        var jobs: [Job] = []
        var next: UInt64 = 0
        var threads = 0
        var busy = 0
        var hasEnded = false
    }

    /// The state that the threads share. They do not retain the value itself, so that its end can end them.
    private final class Shared: Sendable {
        let line = Mutex(Line())
        let bell = DispatchSemaphore(value: 0)

        func work() {
            while true {
                bell.wait()
                let (job, ends) = line.withLock { line -> (Job?, Bool) in
                    if line.hasEnded { return (nil, true) }
                    if line.jobs.isEmpty { return (nil, false) }
                    line.busy += 1
                    return (line.jobs.removeFirst(), false)
                }
                if ends { return }
                // The bell rang for a job that has left the line.
                guard let job else { continue }
                job.run()
                line.withLock { $0.busy -= 1 }
            }
        }
    }

    package let name: String
    /// The most threads.
    package let count: Int
    private let niceness: Int32
    private let shared = Shared()

    /// - Parameter niceness: The scheduling priority below that of the threads that answer. Many threads then share the remaining time: a short job
    ///   beside long ones ends soon, in the kernel's order.
    package init(name: String, count: Int, niceness: Int32 = 10) {
        self.name = name
        self.count = max(1, count)
        self.niceness = niceness
    }

    deinit {
        let threads = shared.line.withLock { line in
            line.hasEnded = true
            return line.threads
        }
        for _ in 0..<threads { shared.bell.signal() }
    }

    /// Jobs in the line.
    package var waiting: Int { shared.line.withLock { $0.jobs.count } }

    /// Puts a job in the line.
    ///
    /// - Parameter limit: How many may wait for a thread.
    /// - Returns: Its number; nil if the line is full.
    func append(limit: Int = .max, _ run: @escaping @Sendable () -> Void) -> UInt64? {
        let (number, isNew) = shared.line.withLock { line -> (UInt64?, Bool) in
            let inHand = line.busy + line.jobs.count
            guard inHand < count || inHand - count < limit else { return (nil, false) }
            line.jobs.append(Job(number: line.next, run: run))
            line.next += 1
            let isNew = line.threads < count && inHand >= line.threads
            if isNew { line.threads += 1 }
            return (line.next - 1, isNew)
        }
        if isNew { start() }
        if number != nil { shared.bell.signal() }
        return number
    }

    /// Takes a job out of the line; false where a thread has it already.
    func remove(_ number: UInt64) -> Bool {
        shared.line.withLock { line in
            guard let place = line.jobs.firstIndex(where: { $0.number == number }) else { return false }
            line.jobs.remove(at: place)
            return true
        }
    }

    private func start() {
        Thread.start("cord.\(name)") { [shared, niceness] in
            // On Linux a priority belongs to the thread that asks for it.
            _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, niceness)
            shared.work()
        }
    }
}
