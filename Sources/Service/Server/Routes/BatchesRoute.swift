import API
import Foundation
import HTTP
import Jobs
import Workshop

/// `/v1/batches…`: OpenAI's calls, over files of the purpose `batch`.
enum BatchesRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        let root = "/v1/batches"
        router.post(root, scope: [.measure, .train], bodyLimit: 64 << 10) { request in
            try await refusing {
                let wanted = try WireDecoder.decode(BatchRequest.self, from: Data(request.body))
                let workshop = try server.workshop
                let job = try await workshop.submit(Batches.kind, id: .batch, wanted, key: try CordStepsRoute.key(request)) {
                    try workshop.batches.check(wanted)
                }
                return .json(try WireEncoder.encode(try Batch(job, workshop)))
            }
        }
        router.get(root, scope: [.measure, .train]) { request in
            try await refusing {
                let query = try WireDecoder.decode(PageQuery.self, form: request.query.items)
                let workshop = try server.workshop
                let page = try workshop.store.jobs(
                    kind: Batches.kind, after: query.after, limit: query.limit, ascending: query.order == .ascending)
                let batches = try page.elements.map { try Batch($0, workshop) }
                return .json(try WireEncoder.encode(ListObject(batches, hasMore: page.hasMore)))
            }
        }
        router.get(root + "/{id}", scope: [.measure, .train]) { request in
            try await refusing {
                let workshop = try server.workshop
                return .json(try WireEncoder.encode(try Batch(try job(request, workshop), workshop)))
            }
        }
        router.post(root + "/{id}/cancel", scope: [.measure, .train], bodyLimit: 64 << 10) { request in
            try await refusing {
                let workshop = try server.workshop
                let job = try await workshop.batches.cancel(try job(request, workshop).id, workshop.runner)
                return .json(try WireEncoder.encode(try Batch(job, workshop)))
            }
        }
    }

    private static func job(_ request: Request, _ workshop: Workshop) throws -> Job {
        try workshop.store.job(id: request.parameter("id"), of: Batches.kind, called: "batch")
    }

    /// Answers one request of a batch as its route would.
    static func answer(_ endpoint: BatchEndpoint, _ body: [UInt8], _ runtime: Runtime, _ clips: StoredClips) async throws -> BatchReply {
        do {
            let json =
                switch endpoint {
                case .chatCompletions: try await ChatCompletionsRoute.answer(inBatch: body, runtime, clips)
                case .completions: try await CompletionsRoute.answer(inBatch: body, runtime)
                case .responses: try await ResponsesRoute.answer(inBatch: body, runtime, clips)
                }
            return BatchReply(status: 200, body: json)
        } catch {
            if error is CancellationError { throw error }
            let refusal = HTTPError(refusing: error) ?? HTTPError(500, "The server failed to answer.", code: "internal_error")
            return BatchReply(status: refusal.status, body: Data(refusal.json))
        }
    }
}

extension Batch {
    init(_ job: Job, _ workshop: Workshop) throws {
        func seconds(_ date: Date?) -> Int? { date.map { Int($0.timeIntervalSince1970) } }
        let note = try (job.result ?? job.checkpoint).map { try JSONDecoder().decode(Batches.Note.self, from: $0) }
        let cancelling = try workshop.batches.cancelling(job)
        self.init(
            id: job.id, try JSONDecoder().decode(BatchRequest.self, from: job.request), status: Self.status(job, note, cancelling != nil),
            createdAt: Int(job.createdAt.timeIntervalSince1970),
            expiresAt: Int(job.createdAt.timeIntervalSince1970 + workshop.batches.window))
        if let message = job.error { errors = ListObject([BatchError(code: job.errorCode ?? "error", message: message)]) }
        (outputFileId, errorFileId) = (note?.outputFile, note?.errorFile)
        (inProgressAt, finalizingAt) = (seconds(note?.inProgressAt), seconds(note?.finalizingAt))
        completedAt = status == .completed ? seconds(note?.endedAt) : nil
        expiredAt = status == .expired ? seconds(note?.endedAt) : nil
        failedAt = status == .failed ? seconds(job.finishedAt) : nil
        cancelledAt = status == .cancelled ? seconds(note?.endedAt ?? job.finishedAt) : nil
        cancellingAt = seconds(cancelling) ?? cancelledAt
        requestCounts = workshop.batches.counts(job) ?? note?.counts ?? BatchCounts()
    }

    private static func status(_ job: Job, _ note: Batches.Note?, _ isCancelling: Bool) -> BatchStatus {
        switch job.state {
        case .queued, .running, .paused:
            if note?.finalizingAt != nil { return .finalizing }
            if isCancelling { return .cancelling }
            return note == nil ? .validating : .inProgress
        case .succeeded:
            switch note?.outcome {
            case .completed, nil: return .completed
            case .expired: return .expired
            case .cancelled: return .cancelled
            }
        case .failed: return .failed
        case .cancelled: return .cancelled
        }
    }
}
