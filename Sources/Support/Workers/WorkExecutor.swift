/// Runs tasks that block now and then, such as on the disk, on threads of its own instead of Swift's cooperative ones.
///
/// Given as a task's `executorPreference`, all of the task runs here, with its child tasks and the actors it calls, except for
/// actors with executors of their own.
package final class WorkExecutor: TaskExecutor {
    private let threads: WorkerThreads

    package init(name: String, width: Int) { threads = WorkerThreads(name: name, count: width) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        _ = threads.append { [self] in unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
