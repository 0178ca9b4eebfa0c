package import API
package import Foundation
import Generation
import Hashing
package import Jobs
import Synchronization
import Workers

/// A route's reply to one request of a batch.
package struct BatchReply: Sendable {
    package let status: Int
    /// The JSON of an answer or of an error.
    package let body: Data

    package init(status: Int, body: Data) { (self.status, self.body) = (status, body) }
}

/// Answers a request as its route would, at low priority.
package typealias BatchAnswering = @Sendable (BatchEndpoint, _ body: [UInt8], Runtime) async throws -> BatchReply

/// Batches: the requests of a file, answered a few at a time beside other requests, and two files of answers.
///
///     queued → file read → requests … (answers kept in jobs/ID/answers) → files → succeeded
///
/// An interrupted batch sends what is missing. The job fails if the file cannot be read. Its note tells whether the batch was completed, expired or
/// cancelled.
package final class Batches: Sendable {
    package static let kind = "batch"
    package static let inputPurpose = "batch"
    package static let outputPurpose = "batch_output"
    /// The outcome of a batch, saved with its job.
    package struct Note: Codable {
        package enum Outcome: String, Codable { case completed, expired, cancelled }

        package var inProgressAt: Date?
        package var finalizingAt: Date?
        package var endedAt: Date?
        package var outcome: Outcome?
        package var counts = BatchCounts()
        package var outputFile: String?
        package var errorFile: String?
        /// The models that its lines ask; nil until they have been read.
        var models: [String]?
    }

    private struct Running {
        var counts = BatchCounts()
        var isCancelling = false
    }

    private let store: Store
    private let runtime: Runtime
    /// Seconds from a batch's creation until its remaining requests expire.
    package let window: TimeInterval
    private let answering: BatchAnswering
    private let running = Mutex<[String: Running]>([:])
    private let disk = WorkQueue(name: "batches", width: 1)

    init(store: Store, runtime: Runtime, window: TimeInterval, answering: @escaping BatchAnswering) {
        self.store = store
        self.runtime = runtime
        self.window = window
        self.answering = answering
    }

    /// Refuses what can be refused before the batch is queued.
    package func check(_ wanted: BatchRequest) throws {
        let place = "input_file_id"
        let file: FileRecord
        do { file = try store.file(id: wanted.inputFileId) } catch StoreError.notFound {
            throw WorkshopError(.notFound, "\(place): there is no file \"\(wanted.inputFileId)\"; upload it with POST /v1/files.", at: place)
        }
        guard file.purpose == Self.inputPurpose else {
            throw WorkshopError(
                .invalidValue, "\(place): expected a file of the purpose \"\(Self.inputPurpose)\"; found \"\(file.purpose)\".", at: place)
        }
    }

    /// The unfinished batch that reads the file.
    func job(using file: String) throws -> String? {
        try store.openJobs(kind: Self.kind).first { try JSONDecoder().decode(BatchRequest.self, from: $0.request).inputFileId == file }?.id
    }

    /// The names and ids of the versions that a batch asks, once its lines have been read.
    static func versions(_ job: Job) throws -> [String?] {
        try job.checkpoint.flatMap { try JSONDecoder().decode(Note.self, from: $0).models } ?? []
    }

    /// Stops a batch from sending more requests. A batch that has begun ends with the answers it has; one that has not ends at once.
    ///
    /// - Throws: ``StoreError/conflict(_:)`` if it has already ended.
    package func cancel(_ id: String, _ runner: JobRunner) async throws -> Job {
        let job = try store.job(id: id)
        if job.state.isFinal || !hasBegun(job) { return try await runner.cancel(id) }
        if try cancelling(job) == nil { _ = try store.addEvent(job: id, message: Self.cancelling) }
        running.withLock { $0[id]?.isCancelling = true }
        return job
    }

    private static let cancelling = "The batch is being cancelled"

    private func hasBegun(_ job: Job) -> Bool { job.checkpoint != nil }

    /// When the batch was cancelled; nil if it was not.
    package func cancelling(_ job: Job) throws -> Date? {
        try store.events(job: job.id, limit: 10_000).elements.first { $0.message == Self.cancelling }?.createdAt
    }

    /// The progress of a running batch.
    package func counts(_ job: Job) -> BatchCounts? { running.withLock { $0[job.id]?.counts } }

    private func folder(_ id: String) -> URL { store.folder.appending(path: "jobs/\(id)", directoryHint: .isDirectory) }

    /// The job handler for ``kind``.
    func run(_ context: JobContext) async throws -> Data {
        let (id, wanted) = (context.job.id, try JSONDecoder().decode(BatchRequest.self, from: context.job.request))
        var note = try context.job.checkpoint.map { try JSONDecoder().decode(Note.self, from: $0) } ?? Note()
        let (store, folder) = (store, folder(id))
        let file = try store.file(id: wanted.inputFileId, evenExpired: true)
        let (input, answers) = try await disk.run { cancellation in
            do {
                let content = try store.contents.verified(file.sha256, as: "the file \(file.id)")
                let input = try BatchInput(content, endpoint: wanted.endpoint.rawValue, check: cancellation.check)
                return (input, try BatchAnswers(folder.appending(path: "answers")))
            } catch let error as BatchLineError {
                throw JobFailure(code: error.code, message: error.message)
            }
        }
        if note.inProgressAt == nil { note.inProgressAt = Date() }
        note.models = input.models.sorted()
        // Once everything was sent, the answers may have been removed. The output files then have them, and the note has their counts.
        if note.outcome == nil { note.counts = BatchCounts(total: input.count, completed: answers.counts.completed, failed: answers.counts.failed) }
        try context.save(checkpoint: try JSONEncoder().encode(note))
        running.withLock { [counts = note.counts] in $0[id] = Running(counts: counts) }
        defer { running.withLock { $0[id] = nil } }
        if try cancelling(context.job) != nil { running.withLock { $0[id]?.isCancelling = true } }
        if note.outcome == nil {
            note.outcome = try await ask(input, answers, wanted.endpoint, context)
            note.finalizingAt = Date()
            note.counts = BatchCounts(total: input.count, completed: answers.counts.completed, failed: answers.counts.failed)
            try context.save(checkpoint: try JSONEncoder().encode(note))
        }
        if note.endedAt == nil {
            let lifetime = wanted.outputExpiresAfter?.seconds
            (note.outputFile, note.errorFile) = try await disk.run { [self] in
                (try keep(answers, refused: false, of: id, lifetime), try keep(answers, refused: true, of: id, lifetime))
            }
            note.endedAt = Date()
            try context.save(checkpoint: try JSONEncoder().encode(note))
        }
        try? FileManager.default.removeItem(at: folder)
        return try JSONEncoder().encode(note)
    }

    /// Sends the missing requests, a few at a time.
    private func ask(
        _ input: BatchInput, _ answers: BatchAnswers, _ endpoint: BatchEndpoint, _ context: JobContext
    ) async throws -> Note.Outcome {
        let end = context.job.createdAt + window
        var rest = (0..<input.count).filter { !answers.has($0) }.makeIterator()
        try await withThrowingTaskGroup(of: Void.self) { group in
            func next() {
                guard !isOver(context.job.id, end), let index = rest.next() else { return }
                group.addTask { try await self.ask(input.line(index), endpoint, answers, context, until: end) }
            }
            // A batch takes only a part of the queue, since others ask too.
            for _ in 0..<min(16, max(1, runtime.engine.limits.queue / 4)) { next() }
            while try await group.next() != nil { next() }
        }
        let missing = (0..<input.count).filter { !answers.has($0) }
        if missing.isEmpty { return .completed }
        if running.withLock({ $0[context.job.id]?.isCancelling == true }) { return .cancelled }
        for index in missing {
            let expired = BatchLineError(code: "batch_expired", message: "The request was not asked before the batch's window ended.")
            try answers.append(BatchAnswers.Line(index, input.line(index).customID, reply: nil, error: expired))
        }
        return .expired
    }

    private func isOver(_ id: String, _ end: Date) -> Bool { Date() >= end || running.withLock { $0[id]?.isCancelling == true } }

    private func ask(
        _ line: BatchLine, _ endpoint: BatchEndpoint, _ answers: BatchAnswers, _ context: JobContext, until end: Date
    ) async throws {
        switch line.body {
        case .failure(let error): try answers.append(BatchAnswers.Line(line.index, line.customID, reply: nil, error: error))
        case .success(let body):
            var reply = try await answering(endpoint, body, runtime)
            // The queue is full or the server is stopping: the request can wait.
            while reply.status == 429 || reply.status == 503 {
                try await Task.sleep(for: .seconds(1))
                if isOver(context.job.id, end) { return }
                reply = try await answering(endpoint, body, runtime)
            }
            try Task.checkCancellation()
            try answers.append(BatchAnswers.Line(line.index, line.customID, reply: reply))
        }
        let (completed, failed) = answers.counts
        let total = running.withLock { running in
            running[context.job.id]?.counts.completed = completed
            running[context.job.id]?.counts.failed = failed
            return running[context.job.id]?.counts.total ?? 0
        }
        try context.progress(done: completed + failed, total: total)
    }

    /// Stores one of the two output files; nil if it has no lines. Its id derives from the job's, so a batch that continues after a crash stores
    /// none twice.
    private func keep(_ answers: BatchAnswers, refused: Bool, of job: String, _ lifetime: Int?) throws -> String? {
        let counts = answers.counts
        if (refused ? counts.failed : counts.completed) == 0 { return nil }
        let name = "\(job)_\(refused ? "error" : "output").jsonl"
        let id = "file-" + SHA256.hex(Data(name.utf8)).prefix(20)
        if (try? store.file(id: id, evenExpired: true)) != nil { return id }
        let content = try store.contents.storeFile { try answers.pass(refused: refused, to: $0) }
        return try store.addFile(id: id, purpose: Self.outputPurpose, filename: name, content: content, lifetime: lifetime).id
    }
}
