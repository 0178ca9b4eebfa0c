import Dispatch
import Foundation
import Glibc
import Synchronization
import Workers

/// An executor with its own thread, so that training never occupies Swift's cooperative threads. Its low priority lets answers use the machine
/// first.
final class TrainingThread: SerialExecutor {
    private let jobs = Mutex<[UnownedJob]>([])
    private let work = DispatchSemaphore(value: 0)
    private static let niceness: Int32 = 5

    init() {
        Thread.start("cord.training", stackSize: 16 << 20) { [weak self, work] in
            // On Linux a priority belongs to the calling thread.
            _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, Self.niceness)
            while true {
                work.wait()
                guard let self else { return }
                let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
                guard let job else { return }
                unsafe job.runSynchronously(on: asUnownedSerialExecutor())
            }
        }
    }

    // Wakes the thread, which finds no work and ends.
    deinit { work.signal() }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        work.signal()
    }
}
