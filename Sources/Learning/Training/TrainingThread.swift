import Dispatch
import Foundation
import Glibc
import Synchronization

/// An executor with one thread of its own: training arithmetic never occupies Swift's cooperative threads, and answers get the
/// machine first.
final class TrainingThread: SerialExecutor {
    private let jobs = Mutex<[UnownedJob]>([])
    private let work = DispatchSemaphore(value: 0)
    private static let niceness: Int32 = 5

    init() {
        let thread = Thread { [weak self, work] in
            // On Linux a priority belongs to the thread that asks for it.
            _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, Self.niceness)
            while true {
                work.wait()
                guard let self else { return }
                let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
                guard let job else { return }
                unsafe job.runSynchronously(on: asUnownedSerialExecutor())
            }
        }
        thread.name = "cord.training"
        thread.stackSize = 16 << 20
        thread.start()
    }

    // Wakes the thread, which finds nothing to do and ends.
    deinit { work.signal() }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        work.signal()
    }
}
