package import Foundation

/// Runs stored jobs: one after another within a lane, lanes in parallel.
///
///     submit → store (queued) → lane → handler(context) → store (succeeded | failed)
///                 ↑ start(): jobs that ran when the process ended, from their checkpoint
///
/// Every state is stored before it is acted upon, so a crash at any moment loses nothing: `start` continues. Cancelling and pausing are recorded at
/// once; the handler is told through its task, and its late result is dropped. If the disk fails a job, the job returns to the queue, and its lane
/// tries again after a delay that doubles up to a minute.
package actor JobRunner {
    private struct Running {
        let job: String
        let attempt: Int
        let task: Task<Void, Never>
    }

    private struct Lane {
        let limit: Int
        var running: Running?
        /// The number of consecutive failures of the disk, and whether the lane is waiting for the disk.
        var diskFailures = 0
        var isResting = false
    }

    private let store: Store
    private let events = JobEvents()
    private let progressInterval: Duration
    private let retryDelay: Duration
    private let executor: (any TaskExecutor)?
    private let publicWords: @Sendable (String) -> String
    private var lanes: [String: Lane]
    private var handlers: [String: (lane: String, run: JobHandler)] = [:]
    private var started = false
    private var draining = false

    /// - Parameters:
    ///   - lanes: The names of the lanes, and how many jobs may wait in each.
    ///   - progressInterval: The interval at which a handler's progress is stored.
    ///   - retryDelay: The delay before the runner tries again after a disk failure.
    ///   - executor: Runs the handlers; nil for the cooperative threads.
    ///   - publicWords: Turns a handler's messages and failures into what clients may read.
    package init(
        store: Store, lanes: [String: Int], progressInterval: Duration = .milliseconds(250),
        retryDelay: Duration = .seconds(5), executor: (any TaskExecutor)? = nil,
        publicWords: @escaping @Sendable (String) -> String = { $0 }
    ) {
        self.store = store
        self.lanes = lanes.mapValues { Lane(limit: $0, running: nil) }
        self.progressInterval = progressInterval
        self.retryDelay = retryDelay
        self.executor = executor
        self.publicWords = publicWords
    }

    /// Sets the handler of a kind. Call it before `start`.
    package func register(kind: String, lane: String, handler: @escaping JobHandler) {
        precondition(!started, "The handler of \(kind) is registered after the start")
        precondition(lanes[lane] != nil, "The lane \(lane) of \(kind) does not exist; there are \(lanes.keys.sorted())")
        handlers[kind] = (lane, handler)
    }

    /// Continues interrupted jobs, then starts waiting ones.
    ///
    /// - Returns: The ids of the interrupted jobs.
    @discardableResult
    package func start() throws -> [String] {
        let interrupted = try store.requeueInterrupted()
        started = true
        for lane in lanes.keys.sorted() { startNext(lane) }
        return interrupted
    }

    /// Stores a job and runs it when its lane is free. It is on disk when this returns.
    ///
    /// - Throws: ``QueueFull``; ``StoreError/keyReused(_:)``; ``StoreError/conflict(_:)`` while draining.
    package func submit(
        id: String, kind: String, request: Data, total: Int = 0, idempotencyKey: String? = nil
    ) throws -> Job {
        guard let handler = handlers[kind] else { preconditionFailure("No handler for jobs of the kind \(kind)") }
        guard !draining else { throw StoreError.conflict("The server is stopping and takes no more jobs.") }
        let job = try store.addJob(
            id: id, kind: kind, lane: handler.lane, request: request, total: total, idempotencyKey: idempotencyKey,
            limit: lanes[handler.lane]!.limit + (lanes[handler.lane]!.running == nil ? 1 : 0))
        startNext(handler.lane)
        return try store.job(id: job.id)
    }

    /// Ends the job now, whatever its handler is still doing.
    ///
    /// - Throws: ``StoreError/conflict(_:)`` if it has already ended.
    package func cancel(_ id: String) throws -> Job { try stop(id, .cancelled) }

    /// Takes the job out of its lane until ``resume(_:)``. Its handler may save a checkpoint before it ends.
    package func pause(_ id: String) throws -> Job { try stop(id, .paused) }

    /// Puts a paused job back into its lane.
    package func resume(_ id: String) throws -> Job {
        let job = try move(id, to: .queued)
        startNext(job.lane)
        return try store.job(id: id)
    }

    /// The job's history from the beginning, then new events, until the job ends.
    package func events(_ id: String) throws -> AsyncStream<JobEvent> {
        try events.stream(job: id) {
            (
                try store.events(job: id, limit: Int(Int32.max), ascending: true).elements,
                try store.job(id: id).state.isFinal
            )
        }
    }

    /// Waits until the job has ended.
    package func finished(_ id: String) async throws -> Job {
        for await _ in try events(id) {}
        return try store.job(id: id)
    }

    /// The number of waiting and running jobs in each lane.
    package func load() throws -> [String: (waiting: Int, running: Int)] {
        try Dictionary(
            uniqueKeysWithValues: lanes.map { name, lane in
                (name, (try store.queue(lane: name).count, lane.running == nil ? 0 : 1))
            })
    }

    /// Accepts no more jobs, tells running ones to save and stop, and waits for them. They continue at the next start.
    package func drain() async {
        draining = true
        let running = lanes.values.compactMap(\.running)
        for entry in running { entry.task.cancel() }
        for entry in running { await entry.task.value }
        events.finish()
    }

    private func stop(_ id: String, _ state: JobState) throws -> Job {
        let job = try move(id, to: state)
        if let running = lanes[job.lane]?.running, running.job == id { running.task.cancel() }
        return job
    }

    @discardableResult
    private func move(
        _ id: String, to state: JobState, attempt: Int? = nil, result: Data? = nil, failure: JobFailure? = nil,
        reason: String? = nil
    ) throws -> Job {
        let failure = failure.map { JobFailure(code: $0.code, message: publicWords($0.message)) }
        var job: Job?
        try events.publish {
            job = try store.move(
                job: id, to: state, attempt: attempt, result: result, failure: failure, reason: reason.map(publicWords))
            return try store.events(job: id, limit: 1).elements[0]
        }
        return job!
    }

    private func startNext(_ lane: String) {
        guard started, !draining, lanes[lane]?.running == nil, lanes[lane]?.isResting == false else { return }
        do {
            for id in try store.queue(lane: lane) {
                guard let handler = handlers[try store.job(id: id).kind] else {
                    // A kind from another version of the program is reported and not run.
                    try move(id, to: .cancelled)
                    continue
                }
                let job = try move(id, to: .running)
                let context = JobContext(job: job, store: store, events: events, interval: progressInterval, publicWords: publicWords)
                let task = Task(executorPreference: executor) { [weak self] in
                    let outcome: Result<Data, any Error>
                    do { outcome = .success(try await handler.run(context)) } catch { outcome = .failure(error) }
                    await self?.end(job, outcome)
                }
                lanes[lane]?.running = Running(job: id, attempt: job.attempt, task: task)
                return
            }
        } catch {
            retry { $0.startNext(lane) }
        }
    }

    private func end(_ job: Job, _ outcome: Result<Data, any Error>) {
        do {
            try settle(job, outcome)
        } catch let error as StoreError {
            if case .conflict = error {
                // The job was cancelled, paused or restarted meanwhile, so this attempt's result no longer counts.
            } else {
                // The disk fails: the result is kept in memory until it can be stored.
                return retry { $0.end(job, outcome) }
            }
        } catch {
            return retry { $0.end(job, outcome) }
        }
        if lanes[job.lane]?.running?.attempt == job.attempt, lanes[job.lane]?.running?.job == job.id {
            lanes[job.lane]?.running = nil
        }
        if case .failure(let error as StoreError) = outcome, error.isOfTheDisk { rest(job.lane) } else { lanes[job.lane]?.diskFailures = 0 }
        startNext(job.lane)
    }

    /// Starts nothing in the lane for a while.
    private func rest(_ lane: String) {
        let failures = lanes[lane]?.diskFailures ?? 0
        lanes[lane]?.diskFailures += 1
        lanes[lane]?.isResting = true
        retry(after: min(retryDelay * (1 << min(failures, 20)), max(retryDelay, .seconds(60)))) {
            $0.lanes[lane]?.isResting = false
            $0.startNext(lane)
        }
    }

    private func settle(_ job: Job, _ outcome: Result<Data, any Error>) throws {
        switch outcome {
        case .success(let result):
            try move(job.id, to: .succeeded, attempt: job.attempt, result: result)
        case .failure(is CancellationError) where draining:
            try move(job.id, to: .queued, attempt: job.attempt)
        case .failure(let failure as JobFailure):
            try move(job.id, to: .failed, attempt: job.attempt, failure: failure)
        case .failure(let error as StoreError) where error.isOfTheDisk:
            try move(job.id, to: .queued, attempt: job.attempt, reason: error.description)
        case .failure(let error as StoreError):
            let failure = JobFailure(code: error.isOfContent ? "content_damaged" : "storage_error", message: error.description)
            try move(job.id, to: .failed, attempt: job.attempt, failure: failure)
        case .failure(let error):
            let failure = JobFailure(code: "internal_error", message: "\(error)")
            try move(job.id, to: .failed, attempt: job.attempt, failure: failure)
        }
    }

    private func retry(after delay: Duration? = nil, _ action: @escaping @Sendable (isolated JobRunner) -> Void) {
        guard !draining else { return }
        let delay = delay ?? retryDelay
        Task { [weak self] in
            try? await Task.sleep(for: delay)
            if let self { await self.perform(action) }
        }
    }

    private func perform(_ action: @Sendable (isolated JobRunner) -> Void) { action(self) }
}
