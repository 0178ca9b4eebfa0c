import Dispatch
import Foundation
import Synchronization

/// An executor with one thread of its own: training arithmetic never occupies Swift's cooperative threads.
final class TrainingThread: SerialExecutor {
    private let jobs = Mutex<[UnownedJob]>([])
    private let work = DispatchSemaphore(value: 0)

    init() {
        let thread = Thread { [weak self, work] in
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
